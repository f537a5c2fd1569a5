/* SPDX-License-Identifier: Apache-2.0 */
/* debug/registry.c - what `hl-dev ps` shows of a sandbox that has a debugger. */
#include "registry.h"

#include "debug.h"

void debug_registry(struct hl_debug *d)
{
    const struct hl_sandbox *sb = d->sb;
    bool held = d->state == DEBUG_HELD || d->hold.state == HOLD_HERE;
    enum registry_state state;
    if (d->in_call) /* then only the guest's thread may read the sandbox's state */
        state = held ? REGISTRY_HELD : REGISTRY_IN_CALL;
    else
        state = sb->state == HL_SANDBOX_DEAD       ? REGISTRY_EXITED
                : held                             ? REGISTRY_HELD
                : sb->state == HL_SANDBOX_POISONED ? REGISTRY_POISONED
                                                   : REGISTRY_IDLE;
    registry_update(d->registry, state, d->calling,
                    __atomic_load_n(&sb->counts.calls, __ATOMIC_RELAXED),
                    __atomic_load_n(&sb->counts.exits, __ATOMIC_RELAXED));
}
