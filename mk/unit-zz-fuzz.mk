# SPDX-License-Identifier: MIT
# Seeded fuzzers on the build host with sanitizers: ten seconds each (FUZZ_SECONDS), FUZZ_SEED repeats a run. The decoder, the page
# walk, grants and event channels have their random runs in tests/unit/vcpu and tests/unit/hyper.

FZ     := $(B)/unit/fuzz
FZ_HDR := tests/unit/fuzz/fuzz.h $(UT_HDR)

# name, sources, flags, libraries, arguments, what else must be built
define FUZZ
$(FZ)/$(1): tests/unit/fuzz/$(1).c $(2) $(FZ_HDR)
	@mkdir -p $$(@D)
	$$(CC) $$(UT_CFLAGS) $(3) tests/unit/fuzz/$(1).c $(2) $(4) -o $$@
.PHONY: unit-fuzz-$(1)
unit-fuzz-$(1): $(FZ)/$(1) $(6)
	ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 $(FZ)/$(1) $(5)
UNIT_TARGETS += unit-fuzz-$(1)
endef

$(eval $(call FUZZ,image,$(UT_BUILD) $(UT_LIB),,$(LIBZXBUILD_LIBS),$(B)/hyperguest.elf,$(B)/hyperguest.elf))
$(eval $(call FUZZ,xml,$(wildcard tools/xml/*.c) $(UT_LIB),$(XML_CFLAGS),-lxml2,tools/etc/xen/guest1.xml \
	tests/system/faults/hostile.xml $(wildcard tests/unit/tools/virt-install/*.xml)))
$(eval $(call FUZZ,xenstored,$(filter-out %/main.c %/xen.c %/sock.c,$(wildcard tools/xenstored/*.c)) $(UT_LIB)))
$(eval $(call FUZZ,ring,tools/lib/console_ring.c))

# Kernels and XML made wrong on purpose, against xl itself.
.PHONY: unit-bad-files
unit-bad-files: $(B)/tools/xl $(B)/hyperguest.elf
	tests/unit/xl/bad_files.py $(B)/tools/xl $(B)/hyperguest.elf tests/system/faults/hostile.xml
UNIT_TARGETS += unit-bad-files
