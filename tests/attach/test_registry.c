/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: where it is when another user has the name, and what is swept when little is left.
 */
#include "kit.h"
#include "files.h"
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hl/attach.h>

#include "registry.h"

/* An entry as the process would have made it. */
static void write_entry(int directory, int pid, uint64_t started)
{
    struct registry_file file = {
        .magic = REGISTRY_MAGIC, .version = REGISTRY_VERSION, .pid = (uint32_t)pid, .number = 1};
    char name[32];
    file.started = started;
    file.pid_namespace = registry_pid_namespace();
    snprintf(name, sizeof(name), "%d-1", pid);
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, &file, sizeof(file)), sizeof(file));
    close(fd);
}

static size_t listed(void)
{
    struct hl_attachable *list;
    struct hl_error error = {0};
    size_t count = 0;
    if (hl_attachable_list(&list, &count, &error))
        fail_msg("%s", error.text);
    hl_attachable_free(list);
    return count;
}

static int open_registry(char path[REGISTRY_PATH])
{
    struct hl_error error = {0};
    int fd = registry_open(path, &error);
    if (fd < 0)
        fail_msg("%s", error.text);
    return fd;
}

/* ---- another user's directory ---- */

static char taken[64];

/* As that user, for whom /tmp/hl-UID is another's. */
static void use_another(void)
{
    char path[REGISTRY_PATH], again[REGISTRY_PATH];
    struct stat st;
    unsetenv("XDG_RUNTIME_DIR");
    assert_int_equal(listed(), 0);
    int fd = open_registry(path);
    assert_memory_equal(path, taken, strlen(taken));
    assert_int_equal(path[strlen(taken)], '-');
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    close(open_registry(again));
    assert_string_equal(again, path);
    write_entry(fd, getpid(), registry_started(getpid()));
    assert_int_equal(listed(), 1);
    char *beside = strdup(path); /* of a process that came at the same moment */
    memcpy(beside + strlen(beside) - 6, "zzzzzz", 6);
    assert_int_equal(mkdir(beside, 0700), 0);
    assert_int_equal(listed(), 1);
    assert_int_equal(rmdir(beside), 0);
    free(beside);
    char name[32];
    snprintf(name, sizeof(name), "%d-1", (int)getpid());
    assert_int_equal(unlinkat(fd, name, 0), 0);
    close(fd);
    assert_int_equal(rmdir(path), 0);
}

static void as_user(uid_t user, void (*f)(void))
{
    pid_t child = child_fork();
    if (child == 0) {
        if (setresgid(user, user, user) || setresuid(user, user, user))
            _exit(2);
        f();
        _exit(0);
    }
    child_fine(child);
}

static void test_taken(void **state)
{
    (void)state;
    SKIP_IF(getuid() != 0, "only root can be two users");
    uid_t user = 0x70000000u + (uid_t)getpid();
    snprintf(taken, sizeof(taken), "/tmp/hl-%u", (unsigned)user);
    assert_int_equal(mkdir(taken, 0755), 0);
    as_user(user, use_another);
    assert_int_equal(rmdir(taken), 0);
    assert_int_equal(symlink("/", taken), 0);
    as_user(user, use_another);
    assert_int_equal(unlink(taken), 0);
    int fd = open(taken, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    close(fd);
    as_user(user, use_another);
    assert_int_equal(unlink(taken), 0);
}

static void use_plain(void)
{
    char path[REGISTRY_PATH];
    setenv("XDG_RUNTIME_DIR", runtime.dir, 1); /* root's: handed down by su */
    close(open_registry(path));
    assert_string_equal(path, taken);
    assert_int_equal(listed(), 0);
    assert_int_equal(rmdir(path), 0);
}

static void test_handed_down(void **state)
{
    (void)state;
    SKIP_IF(getuid() != 0, "only root can be two users");
    uid_t user = 0x70000000u + (uid_t)getpid();
    snprintf(taken, sizeof(taken), "/tmp/hl-%u", (unsigned)user);
    as_user(user, use_plain);
}

/* ---- no descriptors ---- */

/* A process that is there, and one that is not. */
static void test_no_descriptors(void **state)
{
    char path[REGISTRY_PATH], name[32];
    struct rlimit before, limit;
    (void)state;
    int directory = open_registry(path), lowest = dup(directory);
    close(lowest);
    pid_t child = child_fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    write_entry(directory, child, registry_started(child));
    snprintf(name, sizeof(name), "%d-1", (int)child);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (int left = 0; left < 6; left++) {
        struct hl_attachable *list;
        size_t count = 0;
        struct hl_error error = {0};
        limit = before;
        limit.rlim_cur = (rlim_t)(lowest + left);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        int rc = hl_attachable_list(&list, &count, &error);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        /* It is listed, or it is an error: never as if it were not there. */
        assert_true(rc ? rc == HL_ERR_SYSTEM && strstr(error.text, "Too many open files")
                       : count == 1);
        hl_attachable_free(list);
        assert_int_equal(faccessat(directory, name, F_OK, 0), 0);
    }
    assert_int_equal(listed(), 1);
    kill(child, SIGKILL);
    child_wait(child);
    assert_int_equal(listed(), 0);
    assert_int_equal(faccessat(directory, name, F_OK, 0), -1); /* swept */
    close(directory);
}

/* Of a process that could not ask when it began. */
static void test_unknown_start(void **state)
{
    char path[REGISTRY_PATH], name[32];
    (void)state;
    int directory = open_registry(path);
    write_entry(directory, getpid(), REGISTRY_UNKNOWN);
    assert_int_equal(listed(), 1);
    snprintf(name, sizeof(name), "%d-1", (int)getpid());
    assert_int_equal(unlinkat(directory, name, 0), 0);
    close(directory);
}

int main(void)
{
    watchdog(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_handed_down),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_unknown_start),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}
