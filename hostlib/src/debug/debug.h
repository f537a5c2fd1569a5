/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug.h - the debug target of a sandbox: fills struct gdb_target_ops (hl/gdb_target.h).
 *
 * Two threads meet here (see gdb_target.h).  `lock` guards what both look at; the machine, the
 * points and the register cache belong to the guest's thread while the guest runs, and to the
 * server's while it is held: whoever changes the state hands them over.
 *
 * Breakpoints lie in guest memory only while the vCPU is in the guest: they are planted before an
 * entry and lifted after it.  So nobody else, host functions, snapshots and the debugger's own
 * reads included, can ever see one.
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

/* A breakpoint that lies in memory while the guest runs. */
struct debug_break {
    hl_gva_t address;
    enum gdb_point point; /* GDB_SW_BREAK or GDB_HW_BREAK */
    int slot;             /* debug register, or -1 */
    uint8_t *at;          /* host's view of its byte, as of `generation` of the page tables */
    uint64_t generation;
    uint8_t under; /* what it covers, while planted */
    bool planted;
};

struct debug_watch {
    hl_gva_t address;
    size_t size;
    enum gdb_point point; /* GDB_WATCH_* */
    unsigned slots;       /* one bit for each debug register it has; 0: its pages are watched */
    uint8_t *old;         /* contents when last looked at; NULL for GDB_WATCH_READ */
    bool seen;            /* all of it could be: nothing need be mapped there */
    bool hit;             /* found to be, not told yet, ... */
    hl_gva_t hit_at;      /* ... there */
};

/* Pages of the heap region that the debugger uses for itself. */
struct debug_room {
    hl_gva_t address;
    uint64_t size;
};
#define DEBUG_ROOMS 256

/* One access to a watched page that the instruction at pc has made, or is about to. */
struct debug_access {
    hl_gva_t address;
    unsigned size;
    bool write;
};

/* The wait for the first debugger (debug/hold.c). */
enum debug_hold_state {
    HOLD_OFF,   /* nobody is waited for */
    HOLD_AHEAD, /* the guest is to come to its point first */
    HOLD_HERE,  /* it stands and waits */
};

struct debug_hold {
    enum debug_hold_state state;
    struct gdb_stop stop;     /* what the debugger is to be shown, when HERE */
    struct debug_break point; /* the guest's thread's own; address 0: none */
};

#define DEBUG_ACCESSES 8
#define DEBUG_NO_SYSCALL UINT64_MAX /* orig_rax where no system call could be restarted */

/* What the guest's thread is asked to do, beside running. */
struct debug_motion {
    enum gdb_resume_how how;
    uint64_t start, end;
    bool moved;     /* at least one instruction has been executed, ... */
    bool done;      /* ... the last one by an exit that the sandbox serves */
    bool step_over; /* of a breakpoint whose hit nobody wanted: one instruction without points */
};

struct debug_catch {
    bool hosts, syscalls; /* `monitor catch` */
    struct gdb_catch gdb; /* `catch syscall` */
};

/* Break- and watchpoints, and what has been found at them: the machine's owner has them. */
struct debug_points {
    struct debug_break *breaks; /* by address */
    size_t break_count, break_room;
    struct debug_watch *watches;
    size_t watch_count;
    uint64_t watch_generation; /* of the page tables, when the watches were last put in */
    struct vcpu_debug slots;
    struct debug_access access[DEBUG_ACCESSES];
    size_t access_count;
    hl_gva_t granted[DEBUG_ACCESSES]; /* pages given back for one instruction */
    size_t granted_count;
};

/* Registers, while the guest stands: the machine's owner has them. */
struct debug_cache {
    bool regs_valid, bases_valid, xsave_valid, system_valid;
    struct hl_regs regs;
    struct vcpu_system system;
    struct gdb_xsave xsave;
};

/* The server's functions, which the guest's thread calls. */
struct debug_hook {
    pthread_mutex_t lock; /* held while one runs */
    struct gdb_hooks to;
    pthread_t thread; /* while inside (under the debugger's `lock`) */
    bool inside;
};

struct hl_debug {
    struct warden warden; /* the first member */

    /* From its creation to its end. */
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

    /* Both threads', under `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum debug_state state;
    bool event_due;              /* attach, resume or restart owes one, ... */
    bool event_set;              /* ... and here it is, to be taken */
    struct gdb_stop event, last; /* last: why it stands, for `monitor fault` and siginfo */
    bool in_call;                /* a thread is between debug_enter() and debug_leave() */
    bool in_host;                /* ... inside of a host function: the vCPU is at rest */
    bool parked;                 /* ... waiting to be let go */
    struct debug_hold hold;
    bool drop; /* the points must go at the next opportunity */
    bool break_in, killed, restart;
    bool ended;            /* EXITED or KILLED has been told */
    bool waiting;          /* a thread waits in debug_enter(): it does not touch the machine */
    int deliver;           /* signal to be delivered when resumed, or 0 */
    const char *calling;   /* sb->calling, for threads that are not the guest's */
    const char *host_name; /* while in_host */
    int died_by;           /* signal that is about to end, or has ended, the call */
    uint8_t pass[GDB_SIGNALS / 8]; /* signals nobody wants to see */
    enum hl_debug_wish wish;
    struct debug_catch catch;     /* under `lock`, for what it points to */
    struct hl_snapshot *snapshot; /* for restart: of the sandbox before its start, or READY */
    bool before_start;            /* ... the former */
    atomic_bool detached;         /* in order, though the connection may still be there */
    atomic_bool attention;        /* the guest's thread must take the lock before its next entry */

    struct debug_hook hook;

    /* The machine's owner's: the guest's thread while the guest runs, the server's while it is
     * held. */
    struct debug_motion motion;
    struct debug_points points;
    struct debug_cache cache;
    uint64_t orig_rax;    /* the system call it stands at, or what was written since it stopped */
    uint64_t resumed_rax; /* orig_rax as it was when the debugger let go */
    uint64_t returning;   /* the caught system call that is being served, or DEBUG_NO_SYSCALL */
    bool at_host_call;    /* it stands before one, because of `catch` */
    uint8_t *object;      /* last answer of ops->object */
    struct debug_room rooms[DEBUG_ROOMS];
    size_t room_count;
};

/* In a child of fork() there is no server, and the locks are in the hands of nobody. */
static inline bool debug_is_copy(const struct hl_debug *d)
{
    return fork_copied(d->sb->use.forks);
}

/* debug/warden.c: the debugger of a sandbox, or NULL. */
extern const struct warden_ops debug_warden_ops;
struct hl_debug *debug_of(const struct hl_sandbox *sb);

/* ---- the guest's thread (debug/run.c, debug/call.c, debug/ending.c) ---- */

/* Around a start, call or main: waits while a debugger holds the idle sandbox. */
int debug_enter(struct hl_debug *d, struct hl_error *error);
void debug_leave(struct hl_debug *d);
/*
 * The start failed because the debugger wants it again: the sandbox is put back, the debugger hears
 * of it, and when this returns 0 it is to be run again.  HL_ERR_STATE: that is not why.
 */
int debug_start_again(struct hl_debug *d, struct hl_error *error);
/* In place of hl_machine_run(). */
int debug_run(struct hl_debug *d, struct hl_exit *exit, struct hl_error *error);
/*
 * The run is about to end with rc: show that to the debugger.  Returns rc, another error, or RUN_ON
 * where the debugger takes the fault back.
 */
int debug_failure(struct hl_debug *d, int rc, const struct hl_exit *exit, struct hl_error *error);
/*
 * A signal is about to go to a handler of the guest's: *number becomes what the debugger lets
 * through, or 0.
 */
int debug_signal(struct hl_debug *d, int *number, struct hl_error *error);
/* The observer: calls, host functions (which do not touch the vCPU), what the guest prints. */
void debug_event(void *debug, struct hl_sandbox *sb, const struct hl_event *event);
#define DEBUG_EVENTS                                                                               \
    (HL_EVENT_BIT(HL_EVENT_BEGIN) | HL_EVENT_BIT(HL_EVENT_HOST) |                                  \
     HL_EVENT_BIT(HL_EVENT_HOST_END) | HL_EVENT_BIT(HL_EVENT_CONSOLE) |                            \
     HL_EVENT_BIT(HL_EVENT_RESTORE))
/* hl_sandbox_interrupt() has been called. */
void debug_wake(struct hl_debug *d);
/*
 * Give the sandbox a target without a server: hl_sandbox_debug() puts one before it, tests play it
 * themselves.  can: the roads to be taken, NULL for those that the probe finds.
 */
int debug_create(struct hl_sandbox *sb, const struct hl_debug_config *config,
                 const struct hl_debug_abilities *can, struct hl_error *error);

/* debug/end.c: the debugger hears of the end, and then the target goes. */
void debug_destroy(struct hl_debug *d);
/* Without a word: it may be half made. */
void debug_unmake(struct hl_debug *d);
/* lock held.  A debugger that looks at the idle guest may finish; one that waits gets the stop. */
void debug_say_exited(struct hl_debug *d, int status);

/* debug/probe.c: hl_debug_probe() of a backend; what it found is remembered. */
int debug_probe(const struct backend *backend, struct hl_debug_abilities *abilities,
                struct hl_error *error);

/* ---- inside of the target ---- */

/* debug/stop.c.  owes_stop, park, is_interrupted and gone with the lock held. */
/* A debugger breaks in, or has just come, and waits for the guest to stand: so. */
bool debug_owes_stop(const struct hl_debug *d, struct gdb_stop *stop);
/* Wait until the debugger lets go, or there is a reason not to go on at all. */
void debug_park(struct hl_debug *d);
bool debug_is_interrupted(const struct hl_debug *d);
int debug_gone(const struct hl_debug *d, struct hl_error *error);
/* Is there a debugger that wants to know?  Then tell it and wait. */
int debug_show(struct hl_debug *d, const struct gdb_stop *stop, struct hl_error *error);
/* For orig_rax, at a stop that this exit is the reason of. */
uint64_t debug_syscall_of(const struct hl_exit *exit);
/* Conditions and commands are evaluated here, while the guest stands at the hit. */
bool debug_wanted(struct hl_debug *d, const struct gdb_stop *stop);

extern const struct gdb_target_ops debug_ops;

/* debug/points.c; all by the owner of the machine */
int debug_insert(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size);
int debug_remove(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size);
void debug_remove_all(struct hl_debug *d);
void debug_plant(struct hl_debug *d);
void debug_lift(struct hl_debug *d);
/* The first one there in the order of enum gdb_point, at least `from`. */
const struct debug_break *debug_break_at(const struct hl_debug *d, hl_gva_t address,
                                         enum gdb_point from);

/* debug/watch.c */
int debug_watch_insert(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size);
int debug_watch_remove(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size);
void debug_watch_remove_all(struct hl_debug *d);
/* Before an entry: pages come and go. */
void debug_watch_follow(struct hl_debug *d);
/* The debugger has changed memory, which is no hit. */
void debug_watch_wrote(struct hl_debug *d, hl_gva_t address, size_t size);
/* A #PF: was it a watched page's?  Then it is given back until debug_watch_restore(). */
bool debug_watch_fault(struct hl_debug *d, const struct hl_fault *fault);
void debug_watch_restore(struct hl_debug *d);
/* Take the watches out of the page tables, or put them in again: for whoever copies those. */
void debug_watch_suspend(struct hl_debug *d, bool suspend);
/* Did the instruction just executed, or the host meanwhile, touch what is watched? */
bool debug_watch_hit(struct hl_debug *d, struct gdb_stop *stop);
/* ... and what else, if nobody wanted to know of that? */
bool debug_watch_also(struct hl_debug *d, struct gdb_stop *stop);

/* debug/slots.c: a debug register; false where all are taken. */
bool debug_slot_take(struct hl_debug *d, enum vcpu_slot_kind kind, hl_gva_t address, uint8_t size,
                     int *slot);

/* debug/regs.c */
void debug_regs_init(struct hl_debug *d);
void debug_regs_forget(struct hl_debug *d);
/* Is it the caller's turn to look at the guest, and to change it? */
bool debug_may_look(struct hl_debug *d);
int debug_read_register(void *target, unsigned number, void *data, size_t size);
int debug_write_register(void *target, unsigned number, const void *data, size_t size);

/* debug/monitor.c, debug/object.c */
extern const struct gdb_monitor debug_monitors[];
extern const unsigned debug_monitor_count;
int debug_object(void *target, enum gdb_object object, const void **data, size_t *size);
/* Why the guest stands, as Linux's siginfo_t; STATE where no signal says it. */
int debug_siginfo(struct hl_debug *d, siginfo_t *info);
/* GDB's signal for what stands in sb->fault. */
int debug_fault_signal(const struct hl_fault *fault);
/* debug/signal.c: Linux's number of a signal of GDB's, and back. */
int debug_host_signal(int gdb);
int debug_gdb_signal(int number);
/* One line on what the guest is doing. */
int debug_thread_extra(void *target, char *text, size_t size);

/* debug/maps.c: the address space from below, what is kept unmapped included. */
#define DEBUG_UNMAPPED (~0u)
struct debug_row {
    hl_gva_t start, end;
    unsigned prot; /* HL_PROT_*, or DEBUG_UNMAPPED */
    const char *what;
};
void debug_each_row(const struct hl_debug *d,
                    void (*visit)(void *opaque, const struct debug_row *row), void *opaque);

/* debug/args.c: each with its NUL; false where the guest has written over the list. */
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

/* debug/hold.c; with the lock held, but for set and hit. */
int debug_hold_set(struct hl_debug *d, struct hl_error *error);
/* A debugger that comes early hears of the guest once it is where it was to wait. */
bool debug_hold_is_awaited(const struct hl_debug *d);
/*
 * The guest has come to its point, or stops for good before that: true when it was awaited, and
 * `stop` is to be shown.
 */
bool debug_hold_reach(struct hl_debug *d, const struct gdb_stop *stop);
/* The debugger that was waited for has been here, or will not come. */
void debug_hold_release(struct hl_debug *d);
/* By the guest's thread, before an entry: the int3 goes with the wait. */
void debug_hold_follow(struct hl_debug *d);
/* By the guest's thread, at its int3: false when the wait was over meanwhile. */
bool debug_hold_hit(struct hl_debug *d, struct gdb_stop *stop);

/* All with the lock held.  The guest stands; tell the debugger. */
void debug_post(struct hl_debug *d, const struct gdb_stop *stop);
/* debug/rewind.c.  The sandbox is idle: back to what was remembered, and the debugger hears of it. */
void debug_rewind(struct hl_debug *d);
/* Back there, without a word. */
int debug_restore(struct hl_debug *d);
/* ... which is now. */
void debug_remember(struct hl_debug *d);
/* debug/registry.c: for `hl-dev ps`. */
void debug_registry(struct hl_debug *d);

#endif
