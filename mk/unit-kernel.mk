# SPDX-License-Identifier: MIT
# Host unit tests of the kernel's trees, VMA set and formatting. Kernel files are compiled with the kernel's headers, but as
# host code with sanitizers.

KU_SRC := kernel/lib/rbtree.c kernel/lib/radix.c kernel/lib/vsprintf.c kernel/lib/bits.c kernel/mm/vma.c \
	tests/unit/kernel/checks.c tests/unit/kernel/shim.c
KU_OBJ := $(KU_SRC:%.c=$(B)/ku/%.o)
KU_CFLAGS := $(filter-out -mno-red-zone -mgeneral-regs-only -fno-pic -fno-asynchronous-unwind-tables,$(FREE_CFLAGS)) \
	-fpie -Iinclude -Ikernel/include -D__ZAZEN_KERNEL__ -fsanitize=address,undefined -fno-builtin

$(B)/ku/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(KU_CFLAGS) -MMD -MP -c $< -o $@
$(B)/unit/test_kernel: $(KU_OBJ) tests/unit/kernel/test_kernel.c
	@mkdir -p $(@D)
	$(CC) -O1 -g -Wall -Wextra -fsanitize=address,undefined $^ -lcmocka -o $@
-include $(KU_OBJ:.o=.d)
.PHONY: unit-kernel
unit-kernel: $(B)/unit/test_kernel
	$<
UNIT_TARGETS += unit-kernel
