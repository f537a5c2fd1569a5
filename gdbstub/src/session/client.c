/* SPDX-License-Identifier: Apache-2.0 */
/* session/client.c - the client lets go of the guest. */
#include "stub.h"

void gdb_let_go(struct gdb_session *s)
{
    if (s->state == GDB_FREE)
        return;
    /* Before detach: a hit in between is reported to no one. */
    gdb_points_reset(&s->points, false);
    s->state = GDB_FREE;
    s->stop_due = s->attach_due = s->restart_due = s->break_in = false;
    s->halt_due = s->pausing = s->paused = false;
    s->target->ops->detach(s->target->self);
    gdb_buf_free(&s->catch_numbers);
}
