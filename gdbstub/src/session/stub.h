/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stub.h - a session: one target and the protocol spoken about it, without any socket.
 *
 * Bytes go in with gdb_session_input, events of the target with gdb_session_event, and what is to
 * be sent piles up in `out`.  The server moves bytes; tests and the fuzzer do it by hand.
 */
#ifndef GDB_STUB_H
#define GDB_STUB_H

#include <stdatomic.h>

#include "buf.h"
#include "packet.h"
#include "points.h"
#include "text.h"

#define GDB_PACKET_SIZE 0x20000u   /* of a packet's body, either way */
#define GDB_QUEUE_MAX (4u << 20)   /* packets that wait for a stop, and bytes not yet sent */
#define GDB_OUT_HIGH (1u << 20)    /* above it, no more is read from the client */
#define GDB_CONSOLE_MAX (1u << 20) /* guest output not yet sent */
#define GDB_NOISE_MAX 4096 /* bytes between packets before we hang up; none before the first */
#define GDB_FILES 8        /* open vFile descriptors */
#define GDB_XFER_MAX (16u << 20)  /* of a generated object */
#define GDB_CATCH_MAX (32u << 10) /* of the numbers of caught system calls */

enum gdb_state {
    GDB_FREE,     /* the guest knows nothing of a debugger, connected or not */
    GDB_STARTING, /* attach or restart: an event is due */
    GDB_HELD,
    GDB_RUNNING,
    GDB_GONE, /* exited or killed: only restart brings it back */
};

struct gdb_console {
    pthread_mutex_t lock;
    struct gdb_buf text;
    size_t dropped;
    int wake; /* eventfd written when text arrives, or -1 */
};

struct gdb_session {
    const struct gdb_target *target;
    struct gdb_points points;
    struct gdb_console console;
    struct gdb_buf description; /* target.xml */
    const struct gdb_register *registers[GDB_REGISTERS_MAX];
    size_t register_bytes; /* of a g packet */
    size_t plain_bytes;    /* ... for a client that reads no description */

    _Atomic enum gdb_state state;
    struct gdb_stop stop;      /* while HELD or GONE */
    bool stop_due;             /* the client waits for the next stop: it resumed, or asked vRun */
    bool attach_due;           /* vAttach: only a live guest is an answer */
    bool restart_due;          /* vRun by a client that had detached: attach comes first */
    bool break_in;             /* one that no stop has answered yet */
    struct gdb_resume resumed; /* how the guest goes on, or went */

    /* non-stop mode (session/nonstop.c) */
    bool non_stop;
    bool notified; /* the client owes a vStopped */
    bool halt_due; /* vCont;t: the next break-in is a stop with signal 0 */
    bool pausing;  /* broken into for what waits in `pending` */
    bool paused;   /* HELD by that: to the client it runs */

    /* the client's */
    struct gdb_parser parser;
    struct gdb_buf reply;   /* body of the reply being made */
    struct gdb_buf last;    /* last frame sent, for '-' */
    struct gdb_buf pending; /* packets that came while the guest was not held: size, bytes */
    struct gdb_buf out;     /* frames to be sent */
    struct gdb_buf object;  /* the qXfer object being read */
    struct gdb_buf object_name;
    struct gdb_buf catch_numbers; /* uint64_t each; the target's to look at */
    size_t noise;
    bool spoken;  /* it has sent a whole packet */
    bool closing; /* hang up once `out` is sent */
    bool no_ack, no_ack_next, extended, multiprocess, swbreak, hwbreak;
    bool lldb;          /* it asks what only LLDB asks */
    bool described;     /* it reads target.xml, or could: "xmlRegisters=i386" */
    bool error_text;    /* it reads "E.text" as an error, but for the reply to m */
    bool error_message; /* there too */
    struct gdb_open {
        bool used;
        void *data; /* of a file of /proc, as it was when opened; NULL: the program */
        size_t size;
    } files[GDB_FILES];
};

int gdb_session_init(struct gdb_session *s, const struct gdb_target *target);
void gdb_session_free(struct gdb_session *s);
/* Its memory alone: the target is another process's. */
void gdb_session_forget(struct gdb_session *s);
void gdb_session_input(struct gdb_session *s, const uint8_t *data, size_t size);
/* Take the target's event, if there is one. */
void gdb_session_event(struct gdb_session *s);
/* The client has left: detach from the guest and get ready for the next client. */
void gdb_session_end(struct gdb_session *s);
/* Console text has arrived. */
void gdb_session_console(struct gdb_session *s);

/* ---- commands ---- */

enum gdb_result {
    GDB_REPLY,  /* send s->reply (empty: not supported) */
    GDB_SILENT, /* nothing to say, or it comes with the next stop */
};

/* args is what follows the name; a handler may change the packet's bytes (unescaping). */
typedef enum gdb_result gdb_handler(struct gdb_session *s, struct gdb_text *args);

gdb_handler gdb_cmd_supported, gdb_cmd_no_ack, gdb_cmd_current, gdb_cmd_attached,
    gdb_cmd_threads_first, gdb_cmd_threads_next, gdb_cmd_thread_extra, gdb_cmd_thread_alive,
    gdb_cmd_set_thread, gdb_cmd_symbol, gdb_cmd_offsets, gdb_cmd_thread_events,
    gdb_cmd_pass_signals, gdb_cmd_program_signals, gdb_cmd_extended, gdb_cmd_must_reply;
gdb_handler gdb_cmd_read_all, gdb_cmd_write_all, gdb_cmd_read_one, gdb_cmd_write_one;
gdb_handler gdb_cmd_read, gdb_cmd_read_binary, gdb_cmd_write, gdb_cmd_write_binary, gdb_cmd_crc,
    gdb_cmd_search;
gdb_handler gdb_cmd_insert, gdb_cmd_remove, gdb_cmd_catch_syscalls;
/* After it the target no longer uses the list of numbers. */
void gdb_catch_none(struct gdb_session *s);
gdb_handler gdb_cmd_why, gdb_cmd_continue, gdb_cmd_step, gdb_cmd_continue_signal,
    gdb_cmd_step_signal, gdb_cmd_vcont, gdb_cmd_vcont_query, gdb_cmd_detach, gdb_cmd_kill,
    gdb_cmd_vkill, gdb_cmd_vrun, gdb_cmd_restart, gdb_cmd_vattach, gdb_cmd_interrupt;
gdb_handler gdb_cmd_non_stop, gdb_cmd_stopped;
gdb_handler gdb_cmd_xfer;
gdb_handler gdb_cmd_file_setfs, gdb_cmd_file_open, gdb_cmd_file_close, gdb_cmd_file_pread,
    gdb_cmd_file_fstat, gdb_cmd_file_readlink, gdb_cmd_file_other;
/* Close the files of a client that has left. */
void gdb_files_close(struct gdb_session *s);
gdb_handler gdb_cmd_monitor;
gdb_handler gdb_cmd_tls_address, gdb_cmd_memory_region, gdb_cmd_allocate, gdb_cmd_deallocate,
    gdb_cmd_host_info, gdb_cmd_process_info;

void gdb_dispatch(struct gdb_session *s, uint8_t *packet, size_t size);
/* May it be answered while the guest is not held? */
bool gdb_command_anytime(const struct gdb_session *s, const uint8_t *packet, size_t size);

/* ---- replies ---- */

enum gdb_result gdb_ok(struct gdb_session *s);
/* An error packet: with the text when the client understands it, else `E01`. */
enum gdb_result gdb_error(struct gdb_session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for an enum hl_err. */
enum gdb_result gdb_error_code(struct gdb_session *s, const char *what, int code);
enum gdb_result gdb_bad_packet(struct gdb_session *s);
const char *gdb_err_text(int code);
/* Frame a body and put it into `out`. */
void gdb_send(struct gdb_session *s, const struct gdb_buf *body);
/* The stop reply for s->stop, into s->reply. */
void gdb_stop_reply(struct gdb_session *s);
/* The target's stop, as this client wants to see it. */
void gdb_stop_translate(struct gdb_session *s, struct gdb_stop *stop);
void gdb_break_in(struct gdb_session *s);
/* As it was resumed before; a negative enum hl_err leaves it HELD. */
int gdb_resume_again(struct gdb_session *s);
void gdb_nonstop_report(struct gdb_session *s);
enum gdb_result gdb_nonstop_halt(struct gdb_session *s);
void gdb_nonstop_pause(struct gdb_session *s);
bool gdb_nonstop_paused(struct gdb_session *s, const struct gdb_stop *stop);
void gdb_nonstop_go_on(struct gdb_session *s);
/* In the client's eyes. */
static inline bool gdb_running(const struct gdb_session *s)
{
    return s->state == GDB_RUNNING || s->paused;
}
/* The client has a guest to talk about. */
static inline bool gdb_alive(const struct gdb_session *s)
{
    return s->state != GDB_FREE && s->state != GDB_GONE;
}
/* free -> held, in time. */
int gdb_attach(struct gdb_session *s);
int gdb_restart(struct gdb_session *s);
/* Its thread as the client wants it: "p1.1" or "1". */
void gdb_thread_id(struct gdb_session *s, struct gdb_buf *buf);
uint32_t gdb_process(const struct gdb_session *s);
/* Parse "p1.1", "1", "-1", "0", "p1.-1": does it name our thread? */
bool gdb_thread_match(struct gdb_session *s, struct gdb_text *args);
bool gdb_process_match(struct gdb_session *s, struct gdb_text *args);
/* ... a number that is our process, the rest of the packet.  A client without multiprocess does not
 * know it (GDB calls it 42000): there is one, and any number means that. */
bool gdb_process_named(struct gdb_session *s, struct gdb_text *args);
void gdb_let_go(struct gdb_session *s);

/* ---- description ---- */

/* Index the registers, check the description, make target.xml. */
int gdb_describe(struct gdb_session *s);
/* 0: no such register, for this client. */
size_t gdb_register_size(const struct gdb_session *s, uint64_t number);
/* Append the register in hex, x's when it is unavailable. */
int gdb_register_hex(struct gdb_session *s, unsigned number);

bool gdb_console_add(struct gdb_console *console, const void *data, size_t size);

#endif
