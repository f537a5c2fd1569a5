/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corefile.h - reading an ELF core file (hl_sandbox_core(), GDB's generate-core-file, Linux's own).
 *
 * Nothing in it is believed: libelf checks the headers, and every offset is held against the file's
 * size.  Memory is read when it is asked for; what the file lacks cannot be read.
 */
#ifndef DEV_COREFILE_H
#define DEV_COREFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/machine.h>

struct core_range {
    hl_gva_t start, end; /* of what is in the file */
    uint64_t offset;
    unsigned prot;
};

struct corefile {
    int fd;
    uint64_t size;
    struct core_range *range; /* by start */
    size_t ranges;
    uint64_t missing; /* bytes that the headers promise behind the end of the file */
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

#endif
