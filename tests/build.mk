# tests: `make check` runs every suite listed in tests/suites through tests/run.

# cmocka programs: pure ones in unit/, those that need KVM in kvm/.
TEST_SRC := $(wildcard tests/unit/test_*.c) $(wildcard tests/kvm/test_*.c)
TEST_BIN := $(TEST_SRC:tests/%.c=$(B)/tests/%)
TEST_DEFS = -DTEST_BUILD='"$(abspath $(B))"' -DTEST_SOURCE='"$(CURDIR)/tests"'

$(B)/tests/%: tests/%.c $(B)/lib/libhl.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) -Ihostlib/src $(TEST_DEFS) $(HL_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d \
	    -o $@ $< $(LDFLAGS) $(B)/lib/libhl.a -lcmocka $(HL_LIBS) -pthread

# Test guests, small and named for what they show.
GUEST_SRC := $(wildcard tests/guest/*.c)
GUEST_BIN := $(GUEST_SRC:tests/guest/%.c=$(B)/tests/guest/%)
$(B)/tests/guest/%: tests/guest/%.c $(SDK_ALL)
	$(call say,GUEST,$<)
	@mkdir -p $(@D)
	$(Q)$(B)/bin/hl-cc $(shell sed -n 's/^ \* flags: //p' $<) -O1 -Wall -Wextra -o $@ $<

# The example of docs/ is compiled and run as it stands there.
$(B)/tests/machine-example: docs/machine-example.c $(B)/lib/libhl.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -Wall -Wextra -Werror $(SANFLAGS) $(HL_CPPFLAGS) -o $@ $< $(B)/lib/libhl.a $(HL_LIBS) -pthread

-include $(wildcard $(B)/tests/*/*.d)

TESTS_ALL := $(TEST_BIN) $(GUEST_BIN) $(B)/tests/machine-example
.PHONY: tests
tests: all $(TESTS_ALL) ## build the tests
check: tests ## run every test; SUITES="name ..." runs some
	$(Q)tests/run $(B) $(SUITES)
