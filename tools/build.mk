# tools: hl-dev and hl-new, and the templates.

# From the bottom up; hl-dev.c above them all.
T := tools/dev
DEV_ROOMS := tools/shared $(addprefix $T/,base render crash cli run inspect trace profile)
SEES_$T/base := tools/shared
SEES_$T/render := $T/base
SEES_$T/crash := $T/base
SEES_$T/cli := tools/shared $(addprefix $T/,base render)
SEES_$T/run := $(addprefix $T/,base render crash cli)
SEES_$T/inspect := tools/shared $(addprefix $T/,base render crash cli run)
SEES_$T/trace := $(addprefix $T/,base render crash cli run)
SEES_$T/profile := $(addprefix $T/,base render crash cli run)
NEW_ROOMS := tools/new
SEES_tools/new := tools/shared
SEES_tools := $(DEV_ROOMS) $(NEW_ROOMS)

DEV_SRC := tools/hl-dev.c $(wildcard $(DEV_ROOMS:%=%/*.c))
DEV_OBJ := $(DEV_SRC:%.c=$(B)/obj/%.o)
NEW_SRC := tools/hl-new.c $(wildcard tools/new/*.c)
NEW_OBJ := $(NEW_SRC:%.c=$(B)/obj/%.o) $(patsubst %.c,$(B)/obj/%.o,$(wildcard tools/shared/*.c))

# hl-dev links archives where Debian has them: a dozen shared libraries would cost more start-up
# time than the micro-VM itself (docs/design.md, "One exec").  Plug-ins find libhl's functions in it.
DEV_LIBS := -Wl,-Bstatic -linih -ljansson -ldw -lelf -llzma -lbz2 -lz -lzstd -liberty -Wl,-Bdynamic -lZydis -ldl -pthread
$(B)/bin/hl-dev: $(DEV_OBJ) $(COMMON) $(B)/lib/libhl.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -static-libgcc -o $@ $(DEV_OBJ) $(COMMON) -Wl,--whole-archive $(B)/lib/libhl.a \
	    -Wl,--no-whole-archive -Wl,--export-dynamic -Wl,--exclude-libs,libiberty.a:libzstd.a $(DEV_LIBS)

# What turns a profile's document into output.  Of hl-dev it needs file.c, json_write.c and width.c, of libhl error.c.
RENDER_SRC := $(wildcard tools/dev/render/*.c)
# It contains them.
$(B)/obj/tools/dev/render/svg.o $(B)/fuzz/gcc/tools/dev/render/svg.o: tools/dev/render/flame.js tools/dev/render/flame.css

$(B)/bin/hl-new: $(NEW_OBJ) $(COMMON)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ -Wl,-Bstatic -linih -Wl,-Bdynamic

TEMPLATE_FILES := $(shell find templates -type f)
$(B)/share/hl/.templates: $(TEMPLATE_FILES) tools/build.mk
	$(call say,COPY,templates)
	$(Q)rm -rf $(B)/share/hl/templates && mkdir -p $(B)/share/hl
	$(Q)cp -R templates $(B)/share/hl/templates && touch $@

# What gdbinit of a project loads.
GDB_HELPERS := $(patsubst tools/%,$(B)/share/hl/%,$(wildcard tools/gdb/*.py))
$(GDB_HELPERS): $(B)/share/hl/gdb/%: tools/gdb/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

# The lists in the manuals that the tables of commands and options have, too.
$(B)/obj/manual: $(B)/obj/tools/manual.o $(patsubst %,$(B)/obj/tools/dev/cli/%.o,commands option_table) \
    $(B)/obj/tools/new/new_options.o
	$(call say,LD,$@)
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^

TABLE_MAN := docs/man/hl-dev.1 docs/man/hl-new.1
.PHONY: man man-check
man: $(B)/obj/manual ## put the tables of commands and options into the manuals
	$(Q)for f in $(TABLE_MAN); do $< <$$f >$(B)/obj/man.1 && { cmp -s $(B)/obj/man.1 $$f || cp $(B)/obj/man.1 $$f; } || exit 1; done
man-check: $(B)/obj/manual ## compare the manuals with the tables
	$(Q)for f in $(TABLE_MAN); do $< <$$f | diff -u $$f - || { echo "$$f: run make man" >&2; exit 1; }; done

TOOLS_BIN := $(B)/bin/hl-dev $(B)/bin/hl-new
TOOLS_ALL := $(TOOLS_BIN) $(GDB_HELPERS) $(B)/share/hl/.templates
all: $(TOOLS_ALL)
