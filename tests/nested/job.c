// SPDX-License-Identifier: Apache-2.0
/*
 * job JOB ROOT: run the one command the nested machine was started for.
 *
 * JOB/args, JOB/env (NUL-terminated strings), JOB/cwd and, if there, JOB/stdin say what to run; it
 * runs with ROOT as its root. Its two streams go to the virtio ports "out" and "err", its status to
 * the port "status". The streams pass through pipes here because a port can be opened only once at
 * a time: a program that opens /dev/stderr again would get EBUSY from the port itself.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_WAIT_MS 10000

static _Noreturn void die(const char *what)
{
    FILE *log = fopen("/dev/kmsg", "w"); // after chroot(); before, stderr is the console

    fprintf(log ? log : stderr, "<3>nested: error: job: %s: %s\n", what, strerror(errno));
    if (log)
        fclose(log);
    exit(1);
}

static char *slurp(int dir, const char *name, size_t *len)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *buf;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) < 0)
        die(name);
    buf = malloc((size_t)st.st_size + 1);
    if (!buf)
        die(name);
    for (*len = 0; (n = read(fd, buf + *len, (size_t)st.st_size - *len)) > 0;)
        *len += (size_t)n;
    buf[*len] = 0;
    close(fd);
    return buf;
}

static char **strings(int dir, const char *name)
{
    size_t len, n = 0;
    char *buf = slurp(dir, name, &len);
    char **list = calloc(len + 1, sizeof(*list));

    if (!list)
        die(name);
    for (char *s = buf; s < buf + len; s += strlen(s) + 1)
        list[n++] = s;
    return list;
}

/* The ports' numbers depend on how many virtio devices there are; their names are ours. */
static int try_port(const char *root, const char *want)
{
    char path[512], name[32] = "";
    DIR *dir;
    int fd = -1;

    snprintf(path, sizeof(path), "%s/sys/class/virtio-ports", root);
    dir = opendir(path);
    for (struct dirent *e; dir && fd < 0 && (e = readdir(dir));) {
        FILE *f;

        snprintf(path, sizeof(path), "%s/sys/class/virtio-ports/%s/name", root, e->d_name);
        f = e->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (!f)
            continue;
        if (fscanf(f, "%31s", name) == 1 && !strcmp(name, want)) {
            snprintf(path, sizeof(path), "%s/dev/%s", root, e->d_name);
            fd = open(path, O_WRONLY | O_CLOEXEC);
        }
        fclose(f);
    }
    if (dir)
        closedir(dir);
    return fd;
}

/* The ports are announced by messages that may still be under way this early. */
static int open_port(const char *root, const char *name)
{
    int fd;

    for (int ms = 0; (fd = try_port(root, name)) < 0 && ms < PORT_WAIT_MS; ms += 5)
        poll(NULL, 0, 5);
    if (fd < 0)
        die(name);
    return fd;
}

/*
 * One idle VM for as long as the machine lives: the first VM turns virtualisation on on every CPU,
 * the last one turns it off, and both are slow when each test makes its own.
 */
static void hold_vm(void)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);

    if (vm < 0 || ioctl(vm, KVM_CREATE_VCPU, 0) < 0)
        die("/dev/kvm");
}

static void put(int fd, const char *buf, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, buf, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        buf += n;
        len -= (size_t)n;
    }
}

static pid_t start(char **args, char **env, int in, int out, int err)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    setsid();
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    environ = env;
    execvp(args[0], args);
    fprintf(stderr, "run: %s: %s\n", args[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/* Copy what is in the pipe now, or with `all` every byte it holds. */
static void copy(int from, int to, int all)
{
    static char buf[65536];
    int left = (int)sizeof(buf);

    if (all && ioctl(from, FIONREAD, &left) < 0)
        left = 0;
    while (left > 0) {
        ssize_t n = read(from, buf, (size_t)left < sizeof(buf) ? (size_t)left : sizeof(buf));

        if (n <= 0)
            return;
        put(to, buf, (size_t)n);
        left = all ? left - (int)n : 0;
    }
}

/*
 * Until the command has ended, and then what it had written by then: a child that it left behind
 * may keep the pipes open, and go on writing, forever.
 */
static int relay(pid_t pid, int pidfd, const int from[2], const int to[2])
{
    int status = 0;

    for (;;) {
        struct pollfd p[3] = {{from[0], POLLIN, 0}, {from[1], POLLIN, 0}, {pidfd, POLLIN, 0}};

        if (poll(p, 3, -1) < 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (p[i].revents)
                copy(from[i], to[i], 0);
        if (p[2].revents && waitpid(pid, &status, WNOHANG) == pid)
            break;
    }
    copy(from[0], to[0], 1);
    copy(from[1], to[1], 1);
    return status;
}

int main(int argc, char **argv)
{
    int job, in, to[2], out[2], err[2], port, pidfd, status;
    char **args, **env, *cwd, text[16];
    size_t len;
    pid_t pid;

    if (argc != 3)
        return 2;
    job = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    args = strings(job, "args");
    env = strings(job, "env");
    cwd = slurp(job, "cwd", &len);
    in = openat(job, "stdin", O_RDONLY | O_CLOEXEC);
    to[0] = open_port(argv[2], "out");
    to[1] = faccessat(job, "one-stream", F_OK, 0) == 0 ? to[0] : open_port(argv[2], "err");
    port = open_port(argv[2], "status");

    if (chroot(argv[2]) < 0 || chdir(cwd) < 0)
        die(cwd);
    if (in < 0)
        in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    hold_vm();
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
        die("pipe");
    for (char **e = env; *e; e++)
        if (!strncmp(*e, "PATH=", 5))
            putenv(*e); // for execvp()
    // One pipe when both streams are the same file outside: their order is kept then.
    pid = start(args, env, in, out[1], to[0] == to[1] ? out[1] : err[1]);
    pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        die("starting the command");
    // The write ends stay open here: a command that closes its own makes no end-of-file to spin on.
    status = relay(pid, pidfd, (int[]){out[0], err[0]}, to);
    status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    put(port, text, (size_t)snprintf(text, sizeof(text), "%d\n", status));
    return 0;
}
