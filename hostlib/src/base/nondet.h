/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nondet.h - the one door through which time and chance enter a guest.
 *
 * Recording and replaying a guest would be added here and nowhere else.  (Host functions' results
 * go through sandbox/host.c's reply, rdtsc and rdrand do not exist for a replayed guest.)
 */
#ifndef HL_NONDET_H
#define HL_NONDET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

int nondet_random(void *buf, size_t size); /* 0 or -errno */
int nondet_clock(int clock, struct timespec *time);
int nondet_clock_resolution(int clock, struct timespec *resolution);
/*
 * Sleep to `until` of CLOCK_MONOTONIC or CLOCK_REALTIME (NULL: without end) while *word is `seen`.
 * True when that time has come; false: look again.
 */
bool nondet_wait(int clock, const struct timespec *until, _Atomic uint32_t *word, uint32_t seen);

#endif
