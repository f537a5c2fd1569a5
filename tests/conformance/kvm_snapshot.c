/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: taken, cloned, in files good and bad, and with a debugger about. */
#include "conformance.h"
#include "files.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <hl/debug.h>

#include "machine.h"
#include "snapshot_file.h"
#include "machine_impl.h"
#include "vcpu_kvm.h"

/* ---- snapshots ---- */

static void test_take_and_restore(void **state)
{
    struct con *con = *state;
    struct hl_snapshot *later = NULL;
    CALL(&con->box, "AddToStatic", value_i32(5));
    assert_int_equal(hl_snapshot_take(&later, con->box.sb, &con->box.error), 0);
    CALL(&con->box, "AddToStatic", value_i32(6));
    assert_int_equal(hl_sandbox_restore(con->box.sb, later, &con->box.error), 0);
    assert_int_equal(CALL0(&con->box, "GetStatic")->i32, 5);
    con_restore(con);
    assert_int_equal(CALL0(&con->box, "GetStatic")->i32, 0);
    assert_int_equal(hl_sandbox_restore(con->box.sb, later, &con->box.error), 0);
    assert_int_equal(CALL0(&con->box, "GetStatic")->i32, 5);
    hl_snapshot_destroy(later);
    con_works(con);
}

static void expect_clone(struct con *con, const struct hl_snapshot *s, int32_t value)
{
    struct con other = {.box.image = con->box.image};
    assert_int_equal(hl_sandbox_create_from(&other.box.sb, s, NULL, &con->box.error), 0);
    con_register(&other);
    box_start(&other.box);
    assert_int_equal(CALL0(&other.box, "GetStatic")->i32, value);
    CALL(&other.box, "AddToStatic", value_i32(100));
    con_works(&other);
    hl_sandbox_destroy(other.box.sb);
}

static void test_clone(void **state)
{
    struct con *con = *state;
    struct hl_snapshot *s = NULL;
    CALL(&con->box, "AddToStatic", value_i32(7));
    assert_int_equal(hl_snapshot_take(&s, con->box.sb, &con->box.error), 0);
    expect_clone(con, s, 7);
    expect_clone(con, s, 7);
    assert_int_equal(CALL0(&con->box, "GetStatic")->i32, 7);
    hl_snapshot_destroy(s);
}

/* A snapshot in a file of a directory of its own. */
struct saved {
    struct scratch scratch;
    char path[64];
    uint8_t *bytes;
    size_t size;
};

static void save(struct con *con, struct saved *f)
{
    scratch_make(&f->scratch);
    scratch_path(&f->scratch, f->path, sizeof(f->path), "snapshot");
    if (hl_snapshot_save(con->snapshot, f->path, &con->box.error))
        fail_msg("%s", con->box.error.text);
    struct bytes b = bytes_read(f->path);
    f->bytes = b.data;
    f->size = b.size;
}

static void saved_free(struct saved *f)
{
    unlink(f->path);
    scratch_remove(&f->scratch);
    free(f->bytes);
}

static void expect_load(struct con *con, const char *path, unsigned flags, int code)
{
    struct hl_snapshot *s = NULL;
    int rc = hl_snapshot_load(&s, con->box.image, path, flags, &con->box.error);
    if (rc != code)
        fail_msg("%s instead of %s", hl_err_name(rc), hl_err_name(code));
    if (rc) {
        check_error(&con->box.error, rc);
        assert_null(s);
    } else {
        expect_clone(con, s, 0);
    }
    hl_snapshot_destroy(s);
}

/* The same file with other contents. */
static void expect_bytes(struct con *con, struct saved *f, size_t size, unsigned flags, int code)
{
    bytes_write(f->path, f->bytes, size);
    expect_load(con, f->path, flags, code);
}

static void test_save_and_load(void **state)
{
    struct saved f;
    save(*state, &f);
    expect_load(*state, f.path, 0, 0);
    expect_load(*state, f.path, HL_SNAPSHOT_VERIFY, 0);
    saved_free(&f);
}

static void test_truncated(void **state)
{
    struct saved f;
    save(*state, &f);
    for (size_t size = 0; size < f.size; size += size < 500 ? 99 : f.size / 11)
        expect_bytes(*state, &f, size, 0, HL_ERR_BAD_SNAPSHOT);
    expect_bytes(*state, &f, f.size - 1, 0, HL_ERR_BAD_SNAPSHOT);
    saved_free(&f);
}

static void test_flipped(void **state)
{
    struct saved f;
    save(*state, &f);
    for (size_t at = 0; at < f.size; at += f.size / 40 + 1) {
        f.bytes[at] ^= 0x20;
        expect_bytes(*state, &f, f.size, HL_SNAPSHOT_VERIFY, HL_ERR_BAD_SNAPSHOT);
        f.bytes[at] ^= 0x20;
    }
    expect_bytes(*state, &f, f.size, HL_SNAPSHOT_VERIFY, 0);
    saved_free(&f);
}

/* With its checksum right, as another version of the library would have written it. */
static void expect_header(struct con *con, struct saved *f, const struct snapshot_header *header,
                          int code)
{
    struct snapshot_header h = *header;
    struct snapshot_layout l;
    uint8_t *good = malloc(sizeof(h));
    memcpy(good, f->bytes, sizeof(h));
    h.index_sum = 0;
    memcpy(f->bytes, &h, sizeof(h));
    assert_true(snapshot_layout_of(&h, &l));
    h.index_sum = sum_of(f->bytes, l.contents);
    memcpy(f->bytes, &h, sizeof(h));
    expect_bytes(con, f, f->size, 0, code);
    memcpy(f->bytes, good, sizeof(h));
    free(good);
}

static void test_wrong_version(void **state)
{
    struct saved f;
    struct snapshot_header good, h;
    save(*state, &f);
    memcpy(&good, f.bytes, sizeof(good));
    expect_header(*state, &f, &good, 0);
    h = good;
    h.version++;
    expect_header(*state, &f, &h, HL_ERR_BAD_SNAPSHOT);
    h = good;
    h.abi_version++;
    expect_header(*state, &f, &h, HL_ERR_ABI_VERSION);
    saved_free(&f);
}

static void test_wrong_cpu(void **state)
{
    struct saved f;
    struct snapshot_header good, h;
    save(*state, &f);
    memcpy(&good, f.bytes, sizeof(good));
    for (size_t i = 0; i < COUNT(good.cpu.feature); i++) {
        h = good;
        h.cpu.feature[i] = UINT32_MAX;
        expect_header(*state, &f, &h, HL_ERR_BAD_SNAPSHOT);
    }
    h = good;
    h.cpu.xcr0 ^= 1u << 9;
    expect_header(*state, &f, &h, HL_ERR_BAD_SNAPSHOT);
    saved_free(&f);
}

static void test_oversized(void **state)
{
    struct saved f;
    save(*state, &f);
    expect_bytes(*state, &f, f.size + 1, 0, HL_ERR_BAD_SNAPSHOT);
    assert_int_equal(truncate(f.path, 1ll << 40), 0); /* sparse */
    expect_load(*state, f.path, 0, HL_ERR_BAD_SNAPSHOT);
    saved_free(&f);
}

static void test_symlinked(void **state)
{
    struct saved f;
    char link[80];
    save(*state, &f);
    snprintf(link, sizeof(link), "%s/link", f.scratch.dir);
    assert_int_equal(symlink(f.path, link), 0);
    expect_load(*state, link, 0, HL_ERR_FILE);
    unlink(link);
    saved_free(&f);
}

/* ---- a debugger of a few lines ---- */

static int connect_to(const char *endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_int_equal(strncmp(endpoint, "unix:", 5), 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", endpoint + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Send one packet; wait for the answer's first letters where there is one. */
static void ask(int fd, const char *packet, const char *answer)
{
    char text[4096];
    unsigned sum = 0;
    size_t used = 0;
    for (const char *p = packet; *p; p++)
        sum += (uint8_t)*p;
    int n = snprintf(text, sizeof(text), "$%s#%02x", packet, sum & 0xff);
    assert_int_equal(write(fd, text, (size_t)n), n);
    while (answer) {
        ssize_t got = read(fd, text + used, sizeof(text) - 1 - used);
        assert_true(got > 0);
        used += (size_t)got;
        text[used] = 0;
        char *start = strchr(text, '$');
        if (!start || !strchr(start, '#'))
            continue;
        if (strncmp(start + 1, answer, strlen(answer)) != 0)
            fail_msg("%s: %s", packet, start);
        assert_int_equal(write(fd, "+", 1), 1);
        return;
    }
}

static unsigned count_traps(const struct saved *f)
{
    unsigned n = 0;
    for (size_t i = 0; i + 4 <= f->size; i++)
        n += memcmp(f->bytes + i, "\xcc\xcc\xcc\xcc", 4) == 0;
    return n;
}

static void test_no_breakpoints(void **state)
{
    struct con *con = *state;
    struct hl_snapshot *s = NULL;
    struct hl_sandbox *clone = NULL;
    struct saved f;
    uint8_t before[64], after[64];
    hl_gva_t code = CALL(&con->box, "AddressOf", value_i32(0))->u64;
    char packet[64];

    con_restore(con);
    save(con, &f);
    const unsigned traps = count_traps(&f);
    saved_free(&f);
    struct hl_machine *m = hl_sandbox_machine(con->box.sb);
    assert_int_equal(hl_machine_read(m, code, before, sizeof(before), 0), sizeof(before));
    if (hl_sandbox_debug(con->box.sb, NULL, NULL, &con->box.error))
        fail_msg("%s", con->box.error.text);
    int fd = connect_to(hl_sandbox_debug_endpoint(con->box.sb));
    ask(fd, "?", "T");
    for (unsigned i = 0; i < 4; i++) {
        snprintf(packet, sizeof(packet), "Z0,%llx,1", (unsigned long long)code + i);
        ask(fd, packet, "OK");
    }
    snprintf(packet, sizeof(packet), "Z2,%llx,4",
             (unsigned long long)hl_sandbox_region(con->box.sb, 4)->start);
    ask(fd, packet, "OK");
    ask(fd, "c", NULL); /* the idle guest stays idle, its breakpoints set */
    if (hl_snapshot_take(&s, con->box.sb, &con->box.error))
        fail_msg("%s", con->box.error.text);
    hl_snapshot_destroy(con->snapshot);
    con->snapshot = s;
    save(con, &f);
    assert_int_equal(hl_sandbox_create_from(&clone, s, NULL, &con->box.error), 0);
    assert_int_equal(hl_machine_read(hl_sandbox_machine(clone), code, after, sizeof(after), 0),
                     sizeof(after));
    assert_memory_equal(before, after, sizeof(before));
    assert_int_equal(hl_sandbox_start(clone, &con->box.error), 0);
    assert_int_equal(hl_sandbox_call(clone, "NoOp", NULL, 0, NULL, &con->box.error), 0);
    hl_sandbox_destroy(clone);
    assert_int_equal(count_traps(&f), traps); /* nor in the file */
    saved_free(&f);
    close(fd);
    con_works(con);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("snapshot: take and restore", test_take_and_restore),
        CASE("snapshot: clone into a new sandbox", test_clone),
        CASE("snapshot: save and load", test_save_and_load),
        CASE("snapshot: truncated file refused", test_truncated),
        CASE("snapshot: flipped bits refused", test_flipped),
        CASE("snapshot: wrong version refused", test_wrong_version),
        CASE("snapshot: wrong CPU refused", test_wrong_cpu),
        CASE("snapshot: oversized file refused", test_oversized),
        CASE("snapshot: symbolic link refused", test_symlinked),
        CASE("snapshot: one taken while breakpoints are set holds none", test_no_breakpoints),
    };

    watchdog(60);
    return cmocka_run_group_tests_name("conformance-restore", tests, NULL, NULL);
}
