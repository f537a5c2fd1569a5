/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/machine.h - the hypervisor's loop: one VM, one vCPU, one range of memory.
 *
 * Create a machine, allocate memory, map it, set the registers, run until an exit, handle the exit,
 * run again.  Guest code runs at ring 3; ring 0 holds only the library's shim (GDT, TSS with the
 * I/O bitmap, IDT, one stub per vector, the system call gate), which turns every exception and
 * every `syscall` into an exit.  The host owns every page table.  docs/machine-example.c is a
 * complete program of 40 lines; hl/sandbox.h is built on this header.
 *
 * A machine belongs to one thread at a time; only hl_machine_kick() may be called from any thread.
 * Order: create; alloc, map, write, set_regs in any order; run; ...; destroy.
 */
#ifndef HL_MACHINE_H
#define HL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/image.h>
#include <hl/sized.h>
#include <hl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hl_machine;

struct hl_machine_config {
    size_t size HL_SIZED(hl_machine_config);
    size_t memory;        /* bytes for hl_machine_alloc(); the library adds its own pages */
    size_t mapped;        /* bytes of address space to be mapped, at most; 0: as memory */
    const uint16_t *port; /* ports ring 3 may use, ... */
    size_t port_count;    /* ... all below HL_MACHINE_PORT_LIMIT */
    size_t shared;        /* bytes for the mappings of hl/share.h */
};
#define HL_MACHINE_CONFIG_INIT HL_SIZED_INIT(hl_machine_config)

#define HL_MACHINE_PORT_LIMIT 0xe8u
#define HL_MACHINE_MEMORY_MAX (256ull << 30)

/* Errors: NO_KVM, KVM_ACCESS, KVM, MEMORY, SYSTEM, LIMIT, ARGUMENT. */
HL_API int hl_machine_create(struct hl_machine **machine, const struct hl_machine_config *config,
                             struct hl_error *error);
HL_API void hl_machine_destroy(struct hl_machine *machine); /* NULL is fine */

/*
 * Allocate size bytes (rounded up to pages), zeroed and contiguous.  They cannot be freed before
 * the machine is destroyed.  Errors: ARGUMENT (size 0), LIMIT (config.memory is used up).
 */
HL_API int hl_machine_alloc(struct hl_machine *machine, size_t size, hl_gpa_t *gpa,
                            struct hl_error *error);

/*
 * Map, protect or unmap whole pages of the guest's address space.  Addresses must be in the lower
 * canonical half, but not in its first or last page.  WRITE and EXEC together are refused; each
 * implies READ.  An access to a page mapped to a GPA outside the machine's memory is an
 * HL_EXIT_MMIO.  protect() and unmap() take effect before the guest's next instruction.  protect()
 * of a range with holes changes the pages that are mapped and then fails (ARGUMENT).
 */
HL_API int hl_machine_map(struct hl_machine *machine, hl_gva_t gva, hl_gpa_t gpa, size_t size,
                          unsigned prot, struct hl_error *error);
HL_API int hl_machine_protect(struct hl_machine *machine, hl_gva_t gva, size_t size, unsigned prot,
                              struct hl_error *error);
HL_API int hl_machine_unmap(struct hl_machine *machine, hl_gva_t gva, size_t size,
                            struct hl_error *error);

/*
 * Translate gva.  0, or HL_ERR_ARGUMENT if nothing is mapped there.  *gpa is the address of that
 * byte (not of its page), *prot the HL_PROT_* of its page; either may be NULL.
 */
HL_API int hl_machine_lookup(const struct hl_machine *machine, hl_gva_t gva, hl_gpa_t *gpa,
                             unsigned *prot);

/*
 * A pointer to [gpa, gpa + size), or NULL if the range is not entirely inside the machine's memory.
 * It is valid until destroy.  The guest may change the bytes whenever it runs: copy them before
 * checking them.
 *
 * The library cannot see writes through this pointer, so it marks the pages as exposed: from now on
 * each snapshot and restore treats them as changed, at the cost of copying them.  Prefer
 * hl_machine_read() and hl_machine_write(), which mark only the pages that they write.
 */
HL_API void *hl_machine_memory(const struct hl_machine *machine, hl_gpa_t gpa, size_t size);

/*
 * Copy through the guest's page tables, across any number of pages, while the machine is not
 * running.  Returns the number of bytes copied: fewer than size if a page is not mapped or lacks
 * the HL_PROT_* bits of `need` (0: any mapped page).
 */
HL_API size_t hl_machine_read(const struct hl_machine *machine, hl_gva_t gva, void *buf,
                              size_t size, unsigned need);
HL_API size_t hl_machine_write(struct hl_machine *machine, hl_gva_t gva, const void *buf,
                               size_t size, unsigned need);

/* The guest's registers as its own code sees them, never the shim's. */
struct hl_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
    uint64_t fs_base, gs_base;
};
/*
 * Get and set the registers while the machine is not running.  In rflags only the guest's own bits
 * are used; the library sets the rest.  After HL_EXIT_IO and HL_EXIT_MMIO rip is past the
 * instruction, except for a read that has not been answered: then get returns the address of the
 * instruction, and set is refused (STATE).
 */
HL_API int hl_machine_get_regs(struct hl_machine *machine, struct hl_regs *regs,
                               struct hl_error *error);
HL_API int hl_machine_set_regs(struct hl_machine *machine, const struct hl_regs *regs,
                               struct hl_error *error);

/* An exception, as the processor reported it. */
struct hl_fault {
    unsigned vector;     /* 0..31 */
    uint32_t error_code; /* 0 for vectors that push none */
    hl_gva_t rip;        /* Intel SDM 3, 6.5: a fault's own address, the next one for #BP and #OF */
    hl_gva_t address;    /* CR2, for #PF only */
};

/* "#PF" and "page fault"; "#?" and "reserved vector" for reserved ones.  Static strings. */
HL_API const char *hl_fault_name(unsigned vector);
HL_API const char *hl_fault_title(unsigned vector);
/*
 * Describe vector, error code and address in words: "write to a read-only page at 0x401000".
 * Returns the length of the whole text, as snprintf() does.
 */
HL_API int hl_fault_format(const struct hl_fault *fault, char *buf, size_t size);

enum hl_exit_kind {
    HL_EXIT_IO,        /* in or out on a port of the config */
    HL_EXIT_MMIO,      /* access to a mapped GPA outside the memory */
    HL_EXIT_SYSCALL,   /* `syscall`: set rax with hl_machine_syscall_result(), then run again */
    HL_EXIT_FAULT,     /* an exception; the next run returns to the instruction */
    HL_EXIT_INTERRUPT, /* hl_machine_kick() or a signal; the next run continues */
    HL_EXIT_SHUTDOWN,  /* the vCPU cannot go on: a triple fault or an emulation failure in KVM */
};

struct hl_exit {
    enum hl_exit_kind kind;
    __extension__ union {
        struct {
            uint16_t port;
            uint8_t size; /* 1, 2 or 4 */
            bool in;
            uint32_t count; /* 1, or the items of a `rep ins` or `rep outs` in this exit */
            uint32_t value; /* out: the first item; in: hl_machine_io_result() answers all */
        } io;
        struct {
            hl_gpa_t gpa;
            uint8_t size; /* 1 to 8 */
            bool write;
            uint8_t data[8]; /* of a write; for a read see hl_machine_mmio_result() */
        } mmio;
        struct {
            uint64_t number;
            uint64_t arg[6];
        } syscall;
        struct hl_fault fault;
        struct {
            unsigned ticks; /* of a profiler's timer (hl/profile.h); 0: a kick or a signal */
        } interrupt;
        struct {
            char why[96];
        } shutdown;
    };
};

/*
 * True if rip is past the instruction that caused the exit.  Else rip is the address of the
 * instruction that faulted or that runs next.
 */
HL_API bool hl_exit_is_behind(const struct hl_exit *exit);
/*
 * The last exit; before the first one its kind is HL_EXIT_INTERRUPT.  The next run overwrites it.
 */
HL_API const struct hl_exit *hl_machine_last_exit(const struct hl_machine *machine);

/*
 * Run the guest until its next exit.  0 and *exit filled, or HL_ERR_KVM if KVM_RUN itself fails, or
 * HL_ERR_STATE after HL_EXIT_SHUTDOWN.
 */
HL_API int hl_machine_run(struct hl_machine *machine, struct hl_exit *exit, struct hl_error *error);

/*
 * Answer the last exit, before the next run.  Errors: KVM, STATE (the exit was of another kind).
 * data: as many bytes as were read.
 */
HL_API int hl_machine_syscall_result(struct hl_machine *machine, int64_t result);
HL_API int hl_machine_io_result(struct hl_machine *machine, uint32_t value);
HL_API int hl_machine_mmio_result(struct hl_machine *machine, const void *data);

/*
 * Make the run in progress, or the next one, end with HL_EXIT_INTERRUPT.  Any thread, any time
 * between create and destroy.  Sends a signal (hl_kick_signal()) if the vCPU is running.
 */
HL_API void hl_machine_kick(struct hl_machine *machine);

/*
 * The signal that libhl uses to interrupt KVM_RUN: SIGRTMIN + 6, unless set before the first
 * machine is created.  The library installs a handler that does nothing (on the alternate stack, if
 * the thread has one).  A program that needs this signal itself sets another one: 0, STATE once a
 * machine has been created, or ARGUMENT (not a signal that can be handled).  A real-time signal is
 * lost while the user's queue of signals is full (RLIMIT_SIGPENDING); if that happens, the library
 * installs the handler for SIGSTKFLT as well and sends that signal.
 */
HL_API int hl_kick_signal(void);
HL_API int hl_kick_signal_set(int signal_number);

#ifdef __cplusplus
}
#endif

#endif
