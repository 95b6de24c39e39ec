# SPDX-License-Identifier: MIT
# Unit tests of the hypercall side on the build host, with sanitizers: page walk, events, grants, dispatch.

HYPER_UNIT := $(patsubst tests/unit/hyper/%.c,%,$(wildcard tests/unit/hyper/test_*.c))

$(B)/unit/hyper/%: tests/unit/hyper/%.c tests/unit/hyper/world.h tests/unit/hv/hosted.h $(HV_C) \
		$(wildcard hypervisor/include/hv/*.h hypervisor/*/*.h)
	@mkdir -p $(@D)
	$(CC) $(HV_UNIT_CFLAGS) $< -o $@ -lcmocka

.PHONY: $(HYPER_UNIT:%=unit-hyper-%)
$(HYPER_UNIT:%=unit-hyper-%): unit-hyper-%: $(B)/unit/hyper/%
	$<
UNIT_TARGETS += $(HYPER_UNIT:%=unit-hyper-%)
