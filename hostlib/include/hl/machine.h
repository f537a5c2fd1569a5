/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/machine.h - the hypervisor's loop itself: one VM, one vCPU, one slice of memory.
 *
 * create, take memory, map it, set the registers, run until an exit, catch it, continue.  Guest
 * code runs at ring 3; ring 0 holds only the library's shim (GDT, TSS with the I/O bitmap, IDT,
 * one stub a vector, the system call gate), which turns every exception and every `syscall` into
 * an exit.  The host owns every page table.  docs/machine-example.c is the whole story in 40 lines,
 * and hl/sandbox.h is built on this.
 *
 * A machine belongs to one thread at a time; hl_machine_kick() alone may come from any thread.
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
    size_t mapped;        /* bytes of address space that will be mapped at most; 0: as memory */
    const uint16_t *port; /* ports ring 3 may use, ... */
    size_t port_count;    /* ... all below HL_MACHINE_PORT_LIMIT */
    size_t shared;        /* room for what hl/share.h maps */
};
#define HL_MACHINE_CONFIG_INIT HL_SIZED_INIT(hl_machine_config)

#define HL_MACHINE_PORT_LIMIT 0xe8u
#define HL_MACHINE_MEMORY_MAX (256ull << 30)

/* Errors: NO_KVM, KVM_ACCESS, KVM, MEMORY, SYSTEM, LIMIT, ARGUMENT. */
HL_API int hl_machine_create(struct hl_machine **machine, const struct hl_machine_config *config,
                             struct hl_error *error);
HL_API void hl_machine_destroy(struct hl_machine *machine); /* NULL is fine */

/*
 * Take size bytes (rounded up to pages), zeroed, contiguous; there is no way to give them back.
 * Errors: ARGUMENT (size 0), LIMIT (config.memory is used up).
 */
HL_API int hl_machine_alloc(struct hl_machine *machine, size_t size, hl_gpa_t *gpa,
                            struct hl_error *error);

/*
 * Map, change or remove whole pages of the guest's address space.  Addresses must be in the lower
 * canonical half, not in its first nor its last page; WRITE and EXEC together are refused; READ is
 * implied by both.  A GPA outside the machine's memory makes an access an HL_EXIT_MMIO.  protect()
 * and unmap() take effect before the guest's next instruction; protect() leaves holes alone and
 * fails on them (ARGUMENT).
 */
HL_API int hl_machine_map(struct hl_machine *machine, hl_gva_t gva, hl_gpa_t gpa, size_t size,
                          unsigned prot, struct hl_error *error);
HL_API int hl_machine_protect(struct hl_machine *machine, hl_gva_t gva, size_t size, unsigned prot,
                              struct hl_error *error);
HL_API int hl_machine_unmap(struct hl_machine *machine, hl_gva_t gva, size_t size,
                            struct hl_error *error);

/*
 * What a guest's access to gva would find: 0, or HL_ERR_ARGUMENT if nothing is mapped there.  *gpa
 * is the address of that very byte, *prot the HL_PROT_* of its page; either may be NULL.
 */
HL_API int hl_machine_lookup(const struct hl_machine *machine, hl_gva_t gva, hl_gpa_t *gpa,
                             unsigned *prot);

/*
 * The host's view of [gpa, gpa + size), or NULL if the range is not entirely inside the machine's
 * memory.  It stays where it is until destroy; the guest may change it whenever it runs, so copy
 * what is to be checked.
 *
 * The library cannot see what is written through it.  So these pages are marked as exposed: from
 * now on each snapshot and restore takes them as changed, and costs that much more.  Prefer
 * hl_machine_read() and hl_machine_write(), which mark nothing but what they write.
 */
HL_API void *hl_machine_memory(const struct hl_machine *machine, hl_gpa_t gpa, size_t size);

/*
 * Copy through the guest's page tables, over any number of pages.  They return how many bytes were
 * copied: fewer than asked for where a page is not mapped (or lacks `need`, HL_PROT_* bits; 0: any
 * mapped page will do), never an error.  Between exits.
 */
HL_API size_t hl_machine_read(const struct hl_machine *machine, hl_gva_t gva, void *buf,
                              size_t size, unsigned need);
HL_API size_t hl_machine_write(struct hl_machine *machine, hl_gva_t gva, const void *buf,
                               size_t size, unsigned need);

/* The guest's registers as its own code sees them: never those of the shim. */
struct hl_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
    uint64_t fs_base, gs_base;
};
/*
 * Both between exits only.  rflags: the guest's own bits count, the rest is put right.  After
 * HL_EXIT_IO and HL_EXIT_MMIO rip is behind the instruction, once a read has been answered: until
 * then get shows it on the instruction and set is refused (STATE).
 */
HL_API int hl_machine_get_regs(struct hl_machine *machine, struct hl_regs *regs,
                               struct hl_error *error);
HL_API int hl_machine_set_regs(struct hl_machine *machine, const struct hl_regs *regs,
                               struct hl_error *error);

/* One of the 32 exceptions, as the processor reported it. */
struct hl_fault {
    unsigned vector;     /* 0..31 */
    uint32_t error_code; /* 0 for vectors that push none */
    hl_gva_t rip;        /* Intel SDM 3, 6.5: a fault's own address, the next one for #BP and #OF */
    hl_gva_t address;    /* CR2, for #PF only */
};

/* "#PF" and "page fault"; "#?" and "reserved vector" for those without a name.  Static strings. */
HL_API const char *hl_fault_name(unsigned vector);
HL_API const char *hl_fault_title(unsigned vector);
/*
 * "write to a read-only page at 0x401000": vector, error code and address in words.  As snprintf():
 * returns the length of the whole text.
 */
HL_API int hl_fault_format(const struct hl_fault *fault, char *buf, size_t size);

enum hl_exit_kind {
    HL_EXIT_IO,        /* in or out on a port of the config */
    HL_EXIT_MMIO,      /* access to a mapped GPA outside the memory */
    HL_EXIT_SYSCALL,   /* `syscall`: set rax with hl_machine_syscall_result(), then run on */
    HL_EXIT_FAULT,     /* an exception; running on returns to the instruction */
    HL_EXIT_INTERRUPT, /* hl_machine_kick() or a signal; running on continues */
    HL_EXIT_SHUTDOWN,  /* the vCPU is beyond use: a triple fault or an emulation failure in KVM */
};

struct hl_exit {
    enum hl_exit_kind kind;
    union {
        struct {
            uint16_t port;
            uint8_t size; /* 1, 2 or 4 */
            bool in;
            uint32_t count; /* 1, or items of a `rep ins` or `rep outs` that KVM took together */
            uint32_t value; /* the first one written; `in` gets hl_machine_io_result() for each */
        } io;
        struct {
            hl_gpa_t gpa;
            uint8_t size; /* 1 to 8 */
            bool write;
            uint8_t data[8]; /* written; for a read see hl_machine_mmio_result() */
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
 * Does rip stand behind the instruction that caused the exit?  Else it stands on the one that runs
 * next, or on the one that faulted.
 */
HL_API bool hl_exit_is_behind(const struct hl_exit *exit);
/*
 * The last one; its kind is HL_EXIT_INTERRUPT before the first.  What it points to changes with the
 * next run.
 */
HL_API const struct hl_exit *hl_machine_last_exit(const struct hl_machine *machine);

/*
 * Enter the guest until its next exit.  Returns 0 with *exit filled, or HL_ERR_KVM when KVM_RUN
 * itself fails.  After HL_EXIT_SHUTDOWN it refuses (STATE).
 */
HL_API int hl_machine_run(struct hl_machine *machine, struct hl_exit *exit, struct hl_error *error);

/*
 * Answers to the last exit, to be given before running on: 0, KVM, or STATE if it was of another
 * kind.  data: as many bytes as the access has.
 */
HL_API int hl_machine_syscall_result(struct hl_machine *machine, int64_t result);
HL_API int hl_machine_io_result(struct hl_machine *machine, uint32_t value);
HL_API int hl_machine_mmio_result(struct hl_machine *machine, const void *data);

/*
 * Make the run in progress, or the next one, end with HL_EXIT_INTERRUPT.  Any thread, any time
 * between create and destroy; costs a signal (hl_kick_signal()) when the vCPU is running.
 */
HL_API void hl_machine_kick(struct hl_machine *machine);

/*
 * The signal that libhl uses to break KVM_RUN, SIGRTMIN + 6 unless set before the first machine is
 * created.  The library installs a handler that does nothing (on the alternate stack, where there is
 * one); a program that needs this signal for itself picks another one here.  0, or HL_ERR_STATE when
 * it is too late.  A real-time signal is lost while the user's queue of them is full
 * (RLIMIT_SIGPENDING): then, and from then on, SIGSTKFLT has this handler, too.
 */
HL_API int hl_kick_signal(void);
HL_API int hl_kick_signal_set(int signal_number);

#ifdef __cplusplus
}
#endif

#endif
