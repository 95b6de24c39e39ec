# SPDX-License-Identifier: MIT
# dom0's programs: ordinary dynamically linked Linux programs. Libraries of our own are archives.
# The folder of a program holds only its own sources; what programs share is in tools/lib.

T_CFLAGS := $(COMMON_CFLAGS) -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
	-fPIE -Wformat -Wformat-security -Itools/include -Iinclude
T_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--build-id=none
XML_CFLAGS := $(shell xml2-config --cflags 2>/dev/null || echo -I/usr/include/libxml2)

$(B)/t/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(T_CFLAGS) $(if $(filter tools/xml/%,$<),$(XML_CFLAGS)) -MMD -MP -c $< -o $@

t_obj = $(patsubst %.c,$(B)/t/%.o,$(sort $(wildcard $(1)/*.c)))

# archive NAME, FOLDER
define T_ARCHIVE
$(B)/tools/$(1): $(call t_obj,$(2))
	@mkdir -p $$(@D)
	rm -f $$@
	ar rcsD $$@ $$^
T_OBJ += $(call t_obj,$(2))
endef
# program NAME, FOLDER, archives, libraries
define T_PROGRAM
ifneq ($(wildcard $(2)/*.c),)
$(B)/tools/$(1): $(call t_obj,$(2)) $(3)
	@mkdir -p $$(@D)
	$$(CC) $$(T_LDFLAGS) $$^ $(4) -o $$@
T_OBJ += $(call t_obj,$(2))
CODE_TARGETS += $(B)/tools/$(1)
endif
endef

T_OBJ :=
LIBZX := $(B)/tools/libzx.a
$(eval $(call T_ARCHIVE,libzx.a,tools/lib))
$(eval $(call T_PROGRAM,xenstored,tools/xenstored,$(LIBZX),))
$(eval $(call T_PROGRAM,xenconsoled,tools/xenconsoled,$(LIBZX),))
LIBZXBUILD := $(B)/tools/libzxbuild.a
$(eval $(call T_ARCHIVE,libzxbuild.a,tools/builder))
LIBZXXML := $(B)/tools/libzxxml.a
$(eval $(call T_ARCHIVE,libzxxml.a,tools/xml))
LIBZXSTREAM := $(B)/tools/libzxstream.a
$(eval $(call T_ARCHIVE,libzxstream.a,tools/stream))
CODE_TARGETS += $(LIBZXSTREAM) $(LIBZX) $(LIBZXBUILD) $(LIBZXXML)
# What a program that links the builder needs besides: -lz -llzma -llz4 -lzstd
LIBZXBUILD_LIBS := -lz -llzma -llz4 -lzstd
$(eval $(call T_PROGRAM,xl,tools/xl,$(LIBZXSTREAM) $(LIBZXBUILD) $(LIBZXXML) $(LIBZX),$(LIBZXBUILD_LIBS) -lxml2))
-include $(T_OBJ:.o=.d)
