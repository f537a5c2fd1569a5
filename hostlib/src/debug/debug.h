/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug.h - the debug target of a sandbox: fills struct gdb_target_ops (hl/gdb_target.h).
 *
 * Two threads use it (see gdb_target.h).  `lock` guards what both access.  The machine, the points
 * and the register cache belong to the guest's thread while the guest runs, and to the server's
 * while it is held; the thread that changes this state hands them over.
 *
 * Breakpoints are in guest memory only while the vCPU is in the guest: they are planted before an
 * entry and removed after it.  So host functions, snapshots and the debugger's own reads never see
 * one.
 */
#ifndef HL_DEBUG_INTERNAL_H
#define HL_DEBUG_INTERNAL_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include <hl/debug.h>
#include <hl/gdb.h>
#include <hl/gdb_amd64.h>

#include "fork.h"
#include "machine_debug.h"
#include "observe.h"
#include "snapshot.h"
#include "sandbox.h"

enum debug_state { DEBUG_FREE, DEBUG_HELD, DEBUG_RUNNING };

/* A breakpoint, which is in memory while the guest runs. */
struct debug_break {
    hl_gva_t address;
    enum gdb_point point; /* GDB_SW_BREAK or GDB_HW_BREAK */
    int slot;             /* debug register, or -1 */
    uint8_t *at;          /* its byte in the host, valid for `generation` of the page tables */
    uint64_t generation;
    uint8_t under; /* the byte that it replaces, while planted */
    bool planted;
};

struct debug_watch {
    hl_gva_t address;
    size_t size;
    enum gdb_point point; /* GDB_WATCH_* */
    unsigned slots;       /* one bit per debug register it uses; 0: by page protection */
    uint8_t *old;         /* last known contents; NULL for GDB_WATCH_READ */
    bool seen;            /* all of it could be read: it may be unmapped */
    bool hit;             /* hit, and not reported yet, ... */
    hl_gva_t hit_at;      /* ... at this address */
};

/* Pages of the heap region that the debugger has allocated. */
struct debug_room {
    hl_gva_t address;
    uint64_t size;
};
#define DEBUG_ROOMS 256

/* An access to a watched page that the instruction at pc has made, or is about to make. */
struct debug_access {
    hl_gva_t address;
    unsigned size;
    bool write;
};

/* The wait for the first debugger (debug/hold.c). */
enum debug_hold_state {
    HOLD_OFF,   /* not waiting for a debugger */
    HOLD_AHEAD, /* the guest must reach its hold point first */
    HOLD_HERE,  /* it is stopped and waits */
};

struct debug_hold {
    enum debug_hold_state state;
    struct gdb_stop stop;     /* what to report to the debugger, when HERE */
    struct debug_break point; /* owned by the guest's thread; address 0: none set */
};

#define DEBUG_ACCESSES 8
#define DEBUG_NO_SYSCALL UINT64_MAX /* orig_rax if no system call could be restarted */

/* What the guest's thread must do, besides running. */
struct debug_motion {
    enum gdb_resume_how how;
    uint64_t start, end;
    bool moved;     /* at least one instruction has been executed, ... */
    bool done;      /* ... and the last one is an exit that the sandbox serves */
    bool step_over; /* past an unwanted breakpoint: one instruction without points */
};

struct debug_catch {
    bool hosts, syscalls; /* `monitor catch` */
    struct gdb_catch gdb; /* `catch syscall` */
};

/* Breakpoints and watchpoints, and hits found at them; accessed by the owner of the machine. */
struct debug_points {
    struct debug_break *breaks; /* by address */
    size_t break_count, break_room;
    struct debug_watch *watches;
    size_t watch_count;
    uint64_t watch_generation; /* of the page tables, when the watches were last inserted */
    struct vcpu_debug slots;
    struct debug_access access[DEBUG_ACCESSES];
    size_t access_count;
    hl_gva_t granted[DEBUG_ACCESSES]; /* pages given back for one instruction */
    size_t granted_count;
};

/* Registers, while the guest is stopped; accessed by the owner of the machine. */
struct debug_cache {
    bool regs_valid, bases_valid, xsave_valid, system_valid;
    struct hl_regs regs;
    struct vcpu_system system;
    struct gdb_xsave xsave;
};

/* The server's functions, called by the guest's thread. */
struct debug_hook {
    pthread_mutex_t lock; /* held while one runs */
    struct gdb_hooks to;
    pthread_t thread; /* while inside (under the debugger's `lock`) */
    bool inside;
};

struct hl_debug {
    struct warden warden; /* the first member */

    /* Constant from creation to destruction. */
    struct hl_sandbox *sb;
    struct hl_observer observer;
    struct hl_debug_config config;
    struct hl_debug_abilities can;
    struct gdb_target target;
    struct gdb_description description;
    const struct gdb_feature *features[8];
    struct hl_gdb *gdb;
    struct registry *registry;
    int event_fd;
    int core_directory;
    const char *path; /* of the guest's file, absolute */

    /* Used by both threads, under `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum debug_state state;
    bool event_due;              /* attach, resume or restart must cause one, ... */
    bool event_set;              /* ... and it is ready to be taken */
    struct gdb_stop event, last; /* last: the reason of the stop, for `monitor fault` and siginfo */
    bool in_call;                /* a thread is between debug_enter() and debug_leave() */
    bool in_host;                /* ... inside a host function: the vCPU does not run */
    bool parked;                 /* ... waiting to be resumed */
    struct debug_hold hold;
    bool drop; /* remove all points at the next opportunity */
    bool break_in, killed, restart;
    bool ended;            /* EXITED or KILLED has been reported */
    bool waiting;          /* a thread waits in debug_enter(): it does not touch the machine */
    int deliver;           /* signal to be delivered when resumed, or 0 */
    const char *calling;   /* sb->calling, for threads that are not the guest's */
    const char *host_name; /* while in_host */
    int died_by;           /* signal that is about to end, or has ended, the call */
    uint8_t pass[GDB_SIGNALS / 8]; /* signals not to be reported */
    enum hl_debug_wish wish;
    struct debug_catch catch;     /* under `lock`, for what it points to */
    struct hl_snapshot *snapshot; /* for restart: taken before the sandbox's start, or when READY */
    bool before_start;            /* ... before its start */
    atomic_bool detached;         /* properly detached, though the connection may still exist */
    atomic_bool attention;        /* the guest's thread must take the lock before its next entry */

    struct debug_hook hook;

    /*
     * Used by the owner of the machine: the guest's thread while the guest runs, the server's while
     * it is held.
     */
    struct debug_motion motion;
    struct debug_points points;
    struct debug_cache cache;
    uint64_t orig_rax;    /* of the system call it is at, or as written since the stop */
    uint64_t resumed_rax; /* orig_rax when the debugger resumed the guest */
    uint64_t returning;   /* the caught system call that is being served, or DEBUG_NO_SYSCALL */
    bool at_host_call;    /* stopped before one by `catch` */
    uint8_t *object;      /* last answer of ops->object */
    struct debug_room rooms[DEBUG_ROOMS];
    size_t room_count;
};

/* A child of fork() has no server, and no thread there holds the locks. */
static inline bool debug_is_copy(const struct hl_debug *d)
{
    return fork_copied(d->sb->use.forks);
}

/* debug/warden.c: the debugger of a sandbox, or NULL. */
extern const struct warden_ops debug_warden_ops;
struct hl_debug *debug_of(const struct hl_sandbox *sb);

/* ---- the guest's thread (debug/run.c, debug/call.c, debug/failure.c) ---- */

/* Around a start, call or main: waits while a debugger holds the idle sandbox. */
int debug_enter(struct hl_debug *d, struct hl_error *error);
void debug_leave(struct hl_debug *d);
/*
 * The start failed because the debugger asked for a restart: rewind the sandbox, and report to the
 * debugger.  If this returns 0, the start must be run again.  HL_ERR_STATE: it failed for another
 * reason.
 */
int debug_start_again(struct hl_debug *d, struct hl_error *error);
/* Called instead of hl_machine_run(). */
int debug_run(struct hl_debug *d, struct hl_exit *exit, struct hl_error *error);
/*
 * The run is about to end with rc: report that to the debugger.  Returns rc, another error, or
 * RUN_ON if the debugger discards the fault.
 */
int debug_failure(struct hl_debug *d, int rc, const struct hl_exit *exit, struct hl_error *error);
/*
 * A signal is about to go to a handler of the guest: *number becomes the signal that the debugger
 * lets through, or 0.
 */
int debug_signal(struct hl_debug *d, int *number, struct hl_error *error);
/* The observer: calls, host functions (which do not use the vCPU), and output of the guest. */
void debug_event(void *debug, struct hl_sandbox *sb, const struct hl_event *event);
#define DEBUG_EVENTS                                                                               \
    (HL_EVENT_BIT(HL_EVENT_BEGIN) | HL_EVENT_BIT(HL_EVENT_HOST) |                                  \
     HL_EVENT_BIT(HL_EVENT_HOST_END) | HL_EVENT_BIT(HL_EVENT_CONSOLE) |                            \
     HL_EVENT_BIT(HL_EVENT_RESTORE))
/* hl_sandbox_interrupt() has been called. */
void debug_wake(struct hl_debug *d);
/*
 * Give the sandbox a target without a server: hl_sandbox_debug() adds a server, and tests act as
 * one.  can: the abilities to use, NULL for those that the probe finds.
 */
int debug_create(struct hl_sandbox *sb, const struct hl_debug_config *config,
                 const struct hl_debug_abilities *can, struct hl_error *error);

/* debug/end.c: report the end to the debugger, and destroy the target. */
void debug_destroy(struct hl_debug *d);
/* Destroy it without a report: it may be incomplete. */
void debug_unmake(struct hl_debug *d);
/*
 * lock held.  If a debugger inspects the idle guest, let it finish; if it waits, report the stop.
 */
void debug_say_exited(struct hl_debug *d, int status);

/* debug/probe.c: hl_debug_probe() for a backend; the result is cached. */
int debug_probe(const struct backend *backend, struct hl_debug_abilities *abilities,
                struct hl_error *error);

/* ---- inside of the target ---- */

/* debug/stop.c.  owes_stop, park, is_interrupted and gone with the lock held. */
/* A debugger breaks in or has just attached, and waits for the guest to stop: report this stop. */
bool debug_owes_stop(const struct hl_debug *d, struct gdb_stop *stop);
/* Wait until the debugger resumes the guest, or until it must not go on at all. */
void debug_park(struct hl_debug *d);
bool debug_is_interrupted(const struct hl_debug *d);
int debug_gone(const struct hl_debug *d, struct hl_error *error);
/* If a debugger wants this stop, report it and wait. */
int debug_show(struct hl_debug *d, const struct gdb_stop *stop, struct hl_error *error);
/* Set orig_rax, for a stop that this exit causes. */
uint64_t debug_syscall_of(const struct hl_exit *exit);
/* Conditions and commands are evaluated here, while the guest is stopped at the hit. */
bool debug_wanted(struct hl_debug *d, const struct gdb_stop *stop);

extern const struct gdb_target_ops debug_ops;

/* debug/points.c; all by the owner of the machine */
int debug_insert(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size);
int debug_remove(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size);
void debug_remove_all(struct hl_debug *d);
void debug_plant(struct hl_debug *d);
void debug_lift(struct hl_debug *d);
/* The first point at the address, in the order of enum gdb_point, that is at least `from`. */
const struct debug_break *debug_break_at(const struct hl_debug *d, hl_gva_t address,
                                         enum gdb_point from);

/* debug/watch.c */
int debug_watch_insert(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size);
int debug_watch_remove(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size);
void debug_watch_remove_all(struct hl_debug *d);
/* Before an entry: pages may have been mapped or unmapped. */
void debug_watch_follow(struct hl_debug *d);
/* The debugger has changed memory, which is not a hit. */
void debug_watch_wrote(struct hl_debug *d, hl_gva_t address, size_t size);
/* A #PF: if it was on a watched page, give the page back until debug_watch_restore(). */
bool debug_watch_fault(struct hl_debug *d, const struct hl_fault *fault);
void debug_watch_restore(struct hl_debug *d);
/*
 * Take the watches out of the page tables, or insert them again: for code that copies the tables.
 */
void debug_watch_suspend(struct hl_debug *d, bool suspend);
/* Did the last instruction, or the host since then, touch watched memory? */
bool debug_watch_hit(struct hl_debug *d, struct gdb_stop *stop);
/* ... and what else, if that hit was not wanted? */
bool debug_watch_also(struct hl_debug *d, struct gdb_stop *stop);

/* debug/slots.c: allocate a debug register; false if all are in use. */
bool debug_slot_take(struct hl_debug *d, enum vcpu_slot_kind kind, hl_gva_t address, uint8_t size,
                     int *slot);

/* debug/regs.c */
void debug_regs_init(struct hl_debug *d);
void debug_regs_forget(struct hl_debug *d);
/* May the calling thread read the guest's state now, and may it change it? */
bool debug_may_look(struct hl_debug *d);
int debug_read_register(void *target, unsigned number, void *data, size_t size);
int debug_write_register(void *target, unsigned number, const void *data, size_t size);

/* debug/monitor.c, debug/object.c */
extern const struct gdb_monitor debug_monitors[];
extern const unsigned debug_monitor_count;
int debug_object(void *target, enum gdb_object object, const void **data, size_t *size);
/* Why the guest stopped, as a Linux siginfo_t; STATE if the reason is not a signal. */
int debug_siginfo(struct hl_debug *d, siginfo_t *info);
/* GDB's signal for the fault in sb->fault. */
int debug_fault_signal(const struct hl_fault *fault);
/* debug/signal.c: convert GDB's number of a signal to Linux's, and back. */
int debug_host_signal(int gdb);
int debug_gdb_signal(int number);
/* One line on what the guest is doing. */
int debug_thread_extra(void *target, char *text, size_t size);

/* debug/maps.c: list the address space from the lowest address, including guards. */
#define DEBUG_UNMAPPED (~0u)
struct debug_row {
    hl_gva_t start, end;
    unsigned prot; /* HL_PROT_*, or DEBUG_UNMAPPED */
    const char *what;
};
void debug_each_row(const struct hl_debug *d,
                    void (*visit)(void *opaque, const struct debug_row *row), void *opaque);

/* debug/args.c: each with its NUL; false if the guest has overwritten the list. */
enum debug_strings { DEBUG_ARGV, DEBUG_ENVP };
bool debug_put_strings(FILE *out, const struct hl_debug *d, enum debug_strings which);

/* debug/syscall.c */
void debug_catch_set(struct hl_debug *d, const struct debug_catch *catch);
void debug_catch_none(struct hl_debug *d); /* lock held */
int debug_catch_syscalls(void *target, const struct gdb_catch *catch);
/* At an exit that the sandbox is about to serve, and before the next entry. */
int debug_caught(struct hl_debug *d, struct hl_exit *exit, struct hl_error *error);
int debug_returned(struct hl_debug *d, struct hl_error *error);

/* debug/place.c */
int debug_thread_local(void *target, uint64_t module, uint64_t offset, uint64_t *address);
int debug_memory_region(void *target, uint64_t address, struct gdb_region *region);
int debug_allocate(void *target, uint64_t size, unsigned access, uint64_t *address);
int debug_deallocate(void *target, uint64_t address);
void debug_deallocate_all(struct hl_debug *d); /* by the owner of the machine */

/* debug/gcore.c: the directory of `monitor gcore` */
int debug_core_open(struct hl_debug *d, struct hl_error *error);
void debug_core_close(struct hl_debug *d);

/* debug/proc.c: gdb_target_ops.proc */
const char *debug_file_name(const struct hl_debug *d);
int debug_proc(void *target, const char *name, void **data, size_t *size);

/* debug/hold.c; with the lock held, except for set and hit. */
int debug_hold_set(struct hl_debug *d, struct hl_error *error);
/* If a debugger attaches early, report the guest's stop only at the hold point. */
bool debug_hold_is_awaited(const struct hl_debug *d);
/*
 * The guest has reached its hold point, or stops for good before it: true if a debugger was
 * awaited, and `stop` must be reported.
 */
bool debug_hold_reach(struct hl_debug *d, const struct gdb_stop *stop);
/* The awaited debugger has been here, or will not come. */
void debug_hold_release(struct hl_debug *d);
/* By the guest's thread, before an entry: remove the int3 once the wait is over. */
void debug_hold_follow(struct hl_debug *d);
/* By the guest's thread, at its int3: false if the wait has ended meanwhile. */
bool debug_hold_hit(struct hl_debug *d, struct gdb_stop *stop);

/* With the lock held.  The guest is stopped: report it to the debugger. */
void debug_post(struct hl_debug *d, const struct gdb_stop *stop);
/* debug/rewind.c.  The sandbox is idle: restore the saved state, and report it to the debugger. */
void debug_rewind(struct hl_debug *d);
/* Restore it without a report. */
int debug_restore(struct hl_debug *d);
/* Save the present state for it. */
void debug_remember(struct hl_debug *d);
/* debug/registry.c: for `hl-dev ps`. */
void debug_registry(struct hl_debug *d);

#endif
