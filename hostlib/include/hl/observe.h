/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/observe.h - what a guest does, told as it happens: for debuggers, profilers, tracers.
 *
 *     void on_event(void *opaque, struct hl_sandbox *sb, const struct hl_event *event);
 *     struct hl_observer observer = {.event = on_event, .kinds = HL_EVENTS_ALL};
 *     hl_sandbox_observe(sb, &observer, &error);
 *
 * One run of the guest (start, a call, main) is BEGIN, any number of exits, END.  An exit is EXIT,
 * what serving it brings (HOST and HOST_END, CONSOLE, LOG), SERVED; then the guest goes on or the
 * run ends.  A debugger that makes a fault undone (`signal 0`) lets the run go on after SERVED.
 *
 * Observers are called on the thread that runs the guest, in the order they came, and while they
 * are the guest stands still.  They may read registers and memory (hl/machine.h), interrupt the
 * sandbox and destroy it, nothing else.  What an event points to is gone when the observer returns.  A sandbox
 * that nobody observes pays one comparison an exit; time stamps are taken for observers of EXIT.
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
    HL_EVENT_RESTORE, /* the sandbox is as it was in a snapshot; between runs */
    HL_EVENT_DESTROY, /* the last one: observers are forgotten after it */
};
#define HL_EVENT_BIT(kind) (1u << (kind))
#define HL_EVENTS_ALL (~0u)

enum hl_run { HL_RUN_START, HL_RUN_CALL, HL_RUN_MAIN };

/* Times are in ns of CLOCK_MONOTONIC. */
struct hl_event {
    enum hl_event_kind kind;
    union {
        struct {
            enum hl_run what;
            const char *name; /* of the guest function; "main", "start" */
            const struct hl_value *args;
            size_t count;
        } begin;
        struct {
            const struct hl_exit *exit;
            uint64_t entered; /* when the guest was let go on, ... */
            uint64_t left;    /* ... and when it was out again */
        } exit;
        struct {
            const struct hl_function *function; /* the guest's import */
            const struct hl_value *args;        /* checked against it */
            bool registered;                    /* false: the call fails, nothing is called */
        } host;
        struct {
            const struct hl_function *function;
            const struct hl_value *result; /* NULL where it failed */
            const char *failure;           /* what the guest is told, where it failed */
            int code;                      /* ... and with which code */
            uint64_t began, took;          /* when it was called, ns in it; 0 when not registered */
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
            bool answered;         /* a system call got `result`; else it does not return */
            int64_t result;
            int rc; /* 0: the guest goes on or waits; else why the run ends */
        } served;
        struct {
            enum hl_run what;
            const char *name;
            int rc;
            const struct hl_value *result; /* of a call, rc 0 */
            const struct hl_error *error;  /* rc not 0, and may be NULL then */
            uint64_t began, ended;         /* the whole of it, argument and result copied */
        } end;
        struct {
            uint64_t took;
        } restore;
    };
};

struct hl_observer {
    void (*event)(void *opaque, struct hl_sandbox *sandbox, const struct hl_event *event);
    void *opaque;
    unsigned kinds;           /* HL_EVENT_BIT()s of what it wants to hear of */
    struct hl_observer *next; /* the library's */
};

/*
 * Between calls, from the thread that owns the sandbox; the observer is the caller's, and must live
 * until it is taken back or the sandbox is destroyed.  Errors: ARGUMENT, BUSY.
 */
HL_API int hl_sandbox_observe(struct hl_sandbox *sandbox, struct hl_observer *observer,
                              struct hl_error *error);
/* One that does not observe is ignored.  Afterwards it is the caller's to free.  As above. */
HL_API int hl_sandbox_unobserve(struct hl_sandbox *sandbox, struct hl_observer *observer,
                                struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
