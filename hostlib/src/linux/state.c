/* SPDX-License-Identifier: Apache-2.0 */
/* linux/state.c - create, copy and restore the state of linux_state.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "linux.h"
#include "linux_heap.h"
#include "linux_pages.h"

static size_t used_size(const struct linux_state *os)
{
    return linux_words(os->pages) * sizeof(*os->used);
}

/* One allocation: the bitmap, followed by a process. */
static size_t piece_size(const struct linux_state *os)
{
    return used_size(os) + sizeof(struct linux_process);
}

/* In a mapping of its own, as a guest without mmap never needs this memory. */
int linux_init(struct hl_sandbox *sb, struct hl_error *error)
{
    struct linux_state *os = sb->os = calloc(1, sizeof(*os));
    if (!os)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    os->pages = linux_region(sb)->size / PAGE_SIZE;
    os->top = os->pages;
    os->brk = linux_region(sb)->start;
    os->changed = true;
    os->process = &linux_initial;
    os->timer.next = DEADLINE_NEVER;
    os->used =
        mmap(NULL, piece_size(os), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (os->used != MAP_FAILED) {
        os->own = (struct linux_process *)(os->used + linux_words(os->pages));
        return 0;
    }
    os->used = NULL;
    return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
}

void linux_free(struct hl_sandbox *sb)
{
    struct linux_state *os = sb->os;
    if (!os)
        return;
    linux_timer_free(sb);
    if (os->used)
        munmap(os->used, piece_size(os));
    free(os);
    sb->os = NULL;
}

/* ---- snapshots ---- */

size_t linux_saved_size(size_t heap)
{
    return sizeof(struct linux_saved) + linux_words(heap / PAGE_SIZE) * sizeof(uint64_t);
}

void linux_save(struct hl_sandbox *sb, void *saved)
{
    struct linux_saved *to = saved;
    *to = (struct linux_saved){
        .brk = linux_of(sb)->brk, .top = linux_of(sb)->top, .process = *linux_of(sb)->process};
    memcpy(to->used, linux_of(sb)->used, used_size(sb->os));
    linux_timer_save(sb, &to->process);
}

/* The memory for a process is not touched for a guest in the initial state. */
static void put_process(struct linux_state *to, const struct linux_process *from)
{
    to->process = &linux_initial;
    if (memcmp(from, &linux_initial, sizeof(*from)) == 0)
        return;
    *to->own = *from;
    to->process = to->own;
}

int linux_restore(struct hl_sandbox *sb, const void *saved, bool maps, bool all,
                  struct hl_error *error)
{
    const struct linux_saved *from = saved;
    struct linux_state *to = sb->os;
    bool rings = to->timer.next != DEADLINE_NEVER || from->process.timer_left;
    all |= to->changed;
    to->brk = from->brk;
    to->top = from->top;
    if (maps || all)
        memcpy(to->used, from->used, used_size(to));
    if (all)
        put_process(to, &from->process);
    to->changed = to->nap.kept = false;
    return all || rings ? linux_timer_restore(sb, from->process.timer_left, error) : 0;
}

void linux_begin(struct hl_sandbox *sb)
{
    linux_of(sb)->changed = false;
}

const char *linux_check(const void *saved, const struct hl_region *heap)
{
    const uint64_t most = INT64_MAX;
    const struct linux_saved *s = saved;
    const struct linux_process *p = &s->process;
    if (s->brk < heap->start || s->brk > heap->start + heap->size ||
        s->top > heap->size / PAGE_SIZE)
        return "impossible heap";
    bool good = linux_files_good(p) && !(p->blocked & UNCATCHABLE) && p->timer_left <= most &&
                p->timer_interval <= most;
    for (size_t i = 0; i < LINUX_SIGNALS; i++)
        good &= p->cause[i] < CAUSES;
    return good ? NULL : "impossible signals or descriptors";
}
