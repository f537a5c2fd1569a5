/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/check.c - check that the contents of a snapshot file are a possible state of a guest. */
#include "snapshot_load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "image.h"
#include "layout_place.h"
#include "x86.h"

/* The XSAVE area (Intel SDM 1, 13.4). */
#define XSAVE_MXCSR 24u
#define XSAVE_HEADER 512u
#define XSAVE_ALWAYS 0x203u /* x87 and SSE need no XCR0; KVM stores PKRU separately */

int loading_bad(const struct loading *in, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return hl_error_set(in->error, HL_ERR_BAD_SNAPSHOT, "%s: %s: %s", in->path,
                        hl_err_text(HL_ERR_BAD_SNAPSHOT), text);
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
    if (h->image_size != image->size || h->image_sum != sum_of(image->data, image->size))
        return loading_bad(in, "of another guest than %s", image->path);
    int rc = in->backend->cpu(&cpu, in->error);
    if (rc)
        return rc;
    bool has = h->cpu.xcr0 == cpu.xcr0 && !(h->features & ~in->backend->features());
    for (size_t i = 0; i < sizeof(cpu.feature) / sizeof(cpu.feature[0]); i++)
        has &= !(h->cpu.feature[i] & ~cpu.feature[i]);
    return has ? 0 : loading_bad(in, "taken on a processor with features that this one lacks");
}

/* ---- is it a state that a guest could be in? ---- */

static bool good_selector(uint16_t selector)
{
    return selector < 4 || (selector | 3) == USER_DS || selector == USER_CS ||
           selector == USER32_CS;
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
        return loading_bad(in, "impossible registers");
    return 0;
}

/*
 * The checks of `xrstor` (Intel SDM 1, 13.4 and 13.8): KVM would refuse other states, but only
 * after the sandbox to be restored has been changed.
 */
static int check_vectors(const struct loading *in)
{
    const struct snapshot_header *h = &in->header;
    const uint8_t *area = in->index + in->layout.xsave;
    uint64_t header[8];
    uint32_t mxcsr;
    if (h->xsave_size < XSAVE_HEADER + sizeof(header))
        return loading_bad(in, "impossible vector registers");
    memcpy(&mxcsr, area + XSAVE_MXCSR, sizeof(mxcsr));
    memcpy(header, area + XSAVE_HEADER, sizeof(header)); /* components, format, zeros */
    bool good = !(mxcsr >> 16) && !(header[0] & ~(h->cpu.xcr0 | XSAVE_ALWAYS));
    for (size_t i = 1; i < sizeof(header) / sizeof(header[0]); i++)
        good &= !header[i];
    return good ? 0 : loading_bad(in, "impossible vector registers");
}

static int check_sizes(const struct loading *in, const struct hl_image *image,
                       struct layout_places *places)
{
    const struct snapshot_header *h = &in->header;
    const struct hl_sandbox_config wanted = {
        .heap = h->heap, .stack = h->stack, .input = h->input, .output = h->output};
    struct hl_sandbox_config c;
    struct hl_region region[REGION_COUNT];
    if (sandbox_config(&c, &wanted, NULL) || c.heap != h->heap || c.stack != h->stack ||
        c.input != h->input || c.output != h->output)
        return loading_bad(in, "impossible sizes");
    layout_plan(image, &c, region);
    if (h->input_used < sizeof(struct hl_input) || h->input_used > h->input)
        return loading_bad(in, "impossible arguments");
    const char *wrong = "impossible heap";
    if (h->os_size == personality_default->saved_size(h->heap))
        wrong = personality_default->check(in->index + in->layout.os, &region[REGION_HEAP]);
    if (wrong)
        return loading_bad(in, "%s", wrong);
    return layout_places(places, image, &c, in->error);
}

/* A page is mapped in one place and at one address: there is no writable alias of code. */
static int check_mappings(const struct loading *in, const struct layout_places *places)
{
    const struct snapshot_mapping *list = (const void *)(in->index + in->layout.mappings);
    hl_gva_t end = 0;
    for (uint64_t i = 0; i < in->header.mapping_count; i++) {
        const struct snapshot_mapping *m = &list[i];
        if (m->gva < end || !m->pages || m->prot > UINT8_MAX ||
            !layout_has(places, m->gva, m->gpa, m->pages, (unsigned)m->prot))
            return loading_bad(in, "impossible mappings");
        end = m->gva + m->pages * PAGE_SIZE;
    }
    return 0;
}

static int check_runs(const struct loading *in, const struct layout_places *places)
{
    const struct page_run *runs = (const void *)(in->index + in->layout.runs);
    uint64_t from = places->start / PAGE_SIZE, at = 0;
    const uint64_t end = places->end / PAGE_SIZE;
    for (uint64_t i = 0; i < in->header.run_count; i++) {
        const struct page_run *r = &runs[i];
        if (r->page < from || r->page >= end || !r->count || r->count > end - r->page ||
            r->at != at)
            return loading_bad(in, "contents for pages that the guest does not have");
        from = r->page + r->count;
        at += r->count;
    }
    return at == in->header.page_count ? 0 : loading_bad(in, "more pages than its runs hold");
}

int loading_check(const struct loading *in, const struct hl_image *image)
{
    struct layout_places places = {0};
    int rc = check_origin(in, image);
    if (!rc)
        rc = check_registers(in);
    if (!rc)
        rc = check_vectors(in);
    if (!rc)
        rc = check_sizes(in, image, &places);
    if (!rc)
        rc = check_mappings(in, &places);
    if (!rc)
        rc = check_runs(in, &places);
    layout_places_free(&places);
    return rc;
}
