/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/place.c - thread-local variables, regions, and pages of the heap region that a debugger
 * allocates.
 */
#include "debug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "image.h"

/* ---- thread-local variables ---- */

static bool find_tls(const struct hl_image *image, Elf64_Phdr *tls)
{
    for (size_t i = 0; i < image->phnum; i++) {
        *tls = image_header(image, i);
        if (tls->p_type == PT_TLS)
            return true;
    }
    return false;
}

/*
 * Variant II of "ELF Handling For Thread-Local Storage": the program's block ends at the thread
 * pointer, which is fs_base, and begins at an address aligned as its image is.
 */
int debug_thread_local(void *target, uint64_t module, uint64_t offset, uint64_t *address)
{
    struct hl_debug *d = target;
    const struct hl_image *image = d->sb->image;
    Elf64_Phdr tls;
    uint64_t tp = 0;
    (void)module; /* a static program has only one */
    if (!find_tls(image, &tls) || offset >= tls.p_memsz)
        return HL_ERR_ARGUMENT;
    int rc = debug_read_register(d, GDB_AMD64_FS_BASE, &tp, sizeof(tp));
    if (rc)
        return rc;
    if (!tp)
        return HL_ERR_STATE;
    uint64_t align = tls.p_align ? tls.p_align : 1;
    uint64_t size = tls.p_memsz + (-(tls.p_memsz + tls.p_vaddr + image->bias) & (align - 1));
    *address = tp - size + offset;
    return 0;
}

/* ---- regions ---- */

struct search {
    const struct hl_debug *d;
    uint64_t address;
    struct gdb_region *region;
    char *name;
    size_t room;
};

static void name_row(struct search *s, const struct debug_row *row)
{
    bool image = strcmp(row->what, s->d->sb->region[REGION_IMAGE].name) == 0;
    if (image)
        snprintf(s->name, s->room, "%s", s->d->path);
    else
        snprintf(s->name, s->room, "[%s]", row->what);
    s->region->name = s->name;
}

/* Rows come in ascending order; the range between two of them is unmapped, too. */
static void look_at(void *opaque, const struct debug_row *row)
{
    struct search *s = opaque;
    struct gdb_region *r = s->region;
    bool mapped = row->prot != DEBUG_UNMAPPED;
    if (row->end <= s->address) {
        /* Adjacent regions without mappings are one hole. */
        if (mapped || r->start + r->size != row->start)
            r->start = mapped ? row->end : r->start;
        return;
    }
    if (r->size)
        return; /* found */
    if (!mapped)
        return;
    if (row->start > s->address) {
        r->size = row->start - r->start;
        return;
    }
    *r = (struct gdb_region){.start = row->start, .size = row->end - row->start};
    r->access = (row->prot & HL_PROT_READ ? GDB_READABLE : 0u) |
                (row->prot & HL_PROT_WRITE ? GDB_WRITABLE : 0u) |
                (row->prot & HL_PROT_EXEC ? GDB_EXECUTABLE : 0u);
    name_row(s, row);
}

int debug_memory_region(void *target, uint64_t address, struct gdb_region *region)
{
    struct hl_debug *d = target;
    struct search s = {.d = d, .address = address, .region = region};
    if (!debug_may_look(d))
        return HL_ERR_BUSY;
    s.room = strlen(d->path) + 64;
    s.name = malloc(s.room);
    if (!s.name)
        return HL_ERR_MEMORY;
    free(d->object);
    d->object = (uint8_t *)s.name;
    *region = (struct gdb_region){.start = 0};
    debug_each_row(d, look_at, &s);
    if (!region->size)
        region->size = UINT64_MAX - region->start; /* its end must not overflow */
    return 0;
}

/* ---- pages for the debugger ---- */

static int lend(struct hl_debug *d, uint64_t size, unsigned prot, hl_gva_t *at)
{
    size_t bytes = (size + PAGE_SIZE - 1) & PAGE_MASK;
    if (!d->sb->personality->lend(d->sb, bytes, at))
        return HL_ERR_LIMIT;
    return hl_machine_protect(d->sb->machine, *at, bytes, prot, NULL);
}

static void take_back(struct hl_debug *d, const struct debug_room *room)
{
    while (!d->sb->personality->take_back(d->sb, room->address, room->size) &&
           !debug_is_interrupted(d))
        ; /* interrupted: the guest's thread is wanted, by us */
}

/* A debugger writes whatever the protection, so pages for code need not be writable. */
static unsigned prot_of(unsigned access)
{
    unsigned prot = access ? HL_PROT_READ : 0;
    if (access & GDB_EXECUTABLE)
        return prot | HL_PROT_EXEC;
    return prot | (access & GDB_WRITABLE ? HL_PROT_WRITE : 0u);
}

int debug_allocate(void *target, uint64_t size, unsigned access, uint64_t *address)
{
    struct hl_debug *d = target;
    if (!debug_may_look(d))
        return HL_ERR_BUSY;
    if (d->room_count == DEBUG_ROOMS || size > d->sb->region[REGION_HEAP].size)
        return HL_ERR_LIMIT;
    struct debug_room *room = &d->rooms[d->room_count];
    room->size = size;
    int rc = lend(d, size, prot_of(access), &room->address);
    if (rc == HL_ERR_LIMIT)
        return rc;
    if (rc)
        take_back(d, room);
    else
        d->room_count++;
    *address = room->address;
    return rc;
}

int debug_deallocate(void *target, uint64_t address)
{
    struct hl_debug *d = target;
    if (!debug_may_look(d))
        return HL_ERR_BUSY;
    for (size_t i = 0; i < d->room_count; i++) {
        if (d->rooms[i].address != address)
            continue;
        take_back(d, &d->rooms[i]);
        d->rooms[i] = d->rooms[--d->room_count];
        return 0;
    }
    return HL_ERR_ARGUMENT;
}

void debug_deallocate_all(struct hl_debug *d)
{
    while (d->room_count)
        take_back(d, &d->rooms[--d->room_count]);
}
