/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bound.c - what one input may cost, so that a bomb is a finding.  It stands around every target
 * (the linker's --wrap), under libFuzzer and under driver.c alike.
 *
 * Time is the process's own and that of children it waited for: other load on the machine is no
 * finding.  One allocation above the bound is AddressSanitizer's to report.
 */
#include "bound.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>
#include <unistd.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define TICK_US 100000

int __real_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

static volatile clock_t start;
static volatile bool busy;
static int statm = -1;

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=0:handle_abort=1:quarantine_size_mb=16:max_allocation_size_"
           "mb=" TEXT(FUZZ_MALLOC_MB);
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

static clock_t used(void)
{
    struct tms t;
    times(&t);
    return t.tms_utime + t.tms_stime + t.tms_cutime + t.tms_cstime;
}

/* Resident, in MiB. */
static long resident(void)
{
    char text[64], *end;
    ssize_t n = statm < 0 ? 0 : pread(statm, text, sizeof(text) - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = 0;
    strtol(text, &end, 10);
    return strtol(end, NULL, 10) >> 8;
}

static void stop(const char *why)
{
    busy = false;
    if (write(2, why, strlen(why)) > 0)
        abort();
    abort();
}

static void check(void)
{
    if (used() - start > FUZZ_TIMEOUT * sysconf(_SC_CLK_TCK))
        stop("bomb: one input took more than " TEXT(FUZZ_TIMEOUT) " s of processor time\n");
    if (resident() > FUZZ_RSS_MB)
        stop("bomb: more than " TEXT(FUZZ_RSS_MB) " MiB are resident\n");
}

static void tick(int number)
{
    (void)number;
    if (busy)
        check();
}

static void set_up(void)
{
    const struct itimerval timer = {{0, TICK_US}, {0, TICK_US}};
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (statm < 0 || sigaction(SIGPROF, &action, NULL) || setitimer(ITIMER_PROF, &timer, NULL))
        stop("bound: no timer, or no /proc\n");
}

int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (statm < 0)
        set_up();
    start = used();
    busy = true;
    int rc = __real_LLVMFuzzerTestOneInput(data, size);
    busy = false;
    if (used() - start > FUZZ_TIMEOUT * sysconf(_SC_CLK_TCK))
        check();
    return rc;
}
