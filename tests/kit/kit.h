/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit.h - what every test has: cmocka with the headers it wants before it, a watchdog, what an
 * error must look like.  The rest of the kit, a header for each need:
 *
 *   files.h     bytes of files, temporary files and directories
 *   child.h     child processes and shell commands
 *   thread.h    threads
 *   wait.h      waiting for what gives no sign of its own
 *   left.h      what a process has open
 *   host_add.h  a host function, for programs without cmocka, too
 *   elf_file.h  guest files in memory, to be changed
 *   agent_asm.h an assembler for agent expressions
 *   vm.h        a machine whose guest is a few lines of assembler
 *   box.h       a sandbox of a guest of tests/guest; conformance.h and snapshot_box.h build on it
 *   debugger.h  the operations of a debug target, for debug_rig.h (a vCPU that the test plays) and
 *               gdb_box.h (a real one)
 *
 * The GDB stub knows nothing of libhl: tests/gdb/kit.h is its own.
 */
#ifndef TESTS_KIT_H
#define TESTS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hl/machine.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Factor by which this machine is slower than the one the limits were chosen on. */
static inline unsigned slow(void)
{
    const char *text = getenv("HL_TEST_SLOW");
    int n = text ? atoi(text) : 1;
    return n > 1 ? (unsigned)n : 1;
}

/* On the standard KVM of tests/nested, whose processor is QEMU's: it is not exact everywhere. */
static inline bool emulated(void)
{
    return getenv("HL_NESTED") != NULL;
}

/* gcc 12's AddressSanitizer knows neither a stack that pthread_exit() unwinds nor fork(). */
#ifdef __SANITIZE_ADDRESS__
#define UNDER_ASAN true
#else
#define UNDER_ASAN false
#endif
/* ... and its ThreadSanitizer lets a child of a program with threads have none. */
#ifdef __SANITIZE_THREAD__
#define UNDER_TSAN true
#else
#define UNDER_TSAN false
#endif
#define SKIP_IF(condition, why)                                                                    \
    do {                                                                                           \
        if (condition) {                                                                           \
            print_message("# %s\n", why);                                                          \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* A program that hangs dies of SIGALRM. */
static inline void watchdog(unsigned seconds)
{
    alarm(seconds * slow());
}

/* An error is usable: the code, a text, one line each. */
static inline void check_error(const struct hl_error *error, int code)
{
    assert_int_equal(error->code, code);
    assert_true(error->text[0] != 0);
    for (const char *p = error->text; *p; p++)
        assert_true((unsigned char)*p >= ' ');
    for (const char *p = error->hint; *p; p++)
        assert_true((unsigned char)*p >= ' ');
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define PAGE 4096u
#define RX (HL_PROT_READ | HL_PROT_EXEC)
#define RW (HL_PROT_READ | HL_PROT_WRITE)

/* xorshift64*: the same numbers on every machine. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

#endif
