# SPDX-License-Identifier: Apache-2.0
# common: pieces that libraries and programs share.  It is the room below all others and depends on
# none: each library and each program links a copy of what it uses, under hidden names.
COMMON_SRC := $(wildcard common/*.c)
COMMON_OBJ := $(COMMON_SRC:%.c=$(B)/obj/%.o)
COMMON := $(B)/obj/common.a
$(COMMON): $(COMMON_OBJ)
	$(Q)rm -f $@ && $(AR) qcs $@ $^
