/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox/sandbox.c - create, start, inspect and destroy a sandbox. */
#include "fork.h"
#include "image.h"
#include "limit.h"
#include "machine.h"
#include "observe.h"
#include "sandbox.h"
#include "share.h"
#include "sized.h"
#include "source.h"

#include <stdlib.h>

static int round_size(size_t *size, size_t fallback, size_t min, unsigned long long max,
                      const char *what, struct hl_error *error)
{
    if (!*size)
        *size = fallback;
    if (*size > max)
        return hl_error_set(error, HL_ERR_LIMIT, "%s of %zu MiB: the limit is %llu MiB", what,
                            *size >> 20, max >> 20);
    if (*size < min)
        *size = min;
    *size = (*size + PAGE_SIZE - 1) & PAGE_MASK;
    return 0;
}

int sandbox_config(struct hl_sandbox_config *c, const struct hl_sandbox_config *config,
                   struct hl_error *error)
{
    int rc = SIZED_READ(hl_sandbox_config, c, config, error);
    if (rc)
        return rc;
    c->argv = c->envp = NULL;
    if (!c->result_max)
        c->result_max = HL_RESULT_DEFAULT;
    if (c->result_max > HL_BUFFER_MAX)
        c->result_max = HL_BUFFER_MAX;
    if (!c->image_max)
        c->image_max = HL_IMAGE_MAX_DEFAULT;
    rc = round_size(&c->heap, HL_HEAP_DEFAULT, PAGE_SIZE, HL_MACHINE_MEMORY_MAX, "heap", error);
    if (!rc)
        rc = round_size(&c->stack, HL_STACK_DEFAULT, HL_STACK_MIN, HL_STACK_MAX, "stack", error);
    if (!rc)
        rc = round_size(&c->input, HL_BUFFER_DEFAULT, HL_BUFFER_MIN, HL_BUFFER_MAX, "input buffer",
                        error);
    if (!rc)
        rc = round_size(&c->output, HL_BUFFER_DEFAULT, HL_BUFFER_MIN, HL_BUFFER_MAX,
                        "output buffer", error);
    return rc;
}

static void unmake(struct hl_sandbox *sb)
{
    if (observes(sb, HL_EVENT_DESTROY)) {
        const struct hl_event e = {.kind = HL_EVENT_DESTROY};
        observe(sb, &e);
    }
    limit_free(sb->limit);
    if (sb->warden)
        sb->warden->ops->destroy(sb->warden);
    sb->personality->free(sb); /* before the machine, which its alarm kicks */
    hl_machine_destroy(sb->machine);
    share_free(sb);
    host_free(sb);
    arena_free(&sb->result);
    image_unuse(sb->image);
    free(sb);
}

static const struct use_ops use_ops = {sandbox_abandon, unmake};

struct hl_sandbox *sandbox_begin(const struct hl_image *image, const struct sandbox_parts *parts,
                                 struct hl_error *error)
{
    uint64_t began = clock_now();
    struct hl_sandbox *sb = calloc(1, sizeof(*sb));
    if (!sb) {
        hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
        return NULL;
    }
    sb->create_ns = began;
    sb->use.ops = &use_ops;
    sb->use.forks = fork_count;
    sb->image = image_use(image);
    sb->backend = parts->backend ? parts->backend : backend_default;
    sb->personality = parts->personality ? parts->personality : personality_default;
    sb->source = parts->source ? parts->source : &source_live;
    return sb;
}

int sandbox_made(struct hl_sandbox **sandbox, struct hl_sandbox *sb, int rc, struct hl_error *error)
{
    sb->create_ns = clock_now() - sb->create_ns;
    if (!rc)
        source_listen(sb);
    for (sandbox_hook *const *hook = sandbox_hooks; *hook && !rc; hook++)
        rc = (*hook)(sb, error);
    if (rc)
        hl_sandbox_destroy(sb);
    else
        *sandbox = sb;
    return rc;
}

int sandbox_create(struct hl_sandbox **sandbox, const struct hl_image *image,
                   const struct hl_sandbox_config *config, const struct sandbox_parts *parts,
                   struct hl_error *error)
{
    if (!sandbox || !image)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no image");
    struct hl_sandbox *sb = sandbox_begin(image, parts, error);
    if (!sb)
        return HL_ERR_MEMORY;
    int rc = sandbox_config(&sb->config, config, error);
    if (!rc)
        rc = layout_create(sb, config ? config->argv : NULL, config ? config->envp : NULL, error);
    if (!rc)
        rc = sb->personality->init(sb, error);
    return sandbox_made(sandbox, sb, rc, error);
}

int hl_sandbox_create(struct hl_sandbox **sandbox, const struct hl_image *image,
                      const struct hl_sandbox_config *config, struct hl_error *error)
{
    return sandbox_create(sandbox, image, config, &(struct sandbox_parts){0}, error);
}

void hl_sandbox_destroy(struct hl_sandbox *sb)
{
    if (sb && sandbox_take_over(sb))
        unmake(sb);
}

enum hl_sandbox_state hl_sandbox_state(const struct hl_sandbox *sb)
{
    return sb->state;
}

const struct hl_image *hl_sandbox_image(const struct hl_sandbox *sb)
{
    return sb->image;
}

const struct hl_fault *hl_sandbox_fault(const struct hl_sandbox *sb)
{
    return sb->has_fault ? &sb->fault : NULL;
}

int hl_sandbox_guest_code(const struct hl_sandbox *sb)
{
    return sb->guest_code;
}

int hl_sandbox_exit_status(const struct hl_sandbox *sb)
{
    return sb->exit_status;
}

struct hl_machine *hl_sandbox_machine(struct hl_sandbox *sb)
{
    return sb->machine;
}

const struct hl_region *hl_sandbox_region(const struct hl_sandbox *sb, size_t index)
{
    return index < REGION_COUNT ? &sb->region[index] : NULL;
}

void hl_sandbox_counts(const struct hl_sandbox *sb, struct hl_counts *counts)
{
    *counts = sb->counts;
}

int hl_sandbox_plan(const struct hl_image *image, const struct hl_sandbox_config *config,
                    struct hl_region regions[HL_REGIONS], struct hl_error *error)
{
    struct hl_sandbox_config full;
    int rc = sandbox_config(&full, config, error);
    if (!rc)
        rc = image_check_max(image, full.image_max, error);
    if (!rc)
        layout_plan(image, &full, regions);
    return rc;
}
