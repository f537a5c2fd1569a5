/* SPDX-License-Identifier: Apache-2.0 */
/* test_data.c - registers, memory, objects, files, monitor commands. */
#include "kit.h"

#define R(b) #b #b #b #b #b #b #b #b

static void registers(void **state)
{
    struct kit *k = *state;
    char all[8192], one[64];
    size_t n;

    n = strlen(ask(k, "g"));
    assert_int_equal(n, 2 * k->s.register_bytes);
    memcpy(all, k->text, n + 1);
    assert_memory_equal(all, R(01) R(02) R(03), 48);
    /* rbx is not rbp, and r12 to r15 are themselves */
    expect(k, "p1", R(02));
    expect(k, "p6", R(07));
    expect(k, "pf", R(10));
    expect(k, "p39", "xxxxxxxxxxxxxxxx");
    expect_error(k, "p9a");
    expect_error(k, "p");
    expect_error(k, "pffffffffffffffff");
    expect(k, "P1=1122334455667788", "OK");
    expect(k, "p1", "1122334455667788");
    expect_error(k, "P1=11223344");
    expect_error(k, "P1=112233445566778899");
    expect_error(k, "P1=11223344556677zz");
    expect_error(k, "P1");
    expect_error(k, "P94=1122334455667788"); /* cr0: the target refuses */
    expect(k, "P94=" R(95), "OK");           /* what it is already: GDB does so after a call */
    expect(k, "p1", "1122334455667788");
    /* G writes what changed and nothing else; what is unknown stays. */
    ask(k, "g");
    memcpy(all, k->text, n + 1);
    memcpy(all, "ffffffffffffffff", 16);
    memmove(all + 1, all, n + 1);
    all[0] = 'G';
    k->fake.writes = 0;
    expect(k, all, "OK");
    assert_int_equal(k->fake.writes, 1);
    expect(k, "p0", "ffffffffffffffff");
    all[n - 1] = '\0';
    expect_error(k, all);
    snprintf(one, sizeof(one), "G%016d", 0);
    expect_error(k, one);
    k->fake.fail = HL_ERR_SYSTEM;
    expect(k, "p1", "xxxxxxxxxxxxxxxx");
    expect_error(k, "g");
    k->fake.fail = 0;
}

/* A client that reads no description: GDB's amd64 without one, 560 bytes. */
static void plain_registers(void **state)
{
    struct kit *k = *state;
    char all[2 * 560 + 2] = "G";

    gdb_session_end(&k->s);
    assert_int_equal(strlen(ask(k, "g")), 2 * 560);
    memcpy(all + 1, k->text, 2 * 560);
    assert_memory_equal(all + 1 + 2 * 544, R(3b) R(3c), 32); /* fs_base, gs_base */
    k->fake.writes = 0;
    memcpy(all + 1 + 2 * 552, "1122334455667788", 16);
    expect(k, all, "OK");
    assert_int_equal(k->fake.writes, 1);
    expect(k, "p3b", "1122334455667788");
    expect(k, "p3c", "E01"); /* ymm0h */
    expect(k, "P94=" R(95), "E01");
    ask(k, "qSupported:swbreak+;xmlRegisters=arm,i386-x"); /* not ours */
    assert_int_equal(strlen(ask(k, "g")), 2 * 560);
    ask(k, "qXfer:features:read:other.xml:0,10");
    assert_int_equal(strlen(ask(k, "g")), 2 * 560);
    ask(k, "qXfer:features:read:target.xml:0,10");
    assert_int_equal(strlen(ask(k, "g")), 2 * k->s.register_bytes);
    gdb_session_end(&k->s);
    ask(k, "qSupported:xmlRegisters=i386");
    assert_int_equal(strlen(ask(k, "g")), 2 * k->s.register_bytes);
}

/* What LLDB asks for, and GDB for thread-local variables. */
static void places(void **state)
{
    struct kit *k = *state;

    expect(k, "qGetTLSAddr:p1.1,20,0", "10020");
    expect(k, "qGetTLSAddr:p1.1,20,1000", "11020");
    expect_error(k, "qGetTLSAddr:p1.1,100,0");
    expect_error(k, "qGetTLSAddr:p1.2,20,0");
    expect_error(k, "qGetTLSAddr:p1.1,20");
    expect_error(k, "qGetTLSAddr:");
    expect(k, "qMemoryRegionInfo:0", "start:0;size:10000;");
    expect(k, "qMemoryRegionInfo:1ffff",
           "start:10000;size:10000;permissions:rx;name:2f67756573742f70726f6772616d;");
    expect(k, "qMemoryRegionInfo:20000", "start:20000;size:1000;");
    expect(k, "qMemoryRegionInfo:21000", "start:21000;size:2f000;permissions:rw;");
    expect(k, "qMemoryRegionInfo:ffffffffffffffff", "start:50000;size:fffffffffffb0000;");
    expect_error(k, "qMemoryRegionInfo:");
    expect_error(k, "qMemoryRegionInfo:1x");
    expect_error(k, "_M0,rw");
    expect_error(k, "_M1000");
    expect_error(k, "_M1000,rwxz");
    expect_error(k, "_M2000,rw");
    expect(k, "_M1000,rwx", "48000");
    expect_error(k, "_M1000,rw"); /* there is no more */
    expect_error(k, "_m48001");
    expect(k, "_m48000", "OK");
    expect_error(k, "_m48000");
    expect(k, "qHostInfo", "triple:7838365f36342d70632d6c696e7578;ptrsize:8;endian:little;");
    expect(k, "qProcessInfo",
           "pid:1;triple:7838365f36342d70632d6c696e7578;ptrsize:8;endian:little;");
    expect(k, "k", "X09;process:1");
}

static void memory(void **state)
{
    struct kit *k = *state;
    char want[64];

    snprintf(want, sizeof(want), "%02x%02x", k->fake.memory[0xfff], k->fake.memory[0x1000]);
    expect(k, "m10fff,2", want); /* across a page */
    expect_error(k, "mf000,10");
    expect_error(k, "m20000,1");
    assert_int_equal(strlen(ask(k, "m1fff0,20")), 32); /* up to the hole */
    expect_error(k, "mfffffffffffffff8,10");
    expect(k, "m10000,0", "");
    expect_error(k, "m10000");
    expect_error(k, "m10000,");
    expect_error(k, "mzz,4");
    expect_error(k, "m11112222333344445,4");
    assert_int_equal(strlen(ask(k, "m21000,ffffffff")), GDB_PACKET_SIZE);
    expect(k, "M10000,3:00ff7d", "OK");
    expect(k, "m10000,3", "00ff7d");
    feed(k, "x10000,3", 8);
    assert_true(take(k));
    assert_int_equal(k->size, 5);
    assert_memory_equal(k->text, "b\0\xff}]", 5);
    feed(k, "X10000,4:}\x03}]a}\x04", 15);
    assert_true(take(k));
    assert_string_equal(k->text, "E.malformed packet");
    feed(k, "X10000,4:}\x03}]a}\x04", 16);
    assert_true(take(k));
    assert_string_equal(k->text, "OK");
    expect(k, "m10000,4", "237d6124");
    expect(k, "X10000,0:", "OK");
    expect_error(k, "X10000,4:abc");
    expect_error(k, "X10000,2:a}");
    expect_error(k, "M10000,3:00ff");
    expect_error(k, "M10000,3:00ffzz");
    /* GDB before 16 reads a text as an error, except here. */
    k->s.error_message = false;
    expect(k, "m20000,1", "E01");
    expect_error(k, "M20000,1:00");
    k->s.error_message = true;
    expect_error(k, "M1fffe,4:00000000");
    expect_error(k, "Mfffffffffffffffe,4:00000000");
    expect_error(k, "M10000,ffffffffffffffff:00");
}

static void crc_and_search(void **state)
{
    struct kit *k = *state;

    memcpy(k->fake.memory, "123456789", 9);
    expect(k, "qCRC:10000,9", "C376e6e7");
    expect_error(k, "qCRC:1fff0,20");
    expect_error(k, "qCRC:10000,ffffffffffffffff");
    memcpy(k->fake.memory + 0x2fffd, "needle", 6);
    expect(k, "qSearch:memory:21000;20000;needle", "1,3fffd");
    expect(k, "qSearch:memory:21000;8000;needle", "0");
    expect_error(k, "qSearch:memory:1f000;30000;needle");
    expect(k, "qSearch:memory:21000;2;needle", "0");
    expect_error(k, "qSearch:memory:21000;20;");
    expect_error(k, "qSearch:memory:21000");
}

static void objects(void **state)
{
    struct kit *k = *state;
    char xml[65536] = "", packet[64];
    size_t n = 0;

    do {
        snprintf(packet, sizeof(packet), "qXfer:features:read:target.xml:%zx,3e8", n);
        ask(k, packet);
        assert_true(k->text[0] == 'm' || k->text[0] == 'l');
        memcpy(xml + n, k->text + 1, k->size - 1);
        n += k->size - 1;
        xml[n] = '\0';
    } while (k->text[0] == 'm');
    assert_int_equal(n, k->s.description.size);
    assert_non_null(strstr(xml, "<reg name=\"rbx\" bitsize=\"64\" type=\"int64\" regnum=\"1\"/>"));
    assert_non_null(strstr(xml, "</target>"));
    expect(k, "qXfer:features:read:other.xml:0,100", "E00");
    expect_error(k, "qXfer:features:read:target.xml:ffffff,100");
    expect_error(k, "qXfer:features:read:target.xml:0");
    expect_error(k, "qXfer:features:read:target.xml");
    expect(k, "qXfer:features:write:target.xml:0:00", "");
    expect(k, "qXfer:nothing:read::0,100", "");
    expect(k, "qXfer:exec-file:read:1:0,1000", "l/guest/program");
    expect(k, "qXfer:exec-file:read:1:5,2", "mt/");
    expect(k, "qXfer:exec-file:read:1:e,10", "l");
    expect_error(k, "qXfer:siginfo:read::0,1000");
    ask(k, "qXfer:threads:read::0,1000");
    assert_non_null(strstr(k->text, "<thread id=\"p1.1\" name=\"fake\">in &lt;main&gt; &amp; co<"));
    ask(k, "qXfer:auxv:read::0,1000");
    assert_int_equal(k->text[0], 'l');
    ask(k, "qXfer:memory-map:read::0,ffffffff");
    assert_non_null(strstr(k->text, "type=\"ram\""));
}

static void files(void **state)
{
    struct kit *k = *state;

    expect(k, "vFile:setfs:0", "F0");
    expect(k, "vFile:open:2f6574632f706173737764,0,0", "F-1,2");
    expect(k, "vFile:open:2f67756573742f70726f6772616d,1,0", "F-1,1e");
    expect(k, "vFile:open:2f67756573742f70726f6772616d00,0,0", "F-1,16");
    expect(k, "vFile:open:2f67756573742f70726f6772616d,0,0", "F0");
    ask(k, "vFile:fstat:0");
    assert_memory_equal(k->text, "F40;", 4);
    memset(k->fake.memory, '$', 100);
    ask(k, "vFile:pread:0,20000,0");
    assert_memory_equal(k->text, "F", 1);
    assert_true(k->size <= GDB_PACKET_SIZE && k->size > 0x10000);
    expect(k, "vFile:pread:0,10,10000", "F0;");
    expect(k, "vFile:pread:0,10,ffffffffffffffff", "F0;");
    expect(k, "vFile:pread:1,10,0", "F-1,9");
    expect(k, "vFile:pread:ffffffffff,10,0", "F-1,9");
    expect(k, "vFile:pread:0", "F-1,16");
    expect(k, "vFile:close:0", "F0");
    expect(k, "vFile:close:0", "F-1,9");
    expect(k, "vFile:readlink:2f", "F-1,16");
    expect(k, "vFile:unlink:2f", "F-1,1e");
    expect(k, "vFile:other:2f", "");
    for (int i = 0; i < GDB_FILES; i++)
        ask(k, "vFile:open:2f67756573742f70726f6772616d,0,0");
    expect(k, "vFile:open:2f67756573742f70726f6772616d,0,0", "F-1,18");
}

/* "vFile:VERB:" and the name in hex */
static void expect_file(struct kit *k, const char *verb, const char *name, const char *rest,
                        const char *answer)
{
    char packet[256];
    int n = snprintf(packet, sizeof(packet), "vFile:%s:", verb);

    for (; *name; name++)
        n += snprintf(packet + n, sizeof(packet) - (size_t)n, "%02x", (unsigned char)*name);
    snprintf(packet + n, sizeof(packet) - (size_t)n, "%s", rest);
    expect(k, packet, answer);
}

static void proc_files(void **state)
{
    struct kit *k = *state;

    expect_file(k, "open", "/proc/PID/maps", ",0,0", "F-1,2");
    expect_file(k, "open", "/proc/1/mem", ",0,0", "F-1,2");
    expect_file(k, "open", "/proc/1/", ",0,0", "F-1,2");
    expect_file(k, "open", "/proc/1/../1/maps", ",0,0", "F-1,2");
    expect_file(k, "open", "/proc/10/maps", ",0,0", "F-1,2");
    expect_file(k, "open", "/proc/1/maps", ",1,0", "F-1,1e");
    expect_file(k, "open", "/proc/1/maps", ",0,0", "F0");
    expect_file(k, "open", "/guest/program", ",0,0", "F1");
    expect(k, "vFile:pread:0,100,0", "F11;10000-50000 rwxp\n");
    expect(k, "vFile:pread:0,5,6", "F5;50000");
    expect(k, "vFile:pread:0,5,11", "F0;");
    expect(k, "vFile:close:0", "F0");
    expect(k, "vFile:pread:0,5,6", "F-1,9");
    expect_file(k, "open", "/proc/1/exe", ",0,0", "F0"); /* the program, not its name */
    expect(k, "vFile:pread:0,1,0", "F1;");               /* a byte of zero */
    expect(k, "vFile:close:0", "F0");
    expect_file(k, "open", "/proc/1/cwd", ",0,0", "F-1,15");
    expect_file(k, "open", "/proc/2/exe", ",0,0", "F-1,2");
    expect_file(k, "open", "/proc/1/task/exe", ",0,0", "F-1,2");
    expect_file(k, "readlink", "/proc/1/exe", "", "Fe;/guest/program");
    expect_file(k, "readlink", "/proc/1/cwd", "", "F1;/");
    expect_file(k, "readlink", "/proc/1/root", "", "F-1,16");
    expect_file(k, "readlink", "/proc/1/maps", "", "F-1,16");
    expect_file(k, "readlink", "exe", "", "F-1,16");
    expect(k, "vFile:readlink:zz", "F-1,16");
    expect_file(k, "open", "/proc/1/maps", ",0,0", "F0");
    for (int i = 2; i < GDB_FILES; i++)
        ask(k, "vFile:open:2f67756573742f70726f6772616d,0,0");
    expect_file(k, "open", "/proc/1/maps", ",0,0",
                "F-1,18"); /* what is open goes with the client */
}

static void monitors(void **state)
{
    struct kit *k = *state;

    expect(k, "qRcmd,6563686f206869", "O6869");
    assert_true(take(k));
    assert_string_equal(k->text, "OK");
    expect(k, "qRcmd,6563686f206261636b206869", "O6869"); /* "echo back hi" */
    assert_true(take(k));
    ask(k, "qRcmd,68656c70");
    while (take(k) && k->text[0] == 'O')
        continue;
    assert_string_equal(k->text, "OK");
    ask(k, "qRcmd,6563686f"); /* words first, then the error */
    assert_int_equal(k->text[0], 'O');
    assert_true(take(k));
    assert_string_equal(k->text, "E01");
    ask(k, "qRcmd,7878");
    assert_true(take(k));
    ask(k, "qRcmd,1b5b33316dc29b7fe280ae"); /* ESC [31m, U+009B, DEL, U+202E */
    assert_memory_equal(k->text, "O3f5b33316d3f3f3f3f3f3f3a20", 27);
    assert_true(take(k));
    assert_string_equal(k->text, "E01");
    expect_error(k, "qRcmd,7");
    expect_error(k, "qRcmd,zz");
    expect_error(k, "qRcmd,00");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(registers), T(plain_registers), T(places),     T(memory),   T(crc_and_search),
        T(objects),   T(files),           T(proc_files), T(monitors),
    };
    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
