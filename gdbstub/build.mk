# SPDX-License-Identifier: Apache-2.0
# gdbstub: libhlgdb, the GDB remote stub, and its public headers.  It depends on no other room.

GDB_SRC := $(wildcard gdbstub/src/*.c)
GDB_OBJ := $(GDB_SRC:%.c=$(B)/obj/%.o)
GDB_HEADERS := $(wildcard gdbstub/include/hl/*.h)

$(B)/lib/libhlgdb.a: $(GDB_OBJ)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

GDB_HEADERS_OUT := $(GDB_HEADERS:gdbstub/include/%=$(B)/include/%)
$(GDB_HEADERS_OUT): $(B)/include/%: gdbstub/include/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

GDBSTUB_ALL := $(B)/lib/libhlgdb.a $(GDB_HEADERS_OUT)
all: $(GDBSTUB_ALL)
