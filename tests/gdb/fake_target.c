/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_target.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

void fake_stop(struct fake *f, struct gdb_stop stop)
{
    uint64_t one = 1;

    pthread_mutex_lock(&f->lock);
    if (f->due) {
        f->stop = stop;
        f->event = true;
        f->due = false;
        f->held = true;
        (void)!write(f->event_fd, &one, sizeof(one));
    }
    pthread_mutex_unlock(&f->lock);
}

static int op_bind(void *target, const struct gdb_hooks *hooks)
{
    struct fake *f = target;

    f->hooks = hooks ? *hooks : (struct gdb_hooks){0};
    return 0;
}

static int op_event_fd(void *target)
{
    return ((struct fake *)target)->event_fd;
}

static int op_take_stop(void *target, struct gdb_stop *stop)
{
    struct fake *f = target;
    uint64_t count;
    bool event;

    pthread_mutex_lock(&f->lock);
    (void)!read(f->event_fd, &count, sizeof(count));
    event = f->event;
    *stop = f->stop;
    f->event = false;
    pthread_mutex_unlock(&f->lock);
    return event;
}

static void set_due(struct fake *f, unsigned *counter)
{
    pthread_mutex_lock(&f->lock);
    f->due = true;
    f->held = false;
    ++*counter;
    pthread_mutex_unlock(&f->lock);
}

static int op_attach(void *target)
{
    struct fake *f = target;

    if (f->fail)
        return f->fail;
    set_due(f, &f->attaches);
    fake_stop(f, f->attach_stop);
    return 0;
}

static void op_detach(void *target)
{
    struct fake *f = target;

    pthread_mutex_lock(&f->lock);
    f->detaches++;
    f->due = f->event = f->held = false;
    f->point_count = 0;
    pthread_mutex_unlock(&f->lock);
}

static int op_resume(void *target, const struct gdb_resume *resume)
{
    struct fake *f = target;

    if (f->fail)
        return f->fail;
    set_due(f, &f->resumes);
    f->resume = *resume;
    if (f->instant)
        fake_stop(f, (struct gdb_stop){.reason = GDB_STOP_STEP});
    return 0;
}

static void op_interrupt(void *target)
{
    struct fake *f = target;

    f->interrupts++;
    fake_stop(f, (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_INT});
}

static int op_restart(void *target)
{
    struct fake *f = target;

    if (f->fail)
        return f->fail;
    set_due(f, &f->restarts);
    f->point_count = 0;
    fake_stop(f, (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_TRAP});
    return 0;
}

static void op_kill(void *target)
{
    struct fake *f = target;

    pthread_mutex_lock(&f->lock);
    f->kills++;
    f->due = f->event = false;
    pthread_mutex_unlock(&f->lock);
}

static int op_read_register(void *target, unsigned number, void *data, size_t size)
{
    struct fake *f = target;

    if (number == GDB_AMD64_ORIG_RAX) /* never there */
        return HL_ERR_STATE;
    memcpy(data, f->registers[number], size);
    return f->fail;
}

static int op_write_register(void *target, unsigned number, const void *data, size_t size)
{
    struct fake *f = target;

    if (number >= GDB_AMD64_CR0)
        return HL_ERR_STATE;
    memcpy(f->registers[number], data, size);
    f->writes++;
    return f->fail;
}

/* How much of a range is there: up to the hole or the end. */
static size_t there(uint64_t address, size_t size)
{
    uint64_t end = address < FAKE_HOLE ? FAKE_HOLE : FAKE_BASE + FAKE_SIZE;

    if (address < FAKE_BASE || address >= end || address >> 12 == FAKE_HOLE >> 12)
        return 0;
    return size < end - address ? size : (size_t)(end - address);
}

static size_t op_read_memory(void *target, uint64_t address, void *data, size_t size)
{
    struct fake *f = target;
    size_t n = there(address, size);

    if (n)
        memcpy(data, f->memory + (address - FAKE_BASE), n);
    return n;
}

static size_t op_write_memory(void *target, uint64_t address, const void *data, size_t size)
{
    struct fake *f = target;
    size_t n = there(address, size);

    if (n)
        memcpy(f->memory + (address - FAKE_BASE), data, n);
    return n;
}

static int op_insert(void *target, enum gdb_point kind, uint64_t address, size_t size)
{
    struct fake *f = target;

    if (f->fail)
        return f->fail;
    if (f->point_count == FAKE_POINTS)
        return HL_ERR_LIMIT;
    f->inserts++;
    f->points[f->point_count++] = (struct fake_point){kind, address, size};
    return 0;
}

static int op_remove(void *target, enum gdb_point kind, uint64_t address, size_t size)
{
    struct fake *f = target;

    f->removes++;
    for (size_t i = 0; i < f->point_count; i++) {
        struct fake_point *p = &f->points[i];
        if (p->kind == kind && p->address == address && p->size == size) {
            *p = f->points[--f->point_count];
            return f->fail;
        }
    }
    return HL_ERR_ARGUMENT;
}

static int op_object(void *target, enum gdb_object object, const void **data, size_t *size)
{
    static const char map[] =
        "<memory-map><memory type=\"ram\" start=\"0x10000\" length=\"0x40000\"/>"
        "</memory-map>";
    struct fake *f = target;

    if (object == GDB_OBJECT_SIGINFO)
        return HL_ERR_STATE;
    *data = object == GDB_OBJECT_AUXV ? (const void *)f->memory : map;
    *size = object == GDB_OBJECT_AUXV ? 4096 : sizeof(map) - 1;
    return 0;
}

static int op_file(void *target, struct gdb_file *file)
{
    struct fake *f = target;

    *file = (struct gdb_file){"/guest/program", f->memory, 0x10000};
    return 0;
}

static int op_load_offset(void *target, uint64_t *offset)
{
    (void)target;
    *offset = 0x400000;
    return 0;
}

static int op_pass_signals(void *target, const uint8_t pass[GDB_SIGNALS / 8])
{
    memcpy(((struct fake *)target)->pass, pass, GDB_SIGNALS / 8);
    return 0;
}

static int op_thread_extra(void *target, char *text, size_t size)
{
    (void)target;
    snprintf(text, size, "in <main> & co");
    return 0;
}

/* Three files, two of them links. */
static int op_proc(void *target, const char *name, void **data, size_t *size)
{
    const char *text = strcmp(name, "maps") == 0  ? "10000-50000 rwxp\n"
                       : strcmp(name, "exe") == 0 ? "/guest/program"
                       : strcmp(name, "cwd") == 0 ? "/"
                                                  : NULL;

    (void)target;
    if (!text)
        return HL_ERR_ARGUMENT;
    *size = strlen(text);
    *data = strdup(text);
    return *data ? 0 : HL_ERR_MEMORY;
}

static int op_catch_syscalls(void *target, const struct gdb_catch *catch)
{
    struct fake *f = target;

    f->catch = catch ? *catch : (struct gdb_catch){0};
    return f->fail;
}

static int op_thread_local(void *target, uint64_t module, uint64_t offset, uint64_t *address)
{
    (void)target;
    *address = FAKE_BASE + module + offset;
    return offset < 0x100 ? 0 : HL_ERR_ARGUMENT;
}

/* Two regions between holes, the last one of which ends the address space. */
static int op_memory_region(void *target, uint64_t address, struct gdb_region *region)
{
    static const struct gdb_region regions[] = {
        {0, FAKE_BASE, 0, NULL},
        {FAKE_BASE, FAKE_HOLE - FAKE_BASE, GDB_READABLE | GDB_EXECUTABLE, "/guest/program"},
        {FAKE_HOLE, 0x1000, 0, NULL},
        {FAKE_HOLE + 0x1000, FAKE_BASE + FAKE_SIZE - FAKE_HOLE - 0x1000,
         GDB_READABLE | GDB_WRITABLE, NULL},
        {FAKE_BASE + FAKE_SIZE, 0 - (uint64_t)(FAKE_BASE + FAKE_SIZE), 0, NULL}};
    size_t i = 0;

    (void)target;
    while (address - regions[i].start >= regions[i].size)
        i++;
    *region = regions[i];
    return 0;
}

static int op_allocate(void *target, uint64_t size, unsigned access, uint64_t *address)
{
    struct fake *f = target;

    if (f->allocated || size > 4096 || !access)
        return HL_ERR_LIMIT;
    *address = f->allocated = FAKE_ROOM;
    return 0;
}

static int op_deallocate(void *target, uint64_t address)
{
    struct fake *f = target;

    if (!address || address != f->allocated)
        return HL_ERR_ARGUMENT;
    f->allocated = 0;
    return 0;
}

static int echo(void *target, const char *args, struct gdb_printer *printer)
{
    (void)target;
    if (!*args)
        return HL_ERR_ARGUMENT;
    printer->print(printer, args, strlen(args));
    return 0;
}

static const struct gdb_monitor monitors[] = {{"echo", "TEXT", "print TEXT", echo},
                                              {"echo back", "TEXT", "print TEXT too", echo}};

static const struct gdb_feature *const features[] = {
    &gdb_amd64_core, &gdb_amd64_sse,    &gdb_amd64_linux, &gdb_amd64_segments,
    &gdb_amd64_avx,  &gdb_amd64_avx512, &gdb_amd64_system};

static const struct gdb_target_ops ops = {op_bind,
                                          op_event_fd,
                                          op_take_stop,
                                          op_attach,
                                          op_detach,
                                          op_resume,
                                          op_interrupt,
                                          op_restart,
                                          op_kill,
                                          op_read_register,
                                          op_write_register,
                                          op_read_memory,
                                          op_write_memory,
                                          op_insert,
                                          op_remove,
                                          op_object,
                                          op_file,
                                          op_load_offset,
                                          op_pass_signals,
                                          op_thread_extra,
                                          op_proc,
                                          .catch_syscalls = op_catch_syscalls,
                                          .thread_local_address = op_thread_local,
                                          .memory_region = op_memory_region,
                                          .allocate = op_allocate,
                                          .deallocate = op_deallocate};

int fake_init(struct fake *f)
{
    memset(f, 0, sizeof(*f));
    pthread_mutex_init(&f->lock, NULL);
    f->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    f->attach_stop = (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_TRAP};
    f->description = (struct gdb_description){"i386:x86-64",
                                              "GNU/Linux",
                                              "x86_64-pc-linux",
                                              features,
                                              7,
                                              gdb_amd64_expedite,
                                              GDB_AMD64_EXPEDITE_COUNT,
                                              GDB_AMD64_RIP,
                                              GDB_AMD64_PLAIN};
    f->target = (struct gdb_target){.ops = &ops,
                                    .self = f,
                                    .description = &f->description,
                                    .monitors = monitors,
                                    .monitor_count = 2,
                                    .points = 31,
                                    .objects = 7,
                                    .range_step = true,
                                    .name = "fake"};
    for (size_t i = 0; i < FAKE_SIZE; i++)
        f->memory[i] = (uint8_t)(i * 7 + (i >> 8));
    for (unsigned n = 0; n < GDB_AMD64_REGISTERS; n++)
        memset(f->registers[n], (int)n + 1, GDB_REGISTER_MAX);
    return f->event_fd < 0 ? -1 : 0;
}

void fake_free(struct fake *f)
{
    close(f->event_fd);
    pthread_mutex_destroy(&f->lock);
}
