/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ptrace_target.h - a gdb_target over ptrace: one native process, one thread.
 *
 * It stands in for a guest in tests of the stub with a real GDB.  Linux wants every ptrace request
 * from one thread, the tracer: pt_run() is that thread, as hl_sandbox_call() is the guest's.
 */
#ifndef PTRACE_TARGET_H
#define PTRACE_TARGET_H

#include <pthread.h>
#include <sys/user.h>

#include <hl/gdb_amd64.h>
#include <hl/gdb_target.h>

#define PT_POINTS 4096
#define PT_SLOTS 4
#define PT_XSAVE 16384

struct pt_point {
    enum gdb_point kind;
    uint64_t address;
    size_t size;
    uint8_t under; /* software: the byte that lies there */
    uint64_t
        last[8]; /* read watch: what was there when it last ran, to distinguish reads from writes */
};

struct pt {
    char *const *argv;
    bool capture; /* standard output goes to the debugger's console too */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t tracer;
    pthread_mutex_t hook_lock; /* held during a hook: bind() waits for its end */
    bool bound;
    struct gdb_hooks hooks;
    int event_fd, mem_fd, out_fd;
    _Atomic pid_t pid; /* 0: none */

    /* under lock */
    _Atomic bool debugged; /* not free */
    bool held;             /* the tracer takes requests */
    bool event_due;        /* a stop is to be reported */
    bool event;            /* stop waits to be taken */
    struct gdb_stop stop;
    bool want_stop;         /* interrupt or attach */
    _Atomic bool stop_sent; /* a SIGSTOP is on its way */
    bool want_run, want_start, quit;
    bool drop; /* points are to be taken out, at the next opportunity */
    struct gdb_resume resume;
    uint8_t pass[GDB_SIGNALS / 8];
    int (*request)(struct pt *t, unsigned number, void *data, size_t size);
    unsigned request_number;
    void *request_data;
    size_t request_size;
    int request_result;
    bool request_done;

    struct pt_point points[PT_POINTS];
    size_t point_count;
    struct {
        uint64_t address;
        unsigned size, kind; /* of debug register: 0 exec, 1 write, 3 access; size 0: free */
        size_t users;
    } slots[PT_SLOTS];

    void *file;
    size_t file_size;
    char path[4096];
    void *object;
};

extern const struct gdb_target_ops pt_ops;
int pt_init(struct pt *t, char *const *argv, bool capture);
/* The tracer's loop, until pt_quit(). */
void pt_run(struct pt *t);
void pt_quit(struct pt *t);
void pt_free(struct pt *t);

/* ptrace_run.c, ptrace_regs.c, ptrace_points.c; the tracer's thread unless said otherwise */
int pt_read_reg(struct pt *t, unsigned number, void *data, size_t size);
int pt_write_reg(struct pt *t, unsigned number, void *data, size_t size);
int pt_siginfo(struct pt *t, unsigned number, void *data, size_t size);
int pt_debug_registers(struct pt *t, unsigned number, void *data, size_t size);
uint64_t pt_get_pc(struct pt *t);
void pt_set_pc(struct pt *t, uint64_t pc);
size_t pt_raw(struct pt *t, uint64_t address, void *data, size_t size, bool write);
struct pt_point *pt_find(struct pt *t, enum gdb_point kind, uint64_t address);
/* What the debug registers report: nothing, a hit, or one that is of no interest. */
enum pt_hit { PT_NO_HIT, PT_HIT, PT_IDLE_HIT };
enum pt_hit pt_debug_hit(struct pt *t, struct gdb_stop *stop);
/* Before the process runs: what read watches cover now. */
void pt_note_watched(struct pt *t);
void pt_remove_all(struct pt *t);
int pt_call(struct pt *t, int (*request)(struct pt *, unsigned, void *, size_t), unsigned number,
            void *data, size_t size);
size_t pt_read_memory(void *target, uint64_t address, void *data, size_t size);
size_t pt_write_memory(void *target, uint64_t address, const void *data, size_t size);
int pt_insert(void *target, enum gdb_point kind, uint64_t address, size_t size);
int pt_remove(void *target, enum gdb_point kind, uint64_t address, size_t size);
int pt_object(void *target, enum gdb_object object, const void **data, size_t *size);
int pt_load_offset(void *target, uint64_t *offset);
void pt_start(struct pt *t);
int pt_gdb_signal(int host);
int pt_host_signal(int signal);

#endif
