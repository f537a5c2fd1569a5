/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - the size of a page, of guests and of the host: x86-64 has no smaller one. */
#ifndef HL_PAGE_H
#define HL_PAGE_H

#define PAGE_SIZE 4096ull
#define PAGE_MASK (~(PAGE_SIZE - 1))

#endif
