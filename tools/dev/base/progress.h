/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - one line on a terminal that shows how far a long run is. */
#ifndef DEV_PROGRESS_H
#define DEV_PROGRESS_H

#include <hl/observe.h>

struct progress;

/* NULL if standard error is not a terminal, or if quiet. */
struct progress *progress_start(bool quiet);
/* Count what a sandbox does; it may be destroyed before progress_stop() is called. */
void progress_watch(struct progress *progress, struct hl_sandbox *sandbox);
void progress_stop(struct progress *progress); /* NULL is fine */

/* Before anything else is printed on the terminal. */
void progress_clear(void);

#endif
