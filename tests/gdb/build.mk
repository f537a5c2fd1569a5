# SPDX-License-Identifier: Apache-2.0
# tests/gdb: the stub alone, with a scripted target, a native process, real GDB.

GDBTEST_FLAGS = $(HL_CPPFLAGS) $(GDB_ROOMS:%=-I%) -Itests/gdb -iquote tests/kit $(TEST_DEFS) $(HL_CFLAGS) $(CFLAGS)
GDBTEST_BIN := $(patsubst tests/gdb/%.c,$(B)/tests/gdb/%,$(wildcard tests/gdb/test_*.c))
GDBTEST_ALL := $(GDBTEST_BIN) $(B)/tests/gdb/server $(B)/tests/gdb/play $(B)/tests/gdb/play-pie \
               $(B)/tests/gdb/driver \
               $(addprefix $(B)/tests/gdb/guests/,work work-pie play play-pie tls tls-pie faults \
                 faults-pie host.so)

$(GDBTEST_BIN): $(B)/tests/gdb/%: tests/gdb/%.c tests/gdb/fake_target.c $(wildcard tests/gdb/*.h) \
                tests/kit/agent_asm.h $(B)/obj/libhlgdb-inside.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GDBTEST_FLAGS) -o $@ $< tests/gdb/fake_target.c $(LDFLAGS) $(B)/obj/libhlgdb-inside.a \
	    -lcmocka -pthread

PTRACE_SRC := $(wildcard tests/gdb/ptrace_*.c)
$(B)/tests/gdb/server: tests/gdb/server.c $(PTRACE_SRC) tests/gdb/ptrace_target.h $(B)/lib/libhlgdb.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GDBTEST_FLAGS) -o $@ $< $(PTRACE_SRC) $(LDFLAGS) $(B)/lib/libhlgdb.a -pthread

# What is debugged there: static, like a guest.
$(B)/tests/gdb/play: tests/gdb/programs/play.c
	@mkdir -p $(@D)
	$(Q)$(CC) -g -O0 -static -no-pie -o $@ $<
$(B)/tests/gdb/play-pie: tests/gdb/programs/play.c
	@mkdir -p $(@D)
	$(Q)$(CC) -g -O0 -static-pie -o $@ $<

# A host program with a sandbox, and guests for it.
$(B)/tests/gdb/driver: tests/gdb/driver.c $(B)/lib/libhl.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(HL_CFLAGS) $(CFLAGS) -o $@ $< $(LDFLAGS) $(B)/lib/libhl.a $(HL_LIBS) -pthread
$(B)/tests/gdb/guests/work: tests/gdb/guests/work.c $(SDK_ALL)
	@mkdir -p $(@D)
	$(Q)$(B)/bin/hl-cc -g -O0 -o $@ $<
$(B)/tests/gdb/guests/work-pie: tests/gdb/guests/work.c $(SDK_ALL)
	@mkdir -p $(@D)
	$(Q)$(B)/bin/hl-cc -g -O0 -static-pie -o $@ $<
$(B)/tests/gdb/guests/play: tests/gdb/programs/play.c $(SDK_ALL)
	@mkdir -p $(@D)
	$(Q)$(B)/bin/hl-cc -g -O0 -o $@ $<

$(B)/tests/gdb/guests/play-pie: tests/gdb/programs/play.c $(SDK_ALL)
	@mkdir -p $(@D)
	$(Q)$(B)/bin/hl-cc -g -O0 -static-pie -o $@ $<
$(B)/tests/gdb/guests/tls $(B)/tests/gdb/guests/tls-pie: tests/gdb/guests/tls.c $(SDK_ALL)
	@mkdir -p $(@D)
	$(Q)$(B)/bin/hl-cc -g -O0 $(if $(filter %-pie,$@),-static-pie) -o $@ $<

# As a project's guests are built: optimised, so that frames are not all there is to go by.
$(B)/tests/gdb/guests/faults $(B)/tests/gdb/guests/faults-pie: tests/gdb/guests/faults.c $(SDK_ALL)
	@mkdir -p $(@D)
	$(Q)$(B)/bin/hl-cc -O1 -w $(if $(filter %-pie,$@),-static-pie) -o $@ $<
$(B)/tests/gdb/guests/host.so: tests/gdb/guests/host.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) -shared -fPIC -Wall -Wextra -o $@ $<

.PHONY: gdb-suite
gdb-suite: tests ## GDB's own gdb.base as a scoreboard; FILES="break jump", KIND=guest|native|gdbserver
	$(Q)FILES="$(FILES)" bash tests/gdb/suite/score.sh $(B) $(or $(KIND),guest)

tests: $(GDBTEST_ALL)
