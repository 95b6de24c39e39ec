# SPDX-License-Identifier: MIT
# Unit tests of the hypervisor's core on the build host, with sanitizers. Each test is one .c in tests/unit/hv/ that
# includes the source it tests; hosted.h gives it what the rest of the hypervisor would.

HV_UNIT := $(patsubst tests/unit/hv/%.c,%,$(wildcard tests/unit/hv/test_*.c))
HV_UNIT_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Werror -fno-builtin -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-sanitize=alignment -DDEBUG=0 -DZAZEN_HOST_TEST -Iinclude -Ihypervisor/include -Itests/unit/hv -I.

$(B)/unit/hv/%: tests/unit/hv/%.c tests/unit/hv/hosted.h $(HV_C) $(wildcard hypervisor/include/hv/*.h include/zazen/*.h)
	@mkdir -p $(@D)
	$(CC) $(HV_UNIT_CFLAGS) $< -o $@ -lcmocka

.PHONY: $(HV_UNIT:%=unit-hv-%)
$(HV_UNIT:%=unit-hv-%): unit-hv-%: $(B)/unit/hv/%
	$<
UNIT_TARGETS += $(HV_UNIT:%=unit-hv-%)
