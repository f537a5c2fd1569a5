/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_file.h - the format of a snapshot file.
 *
 *     header       struct snapshot_header, one page
 *     vectors      xsave_size bytes, the XSAVE area
 *     system       os_size bytes, what the personality has saved
 *     mappings     struct snapshot_mapping
 *     runs         struct page_run
 *     sums         one for each SNAPSHOT_CHUNK pages of contents
 *     zeros        up to a whole page
 *     contents     the pages themselves
 *
 * Numbers are little-endian, and structures have the layout of x86-64.  index_sum covers everything
 * before the contents, with index_sum itself taken as 0.  The file holds only what the library can
 * check: system registers, page tables and ring 0 are not stored, but built again.
 */
#ifndef HL_SNAPSHOT_FILE_H
#define HL_SNAPSHOT_FILE_H

#include "snapshot.h"
#include "sum.h"

#define SNAPSHOT_MAGIC "HLSNAP\r\n" /* a copy in text mode changes it */
#define SNAPSHOT_VERSION 3u
#define SNAPSHOT_CHUNK 64u

struct snapshot_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
};

struct snapshot_header {
    char magic[8];
    uint32_t version, header_size;
    uint32_t abi_version, features; /* HL_FEATURE_* */
    uint64_t index_sum, file_size;
    uint64_t image_size, image_sum;
    struct vcpu_cpu cpu;
    uint64_t heap, stack, input, output;
    uint64_t input_used;
    struct snapshot_regs regs;
    uint64_t fs_base, gs_base, cr2;
    uint16_t ds, es, fs, gs;
    uint64_t xsave_size, os_size, mapping_count, run_count, page_count;
};

_Static_assert(sizeof(struct snapshot_header) <= PAGE_SIZE, "header");
_Static_assert(sizeof(struct snapshot_header) % 8 == 0, "header");

/* The offsets of the parts; the contents are page-aligned. */
struct snapshot_layout {
    uint64_t xsave, os, mappings, runs, sums, sum_count, contents, end;
};

/* False if the counts are impossible. */
bool snapshot_layout_of(const struct snapshot_header *h, struct snapshot_layout *l);

#endif
