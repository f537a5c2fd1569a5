/* SPDX-License-Identifier: Apache-2.0 */
#include "points.h"

#include <stdlib.h>
#include <string.h>

int gdb_points_init(struct gdb_points *points, const struct gdb_target *target,
                    gdb_agent_print *print, void *opaque)
{
    memset(points, 0, sizeof(*points));
    points->target = target;
    points->print = print;
    points->print_opaque = opaque;
    return pthread_mutex_init(&points->lock, NULL) ? HL_ERR_SYSTEM : 0;
}

static size_t code_bytes(const struct gdb_entry *entry)
{
    return entry->conditions.bytes.size + entry->commands.bytes.size;
}

static void code_free(struct gdb_code *code)
{
    gdb_buf_free(&code->bytes);
    gdb_buf_free(&code->sizes);
}

void gdb_entry_free(struct gdb_entry *entry)
{
    code_free(&entry->conditions);
    code_free(&entry->commands);
    free(entry);
}

static void clear(struct gdb_points *points)
{
    for (size_t i = 0; points->count && i < GDB_POINT_BUCKETS; i++) {
        while (points->buckets[i]) {
            struct gdb_entry *entry = points->buckets[i];
            points->buckets[i] = entry->next;
            gdb_entry_free(entry);
            points->count--;
        }
    }
    points->code = 0;
}

void gdb_points_free(struct gdb_points *points)
{
    clear(points);
    pthread_mutex_destroy(&points->lock);
}

void gdb_points_reset(struct gdb_points *points, bool active)
{
    pthread_mutex_lock(&points->lock);
    clear(points);
    points->active = active;
    pthread_mutex_unlock(&points->lock);
}

static struct gdb_entry **bucket(struct gdb_points *points, uint64_t address)
{
    return &points->buckets[(address * 0x9e3779b97f4a7c15ull) >> 54];
}
_Static_assert(GDB_POINT_BUCKETS == 1u << (64 - 54), "the hash fits the table");

/* Where the entry hangs, or NULL. */
static struct gdb_entry **find(struct gdb_points *points, enum gdb_point point, uint64_t address,
                               size_t size)
{
    struct gdb_entry **at = bucket(points, address);

    for (; *at; at = &(*at)->next)
        if ((*at)->address == address && (*at)->point == point && (*at)->size == size)
            return at;
    return NULL;
}

static void unlink_entry(struct gdb_points *points, struct gdb_entry **at)
{
    struct gdb_entry *entry = *at;

    *at = entry->next;
    points->count--;
    points->code -= code_bytes(entry);
    gdb_entry_free(entry);
}

bool gdb_points_has(struct gdb_points *points, enum gdb_point point, uint64_t address, size_t size)
{
    bool has;

    pthread_mutex_lock(&points->lock);
    has = find(points, point, address, size);
    pthread_mutex_unlock(&points->lock);
    return has;
}

int gdb_points_put(struct gdb_points *points, struct gdb_entry *entry)
{
    struct gdb_entry **old, **head;
    int rc = 0;

    pthread_mutex_lock(&points->lock);
    old = find(points, entry->point, entry->address, entry->size);
    if (old)
        unlink_entry(points, old);
    if (points->count >= GDB_POINTS_MAX || points->code + code_bytes(entry) > GDB_CODE_MAX) {
        rc = HL_ERR_LIMIT;
        gdb_entry_free(entry);
    } else {
        head = bucket(points, entry->address);
        entry->next = *head;
        *head = entry;
        points->count++;
        points->code += code_bytes(entry);
    }
    pthread_mutex_unlock(&points->lock);
    return rc;
}

void gdb_points_drop(struct gdb_points *points, enum gdb_point point, uint64_t address, size_t size)
{
    struct gdb_entry **at;

    pthread_mutex_lock(&points->lock);
    at = find(points, point, address, size);
    if (at)
        unlink_entry(points, at);
    pthread_mutex_unlock(&points->lock);
}

/* GDB's rule: stop if any condition is true, cannot be evaluated, or if there are no conditions. */
static bool conditions_hold(const struct gdb_agent *agent, const struct gdb_code *code)
{
    const uint8_t *at = code->bytes.data;
    uint64_t value;
    uint32_t size;

    if (!code->sizes.size)
        return true;
    for (size_t i = 0; i < code->sizes.size; i += sizeof(size), at += size) {
        memcpy(&size, code->sizes.data + i, sizeof(size));
        if (!gdb_agent_run(agent, at, size, &value) || value)
            return true;
    }
    return false;
}

/* false: one failed, and the debugger had better look. */
static bool run_commands(const struct gdb_agent *agent, const struct gdb_code *code)
{
    const uint8_t *at = code->bytes.data;
    uint64_t value;
    uint32_t size;
    bool good = true;

    for (size_t i = 0; i < code->sizes.size; i += sizeof(size), at += size) {
        memcpy(&size, code->sizes.data + i, sizeof(size));
        good &= gdb_agent_run(agent, at, size, &value);
    }
    return good;
}

static bool kind_fits(const struct gdb_stop *stop, enum gdb_point point)
{
    if (stop->reason == GDB_STOP_SW_BREAK)
        return point == GDB_SW_BREAK;
    if (stop->reason == GDB_STOP_HW_BREAK)
        return point == GDB_HW_BREAK;
    return stop->reason == GDB_STOP_WATCH && point == stop->point;
}

/* Points are the client's: a hit of one that is not in the table is reported, and looked at there.
 */
static bool wanted(struct gdb_points *points, const struct gdb_stop *stop)
{
    struct gdb_agent agent = {points->target, points->print, points->print_opaque};
    bool found = false, report = false;
    /* A watch hit may lie anywhere in its range, any other at its address only. */
    bool anywhere = stop->reason == GDB_STOP_WATCH;
    size_t first = anywhere ? 0 : (size_t)(bucket(points, stop->address) - points->buckets);
    size_t end = anywhere ? GDB_POINT_BUCKETS : first + 1;

    for (size_t i = first; points->count && i < end; i++) {
        for (struct gdb_entry *e = points->buckets[i]; e; e = e->next) {
            uint64_t in = stop->address - e->address;
            if (!kind_fits(stop, e->point) || (in && (e->point < GDB_WATCH_WRITE || in >= e->size)))
                continue;
            found = true;
            if (!conditions_hold(&agent, &e->conditions))
                continue;
            if (!e->commands.sizes.size || !run_commands(&agent, &e->commands))
                report = true;
        }
    }
    return report || !found;
}

bool gdb_points_report(void *opaque, const struct gdb_stop *stop)
{
    struct gdb_points *points = opaque;
    bool report;

    pthread_mutex_lock(&points->lock);
    report = points->active && wanted(points, stop);
    pthread_mutex_unlock(&points->lock);
    return report;
}
