/* SPDX-License-Identifier: Apache-2.0 */
/* A machine's making, memory and mappings: all that needs no guest instruction. */
#include "vm.h"
#include "files.h"
#include "child.h"
#include "retry.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define HALF 0x800000000000ull

static void test_config_refused(void **state)
{
    const uint16_t port[] = {HL_MACHINE_PORT_LIMIT};
    struct hl_machine_config config = {.memory = PAGE, .port = port, .port_count = 1};
    struct hl_machine *m = NULL;
    struct hl_error error;

    (void)state;
    assert_int_equal(hl_machine_create(&m, NULL, &error), HL_ERR_ARGUMENT);
    check_error(&error, HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_create(&m, &config, &error), HL_ERR_ARGUMENT);
    check_error(&error, HL_ERR_ARGUMENT);
    config = (struct hl_machine_config){.memory = HL_MACHINE_MEMORY_MAX + PAGE};
    assert_int_equal(hl_machine_create(&m, &config, &error), HL_ERR_LIMIT);
    check_error(&error, HL_ERR_LIMIT);
    assert_true(error.hint[0]);
    config = (struct hl_machine_config){.memory = PAGE, .mapped = SIZE_MAX};
    assert_int_equal(hl_machine_create(&m, &config, NULL), HL_ERR_LIMIT);
    assert_null(m);
}

static void test_destroy_null(void **state)
{
    (void)state;
    hl_machine_destroy(NULL);
}

/* In a process of its own, as the library opens /dev/kvm once: what create gives on this device. */
static int create_with_device(const char *path, bool as_nobody, rlim_t files)
{
    pid_t pid = child_fork();
    if (pid == 0) {
        const struct hl_machine_config config = {.memory = PAGE};
        struct hl_machine *m = NULL;
        struct hl_error error = {0};
        struct rlimit limit = {files, files};
        if (path)
            setenv("HL_KVM_DEVICE", path, 1);
        if ((as_nobody && setuid(65534)) || (files && setrlimit(RLIMIT_NOFILE, &limit)))
            _exit(100);
        int rc = hl_machine_create(&m, &config, &error);
        bool fine = rc == 0 ? m != NULL : m == NULL && error.code == rc && error.text[0];
        _exit(fine ? -rc : 101);
    }
    return -child_code(pid);
}

static void test_device_missing(void **state)
{
    (void)state;
    assert_int_equal(create_with_device("/nonexistent/kvm", false, 0), HL_ERR_NO_KVM);
}

static void test_device_is_another(void **state)
{
    (void)state;
    assert_int_equal(create_with_device("/dev/null", false, 0), HL_ERR_NO_KVM);
}

static void test_device_forbidden(void **state)
{
    char path[SCRATCH_MAX];

    (void)state;
    scratch_file(path, "", 0);
    assert_int_equal(chmod(path, 0), 0);
    int rc = create_with_device(path, getuid() == 0, 0);
    unlink(path);
    assert_int_equal(rc, HL_ERR_KVM_ACCESS);
}

/* Each of the descriptors a machine needs can be the one too many: an error, never a crash. */
static void test_out_of_descriptors(void **state)
{
    int rc = HL_ERR_SYSTEM;
    unsigned failures = 0;

    (void)state;
    for (rlim_t files = 3; files < 32 && rc; files++) {
        rc = create_with_device(NULL, false, files);
        if (rc) {
            assert_int_equal(rc, HL_ERR_SYSTEM);
            failures++;
        }
    }
    assert_int_equal(rc, 0);
    assert_true(failures >= 3);
}

static void test_alloc(void **state)
{
    struct hl_machine_config config = {.memory = 5 * PAGE - 1};
    struct vm *vm = *state;
    hl_gpa_t a, b;

    assert_int_equal(hl_machine_create(&vm->m, &config, &vm->error), 0);
    assert_int_equal(hl_machine_alloc(vm->m, 0, &a, &vm->error), HL_ERR_ARGUMENT);
    check_error(&vm->error, HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_alloc(vm->m, SIZE_MAX, &a, &vm->error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_alloc(vm->m, 5 * PAGE + 1, &a, &vm->error), HL_ERR_LIMIT);
    check_error(&vm->error, HL_ERR_LIMIT);
    assert_int_equal(hl_machine_alloc(vm->m, 1, &a, &vm->error), 0);
    assert_int_equal(a % PAGE, 0);
    assert_int_equal(hl_machine_alloc(vm->m, 4 * PAGE, &b, &vm->error), 0);
    assert_int_equal(b, a + PAGE);
    const uint8_t *host = hl_machine_memory(vm->m, a, 5 * PAGE);
    assert_non_null(host);
    for (size_t i = 0; i < 5 * PAGE; i++)
        assert_int_equal(host[i], 0);
    assert_int_equal(hl_machine_alloc(vm->m, 1, &a, NULL), HL_ERR_LIMIT);
}

static void expect_map(struct vm *vm, hl_gva_t gva, hl_gpa_t gpa, size_t size, unsigned prot)
{
    int rc = hl_machine_map(vm->m, gva, gpa, size, prot, &vm->error);
    assert_int_equal(rc, HL_ERR_ARGUMENT);
    check_error(&vm->error, HL_ERR_ARGUMENT);
}

static void test_map_refused(void **state)
{
    struct vm *vm = *state;

    vm_create(vm);
    expect_map(vm, NOWHERE + 1, vm->spare, PAGE, RW);
    expect_map(vm, NOWHERE, vm->spare + 8, PAGE, RW);
    expect_map(vm, NOWHERE, vm->spare, PAGE - 1, RW);
    expect_map(vm, NOWHERE, vm->spare, 0, RW);
    expect_map(vm, 0, vm->spare, PAGE, RW);
    expect_map(vm, HALF, vm->spare, PAGE, RW);
    expect_map(vm, HALF - 3 * PAGE, vm->spare, 3 * PAGE, RW);
    expect_map(vm, 0xffff800000000000, vm->spare, PAGE, RW);
    expect_map(vm, 0xfffffffffffff000, vm->spare, PAGE, RW);
    expect_map(vm, 0xfffffffffffff000, vm->spare, 2 * PAGE, RW);
    expect_map(vm, NOWHERE, vm->spare, SIZE_MAX - PAGE + 1, RW);
    expect_map(vm, NOWHERE, vm->spare, PAGE, HL_PROT_WRITE | HL_PROT_EXEC);
    expect_map(vm, NOWHERE, vm->spare, PAGE, 8);
    expect_map(vm, NOWHERE, vm->spare, PAGE, 0x100);
    expect_map(vm, NOWHERE, UINT64_MAX & ~0xfffull, PAGE, RW);
    assert_int_equal(hl_machine_lookup(vm->m, NOWHERE, NULL, NULL), HL_ERR_ARGUMENT);
}

/* Shim and page tables lie below what alloc gives out: none of it can be mapped. */
static void test_map_of_host_pages_refused(void **state)
{
    struct vm *vm = *state;

    vm_create(vm);
    assert_true(vm->code > 0);
    for (hl_gpa_t gpa = 0; gpa < vm->code; gpa += PAGE)
        expect_map(vm, NOWHERE, gpa, PAGE, HL_PROT_READ);
    expect_map(vm, NOWHERE, vm->code - PAGE, 2 * PAGE, RW);
}

static void test_protect_refused(void **state)
{
    struct vm *vm = *state;
    unsigned prot;

    vm_create(vm);
    assert_int_equal(hl_machine_protect(vm->m, DATA, PAGE, HL_PROT_WRITE | HL_PROT_EXEC, NULL),
                     HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_protect(vm->m, DATA + 1, PAGE, RW, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_protect(vm->m, NOWHERE, PAGE, RW, &vm->error), HL_ERR_ARGUMENT);
    check_error(&vm->error, HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_protect(vm->m, 0xffff800000000000, PAGE, RW, NULL),
                     HL_ERR_ARGUMENT);
    /* A hole in the middle: an error, the pages around it are changed all the same. */
    assert_int_equal(hl_machine_unmap(vm->m, DATA + PAGE, PAGE, &vm->error), 0);
    assert_int_equal(hl_machine_protect(vm->m, DATA, 3 * PAGE, HL_PROT_READ, &vm->error),
                     HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_lookup(vm->m, DATA + 2 * PAGE, NULL, &prot), 0);
    assert_int_equal(prot, HL_PROT_READ);
    assert_int_equal(hl_machine_lookup(vm->m, DATA + PAGE, NULL, NULL), HL_ERR_ARGUMENT);
}

static void test_unmap_refused(void **state)
{
    struct vm *vm = *state;

    vm_create(vm);
    assert_int_equal(hl_machine_unmap(vm->m, 0, PAGE, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_unmap(vm->m, 0xffff800000000000, PAGE, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_unmap(vm->m, DATA, PAGE + 1, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_unmap(vm->m, NOWHERE, PAGE, NULL), 0);
}

static void test_lookup(void **state)
{
    struct vm *vm = *state;
    hl_gpa_t gpa;
    unsigned prot;

    vm_create(vm);
    assert_int_equal(hl_machine_lookup(vm->m, DATA + PAGE + 5, &gpa, &prot), 0);
    assert_int_equal(gpa, vm->data + PAGE + 5);
    assert_int_equal(prot, RW);
    assert_int_equal(hl_machine_lookup(vm->m, CODE, NULL, &prot), 0);
    assert_int_equal(prot, RX);
    /* READ is implied by the other two; NONE is mapped all the same. */
    assert_int_equal(hl_machine_map(vm->m, NOWHERE, vm->spare, PAGE, HL_PROT_WRITE, NULL), 0);
    assert_int_equal(hl_machine_lookup(vm->m, NOWHERE, NULL, &prot), 0);
    assert_int_equal(prot, RW);
    assert_int_equal(hl_machine_protect(vm->m, NOWHERE, PAGE, HL_PROT_NONE, NULL), 0);
    assert_int_equal(hl_machine_lookup(vm->m, NOWHERE, &gpa, &prot), 0);
    assert_int_equal(gpa, vm->spare);
    assert_int_equal(prot, HL_PROT_NONE);
    assert_int_equal(hl_machine_lookup(vm->m, 0, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_lookup(vm->m, HALF, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_lookup(vm->m, CODE | 1ull << 63, NULL, NULL), HL_ERR_ARGUMENT);
}

/* The shim is the host's: not there for lookups, reads or writes on the guest's behalf. */
static void test_shim_is_hidden(void **state)
{
    struct vm *vm = *state;
    uint8_t byte = 0;

    vm_create(vm);
    for (hl_gva_t at = 0xffff800000000000; at < 0xffff800000008000; at += PAGE) {
        assert_int_equal(hl_machine_lookup(vm->m, at, NULL, NULL), HL_ERR_ARGUMENT);
        assert_int_equal(hl_machine_read(vm->m, at, &byte, 1, 0), 0);
        assert_int_equal(hl_machine_write(vm->m, at, &byte, 1, 0), 0);
    }
}

static void test_memory_bounds(void **state)
{
    struct vm *vm = *state;

    vm_create(vm);
    assert_non_null(hl_machine_memory(vm->m, vm->data, DATA_PAGES * PAGE));
    assert_ptr_equal((char *)hl_machine_memory(vm->m, vm->data, 8) + PAGE,
                     hl_machine_memory(vm->m, vm->data + PAGE, 8));
    assert_null(hl_machine_memory(vm->m, vm->data, SIZE_MAX));
    assert_null(hl_machine_memory(vm->m, UINT64_MAX, 2));
    assert_null(hl_machine_memory(vm->m, 1ull << 40, 0x1000));
}

static void test_read_and_write_across_pages(void **state)
{
    struct vm *vm = *state;
    uint8_t out[3 * PAGE], in[3 * PAGE];

    vm_create(vm);
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 7 + i / PAGE);
    /* Two neighbours in the address space that are none in memory. */
    assert_int_equal(hl_machine_map(vm->m, DATA + 2 * PAGE, vm->spare, PAGE, RW, NULL), 0);
    assert_int_equal(hl_machine_write(vm->m, DATA + 100, out, sizeof(out), 0), sizeof(out));
    assert_int_equal(hl_machine_read(vm->m, DATA + 100, in, sizeof(in), HL_PROT_READ), sizeof(in));
    assert_memory_equal(in, out, sizeof(in));
    assert_memory_equal(vm_memory(vm, vm->spare), out + 2 * PAGE - 100, PAGE);
    assert_int_equal(hl_machine_read(vm->m, DATA, in, 0, 0), 0);
}

static void test_read_stops_at_hole(void **state)
{
    struct vm *vm = *state;
    uint8_t bytes[2 * PAGE] = {0};

    vm_create(vm);
    hl_gva_t end = DATA + DATA_PAGES * PAGE;
    assert_int_equal(hl_machine_read(vm->m, end - 10, bytes, 100, 0), 10);
    assert_int_equal(hl_machine_write(vm->m, end - 10, bytes, 100, 0), 10);
    assert_int_equal(hl_machine_read(vm->m, NOWHERE, bytes, 1, 0), 0);
    assert_int_equal(hl_machine_read(vm->m, 0, bytes, 1, 0), 0);
    assert_int_equal(hl_machine_read(vm->m, UINT64_MAX - 3, bytes, 100, 0), 0);
    assert_int_equal(hl_machine_read(vm->m, HALF, bytes, 100, 0), 0);
    /* A page outside the machine's memory is a device's: nothing to copy. */
    assert_int_equal(hl_machine_map(vm->m, NOWHERE, 1ull << 40, PAGE, RW, NULL), 0);
    assert_int_equal(hl_machine_read(vm->m, NOWHERE, bytes, 1, 0), 0);
    assert_int_equal(hl_machine_write(vm->m, NOWHERE, bytes, 1, 0), 0);
}

static void test_read_and_write_need(void **state)
{
    struct vm *vm = *state;
    uint8_t bytes[8] = {0};

    vm_create(vm);
    assert_int_equal(hl_machine_write(vm->m, CONSTANT, bytes, 8, HL_PROT_WRITE), 0);
    assert_int_equal(hl_machine_write(vm->m, CONSTANT, bytes, 8, 0), 8);
    assert_int_equal(hl_machine_read(vm->m, CONSTANT, bytes, 8, HL_PROT_EXEC), 0);
    assert_int_equal(hl_machine_read(vm->m, CODE, bytes, 8, HL_PROT_EXEC), 8);
    assert_int_equal(hl_machine_write(vm->m, CODE, bytes, 8, HL_PROT_WRITE), 0);
    assert_int_equal(hl_machine_protect(vm->m, DATA, PAGE, HL_PROT_NONE, NULL), 0);
    assert_int_equal(hl_machine_read(vm->m, DATA, bytes, 8, HL_PROT_READ), 0);
    assert_int_equal(hl_machine_read(vm->m, DATA, bytes, 8, 0), 8);
    /* Copying stops where the next page lacks what is needed. */
    assert_int_equal(hl_machine_protect(vm->m, DATA, PAGE, RW, NULL), 0);
    assert_int_equal(hl_machine_protect(vm->m, DATA + PAGE, PAGE, HL_PROT_READ, NULL), 0);
    assert_int_equal(hl_machine_write(vm->m, DATA + PAGE - 3, bytes, 8, HL_PROT_WRITE), 3);
}

/* Far-apart pages take a table each: at some point there are none left, and that is an error. */
static void test_page_tables_run_out(void **state)
{
    struct vm *vm = *state;
    unsigned mapped = 0;
    int rc = 0;

    vm_create(vm);
    while (!rc && mapped < 1000) {
        rc = hl_machine_map(vm->m, (mapped + 1ull) << 32, vm->spare, PAGE, RW, &vm->error);
        mapped += !rc;
    }
    assert_int_equal(rc, HL_ERR_LIMIT);
    check_error(&vm->error, HL_ERR_LIMIT);
    assert_true(mapped > 16);
    assert_int_equal(hl_machine_lookup(vm->m, 1ull << 32, NULL, NULL), 0);
    assert_int_equal(hl_machine_lookup(vm->m, (mapped + 1ull) << 32, NULL, NULL), HL_ERR_ARGUMENT);
}

/* What config.memory and config.mapped promise can be allocated, in one piece or page by page. */
static void test_mapped_is_enough(void **state)
{
    struct hl_machine_config config = {.memory = PAGE, .mapped = 64u << 20};
    struct vm *vm = *state;
    hl_gpa_t gpa;

    assert_int_equal(hl_machine_create(&vm->m, &config, &vm->error), 0);
    assert_int_equal(hl_machine_alloc(vm->m, PAGE, &gpa, &vm->error), 0);
    for (hl_gva_t at = 0x1ff000; at < 0x1ff000 + config.mapped; at += PAGE)
        assert_int_equal(hl_machine_map(vm->m, at, gpa, PAGE, HL_PROT_READ, &vm->error), 0);
}

static void test_destroy_before_run(void **state)
{
    struct hl_machine_config config = {.memory = 0};
    struct vm *vm = *state;

    assert_int_equal(hl_machine_create(&vm->m, &config, &vm->error), 0);
    hl_machine_kick(vm->m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_refused),
        cmocka_unit_test(test_destroy_null),
        cmocka_unit_test(test_device_missing),
        cmocka_unit_test(test_device_is_another),
        cmocka_unit_test(test_device_forbidden),
        cmocka_unit_test(test_out_of_descriptors),
        VM_TEST(test_alloc),
        VM_TEST(test_map_refused),
        VM_TEST(test_map_of_host_pages_refused),
        VM_TEST(test_protect_refused),
        VM_TEST(test_unmap_refused),
        VM_TEST(test_lookup),
        VM_TEST(test_shim_is_hidden),
        VM_TEST(test_memory_bounds),
        VM_TEST(test_read_and_write_across_pages),
        VM_TEST(test_read_stops_at_hole),
        VM_TEST(test_read_and_write_need),
        VM_TEST(test_page_tables_run_out),
        VM_TEST(test_mapped_is_enough),
        VM_TEST(test_destroy_before_run),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
