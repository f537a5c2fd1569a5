/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/snapshot.c - take a snapshot of a sandbox and restore it. */
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "machine_cpu.h"
#include "machine_dirty.h"
#include "observe.h"
#include "share.h"

uint64_t snapshot_next_id(void)
{
    static _Atomic uint64_t last;
    return ++last;
}

void snapshot_set_base(struct hl_machine *m, const struct hl_snapshot *s)
{
    machine_marks(m)->base = s->id;
    machine_marks(m)->base_maps = machine_map_changes(m);
}

static int save_os(struct hl_snapshot *s, struct hl_sandbox *sb, struct hl_error *error)
{
    s->os = malloc(sb->personality->saved_size(s->heap));
    if (!s->os)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    sb->personality->save(sb, s->os);
    return 0;
}

static int take(struct hl_snapshot *s, struct hl_sandbox *sb, struct hl_error *error)
{
    s->id = snapshot_next_id();
    s->image = image_use(sb->image);
    s->backend = machine_backend(sb->machine);
    s->personality = sb->personality;
    s->heap = sb->config.heap;
    s->stack = sb->config.stack;
    s->input = sb->config.input;
    s->output = sb->config.output;
    s->image_max = sb->config.image_max;
    s->input_used = sb->input_used;
    int rc = machine_save(sb->machine, &s->vcpu, error);
    if (!rc)
        rc = save_os(s, sb, error);
    if (!rc)
        rc = snapshot_mappings_take(&s->mappings, sb->machine, error);
    if (!rc)
        rc = snapshot_store_take(&s->store, sb->machine, error);
    if (!rc) {
        snapshot_set_base(sb->machine, s);
        sb->personality->begin(sb);
    }
    return rc;
}

static int take_ready(struct hl_snapshot **snapshot, struct hl_sandbox *sb, struct hl_error *error)
{
    if (sb->state != HL_SANDBOX_READY)
        return hl_error_set(error, HL_ERR_STATE, "a snapshot can be taken only of a READY sandbox");
    return snapshot_take_any(snapshot, sb, error);
}

int snapshot_take_any(struct hl_snapshot **snapshot, struct hl_sandbox *sb, struct hl_error *error)
{
    struct hl_snapshot *s = calloc(1, sizeof(*s));
    if (!s)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    s->store.fd = -1;
    int rc = take(s, sb, error);
    if (rc) {
        hl_snapshot_destroy(s);
        return rc;
    }
    *snapshot = s;
    return 0;
}

void hl_snapshot_destroy(struct hl_snapshot *s)
{
    if (!s)
        return;
    snapshot_store_free(&s->store);
    image_unuse(s->image);
    free(s->mappings.list);
    free(s->vcpu);
    free(s->os);
    free(s);
}

/* Another image with the same bytes counts as the same image. */
static bool same_image(const struct hl_image *a, const struct hl_image *b)
{
    return a == b || (a->size == b->size && memcmp(a->data, b->data, a->size) == 0);
}

/* A snapshot loaded from a file can be checked against a machine only now. */
int snapshot_check(const struct hl_snapshot *s, const struct hl_machine *m, struct hl_error *error)
{
    const struct page_run *first = s->store.runs, *last = first + s->store.run_count - 1;
    const struct machine_extent in = machine_extent(m);
    bool fits = !s->store.run_count || (first->page >= in.first / PAGE_SIZE &&
                                        last->page + last->count <= in.end / PAGE_SIZE);
    for (size_t i = 0; i < s->mappings.count; i++) {
        const struct snapshot_mapping *map = &s->mappings.list[i];
        fits &= map->gpa >= in.first && map->gpa <= in.end &&
                map->pages <= (in.end - map->gpa) / PAGE_SIZE;
    }
    if (!fits)
        return hl_error_set(error, HL_ERR_BAD_SNAPSHOT, "%s: memory where the guest has none",
                            hl_err_text(HL_ERR_BAD_SNAPSHOT));
    if (s->vcpu->xsave_size != machine_xsave_size(m))
        return hl_error_set(error, HL_ERR_BAD_SNAPSHOT, "%s: vector registers of another processor",
                            hl_err_text(HL_ERR_BAD_SNAPSHOT));
    return 0;
}

static int check_fits(const struct hl_sandbox *sb, const struct hl_snapshot *s,
                      struct hl_error *error)
{
    const struct hl_sandbox_config *c = &sb->config;
    if (!same_image(sb->image, s->image))
        return hl_error_set(error, HL_ERR_ARGUMENT, "the snapshot is of %s, the sandbox of %s",
                            s->image->path, sb->image->path);
    if (c->heap != s->heap || c->stack != s->stack || c->input != s->input ||
        c->output != s->output)
        return hl_error_set(error, HL_ERR_ARGUMENT,
                            "the snapshot's heap, stack or buffers have other sizes");
    return machine_marks(sb->machine)->base == s->id ? 0 : snapshot_check(s, sb->machine, error);
}

static int restore_machine(struct hl_sandbox *sb, const struct hl_snapshot *s, bool thorough,
                           struct hl_error *error)
{
    struct hl_machine *m = sb->machine;
    int rc = machine_track(m, error);
    struct machine_marks *marks = machine_marks(m);
    bool base = marks->base == s->id;
    bool mapped = base && marks->base_maps == machine_map_changes(m);
    marks->base = 0;
    if (!rc)
        rc = machine_restore(m, s->vcpu, thorough || !base, error);
    if (!rc && !mapped)
        rc = snapshot_mappings_restore(&s->mappings, m, error);
    if (rc)
        return rc;
    machine_touch(m, sb->gpa[REGION_INPUT], sizeof(*sb->input));
    snapshot_store_restore(&s->store, m, base);
    rc = s->personality->restore(sb, s->os, !mapped, !base, error);
    if (rc)
        return rc;
    snapshot_set_base(m, s);
    return share_restore(sb, error);
}

int snapshot_restore(struct hl_sandbox *sb, const struct hl_snapshot *s, struct hl_error *error)
{
    int rc = check_fits(sb, s, error);
    if (rc)
        return rc;
    bool thorough = sb->state != HL_SANDBOX_READY;
    sb->state = HL_SANDBOX_POISONED;
    rc = restore_machine(sb, s, thorough, error);
    if (rc)
        return rc;
    sb->input_used = s->input_used;
    arena_trim(sb, &sb->result);
    arena_trim(sb, &sb->host_args);
    sb->has_fault = false;
    memset(&sb->fault, 0, sizeof(sb->fault));
    sb->guest_code = sb->exit_status = 0;
    sb->rewound = false;
    sb->state = HL_SANDBOX_READY;
    return 0;
}

int hl_snapshot_take(struct hl_snapshot **snapshot, struct hl_sandbox *sb, struct hl_error *error)
{
    if (!snapshot || !sb)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no sandbox");
    SANDBOX_GUARD(guard);
    int rc = sandbox_enter(sb, THIS_FRAME(guard), error);
    if (rc)
        return rc;
    rc = sandbox_start_again(sb, error);
    if (!rc)
        rc = take_ready(snapshot, sb, error);
    return sandbox_leave(sb, rc, error);
}

int hl_sandbox_restore(struct hl_sandbox *sb, const struct hl_snapshot *snapshot,
                       struct hl_error *error)
{
    if (!snapshot || !sb)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no sandbox or no snapshot");
    SANDBOX_GUARD(guard);
    int rc = sandbox_enter(sb, THIS_FRAME(guard), error);
    if (rc)
        return rc;
    uint64_t began = observes(sb, HL_EVENT_RESTORE) ? clock_now() : 0;
    rc = sb->state == HL_SANDBOX_NEW
             ? hl_error_set(error, HL_ERR_STATE, "the sandbox has not been started")
             : snapshot_restore(sb, snapshot, error);
    if (!rc && observes(sb, HL_EVENT_RESTORE)) {
        const struct hl_event e = {.kind = HL_EVENT_RESTORE, .restore = {clock_now() - began}};
        observe(sb, &e);
    }
    return sandbox_leave(sb, rc, error);
}
