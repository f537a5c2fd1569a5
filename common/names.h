/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - what has a name of a few letters. */
#ifndef COMMON_NAMES_H
#define COMMON_NAMES_H

/* "r-x", of HL_PROT_ bits; returns text. */
const char *prot_text(unsigned prot, char text[4]);

/* "SEGV"; "?" for a number that has no name. */
const char *signal_name(int number);

#endif
