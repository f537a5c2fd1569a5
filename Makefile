# SPDX-License-Identifier: Apache-2.0
# libhl: micro-VM guests one can write, run and debug.  `make help` lists the targets.
#
# One non-recursive build.  Each room has a build.mk that says what it is made of; everything is
# made below $(B), which is laid out like an installed prefix (bin, lib, include, share), so the
# tools find their parts the same way before and after `make install`.

SAN ?=
comma := ,
B := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

PREFIX ?= /usr/local
DESTDIR ?=
MAN := $(wildcard docs/man/*.1)
VERSION := 0.1.0

CC ?= gcc
AR ?= ar
OBJCOPY ?= objcopy
CFLAGS ?= -O2 -g
WERROR ?= 1
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
        $(if $(filter 1,$(WERROR)),-Werror)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
HL_CPPFLAGS := -D_GNU_SOURCE -DHL_VERSION='"$(VERSION)"' -Ihostlib/include -Iguest-sdk/include -Igdbstub/include -Icommon
HL_CFLAGS := -std=c11 $(WARN) -fvisibility=hidden -fexceptions -fPIC -pthread $(SANFLAGS)

# Quiet by default; V=1 shows every command.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

.PHONY: all demo check install uninstall clean help deps
.DEFAULT_GOAL := all
all: ## build the libraries, the guest SDK and the tools

# What a bare Debian lacks is installed once; the stamp remembers it.
DEPS := build/.packages
deps: $(DEPS) ## install the Debian packages the build and the tests need
$(DEPS): tools/packages
	$(Q)tools/packages install
	@mkdir -p $(@D) && touch $@

# A room is a folder of sources.  SEES_folder lists the folders whose headers it may include; all
# others do not compile.  Each build.mk lists its rooms from the bottom up; tests/rooms.sh checks.
WALLS = $(SEES_$(patsubst %/,%,$(dir $<)):%=-I%)

$(B)/obj/%.o: %.c | $(DEPS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(WALLS) $(CPPFLAGS) $(HL_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

include common/build.mk
include gdbstub/build.mk
include hostlib/build.mk
include guest-sdk/build.mk
include tools/build.mk
include tests/build.mk
include tests/gdb/build.mk
include tests/life.mk
include tests/lint.mk

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# The five-minute story, as a stranger would type it.
demo: all ## scaffold a guest, build it, and run it in a micro-VM
	$(Q)rm -rf build/demo && mkdir -p build/demo
	$(B)/bin/hl-new -q build/demo/hello
	$(Q)$(MAKE) --no-print-directory -s -C build/demo/hello HL_BIN=$(abspath $(B))/bin
	$(B)/bin/hl-dev run build/demo/hello

# $(B) is laid out as a prefix: installing is copying.
INSTALLED := $(SDK_BIN_FILES) $(SDK_LIB_FILES) $(SDK_INCLUDE_FILES) $(HOSTLIB_ALL) $(GDBSTUB_ALL) $(TOOLS_BIN) $(GDB_HELPERS)
D = $(DESTDIR)$(PREFIX)
install: all ## install below DESTDIR/PREFIX (default /usr/local)
	$(call say,INSTALL,$(D))
	$(Q)for f in $(filter-out %.so,$(INSTALLED:$(B)/%=%)) lib/$(HL_SONAME); do \
	    case $$f in bin/* | lib/hl/hl-link | lib/hl/linkers/*) m=755 ;; *) m=644 ;; esac; \
	    install -D -m $$m "$(B)/$$f" "$(D)/$$f" || exit 1; done
	$(Q)ln -sf $(HL_SONAME) "$(D)/lib/libhl.so"
	$(Q)mkdir -p "$(D)/share/hl" && rm -rf "$(D)/share/hl/templates" && \
	    cp -R $(B)/share/hl/templates "$(D)/share/hl/templates"
	$(Q)for f in $(notdir $(MAN)); do install -D -m 644 docs/man/$$f "$(D)/share/man/man1/$$f"; done
	$(Q)mkdir -p "$(D)/share/bash-completion/completions" "$(D)/share/zsh/site-functions"
	$(Q)$(B)/bin/hl-dev completion bash >"$(D)/share/bash-completion/completions/hl-dev"
	$(Q)$(B)/bin/hl-dev completion zsh >"$(D)/share/zsh/site-functions/_hl-dev"

uninstall: ## remove what install put there
	$(Q)cd "$(D)" && rm -f $(INSTALLED:$(B)/%=%) lib/$(HL_SONAME) lib/libhl.so \
	    $(MAN:docs/man/%=share/man/man1/%) \
	    share/bash-completion/completions/hl-dev share/zsh/site-functions/_hl-dev
	$(Q)rm -rf "$(D)/lib/hl" "$(D)/include/hl" "$(D)/share/hl"

clean: ## remove everything that was built
	rm -rf build

# For tests/rooms.sh.
.PHONY: list-rooms
list-rooms:
	@$(foreach r,common $(HL_ROOMS) $(GDB_ROOMS) $(DEV_ROOMS) $(NEW_ROOMS),echo '$r:$(SEES_$r)';)

help: ## this list
	@echo 'Targets:'
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | sort -u | column -t -s '|'
	@echo 'Variables: V=1 (show commands), SAN=address,undefined, WERROR=0, PREFIX, DESTDIR'
