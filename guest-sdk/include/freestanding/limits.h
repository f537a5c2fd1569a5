/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcc's own <limits.h> ends with #include_next <limits.h>, for the libc's part.  A freestanding
 * guest has no libc; this empty file is what it finds.
 */
