# tests: `make check` runs every suite listed in tests/suites through tests/run.

# cmocka programs, in the room of what they test: test_*.c are of pure code, kvm_*.c need KVM.
# Those of tests/gdb have rules of their own.
TEST_SRC := $(filter-out tests/gdb/%,$(wildcard tests/*/test_*.c tests/*/kvm_*.c))
TEST_BIN := $(TEST_SRC:tests/%.c=$(B)/tests/%)
TEST_PURE := $(foreach t,$(TEST_BIN),$(if $(filter test_%,$(notdir $t)),$t))
TEST_KVM := $(filter-out $(TEST_PURE),$(TEST_BIN))
TEST_KIT := -iquote tests/kit
TEST_DEFS = -DTEST_BUILD='"$(abspath $(B))"' -DTEST_SOURCE='"$(CURDIR)/tests"'

$(B)/tests/%: tests/%.c $(B)/obj/libhl-inside.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(TEST_KIT) $(HL_ROOMS:%=-I%) $(TEST_DEFS) $(HL_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d \
	    -o $@ $(filter %.c %.o,$^) $(LDFLAGS) $(B)/obj/libhl-inside.a -lcmocka $(HL_LIBS) -pthread

# Under a timer when asked (tests/kvm/ticking.sh).
$(TEST_KVM): $(B)/obj/tests/kvm/tick.o

# The debug target on a backend that the test plays.
$(filter $(B)/tests/debug/test_%,$(TEST_PURE)): tests/kit/debug_rig.c tests/kit/scripted.c \
    tests/kit/debug_rig.h tests/kit/scripted.h

# hl-dev's command line.
$(B)/tests/cli/test_options: $(filter-out $(B)/obj/tools/hl-dev.o,$(DEV_OBJ))
$(B)/tests/cli/test_options: TEST_DEFS += $(DEV_ROOMS:%=-iquote %)
$(B)/tests/cli/test_options: HL_LIBS += -linih

# A sandbox without a KVM: the image and the player of the fuzz targets.
WITHOUT_KVM := $(addprefix $(B)/tests/,linux/test_heap sandbox/test_message cli/test_expr)
$(WITHOUT_KVM): private HL_CPPFLAGS += -iquote tests/fuzz
$(WITHOUT_KVM): tests/fuzz/tiny.c tests/fuzz/script.c tests/kit/scripted.c tests/fuzz/tiny.h
# Call expressions of hl-dev.
$(B)/tests/cli/test_expr: private HL_CPPFLAGS += -iquote tools/dev/cli
$(B)/tests/cli/test_expr: $(patsubst %,$(B)/obj/tools/dev/%.o,cli/expr base/file base/json_write) $(COMMON_SRC:%.c=$(B)/obj/%.o)

# hl_symbols against libdw (tests/symbols/oracle.sh).
$(B)/tests/symbols/oracle: tests/symbols/oracle.c $(B)/obj/libhl-inside.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(HL_ROOMS:%=-I%) $(HL_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d \
	    -o $@ $< $(LDFLAGS) $(B)/obj/libhl-inside.a $(HL_LIBS) -pthread

# Test guests, small and named for what they show; a large one has more files in a folder of its name.
GUEST_SRC := $(wildcard tests/guest/*.c)
GUEST_BIN := $(GUEST_SRC:tests/guest/%.c=$(B)/tests/guest/%)
$(B)/tests/guest/%: tests/guest/%.c $(SDK_ALL)
	$(call say,GUEST,$<)
	@mkdir -p $(@D)
	$(Q)$(B)/bin/hl-cc $(shell sed -n 's/^ \* flags: //p' $<) -O1 -Wall -Wextra -o $@ $< $(filter tests/guest/$*/%.c,$^)
$(B)/tests/guest/maps: tests/guest/mapping.h
$(foreach d,$(dir $(wildcard tests/guest/*/*.c)),$(eval $(B)/$(d:/=): $(wildcard $d*.c)))
$(B)/tests/guest/large_pie: tests/guest/large.c

# The example of docs/ is compiled and run as it stands there.
$(B)/tests/machine-example: docs/machine-example.c $(B)/lib/libhl.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -Wall -Wextra -Werror $(SANFLAGS) $(HL_CPPFLAGS) -o $@ $< $(B)/lib/libhl.a $(HL_LIBS) -pthread

-include $(wildcard $(B)/tests/*/*.d)

# Benchmarks are built too, so that none of them breaks unseen.
BENCH_BIN := $(addprefix $(B)/tests/bench/,floor cold restore bench gdb-floor gdb-guest)
TESTS_ALL := $(TEST_BIN) $(GUEST_BIN) $(B)/tests/symbols/oracle $(B)/tests/machine-example $(BENCH_BIN) $(B)/obj/manual
.PHONY: tests
tests: all $(TESTS_ALL) ## build the tests
check: tests ## run every test; SUITES="name ..." runs some
	$(Q)tests/run $(B) $(SUITES)

# Benchmarks: ratios measured in one run; built by check, never run by it.
$(B)/tests/bench/%: tests/bench/%.c | $(DEPS)
	$(call say,BENCH,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) -std=c11 $(WARN) -O2 -o $@ $<

# The guest of bench-gdb.
$(B)/tests/bench/gdb-guest: tests/bench/gdb-guest.c $(SDK_ALL)
	$(call say,GUEST,$<)
	@mkdir -p $(@D)
	$(Q)$(B)/bin/hl-cc -g -O0 -no-pie -o $@ $<

$(B)/tests/bench/restore: tests/bench/restore.c $(B)/obj/libhl-inside.a
	$(call say,BENCH,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(HL_ROOMS:%=-I%) -std=c11 $(WARN) $(SANFLAGS) -O2 -MMD -MP -MF $@.d -o $@ $< $(B)/obj/libhl-inside.a $(HL_LIBS) -pthread

# The figures of docs/performance.md.  ROUNDS is that of bench-cold below.
BENCH_SRC := $(wildcard tests/bench/bench*.c) tests/bench/raw.c
$(B)/tests/bench/bench: $(BENCH_SRC) $(wildcard tests/bench/*.h) $(B)/obj/libhl-inside.a
	$(call say,BENCH,tests/bench/bench.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(HL_ROOMS:%=-I%) -std=c11 $(WARN) $(SANFLAGS) -O2 -o $@ $(BENCH_SRC) $(B)/obj/libhl-inside.a $(HL_LIBS) -ljansson -pthread

.PHONY: bench
bench: $(B)/tests/bench/bench $(B)/tests/guest/conformance $(B)/tests/guest/exits ## speed against a floor of raw KVM, table and JSON; ROUNDS=200
	$(Q)mkdir -p $(B)/bench
	$(Q)$(B)/tests/bench/bench $(B)/tests/guest/conformance $(ROUNDS) $(B)/bench/bench.json
	@echo 'in full: $(B)/bench/bench.json'

.PHONY: bench-restore
bench-restore: $(B)/tests/bench/restore $(B)/tests/guest/rewind ## going back to a snapshot against copying the changed pages
	$(Q)$(B)/tests/bench/restore $(B)/tests/guest/rewind

# It has the machine's inside, to run it without all that makes it one.
$(B)/tests/bench/gdb-floor: tests/bench/gdb-floor.c $(B)/obj/libhl-inside.a
	$(call say,BENCH,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(HL_ROOMS:%=-I%) -std=c11 $(WARN) $(SANFLAGS) -O2 -MMD -MP -MF $@.d -o $@ $< $(B)/obj/libhl-inside.a $(HL_LIBS) -pthread

GDB_ROUNDS ?= 5
.PHONY: bench-gdb
bench-gdb: all $(B)/tests/bench/gdb-floor $(B)/tests/bench/gdb-guest ## GDB on a guest against gdbserver on the same code; GDB_ROUNDS=5
	$(Q)bash tests/bench/gdb.sh $(B) $(GDB_ROUNDS)

ROUNDS ?= 200
$(B)/bench/program: all
	$(Q)rm -rf $(B)/bench/program && mkdir -p $(B)/bench
	$(Q)$(B)/bin/hl-new -q -t program $(B)/bench/program
	$(Q)$(MAKE) --no-print-directory -s -C $(B)/bench/program HL_BIN=$(abspath $(B))/bin

.PHONY: bench-cold $(B)/bench/program
bench-cold: $(B)/tests/bench/floor $(B)/tests/bench/cold $(B)/bench/program ## start-up of a guest against the raw KVM floor
	$(Q)strip -o $(B)/bench/stripped $(B)/bench/program/build/program
	$(Q)$(B)/tests/bench/cold $(ROUNDS) floor=$(B)/tests/bench/floor \
	    "hl-dev run program=$(B)/bin/hl-dev run $(B)/bench/program/build/program"
	@printf 'program guest: %d bytes, stripped %d\n' $$(stat -c %s $(B)/bench/program/build/program $(B)/bench/stripped)

check-nested: tests ## run the suites that need KVM on a standard KVM (kvm_amd in QEMU)
	$(Q)bash tests/real/real.sh $(B) --compile >/dev/null || true
	$(Q)tests/run -n $(B) $(SUITES)
