/* SPDX-License-Identifier: Apache-2.0 */
/* kick.h - the signal that breaks KVM_RUN (public part: hl_kick_signal() in hl/machine.h). */
#ifndef HL_KICK_H
#define HL_KICK_H

/* Install the handler, once a process.  0 or HL_ERR_SYSTEM. */
int kick_install(void);

#endif
