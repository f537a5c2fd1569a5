/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_load.c - a snapshot from a file, which may be anybody's: nothing in it is believed. */
#include "snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"
#include "linux_heap.h"
#include "memory.h"
#include "retry.h"
#include "shim.h"

/* The XSAVE area (Intel SDM 1, 13.4). */
#define XSAVE_MXCSR 24u
#define XSAVE_HEADER 512u
#define XSAVE_ALWAYS 0x203u /* x87 and SSE need no XCR0; KVM keeps PKRU apart from it */

struct loading {
    const char *path;
    int fd;
    uint64_t size;
    struct snapshot_header header;
    struct snapshot_layout layout;
    uint8_t *index;
    struct hl_error *error;
};

static int bad(const struct loading *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int bad(const struct loading *in, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return hl_error_set(in->error, HL_ERR_BAD_SNAPSHOT, "%s: %s: %s", in->path,
                        hl_err_text(HL_ERR_BAD_SNAPSHOT), text);
}

static int unreadable(const struct loading *in, int e)
{
    hl_error_set(in->error, HL_ERR_FILE, "%s: %s: %s", in->path, hl_err_text(HL_ERR_FILE),
                 e == ELOOP ? "a symbolic link" : strerror(e));
    if (in->error)
        in->error->sys_errno = e;
    return HL_ERR_FILE;
}

static int open_file(struct loading *in)
{
    struct stat st;
    /* Not blocking: it may be a fifo. */
    in->fd = RETRY(open(in->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (in->fd < 0 || fstat(in->fd, &st))
        return unreadable(in, errno);
    if (!S_ISREG(st.st_mode))
        return unreadable(in, S_ISDIR(st.st_mode) ? EISDIR : EINVAL);
    in->size = (uint64_t)st.st_size;
    return 0;
}

static int read_at(const struct loading *in, void *to, size_t size, uint64_t at)
{
    uint8_t *p = to;
    while (size) {
        ssize_t n = RETRY(pread(in->fd, p, size, (off_t)at));
        if (n < 0)
            return unreadable(in, errno);
        if (n == 0)
            return bad(in, "cut short");
        p += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

static int read_header(struct loading *in)
{
    struct snapshot_header *h = &in->header;
    if (in->size < PAGE_SIZE)
        return bad(in, "too short to be one");
    int rc = read_at(in, h, sizeof(*h), 0);
    if (rc)
        return rc;
    if (memcmp(h->magic, SNAPSHOT_MAGIC, sizeof(h->magic)) != 0)
        return bad(in, "not a snapshot");
    if (h->version != SNAPSHOT_VERSION || h->header_size != sizeof(*h))
        return bad(in, "format %u, this library reads %u", h->version, SNAPSHOT_VERSION);
    if (!snapshot_layout_of(h, &in->layout) || h->file_size != in->layout.end ||
        in->size != in->layout.end)
        return bad(in, "%llu bytes instead of %llu", (unsigned long long)in->size,
                   (unsigned long long)h->file_size);
    return 0;
}

static int read_index(struct loading *in)
{
    const size_t size = in->layout.contents;
    struct snapshot_header zero = in->header;
    in->index = malloc(size);
    if (!in->index)
        return hl_error_set(in->error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    int rc = read_at(in, in->index, size, 0);
    if (rc)
        return rc;
    /* The file may have changed since: only this copy counts. */
    if (memcmp(in->index, &in->header, sizeof(in->header)) != 0)
        return bad(in, "it is being written to");
    zero.index_sum = 0;
    memcpy(in->index, &zero, sizeof(zero));
    if (snapshot_sum(in->index, size) != in->header.index_sum)
        return bad(in, "its checksum is wrong");
    return 0;
}

/* ---- is it for this image, this processor, this build? ---- */

static int check_origin(const struct loading *in, const struct hl_image *image)
{
    const struct snapshot_header *h = &in->header;
    struct vcpu_cpu cpu;
    if (h->abi_version != HL_ABI_VERSION)
        return hl_error_set(in->error, HL_ERR_ABI_VERSION,
                            "%s: ABI version %u, this library's is %u", in->path, h->abi_version,
                            HL_ABI_VERSION);
    if (h->image_size != image->size || h->image_sum != snapshot_sum(image->data, image->size))
        return bad(in, "of another guest than %s", image->path);
    int rc = hl_vcpu_kvm.cpu(&cpu, in->error);
    if (rc)
        return rc;
    bool has = h->cpu.xcr0 == cpu.xcr0 && !(h->features & ~hl_vcpu_kvm.features());
    for (size_t i = 0; i < sizeof(cpu.feature) / sizeof(cpu.feature[0]); i++)
        has &= !(h->cpu.feature[i] & ~cpu.feature[i]);
    return has ? 0 : bad(in, "taken on a processor with features that this one lacks");
}

/* ---- is it a state that a guest could be in? ---- */

static bool good_selector(uint16_t selector)
{
    return selector < 4 || (selector | 3) == SHIM_USER_DS || selector == SHIM_USER_CS ||
           selector == SHIM_USER32_CS;
}

static bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static int check_registers(const struct loading *in)
{
    const struct snapshot_header *h = &in->header;
    if (h->regs.rip >> 47 || !canonical(h->fs_base) || !canonical(h->gs_base) ||
        !good_selector(h->ds) || !good_selector(h->es) || !good_selector(h->fs) ||
        !good_selector(h->gs))
        return bad(in, "impossible registers");
    return 0;
}

/* What `xrstor` takes (Intel SDM 1, 13.4 and 13.8): KVM would refuse the rest, but not before the
 * sandbox that is to be restored has been changed. */
static int check_vectors(const struct loading *in)
{
    const struct snapshot_header *h = &in->header;
    const uint8_t *area = in->index + in->layout.xsave;
    uint64_t header[8];
    uint32_t mxcsr;
    if (h->xsave_size < XSAVE_HEADER + sizeof(header))
        return bad(in, "impossible vector registers");
    memcpy(&mxcsr, area + XSAVE_MXCSR, sizeof(mxcsr));
    memcpy(header, area + XSAVE_HEADER, sizeof(header)); /* components, format, zeros */
    bool good = !(mxcsr >> 16) && !(header[0] & ~(h->cpu.xcr0 | XSAVE_ALWAYS));
    for (size_t i = 1; i < sizeof(header) / sizeof(header[0]); i++)
        good &= !header[i];
    return good ? 0 : bad(in, "impossible vector registers");
}

static int check_sizes(const struct loading *in, const struct hl_image *image)
{
    const struct snapshot_header *h = &in->header;
    const struct hl_sandbox_config wanted = {
        .heap = h->heap, .stack = h->stack, .input = h->input, .output = h->output};
    struct hl_sandbox_config c;
    struct hl_region region[REGION_COUNT];
    if (sandbox_config(&c, &wanted, NULL) || c.heap != h->heap || c.stack != h->stack ||
        c.input != h->input || c.output != h->output)
        return bad(in, "impossible sizes");
    layout_plan(image, &c, region);
    const struct hl_region *heap = &region[REGION_HEAP];
    struct linux_state os = {.pages = heap->size / PAGE_SIZE};
    if (h->brk < heap->start || h->brk > heap->start + heap->size || h->top > os.pages ||
        h->used_words != linux_words(&os) || h->input_used < sizeof(struct hl_input) ||
        h->input_used > h->input)
        return bad(in, "impossible heap");
    return 0;
}

static int check_process(const struct loading *in)
{
    struct linux_process p;
    memcpy(&p, in->index + in->layout.process, sizeof(p));
    return linux_is_good(&p) ? 0 : bad(in, "impossible signals or descriptors");
}

static int check_mappings(const struct loading *in, const struct snapshot_mapping *list)
{
    hl_gva_t end = 0;
    for (uint64_t i = 0; i < in->header.mapping_count; i++) {
        const struct snapshot_mapping *m = &list[i];
        if (m->gva < end || m->gva >> 47 || m->gva % PAGE_SIZE || m->gpa % PAGE_SIZE || !m->pages ||
            m->pages > (1ull << 47) / PAGE_SIZE ||
            m->prot > (HL_PROT_READ | HL_PROT_WRITE | HL_PROT_EXEC) ||
            (m->prot & HL_PROT_WRITE && m->prot & HL_PROT_EXEC))
            return bad(in, "impossible mappings");
        end = m->gva + m->pages * PAGE_SIZE;
    }
    return 0;
}

static int check_runs(const struct loading *in, const struct page_run *runs)
{
    uint64_t end = 0, at = 0;
    for (uint64_t i = 0; i < in->header.run_count; i++) {
        const struct page_run *r = &runs[i];
        if (r->page < end || r->page > HL_MACHINE_MEMORY_MAX || !r->count || r->at != at ||
            r->count > in->header.page_count - at)
            return bad(in, "impossible pages");
        end = r->page + r->count;
        at += r->count;
    }
    return at == in->header.page_count ? 0 : bad(in, "pages that belong nowhere");
}

static int check_all(const struct loading *in, const struct hl_image *image)
{
    int rc = check_origin(in, image);
    if (!rc)
        rc = check_registers(in);
    if (!rc)
        rc = check_vectors(in);
    if (!rc)
        rc = check_sizes(in, image);
    if (!rc)
        rc = check_process(in);
    if (!rc)
        rc = check_mappings(in, (const void *)(in->index + in->layout.mappings));
    if (!rc)
        rc = check_runs(in, (const void *)(in->index + in->layout.runs));
    return rc;
}

/* ---- from the index to a snapshot ---- */

static void *copy(const struct loading *in, uint64_t at, size_t size)
{
    void *data = malloc(size + !size);
    if (data)
        memcpy(data, in->index + at, size);
    else
        hl_error_set(in->error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    return data;
}

static struct vcpu_state *make_vcpu(const struct loading *in)
{
    const struct snapshot_header *h = &in->header;
    struct vcpu_state *v = malloc(sizeof(*v) + h->xsave_size);
    if (!v) {
        hl_error_set(in->error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
        return NULL;
    }
    *v = (struct vcpu_state){
        .regs = h->regs,
        .fs_base = h->fs_base,
        .gs_base = h->gs_base,
        .cr2 = h->cr2,
        .ds = h->ds,
        .es = h->es,
        .fs = h->fs,
        .gs = h->gs,
        .xsave_size = (uint32_t)h->xsave_size,
    };
    v->regs.rflags = (h->regs.rflags & RFLAGS_GUEST) | RFLAGS_FIXED;
    memcpy(v->xsave, in->index + in->layout.xsave, h->xsave_size);
    return v;
}

static int fill(struct hl_snapshot *s, const struct loading *in, const struct hl_image *image)
{
    const struct snapshot_header *h = &in->header;
    const struct snapshot_layout *l = &in->layout;
    s->id = snapshot_next_id();
    s->image = image_use(image);
    s->heap = h->heap;
    s->stack = h->stack;
    s->input = h->input;
    s->output = h->output;
    s->input_used = h->input_used;
    s->os.brk = h->brk;
    s->os.top = h->top;
    s->os.pages = h->heap / PAGE_SIZE;
    s->vcpu = make_vcpu(in);
    s->os.used = s->vcpu ? copy(in, l->used, l->mappings - l->used) : NULL; /* the process, too */
    if (s->os.used)
        linux_own(&s->os);
    s->mappings.count = h->mapping_count;
    s->mappings.list =
        s->os.used ? copy(in, l->mappings, h->mapping_count * sizeof(*s->mappings.list)) : NULL;
    s->store.run_count = h->run_count;
    s->store.runs =
        s->mappings.list ? copy(in, l->runs, h->run_count * sizeof(*s->store.runs)) : NULL;
    return s->store.runs ? 0 : HL_ERR_MEMORY;
}

static int map_contents(struct hl_snapshot *s, struct loading *in)
{
    const size_t size = in->header.page_count * PAGE_SIZE;
    if (!size)
        return 0;
    uint8_t *data = memory_map(NULL, size, in->fd, in->layout.contents);
    if (!data)
        return unreadable(in, errno);
    mprotect(data, size, PROT_READ);
    s->store.data = data;
    s->store.size = size;
    s->store.fd = in->fd;
    s->store.offset = in->layout.contents;
    in->fd = -1;
    return 0;
}

/* All of it into memory of our own, and only then the checksums: the file may change meanwhile. */
static int read_contents(struct hl_snapshot *s, const struct loading *in)
{
    const size_t size = in->header.page_count * PAGE_SIZE, chunk = SNAPSHOT_CHUNK * PAGE_SIZE;
    const uint8_t *sums = in->index + in->layout.sums;
    if (!size)
        return 0;
    uint8_t *data = snapshot_store_new(&s->store, size, in->error);
    int rc = data ? read_at(in, data, size, in->layout.contents) : HL_ERR_MEMORY;
    for (size_t at = 0; !rc && at < size; at += chunk, sums += 8) {
        uint64_t sum = snapshot_sum(data + at, size - at < chunk ? size - at : chunk);
        if (memcmp(&sum, sums, sizeof(sum)) != 0)
            rc = bad(in, "the checksum of its pages is wrong");
    }
    return rc;
}

static int load(struct hl_snapshot *s, struct loading *in, const struct hl_image *image,
                unsigned flags)
{
    int rc = open_file(in);
    if (!rc)
        rc = read_header(in);
    if (!rc)
        rc = read_index(in);
    if (!rc)
        rc = check_all(in, image);
    if (!rc)
        rc = fill(s, in, image);
    if (!rc)
        rc = flags & HL_SNAPSHOT_VERIFY ? read_contents(s, in) : map_contents(s, in);
    return rc;
}

int hl_snapshot_load(struct hl_snapshot **snapshot, const struct hl_image *image, const char *path,
                     unsigned flags, struct hl_error *error)
{
    struct loading in = {.path = path, .fd = -1, .error = error};
    if (!snapshot || !image || !path || (flags & ~HL_SNAPSHOT_VERIFY))
        return hl_error_set(error, HL_ERR_ARGUMENT, "no image, no file name or unknown flags");
    struct hl_snapshot *s = calloc(1, sizeof(*s));
    if (!s)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    s->store.fd = -1;
    int rc = load(s, &in, image, flags);
    if (in.fd >= 0)
        close(in.fd);
    free(in.index);
    if (rc) {
        hl_snapshot_destroy(s);
        return rc;
    }
    *snapshot = s;
    return 0;
}
