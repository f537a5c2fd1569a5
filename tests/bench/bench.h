/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what `make bench` measures, and how one figure is described. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>

#include <hl/sandbox.h>

#include "raw.h"

/*
 * One figure: ours and its floor are sampled in turn, in one process, each round in the other
 * order, so that whatever disturbs the machine disturbs both.  A sample is in `unit`.
 */
struct figure {
    const char *id;
    const char *what, *floor_what;
    const char *unit;
    double target; /* of ours / floor; of ours itself where `absolute`; 0: for information */
    int absolute;  /* there may still be a floor, to compare with */
    int divisor;   /* rounds are ROUNDS / divisor, 3 at the least */
    void (*begin)(void);
    double (*ours)(void);
    double (*floor)(void); /* NULL: none */
    void (*end)(void);
    /* filled by bench.c */
    double *sample[2];
    int rounds;
};

extern struct figure life_figures[], call_figures[], transfer_figures[], memory_figures[],
    profile_figures[];
/* Before the first of life_figures, which finds nothing of libhl's set up. */
void life_prepare(void);
extern const size_t life_count, call_count, transfer_count, memory_count, profile_count;

/* What every figure works on. */
struct bench {
    const char *path;
    struct hl_image *image;
    int kvm;          /* the floors' own /dev/kvm */
    size_t slot_size; /* bytes of memory of a sandbox of this image */
};
extern struct bench bench;

double now_us(void);
double median(double *values, int n); /* sorts them */
void check(int rc, const struct hl_error *error);

/* NEW -> READY, with the host functions of the conformance guest that are used here. */
struct hl_sandbox *sandbox_new(void);
void sandbox_ready(struct hl_sandbox *sb);
void echo(struct hl_sandbox *sb);

#endif
