/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From _start to the dispatcher with a libc: the libc sets itself up, runs the constructors, calls
 * crt0_serve() as if it were main(), and exits with what main() returned.
 */
#include "state.h"

struct _IO_FILE;
extern struct _IO_FILE *const stdout;
int fflush(struct _IO_FILE *stream);
int setvbuf(struct _IO_FILE *stream, char *buffer, int mode, size_t size);
int __libc_start_main(int (*main_function)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void));
void hl_start_libc(const struct hl_boot *boot, uintptr_t *stack);
extern int (*const hl_outermost_serve)(int argc, char **argv, char **envp); /* crt0_serve() */
int hl_libc_serve(int argc, char **argv, char **envp);
void hl_libc_constructors(void);
void hl_libc_destructors(void);
extern void _init(void) __attribute__((weak));
extern void _fini(void) __attribute__((weak));
/* start.S and crtn.S; absent with -nostartfiles. */
extern void hl_init_section(void) __attribute__((weak));
extern void hl_init_section_end(void) __attribute__((weak));
extern void hl_fini_section(void) __attribute__((weak));
extern void hl_fini_section_end(void) __attribute__((weak));
extern void (*const __preinit_array_start[])(int, char **, char **) __attribute__((weak));
extern void (*const __preinit_array_end[])(int, char **, char **) __attribute__((weak));
extern void (*const __init_array_start[])(void) __attribute__((weak));
extern void (*const __init_array_end[])(void) __attribute__((weak));
extern void (*const __fini_array_start[])(void) __attribute__((weak));
extern void (*const __fini_array_end[])(void) __attribute__((weak));
__attribute__((weak)) void __init_ssp(void *entropy);
int __set_thread_area(void *base);

/*
 * musl makes stdout fully buffered where it is no terminal, and a guest that crashes then takes
 * what it printed with it.  Whole lines go out at once; a guest that prints a lot can choose
 * otherwise.
 */
__attribute__((constructor(101))) static void buffer_lines(void)
{
    enum { LINE_BUFFERED = 1 /* musl's _IOLBF */ };
    setvbuf(stdout, NULL, LINE_BUFFERED, 0);
}

/* What a function printed is the host's to see when the call is over, not when the guest exits. */
static void flush_stdio(void)
{
    fflush(NULL);
}

/*
 * musl calls this, before any constructor, to set the canary.  Its own lives with its own
 * __stack_chk_fail, which abort.c replaces by one that reports to the host what happened.
 */
void __init_ssp(void *entropy)
{
    (void)entropy;
    hl_canary_init(hl_state.boot);
}

/*
 * musl calls this with the thread pointer.  Its own makes a system call, which is a way out of the
 * guest and back, where an instruction will do.
 */
int __set_thread_area(void *base)
{
    if (!(hl_state.boot->features & HL_FEATURE_FSGSBASE))
        return (int)hl_syscall(HL_SYS_ARCH_PRCTL, HL_ARCH_SET_FS, (long)base, 0);
    __asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
    return 0;
}

/* For the functions of .preinit_array, which musl does not call. */
static struct {
    int argc;
    char **argv;
} arguments;

/* These three are called by outermost.S. */
int hl_libc_serve(int argc, char **argv, char **envp)
{
    return hl_serve(argc, argv, envp, flush_stdio);
}

/*
 * The author's own _init or _fini, if any, and the section's function.  With a libc's crti.o the
 * two are one: its _init begins within the section.
 */
static void call_both(void (*own)(void), void (*section)(void), void (*end)(void))
{
    if (own)
        own();
    if (section && end && !((uintptr_t)own > (uintptr_t)section && (uintptr_t)own < (uintptr_t)end))
        section();
}

void hl_libc_constructors(void)
{
    for (void (*const *f)(int, char **, char **) = __preinit_array_start; f < __preinit_array_end;
         f++)
        (*f)(arguments.argc, arguments.argv, arguments.argv + arguments.argc + 1);
    call_both(_init, hl_init_section, hl_init_section_end);
    for (void (*const *f)(void) = __init_array_start; f < __init_array_end; f++)
        (*f)();
}

void hl_libc_destructors(void)
{
    for (void (*const *f)(void) = __fini_array_end; f > __fini_array_start;)
        (*--f)();
    call_both(_fini, hl_fini_section, hl_fini_section_end);
}

void hl_start_libc(const struct hl_boot *boot, uintptr_t *stack)
{
    hl_state_init(boot);
    arguments.argc = (int)stack[0];
    arguments.argv = (char **)(stack + 1);
    __libc_start_main(hl_outermost_serve, (int)stack[0], (char **)(stack + 1), NULL, NULL, NULL);
}
