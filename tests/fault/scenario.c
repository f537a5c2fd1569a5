/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.c - what is done while a call fails: a part of libhl's life each. */
#include "scenario.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "../kit/host_add.h"

const char *guest;
char file[128];

static struct hl_error *error_of(struct play *p)
{
    return p->silent ? NULL : &p->error;
}

/* An error comes with its text, and where a step may fail the rest is left out. */
#define STEP(call)                                                                                 \
    do {                                                                                           \
        memset(&p->error, 0, sizeof(p->error));                                                    \
        int rc_ = (call);                                                                          \
        if (rc_ && !p->silent && (p->error.code != rc_ || !p->error.text[0]))                      \
            p->wrong = "an error without its text: " #call;                                        \
        if (rc_)                                                                                   \
            return rc_;                                                                            \
    } while (0)

static int open_guest(struct play *p)
{
    const struct hl_sandbox_config config = {.heap = 1 << 20};
    STEP(hl_image_open(&p->image, guest, error_of(p)));
    STEP(hl_sandbox_create(&p->sb, p->image, &config, error_of(p)));
    STEP(hl_sandbox_register(p->sb, "HostAdd", "i32(i32, i32)", kit_host_add, NULL, error_of(p)));
    STEP(hl_sandbox_start(p->sb, error_of(p)));
    return 0;
}

static int call_echo(struct play *p, struct hl_sandbox *sb)
{
    const struct hl_value arg = hl_string("text");
    struct hl_value result = {0};
    STEP(hl_sandbox_call(sb, "Echo", &arg, 1, &result, error_of(p)));
    if (result.type != HL_STRING || result.len != 4 || memcmp(result.data, "text", 5) != 0)
        p->wrong = "a wrong result";
    return 0;
}

static int call_add(struct play *p, struct hl_sandbox *sb)
{
    const struct hl_value args[] = {hl_i32(40), hl_i32(2)};
    struct hl_value result = {0};
    STEP(hl_sandbox_call(sb, "Add", args, 2, &result, error_of(p)));
    if (result.i32 != 42)
        p->wrong = "a wrong sum";
    return 0;
}

static int play_life(struct play *p)
{
    int rc = open_guest(p);
    if (!rc)
        rc = call_echo(p, p->sb);
    if (!rc)
        rc = call_add(p, p->sb);
    return rc;
}

/* A call that failed for want of something leaves a sandbox that a restore may bring back. */
static int play_snapshot(struct play *p)
{
    int rc = open_guest(p);
    if (rc)
        return rc;
    STEP(hl_snapshot_take(&p->snapshot, p->sb, error_of(p)));
    rc = call_add(p, p->sb);
    if (!rc)
        rc = hl_sandbox_call(p->sb, "TriggerException", NULL, 0, NULL, error_of(p));
    rc = rc == HL_ERR_FAULT ? 0 : rc;
    STEP(hl_sandbox_restore(p->sb, p->snapshot, error_of(p)));
    if (hl_sandbox_state(p->sb) != HL_SANDBOX_READY)
        p->wrong = "restored, but not ready";
    return rc ? rc : call_add(p, p->sb);
}

static int play_clone(struct play *p)
{
    int rc = open_guest(p);
    if (rc)
        return rc;
    STEP(hl_snapshot_take(&p->snapshot, p->sb, error_of(p)));
    STEP(hl_sandbox_create_from(&p->clone, p->snapshot, NULL, error_of(p)));
    STEP(
        hl_sandbox_register(p->clone, "HostAdd", "i32(i32, i32)", kit_host_add, NULL, error_of(p)));
    STEP(hl_sandbox_start(p->clone, error_of(p)));
    return call_add(p, p->clone);
}

static int play_file(struct play *p)
{
    int rc = open_guest(p);
    if (rc)
        return rc;
    STEP(hl_snapshot_take(&p->snapshot, p->sb, error_of(p)));
    STEP(hl_snapshot_save(p->snapshot, file, error_of(p)));
    STEP(hl_snapshot_load(&p->loaded, p->image, file, 0, error_of(p)));
    STEP(hl_sandbox_restore(p->sb, p->loaded, error_of(p)));
    hl_snapshot_destroy(p->loaded);
    p->loaded = NULL;
    STEP(hl_snapshot_load(&p->loaded, p->image, file, HL_SNAPSHOT_VERIFY, error_of(p)));
    STEP(hl_sandbox_create_from(&p->clone, p->loaded, NULL, error_of(p)));
    STEP(hl_sandbox_start(p->clone, error_of(p)));
    return call_echo(p, p->clone);
}

static size_t read_guest(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    return hl_machine_read(opaque, gva, buf, size, 0);
}

/* Symbols that cannot be read for want of memory are just not known. */
static int play_crash(struct play *p)
{
    struct hl_frame frames[16];
    struct hl_regs regs;
    int rc = open_guest(p);
    if (rc)
        return rc;
    rc = hl_sandbox_call(p->sb, "TriggerException", NULL, 0, NULL, error_of(p));
    if (rc != HL_ERR_FAULT)
        return rc;
    STEP(hl_symbols_open(&p->symbols, p->image, error_of(p)));
    STEP(hl_machine_get_regs(hl_sandbox_machine(p->sb), &regs, error_of(p)));
    if (!hl_symbols_backtrace(p->symbols, &regs, false, read_guest, hl_sandbox_machine(p->sb),
                              frames, 16))
        p->wrong = "no frame at all";
    STEP(hl_sandbox_core(p->sb, file, error_of(p)));
    return 0;
}

static int play_limit(struct play *p)
{
    const struct hl_limits limits = {.wall_ns = 5000000, .cpu_ns = 5000000, .exits = 1000};
    int rc = open_guest(p);
    if (rc)
        return rc;
    STEP(hl_sandbox_limit(p->sb, &limits, error_of(p)));
    rc = hl_sandbox_call(p->sb, "Spin", NULL, 0, NULL, error_of(p));
    return rc == HL_ERR_INTERRUPTED ? 0 : rc;
}

static int play_debug(struct play *p)
{
    int rc = open_guest(p);
    if (rc)
        return rc;
    STEP(hl_sandbox_debug(p->sb, NULL, NULL, error_of(p)));
    return call_add(p, p->sb);
}

/* A server that nobody comes to costs a crash and a restore nothing. */
static int play_debug_config(struct play *p)
{
    const struct hl_debug_config config = HL_DEBUG_CONFIG_INIT;
    char endpoint[160];
    int rc = open_guest(p);
    if (rc)
        return rc;
    snprintf(endpoint, sizeof(endpoint), "unix:%s", file);
    STEP(hl_sandbox_debug(p->sb, endpoint, &config, error_of(p)));
    STEP(hl_snapshot_take(&p->snapshot, p->sb, error_of(p)));
    rc = call_add(p, p->sb);
    if (rc)
        return rc;
    rc = hl_sandbox_call(p->sb, "TriggerException", NULL, 0, NULL, error_of(p));
    if (rc != HL_ERR_FAULT)
        return rc;
    STEP(hl_sandbox_restore(p->sb, p->snapshot, error_of(p)));
    return call_add(p, p->sb);
}

/* jansson's blocks are ours to refuse, too. */
static int profiled(struct play *p, const struct hl_profile_config *config)
{
    STEP(hl_image_open(&p->image, guest, error_of(p)));
    STEP(hl_profile_create(&p->profile, p->image, config, error_of(p)));
    STEP(hl_sandbox_create(&p->sb, p->image, NULL, error_of(p)));
    /* The thread that keeps time stays, also where it stands in for a profiler's timer. */
    const struct hl_limits hour = {.wall_ns = 3600ull * 1000000000};
    if (config)
        STEP(hl_sandbox_limit(p->sb, &hour, error_of(p)));
    STEP(hl_profile_attach(p->profile, p->sb, error_of(p)));
    STEP(hl_sandbox_register(p->sb, "HostAdd", "i32(i32, i32)", kit_host_add, NULL, error_of(p)));
    STEP(hl_sandbox_start(p->sb, error_of(p)));
    int rc = call_add(p, p->sb);
    if (!rc)
        rc = call_echo(p, p->sb);
    if (rc)
        return rc;
    STEP(hl_profile_json(p->profile, &p->text, error_of(p)));
    p->members = config ? 16 : 15;
    STEP(hl_profile_write(p->profile, file, error_of(p)));
    STEP(hl_profile_detach(p->profile, p->sb, error_of(p)));
    return call_add(p, p->sb);
}

void check_profile(struct play *p)
{
    json_t *o = json_loads(p->text, 0, NULL);
    if (json_object_size(o) != p->members)
        p->wrong = "half a profile";
    json_decref(o);
}

static int play_profile(struct play *p)
{
    return profiled(p, NULL);
}

static int play_samples(struct play *p)
{
    const struct hl_profile_config config = {.rate_hz = 1000, .pages = true};
    return profiled(p, &config);
}

static void see(void *opaque, struct hl_sandbox *sb, const struct hl_event *event)
{
    struct play *p = opaque;
    if (event->kind == HL_EVENT_END &&
        (sb != p->sb || (event->end.rc && !event->end.error && !p->silent)))
        p->wrong = "an end without its error";
}

static int play_observe(struct play *p)
{
    int rc = open_guest(p);
    if (rc)
        return rc;
    p->observer = (struct hl_observer){.event = see, .opaque = p};
    STEP(hl_sandbox_observe(p->sb, &p->observer, error_of(p)));
    rc = call_add(p, p->sb);
    hl_sandbox_unobserve(p->sb, &p->observer, error_of(p));
    return rc;
}

/* Whatever fails, a guest that is READY sees the file, and nothing of an earlier call. */
static int play_share(struct play *p)
{
    const struct hl_sandbox_config config = {.heap = 1 << 20, .shared = 1 << 20};
    struct hl_value args[] = {hl_u64(0), hl_u64(4)}, result = {0};
    hl_gva_t copy = 0, at = 0;
    STEP(hl_image_open(&p->image, guest, error_of(p)));
    STEP(hl_sandbox_create(&p->sb, p->image, &config, error_of(p)));
    STEP(hl_sandbox_start(p->sb, error_of(p)));
    STEP(hl_snapshot_take(&p->snapshot, p->sb, error_of(p)));
    STEP(hl_sandbox_map_buffer(p->sb, &copy, "old!", 5, HL_MAP_READ, error_of(p)));
    p->fd = open(guest, O_RDONLY | O_CLOEXEC);
    STEP(hl_sandbox_map_file(p->sb, &at, p->fd, 0, 4096, HL_MAP_COPY_ON_WRITE | HL_MAP_TRUSTED,
                             error_of(p)));
    args[0].u64 = at;
    STEP(hl_sandbox_call(p->sb, "WriteMappedBuffer", args, 2, &result, error_of(p)));
    STEP(hl_sandbox_restore(p->sb, p->snapshot, error_of(p)));
    STEP(hl_sandbox_call(p->sb, "ReadMappedBuffer", args, 2, &result, error_of(p)));
    if (result.len != 4 || memcmp(result.data, "\177ELF", 4) != 0)
        p->wrong = "what one call wrote is there in the next";
    STEP(hl_sandbox_unmap(p->sb, copy, error_of(p)));
    return 0;
}

/* Memory that one call has used is zeros in the next one, given back or not. */
static int play_large(struct play *p)
{
    const struct hl_value arg = hl_i32(8 << 20);
    STEP(hl_image_open(&p->image, guest, error_of(p)));
    STEP(hl_sandbox_create(&p->sb, p->image, NULL, error_of(p)));
    STEP(hl_sandbox_start(p->sb, error_of(p)));
    STEP(hl_snapshot_take(&p->snapshot, p->sb, error_of(p)));
    for (int i = 0; i < 2; i++) {
        STEP(hl_sandbox_call(p->sb, "MallocAndFree", &arg, 1, NULL, error_of(p)));
        STEP(hl_sandbox_restore(p->sb, p->snapshot, error_of(p)));
    }
    STEP(hl_sandbox_create_from(&p->clone, p->snapshot, NULL, error_of(p)));
    STEP(hl_sandbox_start(p->clone, error_of(p)));
    STEP(hl_sandbox_call(p->clone, "MallocAndFree", &arg, 1, NULL, error_of(p)));
    STEP(hl_sandbox_restore(p->clone, p->snapshot, error_of(p)));
    return call_echo(p, p->clone);
}

void clean(struct play *p)
{
    if (p->fd > 0)
        close(p->fd);
    free(p->text);
    hl_sandbox_destroy(p->clone);
    hl_sandbox_destroy(p->sb);
    hl_snapshot_destroy(p->loaded);
    hl_snapshot_destroy(p->snapshot);
    hl_symbols_close(p->symbols);
    hl_profile_destroy(p->profile);
    hl_image_close(p->image);
    unlink(file);
}

const struct scenario scenarios[] = {
    {"create, register, start, call, destroy", play_life},
    {"snapshot, fault, restore", play_snapshot},
    {"clone", play_clone},
    {"snapshot to a file and back", play_file},
    {"fault, backtrace, core file", play_crash},
    {"limits", play_limit},
    {"debug server", play_debug},
    {"debug server on a socket, fault, restore", play_debug_config},
    {"profile", play_profile},
    {"profile, sampled, with pages", play_samples},
    {"observer", play_observe},
    {"host memory", play_share},
    {"much memory", play_large},
    {NULL, NULL},
};
