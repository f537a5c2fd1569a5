/* SPDX-License-Identifier: Apache-2.0 */
/* linux_state.c - making, copying and putting back what linux_state.h is about. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "linux.h"
#include "linux_heap.h"
#include "linux_pages.h"

#define WORD 64u

size_t linux_words(const struct linux_state *os)
{
    return os->pages / WORD + 1;
}

static size_t used_size(const struct linux_state *os)
{
    return linux_words(os) * sizeof(*os->used);
}

/* One piece: the bitmap, and a process after it. */
static size_t piece_size(const struct linux_state *os)
{
    return used_size(os) + sizeof(struct linux_process);
}

static struct linux_process *process_of(const struct linux_state *os)
{
    return (struct linux_process *)(os->used + linux_words(os));
}

void linux_own(struct linux_state *os)
{
    os->own = process_of(os);
    bool initial = memcmp(os->own, &linux_initial, sizeof(*os->own)) == 0;
    os->process = initial ? &linux_initial : os->own;
}

/* A mapping of its own, as it is memory that a guest without mmap never has need of. */
int linux_init(struct hl_sandbox *sb, struct hl_error *error)
{
    struct linux_state *os = &sb->os;
    os->pages = linux_region(sb)->size / PAGE_SIZE;
    os->top = os->pages;
    os->brk = linux_region(sb)->start;
    os->changed = true;
    os->process = &linux_initial;
    sb->timer.next = DEADLINE_NEVER;
    os->used =
        mmap(NULL, piece_size(os), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (os->used != MAP_FAILED) {
        os->own = process_of(os);
        return 0;
    }
    os->used = NULL;
    return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
}

void linux_free(struct hl_sandbox *sb)
{
    if (sb->os.used)
        munmap(sb->os.used, piece_size(&sb->os));
}

int linux_copy(struct linux_state *to, struct hl_sandbox *from, struct hl_error *error)
{
    *to = from->os;
    to->used = malloc(piece_size(to));
    if (!to->used)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    memcpy(to->used, from->os.used, used_size(to));
    *process_of(to) = *from->os.process;
    linux_timer_save(from, process_of(to));
    linux_own(to);
    return 0;
}

/* The memory that a process of its own takes is not touched for a guest that has none. */
static void put_process(struct linux_state *to, const struct linux_process *from)
{
    to->process = from;
    if (from == &linux_initial)
        return;
    *to->own = *from;
    to->process = to->own;
}

int linux_put(struct hl_sandbox *sb, const struct linux_state *from, bool maps, bool all,
              struct hl_error *error)
{
    struct linux_state *to = &sb->os;
    bool rings = sb->timer.next != DEADLINE_NEVER || from->process->timer_left;
    all |= to->changed;
    to->brk = from->brk;
    to->top = from->top;
    if (maps || all)
        memcpy(to->used, from->used, used_size(from));
    if (all)
        put_process(to, from->process);
    to->changed = sb->nap.kept = false;
    return all || rings ? linux_timer_restore(sb, from->process->timer_left, error) : 0;
}

bool linux_is_good(const struct linux_process *p)
{
    const uint64_t most = INT64_MAX;
    bool good = linux_files_good(p) && !(p->blocked & UNCATCHABLE) && p->timer_left <= most &&
                p->timer_interval <= most;
    for (size_t i = 0; i < LINUX_SIGNALS; i++)
        good &= p->cause[i] < CAUSES;
    return good;
}
