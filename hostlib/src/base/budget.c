/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

#include <stdlib.h>

void *budget_grow(struct hl_budget *budget, void *array, size_t count, size_t *room, size_t item)
{
    size_t more = *room ? 2 * *room : 16;
    void *bigger;

    if (count < *room)
        return array;
    /* During the copy both exist. */
    if (!budget_hold(budget, more * item))
        return NULL;
    bigger = realloc(array, more * item);
    budget_release(budget, (bigger ? *room : more) * item);
    *room = bigger ? more : *room;
    return bigger;
}
