/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace_target.c - the operations, as the server's thread calls them. */
#include "ptrace_target.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int pt_init(struct pt *t, char *const *argv, bool capture)
{
    struct stat st;
    int fd;

    memset(t, 0, sizeof(*t));
    t->argv = argv;
    t->capture = capture;
    t->mem_fd = t->out_fd = -1;
    pthread_mutex_init(&t->lock, NULL);
    pthread_mutex_init(&t->hook_lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fd = open(argv[0], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) || !realpath(argv[0], t->path))
        return -1;
    t->file_size = (size_t)st.st_size;
    t->file = mmap(NULL, t->file_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return t->file == MAP_FAILED ? -1 : 0;
}

void pt_free(struct pt *t)
{
    munmap(t->file, t->file_size);
    free(t->object);
    close(t->event_fd);
    if (t->mem_fd >= 0)
        close(t->mem_fd);
    if (t->out_fd >= 0)
        close(t->out_fd);
}

void pt_quit(struct pt *t)
{
    pthread_mutex_lock(&t->lock);
    t->quit = true;
    if (t->pid && !t->held)
        kill(t->pid, SIGKILL);
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

int pt_call(struct pt *t, int (*request)(struct pt *, unsigned, void *, size_t), unsigned number,
            void *data, size_t size)
{
    int rc = HL_ERR_BUSY;

    if (pthread_equal(pthread_self(), t->tracer))
        return request(t, number, data, size);
    pthread_mutex_lock(&t->lock);
    if (t->held) {
        t->request = request;
        t->request_number = number;
        t->request_data = data;
        t->request_size = size;
        t->request_done = false;
        pthread_cond_broadcast(&t->changed);
        while (!t->request_done)
            pthread_cond_wait(&t->changed, &t->lock);
        rc = t->request_result;
    }
    pthread_mutex_unlock(&t->lock);
    return rc;
}

static int op_bind(void *target, const struct gdb_hooks *hooks)
{
    struct pt *t = target;

    pthread_mutex_lock(&t->hook_lock);
    t->bound = hooks;
    if (hooks)
        t->hooks = *hooks;
    pthread_mutex_unlock(&t->hook_lock);
    return 0;
}

static int op_event_fd(void *target)
{
    return ((struct pt *)target)->event_fd;
}

static int op_take_stop(void *target, struct gdb_stop *stop)
{
    struct pt *t = target;
    uint64_t count;
    int taken;

    pthread_mutex_lock(&t->lock);
    (void)!read(t->event_fd, &count, sizeof(count));
    taken = t->event;
    *stop = t->stop;
    t->event = false;
    pthread_mutex_unlock(&t->lock);
    return taken;
}

/* With the lock. */
static void stop_it(struct pt *t)
{
    t->want_stop = true;
    if (t->pid && !t->stop_sent) {
        t->stop_sent = true;
        kill(t->pid, SIGSTOP);
    }
}

static int op_attach(void *target)
{
    struct pt *t = target;

    pthread_mutex_lock(&t->lock);
    t->debugged = true;
    t->event_due = true;
    if (t->held)
        t->want_run = false; /* of a debugger that has just gone: it never got to run */
    else
        stop_it(t);
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    return 0;
}

static void op_detach(void *target)
{
    struct pt *t = target;
    uint64_t count;

    pthread_mutex_lock(&t->lock);
    t->debugged = t->event_due = t->event = false;
    (void)!read(t->event_fd, &count, sizeof(count));
    memset(t->pass, 0, sizeof(t->pass));
    t->drop = true;
    if (t->held)
        t->resume = (struct gdb_resume){.how = GDB_CONTINUE};
    else
        stop_it(t); /* the tracer takes the points out */
    t->want_run = t->pid;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static int op_resume(void *target, const struct gdb_resume *resume)
{
    struct pt *t = target;

    pthread_mutex_lock(&t->lock);
    t->resume = *resume;
    t->want_run = true;
    t->event_due = true;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    return 0;
}

static void op_interrupt(void *target)
{
    struct pt *t = target;

    pthread_mutex_lock(&t->lock);
    if (t->event_due)
        stop_it(t);
    pthread_mutex_unlock(&t->lock);
}

static int op_restart(void *target)
{
    struct pt *t = target;

    pthread_mutex_lock(&t->lock);
    t->want_start = true;
    t->event_due = true;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    return 0;
}

static void op_kill(void *target)
{
    struct pt *t = target;

    pthread_mutex_lock(&t->lock);
    if (t->pid)
        kill(t->pid, SIGKILL);
    t->event_due = t->event = false;
    t->want_run = true; /* the tracer finds it dead */
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static int op_read_register(void *target, unsigned number, void *data, size_t size)
{
    return pt_call(target, pt_read_reg, number, data, size);
}

static int op_write_register(void *target, unsigned number, const void *data, size_t size)
{
    return pt_call(target, pt_write_reg, number, (void *)(uintptr_t)data, size);
}

static int op_file(void *target, struct gdb_file *file)
{
    struct pt *t = target;

    *file = (struct gdb_file){t->path, t->file, t->file_size};
    return 0;
}

static int op_pass_signals(void *target, const uint8_t pass[GDB_SIGNALS / 8])
{
    memcpy(((struct pt *)target)->pass, pass, GDB_SIGNALS / 8);
    return 0;
}

static int op_thread_extra(void *target, char *text, size_t size)
{
    snprintf(text, size, "native process %d", (int)((struct pt *)target)->pid);
    return 0;
}

const struct gdb_target_ops pt_ops = {
    .bind = op_bind,
    .event_fd = op_event_fd,
    .take_stop = op_take_stop,
    .attach = op_attach,
    .detach = op_detach,
    .resume = op_resume,
    .interrupt = op_interrupt,
    .restart = op_restart,
    .kill = op_kill,
    .read_register = op_read_register,
    .write_register = op_write_register,
    .read_memory = pt_read_memory,
    .write_memory = pt_write_memory,
    .insert_point = pt_insert,
    .remove_point = pt_remove,
    .object = pt_object,
    .file = op_file,
    .load_offset = pt_load_offset,
    .pass_signals = op_pass_signals,
    .thread_extra = op_thread_extra,
};
