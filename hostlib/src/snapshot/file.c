/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/file.c - the layout of a snapshot file, and writing one. */
#include "snapshot_file.h"

#include <stdlib.h>
#include <string.h>

#include "file_replace.h"
#include "general.h"
#include "image.h"
#include "layout_place.h"

/* Limits, so that no sum overflows, and the index of a hostile file stays below 45 MiB. */
#define PAGES_MAX (HL_MACHINE_MEMORY_MAX / PAGE_SIZE)
#define OS_MAX (PAGES_MAX / 8 + (64u << 10)) /* one bit per page, and the fixed part */

bool snapshot_layout_of(const struct snapshot_header *h, struct snapshot_layout *l)
{
    if (h->xsave_size > UINT16_MAX || h->xsave_size % 8 || h->os_size > OS_MAX || h->os_size % 8 ||
        h->mapping_count > HL_SNAPSHOT_RUNS_MAX || h->run_count > HL_SNAPSHOT_RUNS_MAX ||
        h->page_count > PAGES_MAX)
        return false;
    l->xsave = PAGE_SIZE;
    l->os = l->xsave + h->xsave_size;
    l->mappings = l->os + h->os_size;
    l->runs = l->mappings + h->mapping_count * sizeof(struct snapshot_mapping);
    l->sums = l->runs + h->run_count * sizeof(struct page_run);
    l->sum_count = (h->page_count + SNAPSHOT_CHUNK - 1) / SNAPSHOT_CHUNK;
    l->contents = (l->sums + l->sum_count * 8 + PAGE_SIZE - 1) & PAGE_MASK;
    l->end = l->contents + h->page_count * PAGE_SIZE;
    return true;
}

static int fill_header(struct snapshot_header *h, const struct hl_snapshot *s,
                       struct hl_error *error)
{
    const struct vcpu_state *v = s->vcpu;
    *h = (struct snapshot_header){
        .version = SNAPSHOT_VERSION,
        .header_size = sizeof(*h),
        .abi_version = HL_ABI_VERSION,
        .features = s->backend->features(),
        .image_size = s->image->size,
        .image_sum = sum_of(s->image->data, s->image->size),
        .heap = s->heap,
        .stack = s->stack,
        .input = s->input,
        .output = s->output,
        .input_used = s->input_used,
        .regs.rflags = v->regs.rflags,
        .fs_base = v->regs.fs_base,
        .gs_base = v->regs.gs_base,
        .cr2 = v->cr2,
        .ds = v->ds,
        .es = v->es,
        .fs = v->fs,
        .gs = v->gs,
        .xsave_size = v->xsave_size,
        .os_size = s->personality->saved_size(s->heap),
        .mapping_count = s->mappings.count,
        .run_count = s->store.run_count,
        .page_count = snapshot_store_pages(&s->store),
    };
    HL_GENERAL_COPY(&h->regs, &v->regs);
    memcpy(h->magic, SNAPSHOT_MAGIC, sizeof(h->magic));
    return s->backend->cpu(&h->cpu, error);
}

static void fill_sums(uint64_t *sums, const struct snapshot_store *store, uint64_t pages)
{
    struct store_walk walk = {0};
    for (size_t n; pages; pages -= n) {
        n = pages < SNAPSHOT_CHUNK ? pages : SNAPSHOT_CHUNK;
        struct summing sum = sum_begin(n * PAGE_SIZE);
        uint64_t at;
        for (size_t done = 0, piece; done < n; done += piece) {
            piece = snapshot_store_next(store, &walk, n - done, &at);
            sum_add(&sum, store->data + at * PAGE_SIZE, piece * PAGE_SIZE);
        }
        *sums++ = sum_end(&sum);
    }
}

/* In a file the runs follow each other without gaps. */
static void fill_runs(struct page_run *to, const struct snapshot_store *store)
{
    uint64_t at = 0;
    for (size_t i = 0; i < store->run_count; i++) {
        to[i] = store->runs[i];
        to[i].at = at;
        at += to[i].count;
    }
}

/* Everything before the contents, in one buffer that the caller frees. */
static int make_index(const struct hl_snapshot *s, uint8_t **out, size_t *size,
                      struct hl_error *error)
{
    struct snapshot_header h;
    struct snapshot_layout l;
    int rc = fill_header(&h, s, error);
    if (rc)
        return rc;
    if (!snapshot_layout_of(&h, &l))
        return hl_error_set(error, HL_ERR_LIMIT,
                            "a guest with %zu runs of mappings and %zu of pages: the limit for a "
                            "file is %u",
                            s->mappings.count, s->store.run_count, HL_SNAPSHOT_RUNS_MAX);
    uint8_t *index = calloc(1, l.contents);
    if (!index)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    h.file_size = l.end;
    memcpy(index, &h, sizeof(h));
    memcpy(index + l.xsave, s->vcpu->xsave, h.xsave_size);
    memcpy(index + l.os, s->os, h.os_size);
    memcpy(index + l.mappings, s->mappings.list, h.mapping_count * sizeof(*s->mappings.list));
    fill_runs((struct page_run *)(void *)(index + l.runs), &s->store);
    fill_sums((uint64_t *)(void *)(index + l.sums), &s->store, h.page_count);
    h.index_sum = sum_of(index, l.contents);
    memcpy(index, &h, sizeof(h));
    *size = l.contents;
    *out = index;
    return 0;
}

/* Refuse what could not be loaded again: pages that the program itself has mapped. */
static int check_mappings(const struct hl_snapshot *s, struct hl_error *error)
{
    const struct hl_sandbox_config config = {
        .heap = s->heap, .stack = s->stack, .input = s->input, .output = s->output};
    struct layout_places places;
    int rc = layout_places(&places, s->image, &config, error);
    for (size_t i = 0; !rc && i < s->mappings.count; i++) {
        const struct snapshot_mapping *m = &s->mappings.list[i];
        if (!layout_has(&places, m->gva, m->gpa, m->pages, (unsigned)m->prot))
            rc = hl_error_set(error, HL_ERR_ARGUMENT,
                              "cannot save a guest whose page 0x%llx the program has "
                              "mapped itself",
                              (unsigned long long)m->gva);
    }
    layout_places_free(&places);
    return rc;
}

static int write_file(const struct hl_snapshot *s, const char *path, uint8_t *index, size_t size,
                      struct hl_error *error)
{
    struct store_walk walk = {0};
    uint64_t at = 0;
    struct file_part *part = malloc((s->store.run_count + 1) * sizeof(*part));
    if (!part)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    unsigned count = 1;
    part[0] = (struct file_part){index, size};
    for (size_t n; (n = snapshot_store_next(&s->store, &walk, SIZE_MAX, &at)); count++)
        part[count] = (struct file_part){s->store.data + at * PAGE_SIZE, n * PAGE_SIZE};
    int rc = file_replace(path, part, count, true, error);
    free(part);
    return rc;
}

int hl_snapshot_save(const struct hl_snapshot *s, const char *path, struct hl_error *error)
{
    uint8_t *index = NULL;
    size_t size = 0;
    if (!s || !path)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no snapshot or no file name");
    int rc = check_mappings(s, error);
    if (!rc)
        rc = make_index(s, &index, &size, error);
    if (!rc)
        rc = write_file(s, path, index, size, error);
    free(index);
    return rc;
}
