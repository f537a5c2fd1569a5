# make lint: what tools find without running anything (docs/testing.md).
#
# clang-tidy takes minutes for all of the product: a stamp a file, as old as the object that it was
# compiled to, so that a second run looks at what has changed only.

TIDY := $(B)/lint/tidy
TIDY_HOST := $(HL_SRC) $(GDB_SRC) $(DEV_SRC) $(NEW_SRC) $(wildcard guest-sdk/link/*.c)
TIDY_GUEST := $(SDK_SRC) $(SDK_FREE_SRC)
$(TIDY_GUEST:%.c=$(TIDY)/%.ok): TIDY_FLAGS = -std=gnu11 -O2 -ffreestanding -Iguest-sdk/include
$(TIDY_HOST:%.c=$(TIDY)/%.ok): TIDY_FLAGS = -std=c11 $(HL_CPPFLAGS) $(WALLS) -include tests/lint/analyzer.h
# But for the file that defines the function that kvm.h describes, ...
TIDY_KVM := $(filter-out %/vcpu_sync.c,$(filter hostlib/src/kvm/%,$(HL_SRC)))
$(TIDY_KVM:%.c=$(TIDY)/%.ok): TIDY_FLAGS += -include tests/lint/kvm.h
# ... and for analyzer.h's.
$(TIDY)/hostlib/src/base/error.ok: TIDY_FLAGS = -std=c11 $(HL_CPPFLAGS) $(WALLS)

$(TIDY)/%.ok: %.c $(B)/obj/%.o .clang-tidy tests/lint/analyzer.h tests/lint/kvm.h
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(Q)clang-tidy --quiet $< -- $(TIDY_FLAGS) >$@.out 2>$@.err || { cat $@.out $@.err; exit 1; }
	@touch $@

.PHONY: lint tidy format
tidy: $(TIDY_HOST:%.c=$(TIDY)/%.ok) $(TIDY_GUEST:%.c=$(TIDY)/%.ok)
lint: all ## what tools find in the sources without running them; LINT_PARTIAL=1 where some are missing
	$(Q)tools/packages -l install || :
	$(Q)LINT_PARTIAL=$(LINT_PARTIAL) bash tests/lint.sh $(B) $(CHECKS)

format: ## what clang-format and the width of prose ask for
	$(Q)find $(patsubst %/,%,$(filter-out build/,$(wildcard */))) -name '*.[ch]' -exec clang-format -i {} +
	$(Q)for f in README.md docs/*.md; do LC_ALL=C.UTF-8 awk -v width=110 -f tests/lint/wrap.awk $$f >$(B)/wrapped && \
	    { cmp -s $(B)/wrapped $$f || cp $(B)/wrapped $$f; } || exit 1; done; rm -f $(B)/wrapped
