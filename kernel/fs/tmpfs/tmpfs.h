/* SPDX-License-Identifier: MIT */
/* tmpfs for the kernel's own use. */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include <kernel/fs.h>

struct tmpfs_info {
	u64 max_pages; /* 0: no limit */
	atomic64_t used;
};
extern const struct address_space_operations tmpfs_aops;
extern const struct file_operations tmpfs_file_fops;
/* F_GET_SEALS, F_ADD_SEALS; -EINVAL for other files. inode->private of a regular file holds the seals. */
long tmpfs_seals(struct file *f, unsigned cmd, unsigned seals);
int tmpfs_may_resize(const struct inode *i, loff_t size); /* 0 or -EPERM: sealed */

/* An instance that the kernel keeps (devtmpfs, memory files), of the given type. ERR_PTR on failure. */
struct super_block *tmpfs_mount_kernel(struct file_system_type *t, const char *data);

#endif
