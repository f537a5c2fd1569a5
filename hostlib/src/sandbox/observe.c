/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox/observe.c - the list of a sandbox's observers. */
#include "observe.h"

void observe(struct hl_sandbox *sb, const struct hl_event *event)
{
    const struct hl_observer *next;
    /* An observer may be freed once it has seen the last event. */
    for (const struct hl_observer *o = sb->observers; o; o = next) {
        next = o->next;
        if (o->kinds & HL_EVENT_BIT(event->kind))
            o->event(o->opaque, sb, event);
    }
}

static void recount(struct hl_sandbox *sb)
{
    sb->observed = 0;
    for (const struct hl_observer *o = sb->observers; o; o = o->next)
        sb->observed |= o->kinds;
}

void observe_add(struct hl_sandbox *sb, struct hl_observer *observer)
{
    struct hl_observer **at = &sb->observers;
    while (*at)
        at = &(*at)->next;
    observer->next = NULL;
    *at = observer;
    recount(sb);
}

void observe_remove(struct hl_sandbox *sb, const struct hl_observer *observer)
{
    struct hl_observer **at = &sb->observers;
    while (*at && *at != observer)
        at = &(*at)->next;
    if (*at)
        *at = observer->next;
    recount(sb);
}

static bool is_known(const struct hl_sandbox *sb, const struct hl_observer *observer)
{
    const struct hl_observer *o = sb->observers;
    while (o && o != observer)
        o = o->next;
    return o != NULL;
}

int hl_sandbox_observe(struct hl_sandbox *sb, struct hl_observer *observer, struct hl_error *error)
{
    if (!sb || !observer || !observer->event)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no sandbox or no observer");
    int rc = sandbox_take(sb, error);
    if (rc)
        return rc;
    if (is_known(sb, observer))
        rc = hl_error_set(error, HL_ERR_ARGUMENT, "it observes the sandbox already");
    else
        observe_add(sb, observer);
    sandbox_give(sb);
    return rc;
}

int hl_sandbox_unobserve(struct hl_sandbox *sb, struct hl_observer *observer,
                         struct hl_error *error)
{
    if (!sb || !observer)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no sandbox or no observer");
    int rc = sandbox_take(sb, error);
    if (rc)
        return rc;
    observe_remove(sb, observer);
    sandbox_give(sb);
    return 0;
}
