/* SPDX-License-Identifier: Apache-2.0 */
/* session/console.c - what the guest prints, on its way from the guest's thread into O packets. */
#include "stub.h"

#include <stdio.h>
#include <unistd.h>

bool gdb_console_add(struct gdb_console *console, const void *data, size_t size)
{
    const uint64_t one = 1;
    bool was_empty, fits;

    pthread_mutex_lock(&console->lock);
    was_empty = !console->text.size;
    fits = gdb_buf_add(&console->text, data, size);
    if (!fits)
        console->dropped += size;
    pthread_mutex_unlock(&console->lock);
    /* The server may be asleep; a full eventfd means that it is being woken already. */
    if (was_empty && fits && console->wake >= 0)
        (void)!write(console->wake, &one, sizeof(one));
    return fits;
}

static void send_text(struct gdb_session *s, const void *text, size_t size)
{
    gdb_buf_clear(&s->reply);
    gdb_buf_byte(&s->reply, 'O');
    gdb_buf_hex(&s->reply, text, size);
    gdb_send(s, &s->reply);
}

/*
 * O packets are understood only while the client waits for a stop; other text waits for that.  In
 * non-stop mode there is no such time: one could be taken for the reply to any packet.
 */
void gdb_session_console(struct gdb_session *s)
{
    struct gdb_console *c = &s->console;
    char note[64];
    int n;

    if (s->state != GDB_RUNNING || s->non_stop || s->closing || s->out.size > GDB_OUT_HIGH)
        return;
    pthread_mutex_lock(&c->lock);
    for (size_t at = 0; at < c->text.size; at += GDB_PACKET_SIZE / 4) {
        size_t left = c->text.size - at;
        send_text(s, c->text.data + at, left < GDB_PACKET_SIZE / 4 ? left : GDB_PACKET_SIZE / 4);
    }
    gdb_buf_clear(&c->text);
    if (c->dropped) {
        n = snprintf(note, sizeof(note), "\n[%zu bytes of output lost]\n", c->dropped);
        send_text(s, note, (size_t)n);
        c->dropped = 0;
    }
    pthread_mutex_unlock(&c->lock);
}
