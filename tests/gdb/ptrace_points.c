/* SPDX-License-Identifier: Apache-2.0 */
#include "ptrace_target.h"

#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

#define DR(n) ((void *)(offsetof(struct user, u_debugreg) + 8 * (n)))

static const uint8_t trap = 0xcc;

/* As far as it goes, a page at a time: the kernel stops at the first hole either way. */
size_t pt_raw(struct pt *t, uint64_t address, void *data, size_t size, bool write)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n =
            write ? pwrite(t->mem_fd, (uint8_t *)data + done, size - done, (off_t)(address + done))
                  : pread(t->mem_fd, (uint8_t *)data + done, size - done, (off_t)(address + done));
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

size_t pt_read_memory(void *target, uint64_t address, void *data, size_t size)
{
    struct pt *t = target;
    size_t n;

    if (address >> 47)
        return 0;
    pthread_mutex_lock(&t->lock);
    n = pt_raw(t, address, data, size, false);
    for (size_t i = 0; i < t->point_count; i++) {
        struct pt_point *p = &t->points[i];
        if (p->kind == GDB_SW_BREAK && p->address - address < n)
            ((uint8_t *)data)[p->address - address] = p->under;
    }
    pthread_mutex_unlock(&t->lock);
    return n;
}

size_t pt_write_memory(void *target, uint64_t address, const void *data, size_t size)
{
    struct pt *t = target;
    size_t n;

    if (address >> 47)
        return 0;
    pthread_mutex_lock(&t->lock);
    n = pt_raw(t, address, (void *)(uintptr_t)data, size, true);
    for (size_t i = 0; i < t->point_count; i++) {
        struct pt_point *p = &t->points[i];
        if (p->kind == GDB_SW_BREAK && p->address - address < n) {
            p->under = ((const uint8_t *)data)[p->address - address];
            pt_raw(t, p->address, (void *)(uintptr_t)&trap, 1, true);
        }
    }
    pthread_mutex_unlock(&t->lock);
    return n;
}

struct pt_point *pt_find(struct pt *t, enum gdb_point kind, uint64_t address)
{
    for (size_t i = 0; i < t->point_count; i++)
        if (t->points[i].kind == kind && t->points[i].address == address)
            return &t->points[i];
    return NULL;
}

/* Load the slots into the debug registers. */
int pt_debug_registers(struct pt *t, unsigned number, void *data, size_t size)
{
    static const unsigned length[9] = {[1] = 0, [2] = 1, [4] = 3, [8] = 2};
    uint64_t dr7 = 0;

    (void)number;
    (void)data;
    (void)size;
    if (ptrace(PTRACE_POKEUSER, t->pid, DR(7), 0))
        return HL_ERR_SYSTEM;
    for (unsigned i = 0; i < PT_SLOTS; i++) {
        if (!t->slots[i].size)
            continue;
        if (ptrace(PTRACE_POKEUSER, t->pid, DR(i), t->slots[i].address))
            return HL_ERR_SYSTEM;
        dr7 |= 1ull << 2 * i | (uint64_t)(t->slots[i].kind | length[t->slots[i].size] << 2)
                                   << (16 + 4 * i);
    }
    return ptrace(PTRACE_POKEUSER, t->pid, DR(7), dr7) ? HL_ERR_SYSTEM : 0;
}

static bool take_slot(struct pt *t, uint64_t address, unsigned size, unsigned kind)
{
    unsigned empty = PT_SLOTS;

    for (unsigned i = 0; i < PT_SLOTS; i++) {
        if (!t->slots[i].size)
            empty = i;
        else if (t->slots[i].address == address && t->slots[i].size == size &&
                 t->slots[i].kind == kind) {
            t->slots[i].users++;
            return true;
        }
    }
    if (empty == PT_SLOTS)
        return false;
    t->slots[empty].address = address;
    t->slots[empty].size = size;
    t->slots[empty].kind = kind;
    t->slots[empty].users = 1;
    return true;
}

static void drop_slot(struct pt *t, uint64_t address, unsigned size, unsigned kind)
{
    for (unsigned i = 0; i < PT_SLOTS; i++)
        if (t->slots[i].size == size && t->slots[i].address == address &&
            t->slots[i].kind == kind && !--t->slots[i].users)
            t->slots[i].size = 0;
}

/* Aligned pieces of 1, 2, 4 or 8 bytes, in as many slots as it takes. */
static bool slots(struct pt *t, const struct pt_point *p, bool take)
{
    unsigned kind = p->kind == GDB_HW_BREAK ? 0 : p->kind == GDB_WATCH_WRITE ? 1 : 3;
    uint64_t at = p->address, end = at + (kind ? p->size : 1);
    struct pt_point had = *p;

    while (at < end) {
        unsigned n = 8;
        while (at % n || n > end - at)
            n /= 2;
        if (!take) {
            drop_slot(t, at, n, kind);
        } else if (!take_slot(t, at, n, kind)) {
            had.size = at - p->address;
            slots(t, &had, false);
            return false;
        }
        at += n;
    }
    return true;
}

int pt_insert(void *target, enum gdb_point kind, uint64_t address, size_t size)
{
    struct pt *t = target;
    struct pt_point p = {.kind = kind, .address = address, .size = size};
    int rc = 0;

    if (t->point_count == PT_POINTS || (kind != GDB_SW_BREAK && size > 64))
        return HL_ERR_LIMIT;
    pthread_mutex_lock(&t->lock);
    if (kind == GDB_SW_BREAK) {
        if (pt_raw(t, address, &p.under, 1, false) != 1 ||
            pt_raw(t, address, (void *)(uintptr_t)&trap, 1, true) != 1)
            rc = HL_ERR_ARGUMENT;
    } else if (!slots(t, &p, true)) {
        rc = HL_ERR_LIMIT;
    }
    if (!rc)
        t->points[t->point_count++] = p;
    pthread_mutex_unlock(&t->lock);
    return rc || kind == GDB_SW_BREAK ? rc : pt_call(t, pt_debug_registers, 0, NULL, 0);
}

static void remove_point(struct pt *t, struct pt_point *p)
{
    if (p->kind == GDB_SW_BREAK)
        pt_raw(t, p->address, &p->under, 1, true);
    else
        slots(t, p, false);
    *p = t->points[--t->point_count];
}

int pt_remove(void *target, enum gdb_point kind, uint64_t address, size_t size)
{
    struct pt *t = target;
    bool found = false;

    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->point_count && !found; i++) {
        struct pt_point *p = &t->points[i];
        found = p->kind == kind && p->address == address && p->size == size;
        if (found)
            remove_point(t, p);
    }
    pthread_mutex_unlock(&t->lock);
    if (!found)
        return HL_ERR_ARGUMENT;
    return kind == GDB_SW_BREAK ? 0 : pt_call(t, pt_debug_registers, 0, NULL, 0);
}

void pt_remove_all(struct pt *t)
{
    pthread_mutex_lock(&t->lock);
    while (t->point_count)
        remove_point(t, &t->points[t->point_count - 1]);
    memset(t->slots, 0, sizeof(t->slots));
    pthread_mutex_unlock(&t->lock);
    pt_debug_registers(t, 0, NULL, 0);
}

/* The processor knows no watch for reads alone: one whose bytes have changed was a write. */
static void watched(struct pt *t, const struct pt_point *p, uint64_t now[8])
{
    memset(now, 0, sizeof(p->last));
    pt_raw(t, p->address, now, p->size < sizeof(p->last) ? p->size : sizeof(p->last), false);
}

static bool only_written(struct pt *t, const struct pt_point *p)
{
    uint64_t now[8];

    if (p->kind != GDB_WATCH_READ)
        return false;
    watched(t, p, now);
    return memcmp(now, p->last, sizeof(now));
}

void pt_note_watched(struct pt *t)
{
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->point_count; i++)
        if (t->points[i].kind == GDB_WATCH_READ)
            watched(t, &t->points[i], t->points[i].last);
    pthread_mutex_unlock(&t->lock);
}

/* Which point does DR6 report?  It also has the reasons of a single step. */
enum pt_hit pt_debug_hit(struct pt *t, struct gdb_stop *stop)
{
    uint64_t dr6 = (uint64_t)ptrace(PTRACE_PEEKUSER, t->pid, DR(6), 0);
    enum pt_hit result = PT_NO_HIT;

    ptrace(PTRACE_POKEUSER, t->pid, DR(6), 0);
    for (unsigned i = 0; i < PT_SLOTS; i++) {
        if (!(dr6 >> i & 1) || !t->slots[i].size)
            continue;
        result = PT_IDLE_HIT;
        for (size_t k = 0; k < t->point_count; k++) {
            struct pt_point *p = &t->points[k];
            bool exec = t->slots[i].kind == 0;
            if (p->kind == GDB_SW_BREAK || exec != (p->kind == GDB_HW_BREAK) ||
                t->slots[i].address - p->address >= (exec ? 1 : p->size) || only_written(t, p))
                continue;
            stop->reason = exec ? GDB_STOP_HW_BREAK : GDB_STOP_WATCH;
            stop->point = p->kind;
            stop->address = p->address;
            return PT_HIT;
        }
    }
    return result;
}
