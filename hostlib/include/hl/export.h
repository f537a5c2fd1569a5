/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_EXPORT_H
#define HL_EXPORT_H

/* Everything else in libhl is hidden. */
#define HL_API __attribute__((visibility("default")))

/* A struct of zeros: in C++ a 0 does not initialise an enum that comes first. */
#ifdef __cplusplus
#define HL_ZERO                                                                                    \
    {                                                                                              \
    }
#else
#define HL_ZERO                                                                                    \
    {                                                                                              \
        0                                                                                          \
    }
#endif

#endif
