/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - the page size of guests and of the host, the smallest of x86-64. */
#ifndef HL_PAGE_H
#define HL_PAGE_H

#define PAGE_SIZE 4096ull
#define PAGE_MASK (~(PAGE_SIZE - 1))

#endif
