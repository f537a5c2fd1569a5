/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEV_WIDTH_H
#define DEV_WIDTH_H

#include <stdio.h>

/* Columns to lay text out for: a terminal's own, 80 for anything else. */
unsigned width_of(FILE *f);

#endif
