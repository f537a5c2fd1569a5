/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_EXPORT_H
#define HL_EXPORT_H

/* Everything else in libhl is hidden. */
#define HL_API __attribute__((visibility("default")))

#endif
