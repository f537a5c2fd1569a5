# hostlib: libhl, static and shared, and its public headers.

# From the bottom up.  parts.c, which puts the library together, is above them all.
H := hostlib/src
HL_ROOMS := $(addprefix $H/,base env image machine kvm sandbox linux attach core snapshot symbols profile debug hook)
SEES_$H/image := $H/base
SEES_$H/machine := $H/base
SEES_$H/kvm := $(addprefix $H/,base env machine)
SEES_$H/sandbox := $(addprefix $H/,base image machine)
SEES_$H/linux := $(addprefix $H/,base machine sandbox)
SEES_$H/attach := $(addprefix $H/,base env image machine sandbox)
SEES_$H/core := $(addprefix $H/,base image machine sandbox)
SEES_$H/snapshot := $(addprefix $H/,base image machine sandbox)
SEES_$H/symbols := $(addprefix $H/,base env image)
SEES_$H/profile := $(addprefix $H/,base image machine sandbox symbols)
SEES_$H/debug := $(addprefix $H/,base image machine sandbox attach core snapshot)
SEES_$H/hook := $(addprefix $H/,base env image machine sandbox attach profile debug)
SEES_$H := $(HL_ROOMS)

HL_SRC := $H/parts.c $(wildcard $(HL_ROOMS:%=%/*.c))
HL_OWN_OBJ := $(HL_SRC:%.c=$(B)/obj/%.o) $(B)/obj/$H/kvm/shim_code.o
# The stub is in it: HL_GDB works in every program that links libhl.
HL_OBJ := $(HL_OWN_OBJ) $(GDB_OBJ) $(COMMON_OBJ)
HL_HEADERS := $(wildcard hostlib/include/hl/*.h)
# libiberty comes as an archive only: what is taken of it is libhl's own business.
HL_LIBS := -ldw -lelf -lZydis -ljansson -lz -lzstd -liberty -Wl,--exclude-libs,libiberty.a
HL_SONAME := libhl.so.0

# A host program's thread may have a small stack (hl/sandbox.h says how small).
$(HL_SRC:%.c=$(B)/obj/%.o): HL_CFLAGS += $(if $(SAN),,-Wframe-larger-than=5000)

$(B)/obj/%.o: %.S | $(DEPS)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HL_CPPFLAGS) $(WALLS) -MMD -MP -c -o $@ $<

# Two members, for a program that links libhlgdb.a beside it has the stub from one of the two.
$(B)/obj/libhl.o: $(HL_OWN_OBJ) $(COMMON)
$(B)/lib/libhl.a: $(B)/obj/libhl.o $(B)/obj/libhlgdb.o
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# For tests of what is inside, and tools that need a part: every object with all its names.  It is
# not installed.
$(B)/obj/libhl-inside.a: $(HL_OBJ)
	$(Q)rm -f $@ && $(AR) qcs $@ $^

$(B)/lib/$(HL_SONAME): $(HL_OBJ)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared -Wl,-soname,$(HL_SONAME) $(if $(SAN),,-Wl,-z,defs) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(HL_LIBS) -pthread

$(B)/lib/libhl.so: $(B)/lib/$(HL_SONAME)
	$(Q)ln -sf $(HL_SONAME) $@

$(B)/include/hl/%.h: hostlib/include/hl/%.h
	@mkdir -p $(@D)
	$(Q)cp $< $@

# ${pcfiledir} makes it right in the build tree, in an installed one and in a moved one.
$(B)/lib/pkgconfig/hl.pc: hostlib/hl.pc.in Makefile
	@mkdir -p $(@D)
	$(Q)sed 's/@VERSION@/$(VERSION)/; s/@SAN@/$(if $(SAN),-fsanitize=$(SAN) )/' $< > $@

HOSTLIB_ALL := $(B)/lib/libhl.a $(B)/lib/libhl.so $(B)/lib/pkgconfig/hl.pc \
               $(HL_HEADERS:hostlib/include/%=$(B)/include/%)
all: $(HOSTLIB_ALL)
