/* SPDX-License-Identifier: Apache-2.0 */
#include "trace_flags.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct named {
    const char *name;
    uint64_t value;
};
#define N(name) #name, (uint64_t)(name)

static const struct named prot[] = {{N(PROT_READ)}, {N(PROT_WRITE)}, {N(PROT_EXEC)}, {NULL, 0}};
static const struct named map[] = {{N(MAP_SHARED)},    {N(MAP_PRIVATE)},         {N(MAP_FIXED)},
                                   {N(MAP_ANONYMOUS)}, {N(MAP_GROWSDOWN)},       {N(MAP_DENYWRITE)},
                                   {N(MAP_LOCKED)},    {N(MAP_NORESERVE)},       {N(MAP_POPULATE)},
                                   {N(MAP_STACK)},     {N(MAP_FIXED_NOREPLACE)}, {NULL, 0}};
static const struct named remap[] = {{N(MREMAP_MAYMOVE)}, {N(MREMAP_FIXED)}, {NULL, 0}};
static const struct named random_flags[] = {
    {N(GRND_NONBLOCK)}, {N(GRND_RANDOM)}, {N(GRND_INSECURE)}, {NULL, 0}};
static const struct named open_flags[] = {
    {N(O_WRONLY)},
    {N(O_RDWR)},
    {N(O_CREAT)},
    {N(O_EXCL)},
    {N(O_NOCTTY)},
    {N(O_TRUNC)},
    {N(O_APPEND)},
    {N(O_NONBLOCK)},
    {N(O_SYNC)},
    {N(O_DIRECTORY)},
    {N(O_NOFOLLOW)},
    {"O_CLOEXEC", O_CLOEXEC},
    {"O_LARGEFILE", 0x8000},
    {NULL, 0},
};

static const struct named advice[] = {
    {N(MADV_NORMAL)},   {N(MADV_RANDOM)},     {N(MADV_SEQUENTIAL)},
    {N(MADV_WILLNEED)}, {N(MADV_DONTNEED)},   {N(MADV_FREE)},
    {N(MADV_HUGEPAGE)}, {N(MADV_NOHUGEPAGE)}, {NULL, 0}};
static const struct named whence[] = {{N(SEEK_SET)}, {N(SEEK_CUR)}, {N(SEEK_END)}, {NULL, 0}};
static const struct named how[] = {{N(SIG_BLOCK)}, {N(SIG_UNBLOCK)}, {N(SIG_SETMASK)}, {NULL, 0}};
static const struct named action[] = {{N(SA_NOCLDSTOP)}, {N(SA_NOCLDWAIT)},
                                      {N(SA_SIGINFO)},   {N(SA_RESTART)},
                                      {N(SA_NODEFER)},   {"SA_RESETHAND", 0x80000000},
                                      {N(SA_ONSTACK)},   {"SA_RESTORER", 0x04000000},
                                      {NULL, 0}};
static const struct named timers[] = {
    {N(ITIMER_REAL)}, {N(ITIMER_VIRTUAL)}, {N(ITIMER_PROF)}, {NULL, 0}};
static const struct named until[] = {{N(TIMER_ABSTIME)}, {NULL, 0}};
static const struct named command[] = {{N(F_DUPFD)}, {N(F_GETFD)}, {N(F_SETFD)},
                                       {N(F_GETFL)}, {N(F_SETFL)}, {N(F_DUPFD_CLOEXEC)},
                                       {NULL, 0}};
static const struct named directory[] = {{"AT_FDCWD", (uint32_t)AT_FDCWD}, {NULL, 0}};
static const struct named arch[] = {
    {N(ARCH_SET_GS)}, {N(ARCH_SET_FS)}, {N(ARCH_GET_FS)}, {N(ARCH_GET_GS)}, {NULL, 0}};
static const struct named request[] = {{N(TCGETS)},     {N(TCSETS)},   {N(TIOCGWINSZ)},
                                       {N(TIOCSWINSZ)}, {N(FIONREAD)}, {N(FIONBIO)},
                                       {N(TIOCGPGRP)},  {NULL, 0}};
static const struct named clocks[] = {
    {N(CLOCK_REALTIME)},          {N(CLOCK_MONOTONIC)},     {N(CLOCK_PROCESS_CPUTIME_ID)},
    {N(CLOCK_THREAD_CPUTIME_ID)}, {N(CLOCK_MONOTONIC_RAW)}, {N(CLOCK_REALTIME_COARSE)},
    {N(CLOCK_MONOTONIC_COARSE)},  {N(CLOCK_BOOTTIME)},      {NULL, 0}};

/* none: how a value without any flag is called; NULL: exactly one of the names, or none at all. */
static const struct kind {
    char letter;
    const char *none;
    const struct named *names;
} kinds[] = {{'P', "PROT_NONE", prot},
             {'M', "0", map},
             {'R', "0", remap},
             {'r', "0", random_flags},
             {'O', "O_RDONLY", open_flags},
             {'A', "0", action},
             {'n', "0", until},
             {'j', NULL, timers},
             {'y', NULL, command},
             {'m', NULL, advice},
             {'w', NULL, whence},
             {'h', NULL, how},
             {'f', NULL, directory},
             {'a', NULL, arch},
             {'i', NULL, request},
             {'c', NULL, clocks}};

static bool one_of(const struct named *names, uint64_t value, char text[TRACE_FLAGS_SIZE])
{
    for (const struct named *n = names; n->name; n++)
        if (n->value == (uint32_t)value) { /* the kernel looks at no more */
            snprintf(text, TRACE_FLAGS_SIZE, "%s", n->name);
            return true;
        }
    return false;
}

static void all_of(const struct kind *kind, uint64_t value, char text[TRACE_FLAGS_SIZE])
{
    size_t used = 0;
    uint64_t left = value;
    text[0] = 0;
    if (kind->letter == 'O' && value && !(value & O_ACCMODE))
        used = (size_t)snprintf(text, TRACE_FLAGS_SIZE, "%s", kind->none);
    for (const struct named *n = kind->names; n->name; n++)
        if ((left & n->value) == n->value) {
            used += (size_t)snprintf(text + used, TRACE_FLAGS_SIZE - used, "%s%s", used ? "|" : "",
                                     n->name);
            left &= ~n->value;
        }
    if (left)
        snprintf(text + used, TRACE_FLAGS_SIZE - used, "%s0x%llx", used ? "|" : "",
                 (unsigned long long)left);
    else if (!value)
        snprintf(text, TRACE_FLAGS_SIZE, "%s", kind->none);
}

static bool signal_name(uint64_t value, char text[TRACE_FLAGS_SIZE])
{
    const char *name = value && value < NSIG ? sigabbrev_np((int)value) : NULL;
    if (name)
        snprintf(text, TRACE_FLAGS_SIZE, "SIG%s", name);
    return name != NULL;
}

bool trace_flags(char letter, uint64_t value, char text[TRACE_FLAGS_SIZE])
{
    if (letter == 'g')
        return signal_name(value, text);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].letter != letter)
            continue;
        if (!kinds[i].none)
            return one_of(kinds[i].names, value, text);
        all_of(&kinds[i], value, text);
        return true;
    }
    return false;
}
