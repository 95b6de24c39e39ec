/* SPDX-License-Identifier: MIT */
/* tmpfs for the kernel's own use. */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include <kernel/fs.h>

/* An instance that the kernel keeps (devtmpfs, memory files), of the given type. ERR_PTR on failure. */
struct super_block *tmpfs_mount_kernel(struct file_system_type *t, const char *data);

#endif
