# SPDX-License-Identifier: Apache-2.0
# Chaos, fault injection, fuzzing, and what they run in `make check`.

$(B)/tests/chaos/chaos: tests/chaos/chaos.c $(B)/obj/libhl-inside.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(HL_ROOMS:%=-I%) $(HL_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< \
	    $(LDFLAGS) $(B)/obj/libhl-inside.a $(HL_LIBS) -pthread
-include $(B)/tests/chaos/chaos.d
tests: $(B)/tests/chaos/chaos

T ?= 60
SEEDS ?= 10000
.PHONY: chaos
chaos: $(B)/tests/chaos/chaos $(B)/tests/guest/chaos ## a guest that does anything, SEEDS=10000 times, from SEED=1
	$(Q)$(B)/tests/chaos/chaos $(B)/tests/guest/chaos $(or $(SEED),1) $(SEEDS)

STORM_SRC := $(wildcard tests/storm/*.c)
$(B)/tests/storm/storm: $(STORM_SRC) tests/storm/storm.h tests/kit/left.h tests/kit/kit.h $(B)/lib/libhl.a
	$(call say,TEST,tests/storm/storm.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) -iquote tests/kit $(HL_CFLAGS) $(CFLAGS) -o $@ $(STORM_SRC) $(LDFLAGS) \
	    $(B)/lib/libhl.a $(HL_LIBS) -ljansson -lcmocka -pthread
tests: $(B)/tests/storm/storm

.PHONY: storm
storm: $(B)/tests/storm/storm $(B)/tests/guest/conformance ## all that a host does at once, under signals, T=60 seconds, from SEED=1
	$(Q)$(B)/tests/storm/storm $(B)/tests/guest/conformance $(or $(SEED),1) $(T)

# libhl with the linker between it and the system.
WRAPPED := malloc calloc realloc strdup free mmap munmap ioctl open eventfd memfd_create socket \
           pthread_create ftruncate write pwrite pread mprotect rename fstat read mkstemp fsync \
           fchmod madvise timer_create timer_settime sigaction bind listen getrandom fcntl openat \
           asprintf
$(B)/tests/fault/fault: $(wildcard tests/fault/*.[ch]) tests/kit/left.h $(B)/lib/libhl.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(HL_CFLAGS) $(CFLAGS) -o $@ $(filter %.c,$^) $(LDFLAGS) \
	    $(WRAPPED:%=-Wl,--wrap=%) $(B)/lib/libhl.a $(HL_LIBS) -pthread
tests: $(B)/tests/fault/fault

# Fuzzing without a KVM: libhl on a backend that follows a script.  Built by gcc with sanitizers for the
# corpora in `make check`, and by clang for libFuzzer where that is installed.
FUZZ_TARGETS := image guest snapshot ini expr core rsp profile unwind dwarf heap
FUZZ_LIB := $(filter-out hostlib/src/parts.c hostlib/src/kvm/%,$(HL_SRC)) \
            $(GDB_SRC) $(COMMON_SRC) tools/dev/cli/expr.c tools/dev/cli/project.c tools/dev/base/file.c tools/shared/ini_lines.c tools/dev/base/json_write.c tools/dev/base/width.c tools/dev/inspect/corefile.c tools/dev/inspect/corefile_bytes.c tools/dev/inspect/corefile_notes.c \
            $(RENDER_SRC) tests/gdb/fake_target.c tests/fuzz/tiny.c tests/fuzz/script.c tests/kit/scripted.c tests/fuzz/parts.c tests/fuzz/ask.c
FUZZ_DRIVER := $(patsubst %,$(B)/fuzz/gcc/tests/fuzz/%.o,driver fuzz mutate)
.PRECIOUS: $(B)/fuzz/clang/%.o
# What one input may cost, in both drivers: seconds of processor time, MiB in one allocation, MiB
# resident.  libFuzzer's own -timeout is of wall time: it is for an input that waits.
FUZZ_TIMEOUT := 1
FUZZ_MALLOC_MB := 256
FUZZ_RSS_MB := 1024
FUZZ_BOUNDS := -DFUZZ_TIMEOUT=$(FUZZ_TIMEOUT) -DFUZZ_MALLOC_MB=$(FUZZ_MALLOC_MB) -DFUZZ_RSS_MB=$(FUZZ_RSS_MB)
FUZZ_CFLAGS = $(HL_CPPFLAGS) $(FUZZ_BOUNDS) $(patsubst %,-iquote %,$(HL_ROOMS) $(DEV_ROOMS) $(GDB_ROOMS) tools tests/fuzz tests/kit tests/gdb) -std=c11 -g -O1 -pthread
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_LINK := -Wl,--wrap=LLVMFuzzerTestOneInput
FUZZ_LIBS := -linih $(HL_LIBS)

$(B)/fuzz/gcc/%.o: %.c tests/life.mk | $(DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_CFLAGS) $(FUZZ_SAN) -fsanitize-coverage=trace-pc -MMD -MP -c -o $@ $<
$(B)/fuzz/clang/%.o: %.c tests/life.mk | $(DEPS)
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	    -MMD -MP -c -o $@ $<
$(B)/fuzz/gcc.a: $(FUZZ_LIB:%.c=$(B)/fuzz/gcc/%.o) $(B)/fuzz/gcc/tests/fuzz/cover.o
$(B)/fuzz/clang.a: $(FUZZ_LIB:%.c=$(B)/fuzz/clang/%.o)
$(B)/fuzz/gcc.a $(B)/fuzz/clang.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) qcs $@ $^
-include $(shell find $(B)/fuzz/gcc $(B)/fuzz/clang -name '*.d' 2>/dev/null)

# bomb is there to be found (tests/fuzz/driver.sh).
FUZZ_CORPUS := $(patsubst %,$(B)/tests/fuzz/%-corpus,$(FUZZ_TARGETS) bomb)
$(FUZZ_CORPUS): $(B)/tests/fuzz/%-corpus: $(B)/fuzz/gcc/tests/fuzz/%.o \
    $(FUZZ_DRIVER) $(B)/fuzz/gcc/tests/fuzz/bound.o $(B)/fuzz/gcc.a
	$(call say,FUZZ,$*)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_SAN) $(FUZZ_LINK) -o $@ $^ $(FUZZ_LIBS) -pthread
$(B)/fuzz/%-fuzzer: $(B)/fuzz/clang/tests/fuzz/%.o $(B)/fuzz/clang/tests/fuzz/bound.o $(B)/fuzz/clang.a
	$(call say,FUZZ,$@)
	$(Q)clang -fsanitize=fuzzer,address,undefined $(FUZZ_LINK) -o $@ $^ $(FUZZ_LIBS) -pthread
$(B)/fuzz/seeds/.made: tests/fuzz/seeds.sh $(wildcard tests/symbols/guests/*) $(wildcard tests/profile/*.json)
	$(call say,SEEDS,$(@D))
	$(Q)sh tests/fuzz/seeds.sh $(CC) $(@D) && touch $@
tests: $(FUZZ_CORPUS) $(B)/fuzz/seeds/.made

# Renderers of profiles: for render.sh, and on documents that were damaged.
$(B)/tests/profile/render: tests/profile/render.c $(RENDER_SRC:%.c=$(B)/obj/%.o) \
    $(B)/obj/tools/dev/base/file.o $(B)/obj/tools/dev/base/json_write.o $(B)/obj/tools/dev/base/width.o \
    $(B)/obj/hostlib/src/base/error.o $(COMMON)
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(DEV_ROOMS:%=-iquote %) $(HL_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ \
	    $(filter %.c %.o %.a,$^) $(LDFLAGS) -ljansson
$(B)/tests/profile/damage: $(B)/fuzz/gcc/tests/profile/damage.o $(B)/fuzz/gcc.a
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_SAN) -o $@ $^ $(FUZZ_LIBS) -ljansson -pthread
tests: $(B)/tests/profile/render $(B)/tests/profile/damage

# Findings are left in $(B)/fuzz; what is new in a corpus stays in $(B)/fuzz/TARGET.  Without libFuzzer
# the driver of the corpora does it: gcc's coverage, fewer inputs a second.
T ?= 60
ifneq ($(filter fuzz fuzz-%,$(MAKECMDGOALS)),)
FUZZ_ENGINE ?= $(shell echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | \
    clang -x c -fsanitize=fuzzer,address,undefined -o /dev/null - 2>/dev/null && echo libfuzzer || echo gcc)
endif
FUZZER = $(if $(filter libfuzzer,$(FUZZ_ENGINE)),$(B)/fuzz/$(1)-fuzzer,$(B)/tests/fuzz/$(1)-corpus)
FUZZ_OPTIONS = $(if $(filter libfuzzer,$(FUZZ_ENGINE)),-timeout=30 -malloc_limit_mb=$(FUZZ_MALLOC_MB) \
    -rss_limit_mb=$(FUZZ_RSS_MB) -max_len=65536 -print_final_stats=1 -verbosity=0)
.PHONY: fuzz $(FUZZ_TARGETS:%=fuzz-%)
fuzz: ## fuzz all there is, T=60 seconds each; with clang and libclang-rt-14-dev by libFuzzer
	@$(if $(filter gccfile,$(FUZZ_ENGINE)$(origin FUZZ_ENGINE)),echo 'fuzz: no libFuzzer (clang and libclang-rt-14-dev): with gcc and the driver of the corpora')
	+$(Q)$(MAKE) --no-print-directory -k $(FUZZ_TARGETS:%=fuzz-%) FUZZ_ENGINE=$(FUZZ_ENGINE)
define FUZZ_RULE
fuzz-$(1): $(call FUZZER,$(1)) $(B)/fuzz/seeds/.made
	@mkdir -p $(B)/fuzz/$(1) $(B)/fuzz/seeds/$(1) && echo "fuzz: $(1), $(T) s"
	$(Q)$$< -max_total_time=$(T) $(FUZZ_OPTIONS) $(if $(wildcard tests/fuzz/$(1).dict),-dict=tests/fuzz/$(1).dict) \
	    -artifact_prefix=$(B)/fuzz/$(1)- $(B)/fuzz/$(1) $(wildcard tests/fuzz/$(1)-corpus) $(B)/fuzz/seeds/$(1)
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call FUZZ_RULE,$(t))))

# Tests of pure code under valgrind, which a guest cannot run under.
.PHONY: valgrind
valgrind: tests ## the unit tests under valgrind
	$(Q)for t in $(TEST_PURE); do \
	    printf '%s: ' $$t; \
	    HL_TEST_SLOW=50 valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect \
	        $$t >$(B)/valgrind.log 2>&1 && echo fine || { cat $(B)/valgrind.log; exit 1; }; done
