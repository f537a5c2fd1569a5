/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.h - a limit on what the symbols and debug information of one guest may cost.
 *
 * Each hl_symbols has one.  Every loop over the contents of a file takes steps from it, and every
 * table built from them takes bytes.  Once the budget is spent it stays so: results found so far
 * are kept, and debug information gives no more answers.
 */
#ifndef HL_BUDGET_H
#define HL_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* HL_SYMBOLS_SECONDS and HL_SYMBOLS_BYTES in hl/symbols.h: a step takes 15 ns at most. */
#define BUDGET_STEPS ((uint64_t)1 << 27)
/* An ordinary look-up takes fewer steps, and is free, however many there are. */
#define BUDGET_QUESTION 1024
/* A system call, and a byte that is read, inflated or summed, in steps. */
#define BUDGET_SYSCALL 256
#define BUDGET_COPY(bytes) ((bytes) / 8)

struct hl_budget {
    uint64_t steps, bytes; /* left */
    uint64_t free;         /* steps of this look-up that are not counted */
    bool spent;
};

static inline void budget_ask(struct hl_budget *budget)
{
    budget->free = BUDGET_QUESTION;
}

static inline bool budget_take(struct hl_budget *budget, uint64_t steps)
{
    if (budget->spent)
        return false;
    if (steps <= budget->free) {
        budget->free -= steps;
        return true;
    }
    steps -= budget->free;
    budget->free = 0;
    budget->spent = steps > budget->steps;
    budget->steps -= budget->spent ? 0 : steps;
    return !budget->spent;
}

static inline bool budget_hold(struct hl_budget *budget, uint64_t bytes)
{
    budget->spent |= bytes > budget->bytes;
    budget->bytes -= budget->spent ? 0 : bytes;
    return !budget->spent;
}

static inline void budget_release(struct hl_budget *budget, uint64_t bytes)
{
    budget->bytes += bytes;
}

/*
 * Make room for one more item, doubling the array.  Returns the array, or NULL and the old one is
 * unchanged.
 */
void *budget_grow(struct hl_budget *budget, void *array, size_t count, size_t *room, size_t item);

#endif
