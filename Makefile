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
VERSION := 0.1.0

CC ?= gcc
AR ?= ar
CFLAGS ?= -O2 -g
WERROR ?= 1
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
        $(if $(filter 1,$(WERROR)),-Werror)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
HL_CPPFLAGS := -D_GNU_SOURCE -DHL_VERSION='"$(VERSION)"' -Ihostlib/include -Iguest-sdk/include -Igdbstub/include
HL_CFLAGS := -std=c11 $(WARN) -fvisibility=hidden -fPIC -pthread $(SANFLAGS)

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

$(B)/obj/%.o: %.c | $(DEPS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(CPPFLAGS) $(HL_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

include hostlib/build.mk
include guest-sdk/build.mk
include tools/build.mk
include tests/build.mk

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@echo 'Targets:'
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | sort -u | column -t -s '|'
	@echo 'Variables: V=1 (show commands), SAN=address,undefined, WERROR=0, PREFIX, DESTDIR'
