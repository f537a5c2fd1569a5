/* SPDX-License-Identifier: Apache-2.0 */
/* From _start to the dispatcher without a libc: TLS, canary, constructors; and the way out. */
#include "free.h"

typedef void hl_initialiser(int argc, char **argv, char **envp);
typedef void hl_finaliser(void);

/* start.S and crtn.S; absent with -nostartfiles. */
extern hl_finaliser hl_init_section __attribute__((weak));
extern hl_finaliser hl_init_section_end __attribute__((weak));
extern hl_finaliser hl_fini_section __attribute__((weak));
extern hl_finaliser hl_fini_section_end __attribute__((weak));
extern hl_initialiser *const __preinit_array_start[] __attribute__((weak));
extern hl_initialiser *const __preinit_array_end[] __attribute__((weak));
extern hl_initialiser *const __init_array_start[] __attribute__((weak));
extern hl_initialiser *const __init_array_end[] __attribute__((weak));
extern hl_finaliser *const __fini_array_start[] __attribute__((weak));
extern hl_finaliser *const __fini_array_end[] __attribute__((weak));

void hl_start_free(const struct hl_boot *boot, uintptr_t *stack);

/* Constructors and what follows; entered on the new TLS, and never returns. */
static __attribute__((noreturn)) void run(int argc, char **argv, char **envp)
{
    size_t count = (size_t)(__preinit_array_end - __preinit_array_start);
    int status;
    for (size_t i = 0; i < count; i++)
        __preinit_array_start[i](argc, argv, envp);
    if (hl_init_section && hl_init_section_end)
        hl_init_section();
    count = (size_t)(__init_array_end - __init_array_start);
    for (size_t i = 0; i < count; i++)
        __init_array_start[i](argc, argv, envp);

    status = hl_serve(argc, argv, envp, NULL);

    hl_atexit_run();
    count = (size_t)(__fini_array_end - __fini_array_start);
    while (count-- > 0)
        __fini_array_start[count]();
    if (hl_fini_section && hl_fini_section_end)
        hl_fini_section();
    for (;;)
        hl_syscall(HL_SYS_EXIT_GROUP, status, 0, 0);
}

void hl_start_free(const struct hl_boot *boot, uintptr_t *stack)
{
    int argc = (int)stack[0];
    char **argv = (char **)(stack + 1);
    hl_state_init(boot);
    /* The block lies in this frame, which lasts as long as the guest. */
    hl_tls_init(boot, __builtin_alloca(hl_tls_size(boot)));
    hl_canary_init(boot);
    run(argc, argv, argv + argc + 1);
}
