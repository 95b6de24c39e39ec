# SPDX-License-Identifier: MIT
# Unit tests of the vCPU module on the build host, with sanitizers; flags as in mk/unit-hv.mk.
VCPU_UNIT := $(patsubst tests/unit/vcpu/%.c,%,$(wildcard tests/unit/vcpu/test_*.c))
VCPU_UNIT_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Werror -fno-builtin -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-sanitize=alignment -DDEBUG=0 -DZAZEN_HOST_TEST -Iinclude -Ihypervisor/include -I.

$(B)/unit/vcpu/%: tests/unit/vcpu/%.c tests/unit/hv/hosted.h $(HV_C) $(wildcard hypervisor/*/*.h hypervisor/include/hv/*.h include/zazen/*.h)
	@mkdir -p $(@D)
	$(CC) $(VCPU_UNIT_CFLAGS) $< -o $@ -lcmocka

.PHONY: unit-vcpu $(VCPU_UNIT:%=unit-vcpu-%)
$(VCPU_UNIT:%=unit-vcpu-%): unit-vcpu-%: $(B)/unit/vcpu/%
	$<
unit-vcpu: $(VCPU_UNIT:%=unit-vcpu-%)
UNIT_TARGETS += $(VCPU_UNIT:%=unit-vcpu-%)
