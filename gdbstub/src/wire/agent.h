/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.h - GDB's agent expressions ("The GDB Agent Expression Mechanism"): a small stack machine.
 *
 * The bytecode comes from the client and is hostile: every fetch, jump, stack access and step is
 * checked, and a run is bounded.
 */
#ifndef GDB_AGENT_H
#define GDB_AGENT_H

#include "buf.h"

#include <hl/gdb_target.h>

#define GDB_AGENT_STEPS 100000
#define GDB_AGENT_STACK 128
#define GDB_AGENT_TEXT 16384 /* bytes one printf may print */

typedef void gdb_agent_print(void *opaque, const void *text, size_t size);

struct gdb_agent {
    const struct gdb_target *target;
    gdb_agent_print *print;
    void *opaque;
};

/* *result: the top of the stack at the end, 0 when it is empty.  false: the expression failed. */
bool gdb_agent_run(const struct gdb_agent *agent, const uint8_t *code, size_t size,
                   uint64_t *result);

/* printf as bytecode and dprintf need it; false: a format that asks for what args cannot give. */
bool gdb_agent_printf(const struct gdb_agent *agent, const char *format, const uint64_t *args,
                      size_t count);

#endif
