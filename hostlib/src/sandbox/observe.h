/* SPDX-License-Identifier: Apache-2.0 */
/* observe.h - notify observers (hl/observe.h), only if observes() says that there are any. */
#ifndef HL_OBSERVE_INTERNAL_H
#define HL_OBSERVE_INTERNAL_H

#include <hl/observe.h>

#include "clock.h"
#include "sandbox.h"

/* Does any observer want this kind?  The only comparison that a sandbox without observers pays. */
static inline bool observes(const struct hl_sandbox *sb, enum hl_event_kind kind)
{
    return sb->observed & HL_EVENT_BIT(kind);
}

void observe(struct hl_sandbox *sb, const struct hl_event *event);

/* The same without taking the sandbox: for the parts of a sandbox itself. */
void observe_add(struct hl_sandbox *sb, struct hl_observer *observer);
void observe_remove(struct hl_sandbox *sb, const struct hl_observer *observer);

#endif
