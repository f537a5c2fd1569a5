# SPDX-License-Identifier: Apache-2.0
# gdbstub: libhlgdb, the GDB remote stub, and its public headers.  Of the others it knows common alone.

# From the bottom up.
G := gdbstub/src
GDB_ROOMS := $(addprefix $G/,wire session command server)
SEES_$G/session := $G/wire
SEES_$G/command := $(addprefix $G/,wire session)
SEES_$G/server := $(addprefix $G/,wire session command)
GDB_SRC := $(wildcard $(GDB_ROOMS:%=%/*.c))
GDB_OBJ := $(GDB_SRC:%.c=$(B)/obj/%.o)
GDB_HEADERS := $(wildcard gdbstub/include/hl/*.h)

# One object, whose hidden names are made local: a program that links it statically is as free in
# its own names as with the shared library, and cannot replace a function by accident.
$(B)/obj/libhl.o $(B)/obj/libhlgdb.o:
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -r -nostdlib -o $@.tmp $^
	$(Q)$(OBJCOPY) --localize-hidden $@.tmp $@ && rm -f $@.tmp

$(B)/obj/libhlgdb.o: $(GDB_OBJ) $(COMMON)
$(B)/lib/libhlgdb.a: $(B)/obj/libhlgdb.o
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# For tests of what is inside: every object with all its names.  It is not installed.
$(B)/obj/libhlgdb-inside.a: $(GDB_OBJ) $(COMMON_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

GDB_HEADERS_OUT := $(GDB_HEADERS:gdbstub/include/%=$(B)/include/%)
$(GDB_HEADERS_OUT): $(B)/include/%: gdbstub/include/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

GDBSTUB_ALL := $(B)/lib/libhlgdb.a $(GDB_HEADERS_OUT)
all: $(GDBSTUB_ALL)
