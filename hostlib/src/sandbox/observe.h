/* SPDX-License-Identifier: Apache-2.0 */
/* observe.h - telling observers (hl/observe.h); each is for a sandbox that observes() such. */
#ifndef HL_OBSERVE_INTERNAL_H
#define HL_OBSERVE_INTERNAL_H

#include <hl/observe.h>

#include "clock.h"
#include "sandbox.h"

/* Does anybody want to hear of that?  The one comparison that an unobserved sandbox pays. */
static inline bool observes(const struct hl_sandbox *sb, enum hl_event_kind kind)
{
    return sb->observed & HL_EVENT_BIT(kind);
}

void observe(struct hl_sandbox *sb, const struct hl_event *event);

/* The same without asking whose turn it is: for what is a part of the sandbox. */
void observe_add(struct hl_sandbox *sb, struct hl_observer *observer);
void observe_remove(struct hl_sandbox *sb, const struct hl_observer *observer);

#endif
