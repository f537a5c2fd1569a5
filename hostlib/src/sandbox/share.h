/* SPDX-License-Identifier: Apache-2.0 */
/* share.h - mappings of the host's files in a sandbox (hl/share.h is the public part). */
#ifndef HL_SHARE_INTERNAL_H
#define HL_SHARE_INTERNAL_H

#include <hl/share.h>

/* For a restore: undo the guest's changes to mappings.  MEMORY. */
int share_restore(struct hl_sandbox *sb, struct hl_error *error);
void share_free(struct hl_sandbox *sb);

#endif
