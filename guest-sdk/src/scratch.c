/* SPDX-License-Identifier: Apache-2.0 */
/* Memory after the message in the output buffer, for results; serve.c resets it. */
#include "state.h"

#define ALIGNMENT 16

void *hl_scratch(size_t size)
{
    const struct hl_boot *boot = hl_state.boot;
    uintptr_t end = (uintptr_t)(boot->output + boot->output_size);
    uintptr_t start = (hl_state.scratch + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
    if (start > end || size > end - start)
        return NULL;
    hl_state.scratch = start + size;
    return (void *)start;
}
