/* SPDX-License-Identifier: Apache-2.0 */
/* hl/hl.h - all of libhl. */
#ifndef HL_HL_H
#define HL_HL_H

#include <hl/attach.h>
#include <hl/core.h>
#include <hl/debug.h>
#include <hl/error.h>
#include <hl/image.h>
#include <hl/machine.h>
#include <hl/observe.h>
#include <hl/plugin.h>
#include <hl/profile.h>
#include <hl/sandbox.h>
#include <hl/share.h>
#include <hl/sized.h>
#include <hl/snapshot.h>
#include <hl/symbols.h>
#include <hl/text.h>
#include <hl/types.h>
#include <hl/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
HL_API const char *hl_version(void);

#ifdef __cplusplus
}
#endif

#endif
