/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/observe.h - report what a guest does as it happens: for debuggers, profilers, tracers.
 *
 *     void on_event(void *opaque, struct hl_sandbox *sb, const struct hl_event *event);
 *     struct hl_observer observer = {.event = on_event, .kinds = HL_EVENTS_ALL};
 *     hl_sandbox_observe(sb, &observer, &error);
 *
 * A run of the guest (start, a call, main) is reported as BEGIN, any number of exits, and END.  An
 * exit is reported as EXIT, the events of serving it (HOST and HOST_END, CONSOLE, LOG), and SERVED;
 * after that the guest continues or the run ends.  If a debugger discards a fault (`signal 0`), the
 * run continues after SERVED.
 *
 * Observers are called on the thread that runs the guest, in the order in which they were added;
 * the guest does not run meanwhile.  They may read registers and memory (hl/machine.h), interrupt
 * the sandbox and destroy it, and do nothing else with it.  An event and what it points to are
 * valid until the observer returns.  A sandbox without observers pays one comparison per exit; time
 * stamps are taken only if one observes EXIT.
 */
#ifndef HL_OBSERVE_H
#define HL_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/machine.h>
#include <hl/sandbox.h>
#include <hl/value.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hl_event_kind {
    HL_EVENT_BEGIN,
    HL_EVENT_EXIT,
    HL_EVENT_HOST,
    HL_EVENT_HOST_END,
    HL_EVENT_CONSOLE,
    HL_EVENT_LOG,
    HL_EVENT_SERVED,
    HL_EVENT_END,
    HL_EVENT_RESTORE, /* the sandbox was restored from a snapshot; between runs */
    HL_EVENT_DESTROY, /* the last event: observers are removed after it */
};
#define HL_EVENT_BIT(kind) (1u << (kind))
#define HL_EVENTS_ALL (~0u)

enum hl_run { HL_RUN_START, HL_RUN_CALL, HL_RUN_MAIN };

/* Times are in ns of CLOCK_MONOTONIC. */
struct hl_event {
    enum hl_event_kind kind;
    __extension__ union {
        struct {
            enum hl_run what;
            const char *name; /* of the guest function; "main", "start" */
            const struct hl_value *args;
            size_t count;
        } begin;
        struct {
            const struct hl_exit *exit;
            uint64_t entered; /* when the guest was entered, ... */
            uint64_t left;    /* ... and when it had exited */
        } exit;
        struct {
            const struct hl_function *function; /* the guest's import */
            const struct hl_value *args;        /* checked against its signature */
            bool registered;                    /* false: no such host function, the call fails */
        } host;
        struct {
            const struct hl_function *function;
            const struct hl_value *result; /* NULL if it failed */
            const char *failure;           /* if it failed: the message reported to the guest, */
            int code;                      /* ... and the code */
            uint64_t began, took;          /* when it was called, and ns; 0 if not registered */
        } host_end;
        struct {
            int fd; /* 1 or 2 */
            const void *data;
            size_t size;
        } console;
        struct {
            int level;
            const char *text;
        } log;
        struct {
            const struct hl_exit *exit;
            uint64_t began, ended; /* serving it, observers of EXIT not included */
            bool answered;         /* a system call returns `result`; false: it does not return */
            int64_t result;
            int rc; /* 0: the guest continues or waits; else why the run ends */
        } served;
        struct {
            enum hl_run what;
            const char *name;
            int rc;
            const struct hl_value *result; /* of a call with rc 0 */
            const struct hl_error *error;  /* if rc is not 0; may be NULL */
            uint64_t began, ended;         /* copying of arguments and result included */
        } end;
        struct {
            uint64_t took;
        } restore;
    };
};

struct hl_observer {
    void (*event)(void *opaque, struct hl_sandbox *sandbox, const struct hl_event *event);
    void *opaque;
    unsigned kinds;           /* HL_EVENT_BIT()s of the events that it wants */
    struct hl_observer *next; /* for the library */
};

/*
 * Add an observer, between calls, from the thread that owns the sandbox.  The observer belongs to
 * the caller, and must be valid until it is removed or the sandbox is destroyed.  Errors: ARGUMENT,
 * BUSY.
 */
HL_API int hl_sandbox_observe(struct hl_sandbox *sandbox, struct hl_observer *observer,
                              struct hl_error *error);
/* Remove an observer, which may then be freed; one that was not added is ignored.  As above. */
HL_API int hl_sandbox_unobserve(struct hl_sandbox *sandbox, struct hl_observer *observer,
                                struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
