/* SPDX-License-Identifier: Apache-2.0 */
#include "width.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH 80
#define LEAST 40 /* of a terminal that is no narrower than it says */

unsigned width_of(FILE *f)
{
    struct winsize size;
    int fd = fileno(f);
    if (fd >= 0 && isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= LEAST)
        return size.ws_col;
    return WIDTH;
}
