/* SPDX-License-Identifier: Apache-2.0 */
/* command/command.c - the table of packets and the way to their handlers. */
#include "stub.h"

enum {
    EXACT = 1,   /* nothing may follow the name */
    ANYTIME = 2, /* needs no held guest */
    LIVE = 4,    /* needs a guest that has not ended */
    TALK = 8,    /* in non-stop mode needs no held guest */
    STILL = 16,  /* in non-stop mode not of a guest that runs, paused or not */
};

/* The first entry that matches is taken: longer names stand before their prefixes. */
static const struct gdb_command {
    const char *name;
    gdb_handler *run;
    unsigned flags;
} commands[] = {
    {"!", gdb_cmd_extended, EXACT | ANYTIME},
    {"?", gdb_cmd_why, EXACT | TALK},
    {"C", gdb_cmd_continue_signal, LIVE},
    {"D", gdb_cmd_detach, ANYTIME},
    {"G", gdb_cmd_write_all, LIVE | STILL},
    {"H", gdb_cmd_set_thread, TALK},
    {"M", gdb_cmd_write, LIVE},
    {"P", gdb_cmd_write_one, LIVE | STILL},
    {"QCatchSyscalls:", gdb_cmd_catch_syscalls, LIVE},
    {"QNonStop:", gdb_cmd_non_stop, ANYTIME},
    {"QPassSignals:", gdb_cmd_pass_signals, 0},
    {"QProgramSignals:", gdb_cmd_program_signals, 0},
    {"QStartNoAckMode", gdb_cmd_no_ack, EXACT | ANYTIME},
    {"QThreadEvents:", gdb_cmd_thread_events, ANYTIME},
    {"R", gdb_cmd_restart, 0},
    {"S", gdb_cmd_step_signal, LIVE},
    {"T", gdb_cmd_thread_alive, TALK},
    {"X", gdb_cmd_write_binary, LIVE},
    {"Z", gdb_cmd_insert, LIVE},
    {"_M", gdb_cmd_allocate, LIVE},
    {"_m", gdb_cmd_deallocate, LIVE},
    {"c", gdb_cmd_continue, LIVE},
    {"g", gdb_cmd_read_all, EXACT | LIVE | STILL},
    {"k", gdb_cmd_kill, ANYTIME},
    {"m", gdb_cmd_read, LIVE},
    {"p", gdb_cmd_read_one, LIVE | STILL},
    {"qAttached", gdb_cmd_attached, TALK},
    {"qCRC:", gdb_cmd_crc, LIVE},
    {"qC", gdb_cmd_current, EXACT | TALK},
    {"qGetTLSAddr:", gdb_cmd_tls_address, LIVE},
    {"qHostInfo", gdb_cmd_host_info, EXACT | ANYTIME},
    {"qMemoryRegionInfo:", gdb_cmd_memory_region, LIVE},
    {"qOffsets", gdb_cmd_offsets, EXACT | LIVE},
    {"qProcessInfo", gdb_cmd_process_info, EXACT | LIVE},
    {"qRcmd,", gdb_cmd_monitor, 0},
    {"qSearch:memory:", gdb_cmd_search, LIVE},
    {"qSupported", gdb_cmd_supported, ANYTIME},
    {"qSymbol:", gdb_cmd_symbol, TALK},
    {"qThreadExtraInfo,", gdb_cmd_thread_extra, 0},
    {"qXfer:", gdb_cmd_xfer, 0},
    {"qfThreadInfo", gdb_cmd_threads_first, EXACT | TALK},
    {"qsThreadInfo", gdb_cmd_threads_next, EXACT | TALK},
    {"s", gdb_cmd_step, LIVE},
    {"vAttach;", gdb_cmd_vattach, 0},
    {"vCont?", gdb_cmd_vcont_query, EXACT | ANYTIME},
    {"vCont;", gdb_cmd_vcont, LIVE | TALK},
    {"vCtrlC", gdb_cmd_interrupt, EXACT | ANYTIME},
    {"vFile:close:", gdb_cmd_file_close, 0},
    {"vFile:fstat:", gdb_cmd_file_fstat, 0},
    {"vFile:open:", gdb_cmd_file_open, 0},
    {"vFile:pread:", gdb_cmd_file_pread, 0},
    {"vFile:readlink:", gdb_cmd_file_readlink, 0},
    {"vFile:setfs:", gdb_cmd_file_setfs, 0},
    {"vFile:", gdb_cmd_file_other, 0},
    {"vKill;", gdb_cmd_vkill, ANYTIME},
    {"vMustReplyEmpty", gdb_cmd_must_reply, ANYTIME},
    {"vRun;", gdb_cmd_vrun, 0},
    {"vStopped", gdb_cmd_stopped, EXACT | ANYTIME},
    {"x", gdb_cmd_read_binary, LIVE},
    {"z", gdb_cmd_remove, LIVE},
};

static const struct gdb_command *find(struct gdb_text *packet)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        struct gdb_text rest = *packet;
        if (!gdb_text_word(&rest, commands[i].name))
            continue;
        if ((commands[i].flags & EXACT) && gdb_text_left(&rest))
            continue;
        *packet = rest;
        return &commands[i];
    }
    return NULL;
}

bool gdb_command_anytime(const struct gdb_session *s, const uint8_t *packet, size_t size)
{
    struct gdb_text text = {packet, packet + size};
    const struct gdb_command *command = find(&text);
    unsigned free = ANYTIME | (s->non_stop ? TALK : 0);

    return !command || (command->flags & free);
}

void gdb_dispatch(struct gdb_session *s, uint8_t *packet, size_t size)
{
    struct gdb_text text = {packet, packet + size};
    const struct gdb_command *command = find(&text);
    enum gdb_result result = GDB_REPLY;

    gdb_buf_clear(&s->reply);
    if (command && (command->flags & LIVE) && !gdb_alive(s))
        result = gdb_error(s, s->state == GDB_GONE ? "the guest has ended" : "not attached");
    else if (command && (command->flags & STILL) && s->paused)
        result = gdb_error(s, "the guest is running");
    else if (command)
        result = command->run(s, &text);
    if (result == GDB_SILENT)
        return;
    if (s->reply.failed)
        gdb_error(s, "reply too long");
    gdb_send(s, &s->reply);
    if (s->no_ack_next) {
        s->no_ack = true;
        s->no_ack_next = false;
    }
}
