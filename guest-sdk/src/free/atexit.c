/* SPDX-License-Identifier: Apache-2.0 */
/* Destructors of C++ objects: run when main() has returned, never for a guest that serves calls. */
#include "free.h"

#define MAX_HANDLERS 64

static struct {
    void (*function)(void *);
    void *argument;
} handlers[MAX_HANDLERS];
static size_t count;

int __cxa_atexit(void (*function)(void *), void *argument, void *dso);

int __cxa_atexit(void (*function)(void *), void *argument, void *dso)
{
    (void)dso;
    if (count == MAX_HANDLERS)
        return -1;
    handlers[count].function = function;
    handlers[count].argument = argument;
    count++;
    return 0;
}

void hl_atexit_run(void)
{
    /* A handler may register another. */
    while (count > 0) {
        count--;
        handlers[count].function(handlers[count].argument);
    }
}
