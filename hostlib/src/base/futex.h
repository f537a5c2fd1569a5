/* SPDX-License-Identifier: Apache-2.0 */
/* futex.h - a word that one thread of this process sleeps on, and others change to wake it. */
#ifndef HL_FUTEX_H
#define HL_FUTEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/*
 * Sleep until `until` of CLOCK_MONOTONIC or CLOCK_REALTIME (NULL: without end) while *word is
 * `seen`. True when that time has come; false: the word is another, a wake or a signal came.
 */
bool futex_wait_until(_Atomic uint32_t *word, uint32_t seen, int clock,
                      const struct timespec *until);
/* After the word has been changed: one sleeper. */
void futex_wake(_Atomic uint32_t *word);

#endif
