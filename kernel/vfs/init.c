/* SPDX-License-Identifier: MIT */
/* Start of the VFS, before any file system registers: tables, and the file state of pid 1, which mounts the first root. */
#include <kernel/init.h>
#include <kernel/task.h>
#include "vfs.h"

static int vfs_init(void)
{
	dcache_init();
	mount_init();
	int e = copy_files_to(current, false);
	return e ? e : copy_fs_to(current, false);
}
early_initcall(vfs_init);
