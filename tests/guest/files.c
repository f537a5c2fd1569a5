/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and devices as a Linux program has them; a check gives 0, or the line that failed. */
#define _GNU_SOURCE
#include <hl/guest.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

static char a[8192], b[8192];

HL_FUNCTION(i32, Devices)
{
    struct iovec v[2] = {{a, 10}, {b, 20}};
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY);
    int full = open("/dev/full", O_WRONLY), random = open("/dev/random", O_RDONLY | O_CLOEXEC);
    int urandom = openat(AT_FDCWD, "/dev/urandom", O_RDONLY);
    CHECK(null == 3 && zero == 4 && full == 5 && random == 6 && urandom == 7);
    memset(a, 1, sizeof(a));
    CHECK(read(null, a, 10) == 0 && a[0] == 1 && write(null, a, 10) == 10);
    CHECK(write(null, (void *)8, 10) == 10); /* never looked at */
    CHECK(read(zero, a, sizeof(a)) == sizeof(a) && !a[0] && !a[8191]);
    CHECK(write(full, a, 1) == -1 && errno == ENOSPC);
    CHECK(read(urandom, a, sizeof(a)) == sizeof(a) && read(random, b, sizeof(b)) == sizeof(b));
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    CHECK(readv(urandom, v, 2) == 30 && readv(zero, v, 2) == 30 && !a[9] && !b[19] && b[20]);
    CHECK(writev(null, v, 2) == 30);
    CHECK(readv(null, (void *)8, 1) == -1 && errno == EFAULT && readv(null, (void *)8, 0) == 0);
    CHECK(writev(null, v, 1025) == -1 && errno == EINVAL);
    v[1].iov_len = SIZE_MAX;
    memset(a, 1, sizeof(a));
    CHECK(readv(zero, v, 2) == -1 && errno == EINVAL && a[0] == 1);
    CHECK(writev(1, v, 2) == -1 && errno == EINVAL);
    CHECK(write(1, a, SIZE_MAX) == -1 && errno == EFAULT);
    CHECK(read(zero, (void *)8, 10) == -1 && errno == EFAULT);
    CHECK(write(zero, a, 1) == -1 && errno == EBADF);
    CHECK(read(full, a, 1) == -1 && errno == EBADF);
    CHECK(lseek(null, 100, SEEK_SET) == 0 && lseek(urandom, 0, SEEK_END) == 0);
    CHECK(lseek(null, 0, 99) == -1 && errno == EINVAL);
    CHECK(pread(zero, a, 10, 1000) == 10 && pwrite(null, a, 10, 5) == 10);
    CHECK(ioctl(null, TIOCGWINSZ, a) == -1 && errno == ENOTTY && !isatty(null));
    int bits = 0;
    CHECK(ioctl(random, 0x80045200, &bits) == 0 && bits == 256); /* RNDGETENTCNT */
    for (int fd = 3; fd < 8; fd++)
        CHECK(close(fd) == 0);
    CHECK(close(3) == -1 && errno == EBADF && read(7, a, 1) == -1 && errno == EBADF);
    return 0;
}

/* Opened to be read, the console's output is at its end. */
HL_FUNCTION(i32, OutputIsEmpty)
{
    int fd = open("/dev/stdout", O_RDWR);
    CHECK(fd == 3 && read(fd, a, 1) == 0 && close(fd) == 0);
    return 0;
}

HL_FUNCTION(i32, Stdio)
{
    FILE *f = fopen("/dev/urandom", "rb");
    CHECK(f && getc(f) != EOF && fclose(f) == 0);
    f = fopen("/dev/null", "w");
    CHECK(f && fprintf(f, "nobody reads this") > 0 && fclose(f) == 0);
    CHECK(!fopen("/etc/passwd", "r") && errno == ENOENT);
    CHECK(!fopen("", "r") && errno == ENOENT);
    CHECK(!fopen("new", "w") && errno == ENOENT);
    CHECK(open((void *)8, O_RDONLY) == -1 && errno == EFAULT);
    memset(a, '/', sizeof(a) - 1);
    CHECK(open(a, O_RDONLY) == -1 && errno == ENAMETOOLONG);
    CHECK(open("/dev/null", O_CREAT | O_EXCL | O_RDWR, 0600) == -1 && errno == EEXIST);
    CHECK(open("/dev/null", O_DIRECTORY) == -1 && errno == ENOTDIR);
    CHECK(open("/dev/fd/77", O_RDONLY) == -1 && errno == ENOENT);
    return 0;
}

HL_FUNCTION(i32, Names)
{
    struct stat st;
    CHECK(stat("/dev/urandom", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 9));
    CHECK(lstat("/dev/null", &st) == 0 && st.st_rdev == makedev(1, 3));
    CHECK(fstat(1, &st) == 0 && S_ISFIFO(st.st_mode));
    CHECK(fstat(9, &st) == -1 && errno == EBADF);
    CHECK(stat("/nowhere", &st) == -1 && errno == ENOENT);
    CHECK(fstatat(AT_FDCWD, "/dev/zero", &st, 0) == 0 && st.st_rdev == makedev(1, 5));
    CHECK(access("/dev/null", R_OK | W_OK) == 0);
    CHECK(access("/dev/null", X_OK) == -1 && errno == EACCES);
    CHECK(access("/nowhere", F_OK) == -1 && errno == ENOENT);
    CHECK(readlink("/dev/null", a, 10) == -1 && errno == EINVAL);
    CHECK(readlink("/nowhere", a, 10) == -1 && errno == ENOENT);
    return 0;
}

HL_FUNCTION(i32, Duplicates)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), other = dup(null);
    CHECK(null == 3 && other == 4);
    CHECK(fcntl(null, F_GETFD) == FD_CLOEXEC && fcntl(other, F_GETFD) == 0);
    CHECK((fcntl(null, F_GETFL) & O_ACCMODE) == O_RDWR);
    CHECK(fcntl(other, F_SETFL, O_NONBLOCK) == 0);
    CHECK(fcntl(null, F_GETFL) & O_NONBLOCK); /* one open file */
    CHECK(dup2(null, 20) == 20 && dup2(null, null) == null && dup3(null, 21, O_CLOEXEC) == 21);
    CHECK(dup3(null, null, 0) == -1 && errno == EINVAL && fcntl(21, F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(null, F_DUPFD, 30) == 30 && fcntl(null, F_DUPFD_CLOEXEC, 30) == 31);
    CHECK(dup(9) == -1 && errno == EBADF && dup2(null, 1000) == -1 && errno == EBADF);
    CHECK(fcntl(null, F_DUPFD, 1000) == -1 && errno == EINVAL);
    int opened = 0, fd;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        opened++;
    CHECK(errno == EMFILE && opened == 64 - 3 - 2 - 2 - 2);
    for (fd = 3; fd < 64; fd++)
        CHECK(close(fd) == 0);
    return 0;
}

/* Standard output goes where it is sent. */
HL_FUNCTION(i32, Redirect)
{
    int keep = dup(1), null = open("/dev/null", O_WRONLY);
    CHECK(keep == 3 && null == 4 && write(1, "one ", 4) == 4);
    CHECK(dup2(null, 1) == 1 && write(1, "lost ", 5) == 5 && dup2(keep, 1) == 1);
    CHECK(write(keep, "two ", 4) == 4 && close(1) == 0);
    CHECK(write(1, "x", 1) == -1 && errno == EBADF && dup(keep) == 1);
    int named = open("/dev/stdout", O_WRONLY);
    CHECK(named == 5 && write(named, "three", 5) == 5);
    CHECK(close(3) == 0 && close(4) == 0 && close(5) == 0);
    return 0;
}

HL_FUNCTION(i32, Ready)
{
    struct pollfd p[3] = {{0, POLLIN, 0}, {1, POLLOUT | POLLIN, 0}, {50, POLLIN, 0}};
    fd_set in, out;
    CHECK(poll(p, 3, -1) == 3);
    CHECK(p[0].revents == (POLLIN | POLLHUP) && p[1].revents == POLLOUT);
    CHECK(p[2].revents == POLLNVAL);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(0, &in);
    FD_SET(1, &out);
    CHECK(select(2, &in, &out, NULL, NULL) == 2 && FD_ISSET(0, &in) && FD_ISSET(1, &out));
    FD_SET(40, &in);
    CHECK(select(41, &in, NULL, NULL, NULL) == -1 && errno == EBADF);
    return 0;
}

HL_FUNCTION(i32, Random)
{
    CHECK(syscall(SYS_getrandom, a, 8, 0x10) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_getrandom, a, 8, 6) == -1 && errno == EINVAL);
    CHECK(getrandom(a, 8, GRND_NONBLOCK) == 8 && syscall(SYS_getrandom, a, 8, 4) == 8);
    int zero = open("/dev/zero", O_RDWR), null = open("/dev/null", O_RDWR);
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    CHECK(p != MAP_FAILED && !p[0] && munmap(p, 4096) == 0);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, null, 0) == MAP_FAILED && errno == ENODEV);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 40, 0) == MAP_FAILED && errno == EBADF);
    CHECK(close(zero) == 0 && close(null) == 0);
    return 0;
}

HL_FUNCTION(i32, Open)
{
    return open("/dev/zero", O_RDONLY);
}

HL_FUNCTION(i32, Read, (i32, fd))
{
    return read(fd, a, 16) == 16 ? 0 : errno;
}
