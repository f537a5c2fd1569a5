/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory: what is refused, and what snapshots, cores and forks make of it. */
#include "sharing.h"

/* ---- refused -------------------------------------------------------------------------------- */

static void refused(struct box *box, hl_gva_t at, int fd, uint64_t offset, size_t size,
                    unsigned flags, int code)
{
    hl_gva_t place = at;
    int rc = hl_sandbox_map_file(box->sb, &place, fd, offset, size, flags, &box->error);
    assert_int_equal(rc, code);
    check_error(&box->error, code);
    assert_int_equal(place, at);
}

static void test_overlaps_are_refused(void **state)
{
    struct box *box = *state;
    int fd = new_file(4 * PAGE, 0, true);
    open_share(box, ROOM);
    const hl_gva_t free_place = 0x200000000;
    map_at(box, free_place, fd, 2 * PAGE, HL_MAP_READ);
    const hl_gva_t near[] = {free_place,
                             free_place + PAGE,
                             free_place - PAGE,
                             free_place - 3 * PAGE,
                             free_place + 2 * PAGE + GUARD - PAGE,
                             free_place - 4 * PAGE - GUARD + PAGE};
    for (size_t i = 0; i < COUNT(near); i++)
        refused(box, near[i], fd, 0, 4 * PAGE, 0, HL_ERR_ARGUMENT);
    map_at(box, free_place + 2 * PAGE + GUARD, fd, 4 * PAGE, 0);
    map_at(box, free_place - 4 * PAGE - GUARD, fd, 4 * PAGE, 0);
    for (size_t i = 0; i < HL_REGIONS; i++) {
        const struct hl_region *r = hl_sandbox_region(box->sb, i);
        hl_gva_t last = r->start + r->size - PAGE; /* of the heap, too, where nothing is mapped */
        refused(box, r->start, fd, 0, PAGE, 0, HL_ERR_ARGUMENT);
        refused(box, last, fd, 0, 4 * PAGE, 0, HL_ERR_ARGUMENT);
        refused(box, last + PAGE, fd, 0, PAGE, 0, HL_ERR_ARGUMENT);
        refused(box, last + GUARD, fd, 0, PAGE, 0, HL_ERR_ARGUMENT);
        refused(box, r->start - PAGE, fd, 0, PAGE, 0, HL_ERR_ARGUMENT);
    }
    close(fd);
}

static void test_nonsense_is_refused(void **state)
{
    struct box *box = *state;
    int fd = new_file(2 * PAGE, 0, true), loose = new_file(2 * PAGE, 0, false), ends[2];
    hl_gva_t at = 0;
    open_share(box, ROOM);
    refused(box, 0, fd, 0, 0, 0, HL_ERR_ARGUMENT);
    refused(box, 0, fd, 0, SIZE_MAX, 0, HL_ERR_ARGUMENT);
    refused(box, 0, fd, 0, PAGE, 8, HL_ERR_ARGUMENT);
    refused(box, 0, -1, 0, PAGE, 0, HL_ERR_ARGUMENT);
    refused(box, 0x200000001, fd, 0, PAGE, 0, HL_ERR_ARGUMENT);
    refused(box, PAGE, fd, 0, PAGE, 0, HL_ERR_ARGUMENT);
    refused(box, 0x7fffffff0000, fd, 0, PAGE, 0, HL_ERR_ARGUMENT);
    refused(box, 0x800000000000, fd, 0, PAGE, 0, HL_ERR_ARGUMENT);
    refused(box, 0xffff800000000000, fd, 0, PAGE, 0, HL_ERR_ARGUMENT);
    refused(box, ~0xfffull, fd, 0, PAGE, 0, HL_ERR_ARGUMENT);
    for (int i = 0; i < 2; i++) {
        int f = i ? fd : loose;
        refused(box, 0, f, 0, 2 * PAGE + 1, 0, HL_ERR_FILE);
        refused(box, 0, f, PAGE, PAGE + 1, 0, HL_ERR_FILE);
        refused(box, 0, f, 1ull << 40, PAGE, 0, HL_ERR_FILE);
        refused(box, 0, f, UINT64_MAX, PAGE, 0, HL_ERR_FILE);
    }
    assert_int_equal(pipe(ends), 0);
    refused(box, 0, ends[0], 0, PAGE, 0, HL_ERR_FILE);
    close(ends[0]);
    close(ends[1]);
    refused(box, 0, ends[0], 0, PAGE, 0, HL_ERR_FILE); /* closed */
    int zero = open("/dev/zero", O_RDONLY), written = open("/tmp", O_TMPFILE | O_WRONLY, 0600);
    refused(box, 0, zero, 0, PAGE, 0, HL_ERR_FILE);
    close(zero);
    if (written >= 0) { /* cannot be read: neither copied nor mapped */
        assert_int_equal(ftruncate(written, PAGE), 0);
        refused(box, 0, written, 0, PAGE, 0, HL_ERR_FILE);
        refused(box, 0, written, 0, PAGE, HL_MAP_TRUSTED, HL_ERR_SYSTEM);
        close(written);
    }
    assert_int_equal(hl_sandbox_map_file(NULL, &at, fd, 0, PAGE, 0, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_map_file(box->sb, NULL, fd, 0, PAGE, 0, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_map_buffer(box->sb, &at, NULL, 1, 0, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_unmap(box->sb, 0, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_unmap(NULL, 0, NULL), HL_ERR_ARGUMENT);
    close(fd);
    close(loose);
}

static void test_without_room(void **state)
{
    struct box *box = *state;
    int fd = new_file(PAGE, 0, true);
    open_share(box, 0);
    refused(box, 0, fd, 0, PAGE, 0, HL_ERR_LIMIT);
    assert_non_null(strstr(box->error.hint, "config.shared"));
    close(fd);
}

/* Only a file that cannot shrink is mapped itself; bytes past the requested part are not shown. */
static void test_files_that_change(void **state)
{
    struct box *box = *state;
    int loose = new_file(3 * PAGE, 2, false);
    open_share(box, ROOM);
    hl_gva_t at = map(box, loose, 3 * PAGE, HL_MAP_READ);
    hl_gva_t trusted = map(box, loose, PAGE, HL_MAP_TRUSTED);
    hl_gva_t part = map(box, loose, 10, HL_MAP_TRUSTED);
    hl_gva_t inside = 0;
    assert_int_equal(hl_sandbox_map_file(box->sb, &inside, loose, 7, PAGE, 0, &box->error), 0);
    assert_int_equal(CALL(box, "Sum", value_u64(part + 10), value_u64(PAGE - 10))->u64, 0);
    assert_int_equal(get(box, inside), byte_at(2, 7));
    assert_int_equal(pwrite(loose, "\xff", 1, 0), 1);
    assert_int_equal(get(box, at), byte_at(2, 0));
    assert_int_equal(get(box, part), byte_at(2, 0));
    assert_int_equal(get(box, trusted), 0xff);
    assert_int_equal(ftruncate(loose, PAGE), 0);
    assert_int_equal(get(box, at + 2 * PAGE), byte_at(2, 2 * PAGE));
    close(loose);
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static void test_restore_undoes_changes(void **state)
{
    struct box *box = *state;
    const size_t pages = 1500;
    int fd = new_file(pages * PAGE, 4, true);
    open_share(box, ROOM);
    hl_gva_t at = map(box, fd, pages * PAGE, HL_MAP_COPY_ON_WRITE);
    put(box, at, 77); /* before the snapshot: undone, too */
    struct hl_snapshot *s = take(box);
    for (int i = 0; i < 3; i++) {
        CALL(box, "Fill", value_u64(at + 5 * PAGE), value_u64(i == 1 ? 1400 : 3), value_u32(200));
        restore(box, s);
        assert_int_equal(get(box, at), byte_at(4, 0));
        for (size_t page = 5; page < pages; page += 97)
            assert_int_equal(get(box, at + page * PAGE), byte_at(4, page * PAGE));
        assert_int_equal(get(box, at + 7 * PAGE), byte_at(4, 7 * PAGE));
    }
    /* Mapped after the snapshot: it stays, too. */
    hl_gva_t later = map(box, fd, PAGE, HL_MAP_COPY_ON_WRITE);
    put(box, later, 1);
    restore(box, s);
    assert_int_equal(get(box, later), byte_at(4, 0));
    unmap(box, at);
    restore(box, s);
    expect_fault(box, TRY(box, "Get", value_u64(at)), at, READ_UNMAPPED);
    restore(box, s);
    hl_snapshot_destroy(s);
    close(fd);
}

/* A program may keep all of its memory from being swapped out: mlockall(). */
static void test_restore_of_locked_memory(void **state)
{
    struct box *box = *state;
    int fd = new_file(8 * PAGE, 4, true);
    hl_gpa_t gpa;
    open_share(box, ROOM);
    hl_gva_t at = map(box, fd, 8 * PAGE, HL_MAP_COPY_ON_WRITE);
    struct hl_snapshot *s = take(box);
    struct hl_machine *m = hl_sandbox_machine(box->sb);
    assert_int_equal(hl_machine_lookup(m, at, &gpa, NULL), 0);
    if (mlock(hl_machine_memory(m, gpa, 8 * PAGE), 8 * PAGE)) {
        print_message("# memory cannot be locked here\n");
        skip();
    }
    CALL(box, "Fill", value_u64(at), value_u64(8), value_u32(200));
    restore(box, s);
    for (size_t page = 0; page < 8; page++)
        assert_int_equal(get(box, at + page * PAGE), byte_at(4, page * PAGE));
    hl_snapshot_destroy(s);
    close(fd);
}

static void test_clones_have_none(void **state)
{
    struct box *box = *state, clone = {0};
    struct hl_sandbox_config config = {.shared = 2 * ROOM};
    int fd = new_file(2 * PAGE, 6, true);
    open_share(box, ROOM);
    hl_gva_t at = map(box, fd, 2 * PAGE, HL_MAP_COPY_ON_WRITE);
    put(box, at, 1);
    struct hl_snapshot *s = take(box);
    assert_int_equal(hl_sandbox_create_from(&clone.sb, s, &config, &clone.error), 0);
    assert_int_equal(hl_sandbox_start(clone.sb, &clone.error), 0);
    expect_fault(&clone, TRY(&clone, "Get", value_u64(at)), at, READ_UNMAPPED);
    restore(&clone, s);
    assert_int_equal(map_at(&clone, at, fd, 2 * PAGE, HL_MAP_COPY_ON_WRITE), at);
    assert_int_equal(get(&clone, at), byte_at(6, 0));
    assert_int_equal(get(box, at), 1);
    restore(&clone, s);
    assert_int_equal(get(&clone, at + PAGE), byte_at(6, PAGE));
    /* And where there is no room for any, the snapshot fits all the same. */
    hl_sandbox_destroy(clone.sb);
    assert_int_equal(hl_sandbox_create_from(&clone.sb, s, NULL, &clone.error), 0);
    assert_int_equal(hl_sandbox_start(clone.sb, &clone.error), 0);
    expect_fault(&clone, TRY(&clone, "Get", value_u64(at)), at, READ_UNMAPPED);
    hl_sandbox_destroy(clone.sb);
    hl_snapshot_destroy(s);
    close(fd);
}

/* ---- the rest of the library ---------------------------------------------------------------- */

static void test_seen_after_a_fault(void **state)
{
    struct box *box = *state;
    char path[SCRATCH_MAX];
    uint8_t byte;
    int fd = new_file(2 * PAGE, 9, true);
    scratch_file(path, "", 0);
    open_share(box, ROOM);
    hl_gva_t at = map(box, fd, 2 * PAGE, HL_MAP_READ);
    assert_int_equal(TRY(box, "Put", value_u64(at), value_u32(1)), HL_ERR_FAULT);
    struct hl_machine *m = hl_sandbox_machine(box->sb);
    assert_int_equal(hl_machine_read(m, at + PAGE, &byte, 1, HL_PROT_READ), 1);
    assert_int_equal(byte, byte_at(9, PAGE));
    /* The host's own writes, a debugger's for one, do not reach the file either. */
    assert_int_equal(hl_machine_write(m, at, "x", 1, 0), 1);
    assert_int_equal(hl_machine_write(m, at, "x", 1, HL_PROT_WRITE), 0);
    assert_int_equal(file_byte(fd, 0), byte_at(9, 0));
    assert_int_equal(hl_sandbox_core(box->sb, path, &box->error), 0);
    unmap(box, at);
    unlink(path);
    close(fd);
}

/* A child has what was mapped when it was made, even if only for a moment. */
static void *make_children(void *opaque)
{
    atomic_bool *end = opaque;
    while (!atomic_load(end)) {
        pid_t child = fork();
        if (child == 0) {
            usleep(500);
            _exit(0);
        }
        if (child > 0)
            waitpid(child, NULL, 0);
    }
    return NULL;
}

static void test_while_another_thread_forks(void **state)
{
    struct box *box = *state;
    static uint8_t data[ROOM / 4];
    atomic_bool end = false;
    pthread_t thread;
    int rc = 0;
    open_share(box, ROOM);
    thread_begin(&thread, make_children, &end);
    for (int i = 0; i < 100 && !rc; i++) {
        hl_gva_t at = 0;
        rc = hl_sandbox_map_buffer(box->sb, &at, data, sizeof(data), HL_MAP_READ, &box->error);
        if (!rc)
            unmap(box, at);
    }
    atomic_store(&end, true);
    pthread_join(thread, NULL);
    if (rc)
        fail_msg("%s", box->error.text);
}

static void test_nothing_is_left_behind(void **state)
{
    struct box *box = *state;
    uint8_t data[100] = {0};
    unsigned before = 0;
    for (int i = 0; i < 40; i++) {
        int fd = new_file(2 * PAGE, 0, i % 2);
        open_share(box, ROOM);
        hl_gva_t at = 0, other = 0;
        map(box, fd, 2 * PAGE, HL_MAP_READ);
        assert_int_equal(hl_sandbox_map_buffer(box->sb, &at, data, sizeof(data), 0, NULL), 0);
        assert_int_equal(hl_sandbox_map_buffer(box->sb, &other, data, sizeof(data), 9, NULL),
                         HL_ERR_ARGUMENT);
        close(fd);
        box_close(box);
        if (i == 10)
            before = entries("/proc/self/fd");
    }
    assert_int_equal(entries("/proc/self/fd"), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_overlaps_are_refused),
        BOX_TEST(test_nonsense_is_refused),
        BOX_TEST(test_without_room),
        BOX_TEST(test_files_that_change),
        BOX_TEST(test_restore_undoes_changes),
        BOX_TEST(test_restore_of_locked_memory),
        BOX_TEST(test_clones_have_none),
        BOX_TEST(test_seen_after_a_fault),
        BOX_TEST(test_while_another_thread_forks),
        BOX_TEST(test_nothing_is_left_behind),
    };
    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
