# SPDX-License-Identifier: MIT
# Host unit tests of the block layer's pure parts, with sanitizers. `make unit` runs them.

BU_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -fno-strict-aliasing \
	-fsanitize=address,undefined -fno-sanitize=alignment -fno-sanitize-recover=undefined
BLOCK_PURE := kernel/block/parse_part.c dom0/kernel/ide/identify.c kernel/drivers/acpi/s5.c
$(B)/unit/test_block: tests/unit/block/test_block.c $(BLOCK_PURE) kernel/block/parse_part.h dom0/kernel/ide/ata.h
	@mkdir -p $(@D)
	$(CC) $(BU_CFLAGS) -Itests/unit/ext2 $(filter %.c,$^) -lcmocka -o $@

.PHONY: unit-block
unit-block: $(B)/unit/test_block
	PATH=$$PATH:/sbin:/usr/sbin $<
UNIT_TARGETS += unit-block
