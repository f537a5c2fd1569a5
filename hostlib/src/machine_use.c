/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_use.h"

#include <sys/mman.h>

#include "machine_dirty.h"

size_t machine_use_words(const struct hl_machine *m)
{
    return m->memory_size / PAGE_SIZE / MARKS_WORD + 1;
}

/* KVM drops its mappings of all memory, and with them every cached translation. */
static void forget_all(struct hl_machine *m)
{
    mprotect(m->memory, m->memory_size, PROT_READ);
    mprotect(m->memory, m->memory_size, PROT_READ | PROT_WRITE);
}

void machine_use_begin(struct hl_machine *m)
{
    hl_gpa_t gpa;
    unsigned prot;
    for (hl_gva_t gva = 0; pagetable_next(&m->pt, &gva, &gpa, &prot); gva += PAGE_SIZE)
        pagetable_unuse(&m->pt, gva);
    forget_all(m);
}

void machine_use_end(struct hl_machine *m, struct machine_use *use)
{
    hl_gpa_t gpa;
    unsigned prot;
    use->touched = use->dirtied = 0;
    for (hl_gva_t gva = 0; pagetable_next(&m->pt, &gva, &gpa, &prot); gva += PAGE_SIZE) {
        bool dirtied, touched = pagetable_used(&m->pt, gva, &dirtied);
        if (gpa >= m->memory_size)
            continue;
        if (touched) {
            mark(use->read, gpa / PAGE_SIZE);
            use->touched++;
        }
        if (dirtied) {
            mark(use->written, gpa / PAGE_SIZE);
            use->dirtied++;
        }
    }
}
