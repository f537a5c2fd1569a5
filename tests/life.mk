# SPDX-License-Identifier: Apache-2.0
# Chaos, fault injection, fuzzing, and what they run in `make check`.

$(B)/tests/chaos/chaos: tests/chaos/chaos.c $(B)/obj/libhl-inside.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) -Ihostlib/src $(HL_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< \
	    $(LDFLAGS) $(B)/obj/libhl-inside.a $(HL_LIBS) -pthread
-include $(B)/tests/chaos/chaos.d
tests: $(B)/tests/chaos/chaos

T ?= 60
SEEDS ?= 10000
.PHONY: chaos
chaos: $(B)/tests/chaos/chaos $(B)/tests/guest/chaos ## a guest that does anything, SEEDS=10000 times, from SEED=1
	$(Q)$(B)/tests/chaos/chaos $(B)/tests/guest/chaos $(or $(SEED),1) $(SEEDS)

STORM_SRC := $(wildcard tests/storm/*.c)
$(B)/tests/storm/storm: $(STORM_SRC) tests/storm/storm.h tests/left.h tests/kvm/kit.h $(B)/lib/libhl.a
	$(call say,TEST,tests/storm/storm.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) -iquote tests/kvm $(HL_CFLAGS) $(CFLAGS) -o $@ $(STORM_SRC) $(LDFLAGS) \
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
$(B)/tests/fault/fault: tests/fault/fault.c tests/fault/wrap.c tests/fault/wrap.h $(B)/lib/libhl.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(HL_CFLAGS) $(CFLAGS) -o $@ $(filter %.c,$^) $(LDFLAGS) \
	    $(WRAPPED:%=-Wl,--wrap=%) $(B)/lib/libhl.a $(HL_LIBS) -pthread
tests: $(B)/tests/fault/fault

# Fuzzing without a KVM: libhl on a vCPU that follows a script.  Built twice: by gcc with sanitizers
# for the corpora in `make check`, by clang for libFuzzer.
FUZZ_TARGETS := image guest snapshot ini expr core
FUZZ_LIB := $(filter-out hostlib/src/vcpu_kvm% hostlib/src/kvm.c hostlib/src/kvm_hint.c hostlib/src/cpuid.c,$(HL_SRC)) \
            $(GDB_SRC) tools/dev/expr.c tools/dev/project.c tools/dev/file.c tools/dev/project_ini.c tools/dev/json_write.c tools/dev/width.c tools/dev/quote.c tools/dev/corefile.c tools/dev/corefile_notes.c \
            tests/fuzz/tiny.c tests/fuzz/scripted.c
FUZZ_CFLAGS = $(HL_CPPFLAGS) -iquote hostlib/src -iquote tools -iquote tools/dev -iquote tests/fuzz -std=c11 -g -O1 -pthread
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_LIBS := -linih $(HL_LIBS)

$(B)/fuzz/gcc/%.o: %.c | $(DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_CFLAGS) $(FUZZ_SAN) -MMD -MP -c -o $@ $<
$(B)/fuzz/clang/%.o: %.c | $(DEPS)
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	    -MMD -MP -c -o $@ $<
$(B)/fuzz/gcc.a: $(FUZZ_LIB:%.c=$(B)/fuzz/gcc/%.o) $(B)/obj/hostlib/src/shim.o
$(B)/fuzz/clang.a: $(FUZZ_LIB:%.c=$(B)/fuzz/clang/%.o) $(B)/obj/hostlib/src/shim.o
$(B)/fuzz/gcc.a $(B)/fuzz/clang.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
-include $(shell find $(B)/fuzz/gcc $(B)/fuzz/clang -name '*.d' 2>/dev/null)

$(FUZZ_TARGETS:%=$(B)/tests/fuzz/%-corpus): $(B)/tests/fuzz/%-corpus: $(B)/fuzz/gcc/tests/fuzz/%.o \
    $(B)/fuzz/gcc/tests/fuzz/driver.o $(B)/fuzz/gcc.a
	$(call say,FUZZ,$*)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_SAN) -o $@ $^ $(FUZZ_LIBS) -pthread
$(B)/fuzz/%-fuzzer: $(B)/fuzz/clang/tests/fuzz/%.o $(B)/fuzz/clang.a
	$(call say,FUZZ,$@)
	$(Q)clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(FUZZ_LIBS) -pthread
tests: $(FUZZ_TARGETS:%=$(B)/tests/fuzz/%-corpus)

# Renderers of profiles: for render.sh, and on documents that were damaged.
$(B)/tests/profile/render: tests/profile/render.c $(RENDER_SRC:%.c=$(B)/obj/%.o) \
    $(B)/obj/tools/dev/file.o $(B)/obj/tools/dev/json_write.o $(B)/obj/tools/dev/width.o $(B)/lib/libhl.a
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) -iquote tools/dev $(HL_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ \
	    $(filter %.c %.o %.a,$^) $(LDFLAGS) $(HL_LIBS) -ljansson
$(B)/tests/profile/damage: $(B)/fuzz/gcc/tests/profile/damage.o $(RENDER_SRC:%.c=$(B)/fuzz/gcc/%.o) \
    $(B)/fuzz/gcc.a
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_SAN) -o $@ $^ $(FUZZ_LIBS) -ljansson -pthread
tests: $(B)/tests/profile/render $(B)/tests/profile/damage

# Findings are left in $(B)/fuzz; what is new in a corpus stays in $(B)/fuzz/TARGET.
.PHONY: fuzz $(FUZZ_TARGETS:%=fuzz-%)
fuzz: fuzz-rsp $(FUZZ_TARGETS:%=fuzz-%) ## fuzz all there is, T=60 seconds each (needs clang and libclang-rt-14-dev)
fuzz-rsp: FUZZ_SECONDS := $(T)
$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(B)/fuzz/%-fuzzer
	@mkdir -p $(B)/fuzz/$*
	$(Q)$< -max_total_time=$(T) -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
	    $(if $(wildcard tests/fuzz/$*.dict),-dict=tests/fuzz/$*.dict) \
	    -artifact_prefix=$(B)/fuzz/$*- $(B)/fuzz/$* tests/fuzz/$*-corpus

# Tests of pure code under valgrind, which a guest cannot run under.
.PHONY: valgrind
valgrind: tests ## the unit tests under valgrind
	$(Q)for t in $(filter $(B)/tests/unit/%,$(TEST_BIN)); do \
	    printf '%s: ' $$t; \
	    HL_TEST_SLOW=50 valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect \
	        $$t >$(B)/valgrind.log 2>&1 && echo fine || { cat $(B)/valgrind.log; exit 1; }; done
