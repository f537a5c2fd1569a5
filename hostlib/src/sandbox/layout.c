/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/layout.c - a sandbox's address space: the image at its own addresses, everything else
 * above ARENA_BASE, each region between unmapped guard pages.
 */
#include "sandbox.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "machine_cpu.h"
#include "source.h"

#define ARENA_BASE 0x700000000000ull

#define ARGS_MAX 4096  /* of argv and envp together */
#define CHANCE_SIZE 16 /* of AT_RANDOM */

/* Builds the initial stack from the top down, in host memory. */
struct stack_builder {
    uint8_t *host; /* host address of the lowest guest address */
    hl_gva_t low;
    size_t at; /* offset of the last item */
    bool overflow;
};

static hl_gva_t push(struct stack_builder *b, const void *data, size_t size)
{
    /* Leave half of the stack to the guest. */
    if (size > b->at / 2) {
        b->overflow = true;
        return 0;
    }
    b->at -= size;
    /* The stack is in the memory. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    memcpy(b->host + b->at, data, size);
    return b->low + b->at;
}

static size_t push_strings(struct stack_builder *b, const char *const *strings, uint64_t *out,
                           size_t max)
{
    size_t n = 0;
    for (; strings && strings[n] && n < max; n++)
        out[n] = push(b, strings[n], strlen(strings[n]) + 1);
    b->overflow |= strings && strings[n];
    return n;
}

/*
 * The two items at the very top of the stack, above everything that depends on arguments, so that
 * debuggers and core files find them in every sandbox, clones included.
 */
static hl_gva_t chance_at(const struct hl_sandbox *sb)
{
    const struct hl_region *stack = &sb->region[REGION_STACK];
    return stack->start + stack->size - CHANCE_SIZE;
}

/* The string that ends there; a snapshot's may be longer or shorter than our path to the file. */
static hl_gva_t name_at(const struct hl_sandbox *sb)
{
    const struct hl_region *stack = &sb->region[REGION_STACK];
    const char *host = machine_memory(sb->machine, sb->gpa[REGION_STACK], stack->size);
    size_t at = stack->size - CHANCE_SIZE - 1;

    while (at > stack->size / 2 && host[at - 1])
        at--;
    return stack->start + at;
}

size_t layout_auxv(const struct hl_sandbox *sb, Elf64_auxv_t *aux)
{
    const struct hl_image *image = sb->image;
    const Elf64_auxv_t entries[] = {
        {AT_PHDR, {image->phdr}},
        {AT_PHENT, {sizeof(Elf64_Phdr)}},
        {AT_PHNUM, {image->phdr ? image->phnum : 0}},
        {AT_PAGESZ, {PAGE_SIZE}},
        {AT_ENTRY, {image->entry}},
        {AT_UID, {0}},
        {AT_EUID, {0}},
        {AT_GID, {0}},
        {AT_EGID, {0}},
        {AT_SECURE, {0}},
        {AT_CLKTCK, {100}},
        {AT_RANDOM, {chance_at(sb)}},
        {AT_EXECFN, {name_at(sb)}},
        {AT_NULL, {0}},
    };
    _Static_assert(sizeof(entries) / sizeof(entries[0]) <= LAYOUT_AUX_MAX, "LAYOUT_AUX_MAX");
    memcpy(aux, entries, sizeof(entries));
    return sizeof(entries) / sizeof(entries[0]);
}

/* argc, argv, envp, auxv at the stack pointer (System V ABI AMD64, 3.4.1). */
static int put_words(struct hl_sandbox *sb, const char *const *argv, const char *const *envp,
                     uint64_t *words, hl_gva_t *rsp, struct hl_error *error)
{
    const struct hl_region *stack = &sb->region[REGION_STACK];
    const char *const default_argv[] = {sb->image->path, NULL};
    struct stack_builder b = {.host =
                                  machine_memory(sb->machine, sb->gpa[REGION_STACK], stack->size),
                              .low = stack->start,
                              .at = stack->size};
    uint8_t chance[CHANCE_SIZE];
    Elf64_auxv_t aux[LAYOUT_AUX_MAX];
    if (source_random(sb, chance, sizeof(chance)))
        return hl_error_set(error, HL_ERR_SYSTEM, "no random numbers: getrandom() failed");
    push(&b, chance, sizeof(chance));
    push(&b, sb->image->path, strlen(sb->image->path) + 1);
    size_t argc = push_strings(&b, argv ? argv : default_argv, words + 1, ARGS_MAX / 2);
    size_t envc = push_strings(&b, envp, words + 1 + argc + 1, ARGS_MAX / 2);
    words[0] = argc;
    size_t count = 1 + argc + 1 + envc + 1;
    size_t aux_count = layout_auxv(sb, aux);
    memcpy(words + count, aux, aux_count * sizeof(aux[0]));
    count += 2 * aux_count;
    b.at &= ~(size_t)15;
    if (count % 2)
        b.at -= 8;
    *rsp = push(&b, words, count * sizeof(words[0]));
    if (b.overflow)
        return hl_error_set(error, HL_ERR_LIMIT, "the arguments do not fit into the guest's stack");
    return 0;
}

/* The caller's own stack may be small. */
static int build_stack(struct hl_sandbox *sb, const char *const *argv, const char *const *envp,
                       hl_gva_t *rsp, struct hl_error *error)
{
    uint64_t *words = calloc(ARGS_MAX + 4 + 2 * LAYOUT_AUX_MAX, sizeof(*words));
    if (!words)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    int rc = put_words(sb, argv, envp, words, rsp, error);
    free(words);
    return rc;
}

static int fill_boot(struct hl_sandbox *sb, struct hl_error *error)
{
    struct hl_boot *boot = machine_memory(sb->machine, sb->gpa[REGION_BOOT], sizeof(*boot));
    const struct hl_region *r = sb->region;
    *boot = (struct hl_boot){
        .magic = HL_BOOT_MAGIC,
        .version = HL_ABI_VERSION,
        .size = sizeof(*boot),
        .features = machine_features(sb->machine),
        .input = r[REGION_INPUT].start,
        .input_size = r[REGION_INPUT].size,
        .output = r[REGION_OUTPUT].start,
        .output_size = r[REGION_OUTPUT].size,
        .heap = r[REGION_HEAP].start,
        .heap_size = r[REGION_HEAP].size,
        .stack = r[REGION_STACK].start,
        .stack_size = r[REGION_STACK].size,
        .load_bias = sb->image->bias,
    };
    if (source_random(sb, boot->random, sizeof(boot->random)))
        return hl_error_set(error, HL_ERR_SYSTEM, "no random numbers: getrandom() failed");
    return 0;
}

/* The whole pages among a segment's bytes, which begin at `store`. */
static struct page_run whole_pages(const struct image_segment *s, hl_gpa_t gpa,
                                   const uint8_t *store)
{
    uint64_t start = (s->address + PAGE_SIZE - 1) & PAGE_MASK;
    uint64_t end = (s->address + s->pub.file_size) & PAGE_MASK;
    if (start >= end)
        return (struct page_run){0};
    return (struct page_run){
        .page = (gpa + (start - s->pub.start)) / PAGE_SIZE,
        .count = (end - start) / PAGE_SIZE,
        .at = (uint64_t)(s->data - store + (ptrdiff_t)(start - s->address)) / PAGE_SIZE,
    };
}

/*
 * The pages of the image that a machine maps from the start; alloc will place the segments in
 * order.
 */
static void image_contents(const struct hl_image *image, hl_gpa_t gpa,
                           struct machine_contents *contents,
                           struct page_run runs[HL_IMAGE_SEGMENTS_MAX])
{
    const struct memfile *store = image->moved.data ? &image->moved : &image->whole;
    *contents = (struct machine_contents){
        .data = store->data, .fd = memfile_fd(store), .runs = runs, .few = true};
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct image_segment *s = &image->segments[i];
        struct page_run run = whole_pages(s, gpa, store->data);
        if (run.count)
            runs[contents->run_count++] = run;
        gpa += s->pub.size;
    }
}

static int load_segment(struct hl_sandbox *sb, const struct image_segment *s,
                        struct hl_error *error)
{
    hl_gpa_t gpa;
    int rc = hl_machine_alloc(sb->machine, s->pub.size, &gpa, error);
    if (rc)
        return rc;
    uint8_t *host = machine_memory(sb->machine, gpa, s->pub.size);
    const size_t head = s->address % PAGE_SIZE;
    struct page_run run = whole_pages(s, gpa, s->data);
    size_t before = run.count ? (PAGE_SIZE - head) % PAGE_SIZE : s->pub.file_size;
    size_t after = before + run.count * PAGE_SIZE; /* the machine holds the pages in between */
    memcpy(host + head, s->data, before);
    memcpy(host + head + after, s->data + after, s->pub.file_size - after);
    return hl_machine_map(sb->machine, s->pub.start, gpa, s->pub.size, s->pub.prot, error);
}

/* Allocate memory for a region; the heap's pages are mapped when the guest asks for them. */
static int make_region(struct hl_sandbox *sb, enum region_id id, struct hl_error *error)
{
    struct hl_region *r = &sb->region[id];
    int rc = hl_machine_alloc(sb->machine, r->size, &sb->gpa[id], error);
    if (rc || id == REGION_HEAP)
        return rc;
    return hl_machine_map(sb->machine, r->start, sb->gpa[id], r->size, r->prot, error);
}

void layout_plan(const struct hl_image *image, const struct hl_sandbox_config *c,
                 struct hl_region region[REGION_COUNT])
{
    const struct hl_segment *first = &image->segments[0].pub;
    const struct hl_segment *last = &image->segments[image->segment_count - 1].pub;
    const unsigned rw = HL_PROT_READ | HL_PROT_WRITE;
    const struct hl_region regions[REGION_COUNT] = {
        [REGION_IMAGE] = {"image", first->start, last->start + last->size - first->start, 0},
        [REGION_BOOT] = {"boot", 0, PAGE_SIZE, HL_PROT_READ},
        [REGION_INPUT] = {"input", 0, c->input, rw},
        [REGION_OUTPUT] = {"output", 0, c->output, rw},
        [REGION_STACK] = {"stack", 0, c->stack, rw},
        [REGION_HEAP] = {"heap", 0, c->heap, rw},
    };
    hl_gva_t at = ARENA_BASE + HL_GUARD_SIZE;
    memcpy(region, regions, sizeof(regions));
    for (unsigned i = REGION_BOOT; i < REGION_COUNT; i++) {
        region[i].start = at;
        at += region[i].size + HL_GUARD_SIZE;
    }
}

size_t layout_memory(const struct hl_image *image, const struct hl_region region[REGION_COUNT])
{
    size_t size = 0;
    for (size_t i = 0; i < image->segment_count; i++)
        size += image->segments[i].pub.size;
    for (unsigned i = REGION_BOOT; i < REGION_COUNT; i++)
        size += region[i].size;
    return size;
}

/* The same image and sizes give every region the same address in the machine's memory. */
static int make_machine(struct hl_sandbox *sb, const struct machine_contents *contents,
                        struct hl_error *error)
{
    static const uint16_t ports[] = {HL_PORT_WAIT, HL_PORT_CALL, HL_PORT_LOG, HL_PORT_ABORT};
    struct hl_machine_config config = {.port = ports, .port_count = 4, .shared = sb->config.shared};
    struct page_run runs[HL_IMAGE_SEGMENTS_MAX];
    struct machine_contents image;
    int rc = image_check_max(sb->image, sb->config.image_max, error);
    if (rc)
        return rc;
    layout_plan(sb->image, &sb->config, sb->region);
    config.memory = layout_memory(sb->image, sb->region);
    if (!contents) {
        image_contents(sb->image, machine_first(&config), &image, runs);
        contents = &image;
    }
    return machine_create(&sb->machine, &config, sb->backend, contents, error);
}

static void find_buffers(struct hl_sandbox *sb)
{
    sb->input = machine_memory(sb->machine, sb->gpa[REGION_INPUT], sizeof(*sb->input));
    sb->output = machine_memory(sb->machine, sb->gpa[REGION_OUTPUT], sizeof(*sb->output));
}

int layout_create(struct hl_sandbox *sb, const char *const *argv, const char *const *envp,
                  struct hl_error *error)
{
    int rc = make_machine(sb, NULL, error);
    for (size_t i = 0; !rc && i < sb->image->segment_count; i++)
        rc = load_segment(sb, &sb->image->segments[i], error);
    for (unsigned i = REGION_BOOT; !rc && i < REGION_COUNT; i++)
        rc = make_region(sb, (enum region_id)i, error);
    if (rc)
        return rc;
    find_buffers(sb);
    rc = fill_boot(sb, error);
    if (rc)
        return rc;
    struct hl_regs regs = {.rip = sb->image->entry, .rdi = sb->region[REGION_BOOT].start};
    rc = build_stack(sb, argv, envp, &regs.rsp, error);
    return rc ? rc : hl_machine_set_regs(sb->machine, &regs, error);
}

int layout_clone(struct hl_sandbox *sb, const struct machine_contents *contents,
                 struct hl_error *error)
{
    hl_gpa_t gpa;
    int rc = make_machine(sb, contents, error);
    for (size_t i = 0; !rc && i < sb->image->segment_count; i++)
        rc = hl_machine_alloc(sb->machine, sb->image->segments[i].pub.size, &gpa, error);
    for (unsigned i = REGION_BOOT; !rc && i < REGION_COUNT; i++)
        rc = hl_machine_alloc(sb->machine, sb->region[i].size, &sb->gpa[i], error);
    if (!rc)
        find_buffers(sb);
    return rc;
}
