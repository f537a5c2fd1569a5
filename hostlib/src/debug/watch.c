/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/watch.c - watchpoints: debug registers if they work and suffice, else page protection.
 *
 * A watched page is withheld from the processor by its page-table entry (pagetable_watch()), so an
 * access is a #PF that reports address and direction.  The page is then given back for that one
 * instruction.  The host owns the page tables and does not use them when it accesses memory:
 * changes by the host, in a host function or elsewhere, are found by comparing before the next
 * entry.
 */
#include "debug.h"

#include <stdlib.h>
#include <string.h>

#include "x86.h"

#define WATCH_MAX (16u << 20) /* bytes of one watchpoint, which are copied for comparison */

/* Page-fault error code (Intel SDM 3, 4.7). */

static bool overlaps(hl_gva_t a, size_t a_size, hl_gva_t b, size_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

/* What to withhold of the page for all the watches on it. */
static unsigned page_need(const struct hl_debug *d, hl_gva_t page)
{
    unsigned need = 0;
    for (size_t i = 0; i < d->points.watch_count; i++) {
        const struct debug_watch *w = &d->points.watches[i];
        if (!w->slots && overlaps(w->address, w->size, page, PAGE_SIZE))
            need |= w->point == GDB_WATCH_WRITE ? HL_PROT_WRITE : HL_PROT_READ;
    }
    return need;
}

static void protect_pages(struct hl_debug *d, hl_gva_t address, size_t size)
{
    for (hl_gva_t page = address & PAGE_MASK; page < address + size; page += PAGE_SIZE)
        machine_watch_page(d->sb->machine, page, page_need(d, page));
}

static void free_slots(struct hl_debug *d, unsigned slots)
{
    for (int i = 0; i < VCPU_SLOTS; i++)
        if (slots >> i & 1)
            memset(&d->points.slots.slot[i], 0, sizeof(d->points.slots.slot[i]));
}

/* Cover the range by aligned pieces, one slot each; if there are too few slots, none is used. */
static unsigned take_slots(struct hl_debug *d, const struct debug_watch *w)
{
    enum vcpu_slot_kind kind = w->point == GDB_WATCH_WRITE ? VCPU_SLOT_WRITE : VCPU_SLOT_ACCESS;
    hl_gva_t at = w->address, end = w->address + w->size;
    unsigned taken = 0;
    /* The processor has no slots for reads only. */
    if (!d->can.hw_watch || w->point == GDB_WATCH_READ || w->size > VCPU_SLOTS * 8)
        return 0;
    while (at < end) {
        uint8_t size = 8;
        int slot;
        while (at % size || size > end - at)
            size /= 2;
        if (!debug_slot_take(d, kind, at, size, &slot)) {
            free_slots(d, taken);
            return 0;
        }
        taken |= 1u << slot;
        at += size;
    }
    return taken;
}

static void look(const struct hl_debug *d, struct debug_watch *w)
{
    w->seen = w->old && hl_machine_read(d->sb->machine, w->address, w->old, w->size, 0) == w->size;
}

/* Memory was mapped or unmapped: a range that could not be watched may exist now. */
void debug_watch_follow(struct hl_debug *d)
{
    if (!d->points.watch_count || d->points.watch_generation == machine_generation(d->sb->machine))
        return;
    d->points.watch_generation = machine_generation(d->sb->machine);
    for (size_t i = 0; i < d->points.watch_count; i++) {
        if (!d->points.watches[i].slots)
            protect_pages(d, d->points.watches[i].address, d->points.watches[i].size);
        if (!d->points.watches[i].seen)
            look(d, &d->points.watches[i]);
    }
}

int debug_watch_insert(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size)
{
    struct debug_watch w = {.address = address, .size = size, .point = point};
    hl_gva_t end;
    if (!size || __builtin_add_overflow(address, size, &end) || (end - 1) >> 47)
        return HL_ERR_ARGUMENT; /* the upper half belongs to the host */
    if (size > WATCH_MAX)
        return HL_ERR_LIMIT;
    struct debug_watch *more = realloc(d->points.watches, (d->points.watch_count + 1) * sizeof(w));
    if (!more)
        return HL_ERR_MEMORY;
    d->points.watches = more;
    if (point != GDB_WATCH_READ && !(w.old = malloc(size)))
        return HL_ERR_MEMORY;
    look(d, &w);
    w.slots = take_slots(d, &w);
    d->points.watches[d->points.watch_count++] = w;
    if (!w.slots)
        protect_pages(d, address, size);
    return 0;
}

static void remove_at(struct hl_debug *d, size_t i)
{
    struct debug_watch w = d->points.watches[i];
    d->points.watches[i] = d->points.watches[--d->points.watch_count];
    free_slots(d, w.slots);
    if (!w.slots)
        protect_pages(d, w.address, w.size);
    free(w.old);
}

int debug_watch_remove(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size)
{
    for (size_t i = 0; i < d->points.watch_count; i++) {
        const struct debug_watch *w = &d->points.watches[i];
        if (w->point == point && w->address == address && w->size == size) {
            remove_at(d, i);
            return 0;
        }
    }
    return HL_ERR_ARGUMENT;
}

void debug_watch_remove_all(struct hl_debug *d)
{
    debug_watch_restore(d);
    while (d->points.watch_count)
        remove_at(d, d->points.watch_count - 1);
}

void debug_watch_wrote(struct hl_debug *d, hl_gva_t address, size_t size)
{
    for (size_t i = 0; i < d->points.watch_count; i++)
        if (overlaps(d->points.watches[i].address, d->points.watches[i].size, address, size))
            look(d, &d->points.watches[i]);
}

/* Would the page itself have allowed this access? */
static bool allowed(const struct hl_debug *d, const struct hl_fault *f)
{
    unsigned prot, wanted = f->error_code & PF_FETCH   ? HL_PROT_EXEC
                            : f->error_code & PF_WRITE ? HL_PROT_WRITE
                                                       : HL_PROT_READ;
    return !hl_machine_lookup(d->sb->machine, f->address, NULL, &prot) && (prot & wanted);
}

static bool is_granted(const struct hl_debug *d, hl_gva_t page)
{
    for (size_t i = 0; i < d->points.granted_count; i++)
        if (d->points.granted[i] == page)
            return true;
    return false;
}

/*
 * Bytes of an operand of this size from the fault's address on, which is the start of a page if the
 * operand began on the page before.
 */
static unsigned reach(const struct hl_debug *d, const struct hl_fault *f, const uint8_t *code,
                      size_t code_size, unsigned size)
{
    struct hl_regs regs;
    if (f->address % PAGE_SIZE || hl_machine_get_regs(d->sb->machine, &regs, NULL))
        return size;
    return size - (unsigned)(f->address - insn_operand_start(code, code_size, &regs, f->address));
}

/*
 * While a page is given back for one operand, another operand on it causes no fault (`cmps`, `push`
 * of memory): the decoder says what else the instruction will access.
 */
static void note_others(struct hl_debug *d, const uint8_t *code, size_t code_size)
{
    struct insn_operand others[DEBUG_ACCESSES / 2];
    struct hl_regs regs;
    if (hl_machine_get_regs(d->sb->machine, &regs, NULL))
        return;
    size_t count =
        insn_operands(code, code_size, &regs, others, sizeof(others) / sizeof(others[0]));
    for (size_t i = 0; i < count; i++)
        for (int write = 0; write < 2; write++)
            if ((write ? others[i].write : others[i].read) &&
                d->points.access_count < DEBUG_ACCESSES)
                d->points.access[d->points.access_count++] =
                    (struct debug_access){others[i].address, others[i].size, write};
}

static void note_access(struct hl_debug *d, const struct hl_fault *f)
{
    struct insn insn;
    uint8_t code[INSN_MAX];
    bool write = f->error_code & PF_WRITE;
    if ((f->error_code & PF_FETCH) || d->points.access_count == DEBUG_ACCESSES)
        return;
    size_t code_size = hl_machine_read(d->sb->machine, f->rip, code, sizeof(code), HL_PROT_EXEC);
    insn_decode(&insn, code, code_size);
    if (!d->points.access_count)
        note_others(d, code, code_size);
    if (d->points.access_count == DEBUG_ACCESSES)
        return;
    unsigned size = write ? insn.written : insn.read;
    size = size > 1 ? reach(d, f, code, code_size, size) : 1;
    d->points.access[d->points.access_count++] = (struct debug_access){f->address, size, write};
    /* An operand that is read and written faults as a write. */
    if (write && insn.modifies && d->points.access_count < DEBUG_ACCESSES)
        d->points.access[d->points.access_count++] = (struct debug_access){f->address, size, false};
}

bool debug_watch_fault(struct hl_debug *d, const struct hl_fault *f)
{
    hl_gva_t page = f->address & PAGE_MASK;
    unsigned need = d->points.watch_count ? page_need(d, page) : 0;
    if (!need || !allowed(d, f))
        return false;
    if (!is_granted(d, page)) {
        if (d->points.granted_count == DEBUG_ACCESSES)
            debug_watch_restore(d); /* a gather over many pages: it is restarted */
        d->points.granted[d->points.granted_count++] = page;
    }
    note_access(d, f);
    /* After a read, a write by the same instruction must still be found. */
    machine_watch_page(d->sb->machine, page, f->error_code & PF_WRITE ? 0 : HL_PROT_WRITE);
    return true;
}

void debug_watch_restore(struct hl_debug *d)
{
    for (size_t i = 0; i < d->points.granted_count; i++)
        machine_watch_page(d->sb->machine, d->points.granted[i],
                           page_need(d, d->points.granted[i]));
    d->points.granted_count = d->points.access_count = 0;
}

/* Address of the first byte that has changed; *changed: whether any has. */
static hl_gva_t first_change(const struct hl_debug *d, const struct debug_watch *w, bool *changed)
{
    uint8_t now[256];
    *changed = false;
    for (size_t at = 0; w->seen && at < w->size; at += sizeof(now)) {
        size_t n = w->size - at < sizeof(now) ? w->size - at : sizeof(now);
        if (hl_machine_read(d->sb->machine, w->address + at, now, n, 0) != n)
            return 0;
        for (size_t i = 0; i < n && memcmp(now, w->old + at, n) != 0; i++)
            if (now[i] != w->old[at + i]) {
                *changed = true;
                return w->address + at + i;
            }
    }
    return 0;
}

static bool kind_sees(enum gdb_point point, bool write)
{
    return point == GDB_WATCH_ACCESS || write == (point == GDB_WATCH_WRITE);
}

static bool by_slot(const struct hl_debug *d, const struct debug_watch *w, hl_gva_t *address)
{
    const uint64_t dr6 = machine_trap(d->sb->machine).dr6;
    for (int i = 0; i < VCPU_SLOTS; i++)
        if (w->slots & dr6 & 1u << i) {
            *address = d->points.slots.slot[i].address;
            return true;
        }
    return false;
}

static bool by_fault(const struct hl_debug *d, const struct debug_watch *w, hl_gva_t *address)
{
    for (size_t i = 0; !w->slots && i < d->points.access_count; i++) {
        const struct debug_access *a = &d->points.access[i];
        if (kind_sees(w->point, a->write) && overlaps(a->address, a->size, w->address, w->size)) {
            *address = a->address > w->address ? a->address : w->address;
            return true;
        }
    }
    return false;
}

/*
 * A fault gives the first byte accessed, a slot only itself: then the first byte that changed is
 * better, and for writes by the host it is all that is known.
 */
static bool touched(const struct hl_debug *d, const struct debug_watch *w, hl_gva_t *address)
{
    bool changed;
    if (by_fault(d, w, address))
        return true;
    hl_gva_t change = first_change(d, w, &changed);
    if (!by_slot(d, w, address) && !changed)
        return false;
    if (changed)
        *address = change;
    return true;
}

bool debug_watch_also(struct hl_debug *d, struct gdb_stop *stop)
{
    size_t i = 0;
    while (i < d->points.watch_count && !d->points.watches[i].hit)
        i++;
    if (i == d->points.watch_count)
        return false;
    enum gdb_point point = d->points.watches[i].point;
    hl_gva_t at = d->points.watches[i].hit_at;
    *stop = (struct gdb_stop){.reason = GDB_STOP_WATCH, .point = point, .address = at};
    /* A search for a kind and an address must check all points that match. */
    for (; i < d->points.watch_count; i++)
        if (d->points.watches[i].point == point && d->points.watches[i].hit_at == at)
            d->points.watches[i].hit = false;
    return true;
}

bool debug_watch_hit(struct hl_debug *d, struct gdb_stop *stop)
{
    for (size_t i = 0; i < d->points.watch_count; i++) {
        struct debug_watch *w = &d->points.watches[i];
        w->hit = touched(d, w, &w->hit_at);
        if (w->hit)
            look(d, w);
    }
    return debug_watch_also(d, stop);
}

void debug_watch_suspend(struct hl_debug *d, bool suspend)
{
    for (size_t i = 0; i < d->points.watch_count; i++) {
        const struct debug_watch *w = &d->points.watches[i];
        hl_gva_t page = w->address & PAGE_MASK;
        for (; !w->slots && page < w->address + w->size; page += PAGE_SIZE)
            machine_watch_page(d->sb->machine, page, suspend ? 0 : page_need(d, page));
        if (!suspend)
            look(d, &d->points.watches[i]);
    }
}
