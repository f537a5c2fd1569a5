/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/clone.c - create a sandbox from a snapshot. */
#include "snapshot.h"

#include "machine_dirty.h"
#include "sized.h"

/* The caller's config with the snapshot's sizes. */
static int clone_config(struct hl_sandbox_config *c, const struct hl_snapshot *s,
                        const struct hl_sandbox_config *config, struct hl_error *error)
{
    struct hl_sandbox_config wanted;
    int rc = SIZED_READ(hl_sandbox_config, &wanted, config, error);
    if (rc)
        return rc;
    size_t *size[] = {&wanted.heap, &wanted.stack, &wanted.input, &wanted.output};
    const size_t was[] = {s->heap, s->stack, s->input, s->output};
    for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++)
        if (!*size[i])
            *size[i] = was[i];
    if (!wanted.image_max)
        wanted.image_max = s->image_max;
    rc = sandbox_config(c, &wanted, error);
    if (!rc && (c->heap != s->heap || c->stack != s->stack || c->input != s->input ||
                c->output != s->output))
        rc = hl_error_set(error, HL_ERR_ARGUMENT,
                          "the snapshot's heap, stack or buffers have other sizes");
    return rc;
}

static int map_all(struct hl_machine *m, const struct snapshot_mappings *maps,
                   struct hl_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < maps->count && !rc; i++) {
        const struct snapshot_mapping *s = &maps->list[i];
        rc = hl_machine_map(m, s->gva, s->gpa, s->pages * PAGE_SIZE, (unsigned)s->prot, error);
    }
    return rc;
}

static int fill(struct hl_sandbox *sb, const struct hl_snapshot *s, struct hl_error *error)
{
    const struct machine_contents contents = {
        .data = s->store.data,
        .fd = s->store.fd,
        .offset = s->store.offset,
        .runs = s->store.runs,
        .run_count = s->store.run_count,
        .spaced = true,
        .log = true,
    };
    int rc = layout_clone(sb, &contents, error);
    if (!rc)
        rc = snapshot_check(s, sb->machine, error);
    if (!rc)
        rc = sb->personality->init(sb, error);
    if (!rc)
        rc = map_all(sb->machine, &s->mappings, error);
    if (!rc)
        rc = machine_restore(sb->machine, s->vcpu, false, error);
    if (!rc)
        rc = machine_track(sb->machine, error);
    if (!rc)
        rc = sb->personality->restore(sb, s->os, true, true, error);
    if (rc)
        return rc;
    sb->input_used = s->input_used;
    sb->cloned = true;
    snapshot_set_base(sb->machine, s);
    return 0;
}

int snapshot_clone(struct hl_sandbox **sandbox, const struct hl_snapshot *snapshot,
                   const struct hl_sandbox_config *config, struct source *source,
                   struct hl_error *error)
{
    const struct sandbox_parts parts = {
        .backend = snapshot->backend, .personality = snapshot->personality, .source = source};
    struct hl_sandbox *sb = sandbox_begin(snapshot->image, &parts, error);
    if (!sb)
        return HL_ERR_MEMORY;
    int rc = clone_config(&sb->config, snapshot, config, error);
    if (!rc)
        rc = fill(sb, snapshot, error);
    return sandbox_made(sandbox, sb, rc, error);
}

int hl_sandbox_create_from(struct hl_sandbox **sandbox, const struct hl_snapshot *snapshot,
                           const struct hl_sandbox_config *config, struct hl_error *error)
{
    if (!sandbox || !snapshot)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no snapshot");
    return snapshot_clone(sandbox, snapshot, config, NULL, error);
}
