/*
 * test_{{name}}.c - calls the guest's functions in a micro-VM and checks what they return.
 *
 * A program of the host.  Each test gets a sandbox of its own, so none sees what another did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hl/hl.h>

#define CHECK(condition) check((condition), #condition, __LINE__)

static struct hl_image *image;
static struct hl_sandbox *sandbox;
static struct hl_error error; /* of the last call */
static int failures;          /* in the test in progress */

static void check(int holds, const char *condition, int line)
{
    if (holds)
        return;
    printf("# line %d: %s does not hold (last error: %s)\n", line, condition, error.text);
    failures++;
}

/* Calls a function whose result is a string: that string, or "" after an error. */
static const char *call_string(const char *function, const char *argument)
{
    struct hl_value arg = hl_string(argument), result;
    const char *text = "";

    if (!hl_sandbox_call(sandbox, function, &arg, 1, &result, &error))
        hl_get_string(&result, &text, &error);
    return text;
}

static void test_greet(void)
{
    CHECK(!strcmp(call_string("Greet", "world"), "Hello, world!"));
    CHECK(!strcmp(call_string("Greet", ""), "Hello, !"));
}

static void test_greet_long_name(void)
{
    static char name[100001];
    const char *text;

    memset(name, 'x', sizeof(name) - 1);
    text = call_string("Greet", name);
    CHECK(strlen(text) == strlen("Hello, !") + strlen(name));
    CHECK(!strncmp(text, "Hello, xxx", 10));
}

static void test_add(void)
{
    struct hl_value args[] = {hl_i32(40), hl_i32(2)}, result;
    int32_t sum = 0;

    CHECK(!hl_sandbox_call(sandbox, "Add", args, 2, &result, &error));
    CHECK(!hl_get_i32(&result, &sum, &error));
    CHECK(sum == 42);
}

/* An error that the guest reports leaves it usable. */
static void test_add_overflow(void)
{
    struct hl_value args[] = {hl_i32(INT32_MAX), hl_i32(1)}, result;
    int32_t sum = 0;

    CHECK(hl_sandbox_call(sandbox, "Add", args, 2, &result, &error) == HL_ERR_GUEST_ERROR);
    CHECK(hl_sandbox_guest_code(sandbox) == 2);
    args[1] = hl_i32(-1);
    CHECK(!hl_sandbox_call(sandbox, "Add", args, 2, &result, &error));
    CHECK(!hl_get_i32(&result, &sum, &error));
    CHECK(sum == INT32_MAX - 1);
}

static void test_reverse(void)
{
    struct hl_value arg = hl_bytes("\0\1\2\377", 4), result;
    const void *data = "";
    size_t len = 0;

    CHECK(!hl_sandbox_call(sandbox, "Reverse", &arg, 1, &result, &error));
    CHECK(!hl_get_bytes(&result, &data, &len, &error));
    CHECK(len == 4 && !memcmp(data, "\377\2\1", 4));
    arg = hl_bytes(NULL, 0);
    CHECK(!hl_sandbox_call(sandbox, "Reverse", &arg, 1, &result, &error));
    CHECK(!hl_get_bytes(&result, &data, &len, &error) && len == 0);
}

/* Through the guest to host.c and back. */
static void test_capital(void)
{
    CHECK(!strcmp(call_string("Capital", "Kenya"), "Nairobi"));
}

static void test_capital_unknown(void)
{
    struct hl_value arg = hl_string("Atlantis");

    CHECK(hl_sandbox_call(sandbox, "Capital", &arg, 1, NULL, &error) == HL_ERR_GUEST_ERROR);
    CHECK(strstr(error.text, "no capital is known of Atlantis") != NULL);
}

/* The library checks arguments before the guest runs. */
static void test_wrong_argument(void)
{
    struct hl_value arg = hl_i32(1);

    CHECK(hl_sandbox_call(sandbox, "Greet", &arg, 1, NULL, &error) == HL_ERR_SIGNATURE);
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"greet", test_greet},
    {"greet_long_name", test_greet_long_name},
    {"add", test_add},
    {"add_overflow", test_add_overflow},
    {"reverse", test_reverse},
    {"capital", test_capital},
    {"capital_unknown", test_capital_unknown},
    {"wrong_argument", test_wrong_argument},
};

/* A new sandbox, ready for calls. */
static int start(void)
{
    int rc = hl_sandbox_create(&sandbox, image, NULL, &error);

    if (!rc)
        rc = hl_plugin_register(sandbox, &error);
    if (!rc)
        rc = hl_sandbox_start(sandbox, &error);
    return rc;
}

static void die(void)
{
    fprintf(stderr, "error: %s\n", error.text);
    if (error.hint[0])
        fprintf(stderr, "hint: %s\n", error.hint);
    exit(1);
}

/* The guest lies beside this program, wherever it is started from. */
static void open_guest(void)
{
    static const char guest[] = "/{{name}}";
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - sizeof(guest));
    char *slash;

    path[len < 0 ? 0 : len] = '\0';
    slash = strrchr(path, '/');
    memcpy(slash ? slash : path, guest, sizeof(guest));
    if (hl_image_open(&image, path, &error))
        die();
}

int main(void)
{
    size_t count = sizeof(tests) / sizeof(tests[0]), failed = 0;

    open_guest();
    for (size_t i = 0; i < count; i++) {
        failures = 0;
        error = (struct hl_error){0};
        if (start())
            die();
        tests[i].run();
        hl_sandbox_destroy(sandbox);
        sandbox = NULL;
        printf("%s %s\n", failures ? "not ok" : "ok", tests[i].name);
        failed += failures != 0;
    }
    hl_image_close(image);
    printf("%zu passed, %zu failed\n", count - failed, failed);
    return failed != 0;
}
