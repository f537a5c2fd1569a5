/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's loop in 40 lines: a guest of four instructions that adds on two pages. */
#include <stdio.h>
#include <string.h>

#include <hl/machine.h>

static const unsigned char code[] = {
    0x83, 0x07, 0x2a, /* addl $42, (%rdi): the page is missing, at first  */
    0x8b, 0x07,       /* movl (%rdi), %eax                                */
    0xe7, 0x80,       /* outl %eax, $0x80: the host's turn                */
    0xeb, 0xf7,       /* jmp back to the first one                        */
};

int main(void)
{
    const uint16_t port[] = {0x80, 0x81, 0x82, 0x83}; /* an outl covers four */
    struct hl_machine_config config = {.memory = 2 * 4096, .port = port, .port_count = 4};
    struct hl_regs regs = {.rip = 0x401000, .rdi = 0x500000};
    struct hl_machine *m;
    struct hl_error e;
    struct hl_exit exit;
    hl_gpa_t text, data;

    if (hl_machine_create(&m, &config, &e))
        return fprintf(stderr, "%s\nhint: %s\n", e.text, e.hint), 1;
    hl_machine_alloc(m, 4096, &text, &e);
    hl_machine_alloc(m, 4096, &data, &e);
    memcpy(hl_machine_memory(m, text, sizeof(code)), code, sizeof(code));
    hl_machine_map(m, 0x401000, text, 4096, HL_PROT_READ | HL_PROT_EXEC, &e);
    hl_machine_set_regs(m, &regs, &e);
    for (unsigned sum = 0; sum < 126 && hl_machine_run(m, &exit, &e) == 0;) {
        if (exit.kind == HL_EXIT_FAULT && exit.fault.address == 0x500000) {
            printf("%s: mapping it\n", hl_fault_name(exit.fault.vector));
            hl_machine_map(m, 0x500000, data, 4096, HL_PROT_READ | HL_PROT_WRITE, &e);
        } else if (exit.kind == HL_EXIT_IO) {
            printf("port 0x%x: %u\n", exit.io.port, sum = exit.io.value);
        } else {
            return printf("unexpected exit %d\n", exit.kind), 1;
        }
    }
    hl_machine_destroy(m);
    return 0;
}
