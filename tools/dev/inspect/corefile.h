/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corefile.h - reading an ELF core file (hl_sandbox_core(), GDB's generate-core-file, Linux's own).
 *
 * Nothing in it is believed: every offset is held against the file's size, and what it may cost is
 * bounded: CORE_HEADERS_MAX program headers (32 bytes of memory each, and as much again to sort
 * them), CORE_NOTES_MAX bytes of notes, whatever the headers say.  Memory is read on demand; what
 * the file lacks cannot be read.
 */
#ifndef DEV_COREFILE_H
#define DEV_COREFILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/machine.h>

#define CORE_HEADERS_MAX (1u << 20) /* a guest has a few dozen, Linux at most 65530 */
#define CORE_NOTES_MAX (64u << 20)

struct core_range {
    hl_gva_t start, end; /* of what is in the file */
    uint64_t offset;
    unsigned prot;
};

struct corefile {
    int fd;
    uint64_t size;
    struct core_range *range; /* by start */
    size_t ranges, room;
    uint64_t missing;    /* bytes that the headers promise past the end of the file */
    uint64_t notes_left; /* of CORE_NOTES_MAX */
    struct hl_regs regs;
    bool has_regs;
    int signal, code; /* as in siginfo_t; signal 0: none */
    uint64_t address;
    bool has_address;
    hl_gva_t entry; /* of the program, 0: unknown */
    char *guest;    /* its file, NULL: unknown */
    char command[81];
};

/*
 * Open it into *core, which need not be set up; core_close() in any case.  Errors: FILE
 * (unreadable, no core file, one of another machine, without registers), LIMIT, MEMORY.
 */
int core_open(struct corefile *core, const char *path, struct hl_error *error);
void core_close(struct corefile *core);

/* A hl_read_fn on a struct corefile. */
size_t core_read(void *core, hl_gva_t gva, void *buf, size_t size);

/* For inspect/corefile.c: bytes of the file, as many as are there (corefile_bytes.c), ... */
size_t core_file(const struct corefile *core, uint64_t offset, void *buf, size_t size);
/* ... and a PT_NOTE (corefile_notes.c). */
int core_take_notes(struct corefile *core, const Elf64_Phdr *header);

#endif
