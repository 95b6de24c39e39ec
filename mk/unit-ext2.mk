# SPDX-License-Identifier: MIT
# Host unit tests of the ext2 logic on images of stock mke2fs, with sanitizers (BU_CFLAGS: unit-block.mk).

EXT2_CORE := $(addprefix kernel/fs/ext2/,super.c balloc.c ialloc.c bmap.c extent.c dir.c symlink.c xattr.c)

$(B)/unit/test_ext2: $(wildcard tests/unit/ext2/*.[ch]) $(EXT2_CORE) $(wildcard kernel/fs/ext2/*.h)
	@mkdir -p $(@D)
	$(CC) $(BU_CFLAGS) -Itests/unit/ext2 -Ikernel/fs/ext2 $(filter %.c,$^) -lcmocka -o $@
.PHONY: unit-ext2
unit-ext2: $(B)/unit/test_ext2
	PATH=$$PATH:/sbin:/usr/sbin $<
UNIT_TARGETS += unit-ext2
