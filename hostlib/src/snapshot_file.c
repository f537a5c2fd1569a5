/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_file.c - where things are in a snapshot's file, and writing one. */
#include "snapshot_file.h"

#include <stdlib.h>
#include <string.h>

#include "file_replace.h"
#include "image.h"
#include "linux_heap.h"

/* So that no sum overflows, and a hostile index stays below 300 MiB. */
#define LIST_MAX (1ull << 22)
#define PAGES_MAX (HL_MACHINE_MEMORY_MAX / PAGE_SIZE)

bool snapshot_layout_of(const struct snapshot_header *h, struct snapshot_layout *l)
{
    if (h->xsave_size > UINT16_MAX || h->xsave_size % 8 || h->used_words > PAGES_MAX / 64 + 1 ||
        h->mapping_count > LIST_MAX || h->run_count > LIST_MAX || h->page_count > PAGES_MAX)
        return false;
    l->xsave = PAGE_SIZE;
    l->used = l->xsave + h->xsave_size;
    l->process = l->used + h->used_words * 8;
    l->mappings = l->process + sizeof(struct linux_process);
    l->runs = l->mappings + h->mapping_count * sizeof(struct snapshot_mapping);
    l->sums = l->runs + h->run_count * sizeof(struct page_run);
    l->sum_count = (h->page_count + SNAPSHOT_CHUNK - 1) / SNAPSHOT_CHUNK;
    l->contents = (l->sums + l->sum_count * 8 + PAGE_SIZE - 1) & PAGE_MASK;
    l->end = l->contents + h->page_count * PAGE_SIZE;
    return true;
}

/* Four lanes of multiply and rotate, as fast as memory. */
uint64_t snapshot_sum(const void *data, size_t size)
{
    const uint64_t odd = 0x9e3779b97f4a7c15ull;
    uint64_t lane[4] = {1, 2, 3, size}, word[4];
    const uint8_t *p = data;
    for (; size; size -= size < sizeof(word) ? size : sizeof(word), p += sizeof(word)) {
        if (size < sizeof(word))
            memset(word, 0, sizeof(word));
        memcpy(word, p, size < sizeof(word) ? size : sizeof(word));
        for (int i = 0; i < 4; i++) {
            lane[i] = (lane[i] ^ word[i]) * odd;
            lane[i] ^= lane[i] >> 29;
        }
    }
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum = (sum ^ lane[i]) * odd ^ sum >> 31;
    return sum;
}

static int fill_header(struct snapshot_header *h, const struct hl_snapshot *s,
                       struct hl_error *error)
{
    const struct vcpu_state *v = s->vcpu;
    *h = (struct snapshot_header){
        .version = SNAPSHOT_VERSION,
        .header_size = sizeof(*h),
        .abi_version = HL_ABI_VERSION,
        .features = hl_vcpu_kvm.features(),
        .image_size = s->image->size,
        .image_sum = snapshot_sum(s->image->data, s->image->size),
        .heap = s->heap,
        .stack = s->stack,
        .input = s->input,
        .output = s->output,
        .brk = s->os.brk,
        .top = s->os.top,
        .input_used = s->input_used,
        .regs = v->regs,
        .fs_base = v->fs_base,
        .gs_base = v->gs_base,
        .cr2 = v->cr2,
        .ds = v->ds,
        .es = v->es,
        .fs = v->fs,
        .gs = v->gs,
        .xsave_size = v->xsave_size,
        .used_words = linux_words(&s->os),
        .mapping_count = s->mappings.count,
        .run_count = s->store.run_count,
        .page_count = s->store.size / PAGE_SIZE,
    };
    memcpy(h->magic, SNAPSHOT_MAGIC, sizeof(h->magic));
    return hl_vcpu_kvm.cpu(&h->cpu, error);
}

static void fill_sums(uint64_t *sums, const struct snapshot_store *store)
{
    const size_t chunk = SNAPSHOT_CHUNK * PAGE_SIZE;
    for (size_t at = 0; at < store->size; at += chunk)
        *sums++ =
            snapshot_sum(store->data + at, store->size - at < chunk ? store->size - at : chunk);
}

/* All before the contents, in one piece that is the caller's to free. */
static int make_index(const struct hl_snapshot *s, uint8_t **out, size_t *size,
                      struct hl_error *error)
{
    struct snapshot_header h;
    struct snapshot_layout l;
    int rc = fill_header(&h, s, error);
    if (rc)
        return rc;
    if (!snapshot_layout_of(&h, &l))
        return hl_error_set(error, HL_ERR_LIMIT, "a guest with too many mappings for a file");
    uint8_t *index = calloc(1, l.contents);
    if (!index)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    h.file_size = l.end;
    memcpy(index, &h, sizeof(h));
    memcpy(index + l.xsave, s->vcpu->xsave, h.xsave_size);
    memcpy(index + l.process, s->os.process, sizeof(*s->os.process));
    memcpy(index + l.used, s->os.used, h.used_words * 8);
    memcpy(index + l.mappings, s->mappings.list, h.mapping_count * sizeof(*s->mappings.list));
    memcpy(index + l.runs, s->store.runs, h.run_count * sizeof(*s->store.runs));
    fill_sums((uint64_t *)(void *)(index + l.sums), &s->store);
    h.index_sum = snapshot_sum(index, l.contents);
    memcpy(index, &h, sizeof(h));
    *size = l.contents;
    *out = index;
    return 0;
}

int hl_snapshot_save(const struct hl_snapshot *s, const char *path, struct hl_error *error)
{
    uint8_t *index = NULL;
    size_t size = 0;
    if (!s || !path)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no snapshot or no file name");
    int rc = make_index(s, &index, &size, error);
    if (rc)
        return rc;
    const struct file_part parts[] = {{index, size}, {s->store.data, s->store.size}};
    rc = file_replace(path, parts, 2, true, error);
    free(index);
    return rc;
}
