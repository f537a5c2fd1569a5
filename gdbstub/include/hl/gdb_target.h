/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/gdb_target.h - the interface between the GDB remote stub and what it debugs.
 *
 * The stub (libhlgdb, hl/gdb.h) reaches what it debugs through this table and nothing else: it
 * never includes linux/kvm.h or libhl's internals.  hostlib fills the table for a sandbox,
 * tests/gdb for a scripted target and for a native process.
 *
 * Threads.  Two are involved.  The *server thread* belongs to the stub and calls the operations
 * below, one at a time.  The *guest's thread* is the thread of the program that runs the guest
 * (for a sandbox: the caller of hl_sandbox_call()); it calls the two hooks.  A target whose
 * state is shared by both needs its own lock; the stub holds no lock of its own when it calls an
 * operation from the server thread.
 *
 * States, as the stub sees them:
 *
 *   free     no debugger.  The guest runs or is idle; no point is inserted, no event is due.
 *   held     stopped for the debugger.  A guest that is idle between two calls counts as stopped;
 *            a call made meanwhile waits until the debugger lets go.
 *   running  resumed by the debugger.  An idle guest simply stays idle until the next call.
 *
 *   free --attach--> (event) held --resume--> running --(event)--> held --detach--> free
 *
 * Events.  attach, resume and restart return at once and never wait for the guest.  Each is
 * followed sooner or later by exactly one stop event; interrupt makes it come sooner.  An event is
 * announced by making event_fd readable and handed over by take_stop; from then on the guest is
 * held.  detach (from any state) cancels an event that is due.
 *
 * Registers, memory and points are accessed only while the guest is held; the one exception is a
 * hook in progress, see gdb_hooks.report.
 *
 * Errors.  Operations return 0 or a negative enum hl_err (hl/error.h).  HL_ERR_BUSY: not possible
 * now.  An operation marked (optional) may be NULL: the stub then does not offer the
 * feature. Addresses are guest virtual; sizes are in bytes; register contents are in guest byte
 * order.
 */
#ifndef HL_GDB_TARGET_H
#define HL_GDB_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- registers ------------------------------------------------------------------------------ */

/* One register of a target description, in GDB's terms ("Target Description Format"). */
struct gdb_register {
    const char *name;
    const char *type;  /* a predefined type or one of the feature's own */
    const char *group; /* "general", "float", "vector", ..., or NULL for GDB's own choice */
    uint16_t bits;     /* a multiple of 8 */
    bool keep;         /* not saved and restored around a function GDB calls in the guest */
};

/* Registers first, first + 1, ...; numbers must be unique in a description, holes are fine. */
struct gdb_feature {
    const char *name;  /* "org.gnu.gdb.i386.core", ... */
    const char *types; /* XML of the types defined here, or NULL */
    unsigned first;
    unsigned count;
    const struct gdb_register *registers;
};

/* The source of target.xml and of the layout of g and G: by ascending number, without gaps. */
struct gdb_description {
    const char *architecture; /* "i386:x86-64" */
    const char *osabi;        /* "GNU/Linux", or NULL */
    const char *triple;       /* the same for LLDB, "x86_64-unknown-linux-musl", or NULL */
    const struct gdb_feature *const *features;
    unsigned feature_count;
    const unsigned *expedite; /* numbers of the registers sent along with every stop */
    unsigned expedite_count;
    unsigned pc; /* number of the program counter, which has the size of an address */
    /* A client that reads no description has the registers below this number; 0: all of them. */
    unsigned plain;
};

#define GDB_REGISTER_MAX 64 /* bytes of the largest register */
#define GDB_REGISTERS_MAX 512

/* ---- points, resuming, stops ---------------------------------------------------------------- */

/* GDB's own numbers of the Z and z packets. */
enum gdb_point { GDB_SW_BREAK, GDB_HW_BREAK, GDB_WATCH_WRITE, GDB_WATCH_READ, GDB_WATCH_ACCESS };
#define GDB_POINT_BIT(point) (1u << (point))

/* GDB's numbering, which is not Linux's. */
enum gdb_signal {
    GDB_SIGNAL_0 = 0,
    GDB_SIGNAL_INT = 2,
    GDB_SIGNAL_ILL = 4,
    GDB_SIGNAL_TRAP = 5,
    GDB_SIGNAL_ABRT = 6,
    GDB_SIGNAL_FPE = 8,
    GDB_SIGNAL_KILL = 9,
    GDB_SIGNAL_BUS = 10,
    GDB_SIGNAL_SEGV = 11,
    GDB_SIGNAL_SYS = 12,
    GDB_SIGNAL_TERM = 15,
};
#define GDB_SIGNALS 256

enum gdb_resume_how { GDB_CONTINUE, GDB_STEP, GDB_RANGE_STEP };

struct gdb_resume {
    enum gdb_resume_how how;
    int signal;          /* to be delivered to the guest first, or 0; a target may ignore it */
    uint64_t start, end; /* GDB_RANGE_STEP: step on while start <= pc < end, at least one step */
};

enum gdb_stop_reason {
    GDB_STOP_SIGNAL,         /* signal: a fault, an abort, a break-in (INT), a held guest (0) */
    GDB_STOP_SW_BREAK,       /* pc is the address of the point, whatever the trap left in it */
    GDB_STOP_HW_BREAK,       /* the same */
    GDB_STOP_WATCH,          /* point and address say which; the access has been made */
    GDB_STOP_STEP,           /* a single or a range step is done, or was cut short */
    GDB_STOP_SYSCALL_ENTRY,  /* syscall, caught: it is about to be served, ... */
    GDB_STOP_SYSCALL_RETURN, /* ... or has been */
    GDB_STOP_EXITED,         /* status; nothing is left to inspect */
    GDB_STOP_KILLED,         /* signal that ended it; nothing is left to inspect */
};

/*
 * If a stop has two reasons, the target reports the one that comes first in this order: WATCH,
 * SW_BREAK, HW_BREAK, SIGNAL, STEP; so a watch hit at the end of a step is a watch hit.  A trap
 * instruction that is not one of our points, but the guest's own or one that the debugger wrote
 * into memory, is a SIGNAL (TRAP) with pc as the processor left it, and `trap` set.
 */
struct gdb_stop {
    enum gdb_stop_reason reason;
    int signal;           /* enum gdb_signal; GDB_STOP_SIGNAL and KILLED */
    int status;           /* GDB_STOP_EXITED */
    enum gdb_point point; /* GDB_STOP_WATCH */
    uint64_t address; /* SW_BREAK, HW_BREAK: the point's; WATCH: of the first watched byte hit */
    bool trap;        /* SIGNAL: by a breakpoint instruction, at address */
    uint64_t syscall; /* SYSCALL_ENTRY, SYSCALL_RETURN: its number */
};

/* System calls to stop at: all of them, or those listed. */
struct gdb_catch {
    bool all;
    const uint64_t *numbers;
    size_t count;
};

/* ---- memory --------------------------------------------------------------------------------- */

enum { GDB_READABLE = 1, GDB_WRITABLE = 2, GDB_EXECUTABLE = 4 };

struct gdb_region {
    uint64_t start, size;
    unsigned access;  /* 0 and no name: nothing is mapped there */
    const char *name; /* or NULL; valid until the next operation */
};

/* ---- what the stub offers the target -------------------------------------------------------- */

/* Called in the guest's thread, at any time between bind() and bind(NULL). */
struct gdb_hooks {
    /*
     * At every hit of a point (SW_BREAK, HW_BREAK, WATCH), before it becomes an event: false means
     * not to report it (a false condition, commands only, the debugger has left) and the guest
     * continues as if nothing had happened.  The hook evaluates conditions and commands: it calls
     * read_register and read_memory from this thread, with the guest stopped at the hit, as if
     * held.  The target must hold no lock that these take.
     */
    bool (*report)(void *opaque, const struct gdb_stop *stop);

    /* What the guest printed, for the debugger's console.  Never blocks: drops what is too much. */
    void (*console)(void *opaque, const void *data, size_t size);

    void *opaque;
};

/* ---- monitor commands, files ---------------------------------------------------------------- */

/* Where a monitor command prints; text need not be whole lines. */
struct gdb_printer {
    void (*print)(struct gdb_printer *printer, const char *text, size_t size);
};

/* `monitor NAME ARGS`; run is called while the guest is held or has ended.  The stub adds `help`.
 */
struct gdb_monitor {
    const char *name; /* one word, or several ("breakpoint list"): the longest match wins */
    const char *args; /* for the help, or NULL */
    const char *help; /* one line */
    /*
     * args: what follows the name, without leading blanks.  A negative error is shown as its code's
     * text; 1 is an error whose text the command has printed.
     */
    int (*run)(void *target, const char *args, struct gdb_printer *printer);
};

/* The program, for a debugger that has no copy; valid until restart or the end of the server. */
struct gdb_file {
    const char *path; /* absolute */
    const void *data;
    uint64_t size;
};

/* Objects for qXfer.  GDB_OBJECT_SIGINFO is the host's siginfo_t. */
enum gdb_object { GDB_OBJECT_AUXV, GDB_OBJECT_SIGINFO, GDB_OBJECT_MEMORY_MAP };

/* ---- the operations ------------------------------------------------------------------------- */

struct gdb_target_ops {
    /* Called first, and again last with hooks NULL: no hook is called after that. */
    int (*bind)(void *target, const struct gdb_hooks *hooks);
    /* Pollable and level-triggered: readable while an event waits to be taken. */
    int (*event_fd)(void *target);
    /* Take the event: 1, or 0 if no event is waiting (any more). */
    int (*take_stop)(void *target, struct gdb_stop *stop);

    /* free -> held.  The event says why it is stopped: an earlier fault, SIGNAL 0, EXITED. */
    int (*attach)(void *target);
    /*
     * Any state -> free, even if the guest cannot be reached at once: every point is removed as
     * soon as possible, without a trace in the guest's memory, and the guest runs on.  Does not
     * wait.
     */
    void (*detach)(void *target);

    /*
     * A point at pc is hit at once, before anything is executed: GDB removes the point that it is
     * about to step over, and a `jump` to a point must stop there.  The guest passes the point only
     * if it continues because gdb_hooks.report returned false.
     */
    int (*resume)(void *target, const struct gdb_resume *resume);
    /*
     * Break in: a SIGNAL (INT) event, unless another one comes first.  No effect on a guest
     * that is held or whose event is waiting: a break-in that comes too late is dropped.  Any
     * thread.
     */
    void (*interrupt)(void *target);
    /* (optional) Start afresh, from any held state or after the end; the event says where. */
    int (*restart)(void *target);
    /*
     * Any state: end the guest for good (until restart).  When this returns, the guest has ended or
     * cannot continue, and an event that was due is cancelled.
     */
    void (*kill)(void *target);

    /* size is the register's own.  A register that cannot be read now is shown as unavailable. */
    int (*read_register)(void *target, unsigned number, void *data, size_t size);
    int (*write_register)(void *target, unsigned number, const void *data, size_t size);

    /* Number of bytes copied, from the start; never shows a point, never loses one. */
    size_t (*read_memory)(void *target, uint64_t address, void *data, size_t size);
    size_t (*write_memory)(void *target, uint64_t address, const void *data, size_t size);

    /*
     * size: bytes watched, or GDB's "kind" of a breakpoint (1).  The stub inserts a point once,
     * even if GDB asks again, and removes only what it inserted.
     */
    int (*insert_point)(void *target, enum gdb_point point, uint64_t address, size_t size);
    int (*remove_point)(void *target, enum gdb_point point, uint64_t address, size_t size);

    /* (optional) *data stays valid until the next operation.  No object: HL_ERR_STATE. */
    int (*object)(void *target, enum gdb_object object, const void **data, size_t *size);
    /* (optional) */
    int (*file)(void *target, struct gdb_file *file);
    /* (optional) How far the program was moved from its link address (static PIE). */
    int (*load_offset)(void *target, uint64_t *offset);
    /* (optional) Signals that do not stop the guest, by GDB's number: pass[n / 8] >> n % 8. */
    int (*pass_signals)(void *target, const uint8_t pass[GDB_SIGNALS / 8]);
    /* (optional) What the guest is doing, in one line, for `info threads`. */
    int (*thread_extra)(void *target, char *text, size_t size);
    /*
     * (optional) What Linux has in /proc/PID of a process like the guest, as GDB reads it for `info
     * proc` and `generate-core-file`: "maps", "smaps", "cmdline", "environ", "auxv", "stat",
     * "status", "comm"; of the links "exe", "cwd" and "root" their target (opening "exe" opens
     * `file`).  *data is from malloc(); the stub frees it.  HL_ERR_ARGUMENT: no such file.
     */
    int (*proc)(void *target, const char *name, void **data, size_t *size);
    /*
     * (optional) While held: stop at these system calls, when they begin and when they have been
     * served, unless the guest is being stepped.  *catch is borrowed until the next such operation
     * or detach; NULL: none.
     */
    int (*catch_syscalls)(void *target, const struct gdb_catch *which);
    /*
     * (optional) Address of the thread-local variable at this offset in the thread-local block of a
     * module (the debugger's number for it, 0 for the program).  HL_ERR_STATE: the block does not
     * exist yet; HL_ERR_ARGUMENT: the offset is past its end.
     */
    int (*thread_local_address)(void *target, uint64_t module, uint64_t offset, uint64_t *address);
    /* (optional) Any address but the last is in a region, mapped or not. */
    int (*memory_region)(void *target, uint64_t address, struct gdb_region *region);
    /*
     * (optional, both) Guest memory for the debugger's own use: zeros, as accessible as access says
     * (GDB_READABLE, ...).  deallocate takes an address that allocate gave and frees all of it.
     * What is left is freed by detach and restart.  HL_ERR_LIMIT: no room.
     */
    int (*allocate)(void *target, uint64_t size, unsigned access, uint64_t *address);
    int (*deallocate)(void *target, uint64_t address);
};

/* All of it must outlive the server. */
struct gdb_target {
    const struct gdb_target_ops *ops;
    void *self; /* the first argument of every operation */
    const struct gdb_description *description;
    const struct gdb_monitor *monitors;
    unsigned monitor_count;
    unsigned points;  /* GDB_POINT_BIT of those that insert_point supports */
    unsigned objects; /* 1u << enum gdb_object */
    bool range_step;  /* resume supports GDB_RANGE_STEP */
    bool created;     /* the guest was started for the debugger: `quit` in GDB kills it */
    uint32_t process; /* the process id shown; 0: 1 is shown */
    const char *name; /* of the thread; may be NULL */
};

#ifdef __cplusplus
}
#endif

#endif
