/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_use.h"
#include "machine_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WORD 64u

bool machine_use_open(struct machine_use *use, const struct hl_machine *m)
{
    use->sets.pages = m->memory_size / PAGE_SIZE;
    use->words = use->sets.pages / WORD + 1;
    use->sets.read = calloc(2 * use->words, sizeof(*use->sets.read));
    use->sets.written = use->sets.read ? use->sets.read + use->words : NULL;
    return use->sets.read;
}

void machine_use_close(struct machine_use *use)
{
    free(use->sets.read);
    use->sets.read = use->sets.written = NULL;
}

void machine_use_begin(struct machine_use *use, struct hl_machine *m)
{
    memset(use->sets.read, 0, 2 * use->words * sizeof(*use->sets.read));
    pagetable_use_begin(&m->pt, &use->sets);
    m->backend->changed(m->vcpu, 0, 0, 0);
}

void machine_use_end(struct hl_machine *m)
{
    pagetable_use_end(&m->pt);
}
