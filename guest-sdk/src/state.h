/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of libhlguest share.  Nothing here needs a libc. */
#ifndef HL_STATE_H
#define HL_STATE_H

#include <hl/guest.h>

struct hl_state {
    const struct hl_boot *boot;
    struct hl_input *input;
    struct hl_output *output;
    uintptr_t scratch; /* next free byte */
    int failed;        /* hl_fail was called in the function in progress */
    int fail_code;
    const char *fail_message;
    int error_code; /* of the last host call */
    const char *error_message;
};

extern struct hl_state hl_state;

/* What a NULL string is sent as, so that the dispatcher can distinguish it from an empty one. */
extern const char hl_null_string[1];

/*
 * One byte to a port stops the vCPU; the host reads the output buffer and may write the input
 * buffer before it resumes, so memory is clobbered.  The value does not matter.
 */
#define hl_port_out(port) __asm__ volatile("outb %%al, %0" : : "N"(port) : "memory")

static inline long hl_syscall(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long hl_syscall4(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

#define HL_SYS_WRITE 1
#define HL_SYS_BRK 12
#define HL_SYS_RT_SIGACTION 13
#define HL_SYS_RT_SIGPROCMASK 14
#define HL_SYS_WRITEV 20
#define HL_SYS_KILL 62
#define HL_SYS_ARCH_PRCTL 158
#define HL_SYS_EXIT_GROUP 231
#define HL_ARCH_SET_FS 0x1002

/* Takes the boot block over; stops with an explanation if this is no micro-VM of ours. */
void hl_state_init(const struct hl_boot *boot);

/* Sets the stack protector's canary; the caller must be compiled without it. */
void hl_canary_init(const struct hl_boot *boot);

/*
 * Reports READY and serves the host's calls.  Returns main()'s status when the host asked for
 * main().  `flush` (or NULL) is called before the host gets to see a result.
 */
int hl_serve(int argc, char **argv, char **envp, void (*flush)(void));

size_t hl_length(const char *text);

#endif
