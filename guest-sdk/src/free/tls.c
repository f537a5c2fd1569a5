/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread-local storage of a guest without a libc, for its only thread.  The x86-64 layout (variant
 * II of Drepper's "ELF Handling For Thread-Local Storage"): the variables end where %fs points, and
 * the word there holds its own address.  The canary is at %fs:0x28.
 */
#include "free.h"

#define PT_TLS 7
#define CONTROL_BLOCK 64

struct elf_header {
    uint8_t skip1[32];
    uint64_t phoff;
    uint8_t skip2[14];
    uint16_t phentsize;
    uint16_t phnum;
};

struct program_header {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t vaddr;
    uint64_t paddr;
    uint64_t filesz;
    uint64_t memsz;
    uint64_t align;
};

/* The linker's: where the ELF header is loaded. */
extern const struct elf_header __ehdr_start __attribute__((visibility("hidden")));

static const struct program_header *find_tls(void)
{
    const uint8_t *at = (const uint8_t *)&__ehdr_start + __ehdr_start.phoff;
    for (uint16_t i = 0; i < __ehdr_start.phnum; i++, at += __ehdr_start.phentsize) {
        const struct program_header *header = (const void *)at;
        if (header->type == PT_TLS)
            return header;
    }
    return NULL;
}

static uint64_t alignment_of(const struct program_header *tls)
{
    return tls && tls->align > CONTROL_BLOCK ? tls->align : CONTROL_BLOCK;
}

static uint64_t round_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

size_t hl_tls_size(const struct hl_boot *boot)
{
    const struct program_header *tls = find_tls();
    uint64_t alignment = alignment_of(tls);
    (void)boot;
    return round_up(tls ? tls->memsz : 0, alignment) + alignment + CONTROL_BLOCK;
}

static void set_fs(const struct hl_boot *boot, uint64_t base)
{
    if (boot->features & HL_FEATURE_FSGSBASE)
        __asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
    else
        hl_syscall(HL_SYS_ARCH_PRCTL, HL_ARCH_SET_FS, (long)base, 0);
}

void hl_tls_init(const struct hl_boot *boot, void *memory)
{
    const struct program_header *tls = find_tls();
    uint64_t alignment = alignment_of(tls);
    uint64_t size = tls ? round_up(tls->memsz, tls->align ? tls->align : 1) : 0;
    uint64_t base = round_up((uintptr_t)memory + size, alignment);
    if (tls) {
        uint8_t *block = (uint8_t *)(uintptr_t)(base - size);
        memcpy(block, (const void *)(uintptr_t)(tls->vaddr + boot->load_bias), tls->filesz);
        memset(block + tls->filesz, 0, tls->memsz - tls->filesz);
    }
    memset((void *)(uintptr_t)base, 0, CONTROL_BLOCK);
    *(uint64_t *)(uintptr_t)base = base;
    set_fs(boot, base);
}
