/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - what the files of this guest share. */
#ifndef GUEST_SIGNALS_H
#define GUEST_SIGNALS_H

#include <signal.h>

/* A check gives 0, or the line that failed. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

extern volatile sig_atomic_t runs; /* of the handler, since it was installed */
extern siginfo_t info;             /* what it was given last */

int install(int number, int flags);

#endif
