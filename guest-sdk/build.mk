# SPDX-License-Identifier: Apache-2.0
# The guest SDK: what hl-cc links guests with, made below $(B) as it is installed.
#
# Always built for guests, so neither SAN nor CFLAGS reach it.  -fPIE: one archive serves both kinds
# of guest.  No stack protector: parts run before there is a canary.  -fno-builtin and no loop
# patterns: memcpy() must not be compiled to a call of itself.

SDK_LIB := $(B)/lib/hl
SDK_OBJ := $(B)/obj/guest-sdk
SDK_CFLAGS := -std=gnu11 $(WARN) -O2 -g -fPIE -ffreestanding -fno-builtin \
              -fno-tree-loop-distribute-patterns -fno-omit-frame-pointer -fno-stack-protector \
              -fcf-protection=none -fvisibility=hidden -ffunction-sections -Iguest-sdk/include

SDK_SRC := $(wildcard guest-sdk/src/*.c)
SDK_FREE_SRC := $(wildcard guest-sdk/src/free/*.c)

SDK_BIN_FILES := $(B)/bin/hl-cc
# The linker of hl-cc, a program of the host, under each name that a compiler looks for.
SDK_LINK_FILES := $(SDK_LIB)/hl-link $(addprefix $(SDK_LIB)/linkers/,ld ld.bfd ld.gold ld.lld ld.mold)
SDK_LIB_FILES := $(addprefix $(SDK_LIB)/,crt0.o crt0-free.o crtn.o libhlguest.a libhlfree.a \
                     hl-libc.specs hl-free.specs hl-guest.ld hl-guest-pie.ld hl-sections.ld \
                     hl-linker.ld lld/hl-linker.ld) \
                 $(SDK_LINK_FILES)
SDK_HEADERS := abi.h guest.h guest-detail.h
# Twice: for everyone in include/hl, and for hl-cc in a place that holds nothing else, so that a
# prefix of /usr does not put the host's libc headers before a guest.
SDK_INCLUDE_FILES := $(addprefix $(B)/include/hl/,$(SDK_HEADERS)) \
                     $(addprefix $(SDK_LIB)/include/hl/,$(SDK_HEADERS)) \
                     $(SDK_LIB)/include/freestanding/limits.h

# What a test that builds a guest depends on; every file is installed where it is below $(B).
SDK_ALL := $(SDK_BIN_FILES) $(SDK_LIB_FILES) $(SDK_INCLUDE_FILES)

all: $(SDK_ALL)

$(SDK_OBJ)/%.o: guest-sdk/%.c | $(DEPS)
	$(call say,SDK-CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SDK_CFLAGS) -MMD -MP -c -o $@ $<

$(SDK_OBJ)/%.o: guest-sdk/%.S | $(DEPS)
	$(call say,SDK-AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -g -Iguest-sdk/include -c -o $@ $<

$(SDK_LIB)/libhlguest.a: $(SDK_SRC:%.c=$(B)/obj/%.o) $(SDK_OBJ)/src/outermost.o
$(SDK_LIB)/libhlfree.a: $(SDK_FREE_SRC:%.c=$(B)/obj/%.o)
$(SDK_LIB)/libhl%.a:
	$(call say,AR,$@)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(AR) rcsD $@ $^

# Both without lines: GDB's `break 47` is to mean the author's file, where a guest stops first and
# where no unit comes after it (hl-sections.ld).
$(SDK_LIB)/crt0.o: SDK_START := -DSTART=hl_start_libc -DNOTE_FLAGS=1
$(SDK_LIB)/crt0-free.o: SDK_START := -DSTART=hl_start_free -DNOTE_FLAGS=0
$(SDK_LIB)/crt0.o $(SDK_LIB)/crt0-free.o: guest-sdk/src/start.S guest-sdk/include/hl/abi.h \
    guest-sdk/build.mk | $(DEPS)
	$(call say,SDK-AS,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SDK_START) -Iguest-sdk/include -c -o $@ $<

$(SDK_LIB)/crtn.o: guest-sdk/src/crtn.S guest-sdk/build.mk | $(DEPS)
	$(call say,SDK-AS,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -c -o $@ $<

# From the archive, so that it works wherever it is installed; images need libelf only.
LINK_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(wildcard guest-sdk/link/*.c))
$(LINK_OBJ): $(B)/obj/%.o: %.c | $(DEPS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(CPPFLAGS) $(HL_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(SDK_LIB)/hl-link: $(LINK_OBJ) $(B)/obj/libhl-inside.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $(LINK_OBJ) $(B)/obj/libhl-inside.a -Wl,-Bstatic -lelf -lz -Wl,-Bdynamic

$(SDK_LIB)/linkers/%: guest-sdk/link/linker.sh
	@mkdir -p $(@D)
	$(Q)cp $< $@.tmp && chmod 755 $@.tmp && mv $@.tmp $@

$(SDK_LIB)/%.specs: guest-sdk/%.specs
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(SDK_LIB)/%.ld: guest-sdk/ld/%.ld
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(B)/include/hl/%.h: guest-sdk/include/hl/%.h
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(SDK_LIB)/include/%.h: guest-sdk/include/%.h
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(B)/bin/hl-cc: guest-sdk/hl-cc.in Makefile
	@mkdir -p $(@D)
	$(Q)sed 's/@VERSION@/$(VERSION)/' $< >$@.tmp
	$(Q)chmod 755 $@.tmp
	$(Q)mv $@.tmp $@
