/* SPDX-License-Identifier: Apache-2.0 */
/* debug_monitor.h - declarations shared by the `monitor` commands. */
#ifndef HL_DEBUG_MONITOR_H
#define HL_DEBUG_MONITOR_H

#include "debug.h"

/* debug/say.c */
void debug_say(struct gdb_printer *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print the only line of a command that fails, which says why. */
#define REPORTED 1
int debug_refuse(struct gdb_printer *p, const char *name, const char *why);

/* struct gdb_monitor's run */
int debug_on_gcore(void *target, const char *args, struct gdb_printer *p); /* debug/gcore.c */
int debug_on_maps(void *target, const char *args, struct gdb_printer *p);  /* debug/maps.c */
int debug_on_calls(void *target, const char *args,
                   struct gdb_printer *p); /* debug/monitor_calls.c */

#endif
