/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.h - what the symbols and the debug information of one guest may cost.
 *
 * There is one for each hl_symbols.  Every loop over what a file says takes its steps from it, and
 * every table made of that holds its bytes.  Once it is spent it stays so: what has been found is
 * kept, and debug information answers no more.
 */
#ifndef HL_BUDGET_H
#define HL_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* HL_SYMBOLS_SECONDS and HL_SYMBOLS_BYTES in hl/symbols.h: a step takes 15 ns at most. */
#define BUDGET_STEPS ((uint64_t)1 << 27)
/* An honest question takes less, and so it costs nothing however many are asked. */
#define BUDGET_QUESTION 1024
/* A system call, and a byte that is read, inflated or summed, in steps. */
#define BUDGET_SYSCALL 256
#define BUDGET_COPY(bytes) ((bytes) / 8)

struct hl_budget {
    uint64_t steps, bytes; /* left */
    uint64_t free;         /* steps of the present question that are not counted */
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
 * Make room for one more item, twice the room at a time; the array, or NULL with the old one as it
 * was.
 */
void *budget_grow(struct hl_budget *budget, void *array, size_t count, size_t *room, size_t item);

#endif
