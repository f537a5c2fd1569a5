/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that ask for a lot (tests/symbols/bombs.py): each is asked everything in a process of its
 * own, which must not take more than hl/symbols.h says, and must not name a line that is not there.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "child.h"
#include "files.h"

#include "symbols_impl.h"

#define TEXT 0x401000u
#define TEXT_SIZE 4096u
#define PLACES ((size_t)1 << 17)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER 10
#define LARGER 4
#else
#define SLOWER 1
#define LARGER 1
#endif
/* With the questions that are not counted, and the file itself, which is mapped. */
#define SECONDS ((HL_SYMBOLS_SECONDS + 1) * SLOWER)
#define MEBIBYTES ((HL_SYMBOLS_BYTES >> 20) * LARGER + 128)

/* A stack full of return addresses. */
static size_t read_stack(void *opaque, hl_gva_t at, void *buf, size_t size)
{
    uint64_t *word = buf;

    (void)opaque;
    for (size_t i = 0; i < size / 8; i++)
        word[i] = TEXT + 9 + 5 * ((at / 8 + i) % 700);
    return size;
}

static struct hl_symbols *open_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct hl_symbols *symbols;
    struct hl_error error;
    struct stat st;
    void *data;

    if (fd < 0 || fstat(fd, &st))
        _exit(10);
    data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    *size = (size_t)st.st_size;
    if (data == MAP_FAILED || symbols_open_bytes(&symbols, data, (size_t)st.st_size, 0, &error))
        _exit(11);
    symbols->path = path;
    return symbols;
}

/* Once the budget is spent, answers are those of the symbol table. */
static void check_rest(struct hl_symbols *symbols)
{
    struct hl_location l;

    if (!hl_symbols_find(symbols, TEXT + 100, &l))
        return;
    if (l.file || l.line)
        _exit(12);
    if (symbols->table_count == 1 && (strcmp(l.function, "f") != 0 || l.offset != 100))
        _exit(13);
}

static int ask(const char *path)
{
    static struct hl_frame frames[64];
    struct hl_regs regs = {.rip = TEXT + 100, .rsp = 0x7000000000, .rbp = 0x7000000100};
    struct hl_place *places = malloc(PLACES * sizeof(*places));
    size_t size;
    struct hl_symbols *symbols = open_file(path, &size);
    bool spent;

    for (unsigned i = 0; i < TEXT_SIZE; i++) {
        size_t n = hl_symbols_expand(symbols, TEXT + i, frames, 64);

        for (size_t k = 0; k < n; k++) {
            const struct hl_location *l = &frames[k].location;

            if (l->file && !strstr(path, "line"))
                return 14;
        }
    }
    if (!places || hl_symbols_walk(symbols, &regs, false, read_stack, NULL, places, PLACES) == 0)
        return 15;
    hl_symbols_after_prologue(symbols, TEXT);
    hl_symbols_address(symbols, "nothing");
    hl_symbols_match(symbols, "none::f(int)", &(hl_gva_t){0}, 1);
    spent = symbols->budget.spent;
    if (spent !=
        (hl_symbols_missing(symbols) && strcmp(hl_symbols_missing(symbols), HL_SYMBOLS_SPENT) == 0))
        return 16;
    if (spent)
        check_rest(symbols);
    hl_symbols_close(symbols);
    free(places);
    return spent ? 1 : 0;
}

static bool measure(const char *path)
{
    struct rusage used;
    double seconds, mebibytes;
    int code;
    pid_t pid = child_fork();

    if (pid == 0)
        _exit(ask(path));
    int status = child_wait_used(pid, &used);
    seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
              (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    mebibytes = (double)used.ru_maxrss / 1024;
    code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    print_message("%-16s %5.2f s %4.0f MiB%s\n", strrchr(path, '/') + 1, seconds, mebibytes,
                  code == 1   ? ", the budget is spent"
                  : code != 0 ? ", FAILED"
                              : "");
    if (code != 0 && code != 1)
        print_error("%s: %d\n", path, code);
    return (code == 0 || code == 1) && seconds <= SECONDS && mebibytes <= (double)MEBIBYTES;
}

static bool is_bomb(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && !strstr(entry->d_name, ".dw");
}

static void test_bombs(void **state)
{
    struct scratch scratch;
    char path[512];
    unsigned count = 0, failed = 0;
    const struct dirent *entry;
    DIR *list;

    (void)state;
    if (shell("python3 -c 'import zlib' 2>/dev/null") != 0) {
        print_message("skip bombs: no python3\n");
        skip();
    }
    scratch_make(&scratch);
    assert_int_equal(shell("python3 '%s/symbols/bombs.py' '%s'", TEST_SOURCE, scratch.dir), 0);
    list = opendir(scratch.dir);
    assert_non_null(list);
    while ((entry = readdir(list)) != NULL) {
        if (!is_bomb(entry))
            continue;
        scratch_path(&scratch, path, sizeof(path), entry->d_name);
        failed += !measure(path);
        count++;
    }
    closedir(list);
    assert_int_equal(shell("rm -rf '%s'", scratch.dir), 0);
    assert_true(count > 40);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bombs)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
