/* SPDX-License-Identifier: Apache-2.0 */
/* profile_text.h - names that can do no harm, and numbers for people. */
#ifndef DEV_PROFILE_TEXT_H
#define DEV_PROFILE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define PROFILE_TEXT_MAX 1000 /* bytes of a name that are kept */

/*
 * A copy escaped by utf8_escape(): it can go to a terminal, into XML and into any line of text.
 * free() it; NULL: no memory.
 */
char *profile_text_clean(const char *text);

enum { PROFILE_NUMBER = 32 };

/* "812 ns", "12.3 us", "1.23 ms", "4.56 s" */
const char *profile_time(char buf[PROFILE_NUMBER], uint64_t ns);
/* "812", "12.3 KiB", "1.00 MiB" */
const char *profile_bytes(char buf[PROFILE_NUMBER], uint64_t bytes);
/* "12.3%", "-" of nothing */
const char *profile_percent(char buf[PROFILE_NUMBER], uint64_t part, uint64_t whole);

#endif
