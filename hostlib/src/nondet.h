/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nondet.h - the one door through which time and chance enter a guest.
 *
 * Recording and replaying a guest would be added here and nowhere else.  (Host functions' results
 * go through host.c's reply, rdtsc and rdrand do not exist for a replayed guest.)
 */
#ifndef HL_NONDET_H
#define HL_NONDET_H

#include <stddef.h>
#include <time.h>

int nondet_random(void *buf, size_t size); /* 0 or -errno */
int nondet_clock(int clock, struct timespec *time);
int nondet_clock_resolution(int clock, struct timespec *resolution);

#endif
