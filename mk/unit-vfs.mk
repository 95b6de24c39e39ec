# SPDX-License-Identifier: MIT
# Host unit test of the initramfs reader's parser. Functions that need the rest of the kernel are dropped by the linker.

VU_CFLAGS := $(filter-out -mno-red-zone -mgeneral-regs-only -fno-pic -fno-asynchronous-unwind-tables,$(FREE_CFLAGS)) \
	-fpie -Iinclude -Ikernel/include -D__ZAZEN_KERNEL__ -fsanitize=address,undefined -fno-builtin -ffunction-sections

$(B)/vu/checks.o: tests/unit/vfs/checks.c
	@mkdir -p $(@D)
	$(CC) $(VU_CFLAGS) -MMD -MP -c $< -o $@
$(B)/unit/test_vfs: $(B)/vu/checks.o tests/unit/vfs/test_vfs.c
	@mkdir -p $(@D)
	$(CC) -O1 -g -Wall -Wextra -fsanitize=address,undefined $^ -Wl,--gc-sections -Wl,--unresolved-symbols=ignore-all -lcmocka -o $@
-include $(B)/vu/checks.d
.PHONY: unit-vfs
unit-vfs: $(B)/unit/test_vfs
	$<
UNIT_TARGETS += unit-vfs
