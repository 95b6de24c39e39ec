/* SPDX-License-Identifier: MIT */
/* The kernel side of ext2: VFS inodes around nodes. */
#ifndef EXT2_EXT2_H
#define EXT2_EXT2_H

#include "core.h"
#include <kernel/fs.h>
#include <kernel/mpage.h>

struct ext2_inode {
	struct inode vfs;
	struct ext2_node n;
};
static inline struct ext2_inode *EXT2_I(const struct inode *i) { return container_of(i, struct ext2_inode, vfs); }
static inline struct ext2_node *ext2_node(const struct inode *i) { return &EXT2_I(i)->n; }
static inline struct ext2_fs *ext2_fs(const struct super_block *sb) { return sb->info; }
static inline bool ext2_root_user(void) { return capable(CAP_SYS_RESOURCE); } /* may use the reserved blocks */

struct inode *ext2_iget(struct super_block *sb, u32 ino);
void ext2_push(struct inode *inode); /* VFS fields -> node */
void ext2_pull(struct inode *inode); /* node -> VFS fields */
void ext2_set_ops(struct inode *inode);
void ext2_check_errors(struct super_block *sb); /* errors=remount-ro */
s64 ext2_now(void);
struct inode *ext2_alloc_inode(struct super_block *sb);
void ext2_free_inode(struct inode *inode);
int ext2_write_inode(struct inode *i, bool sync);
void ext2_evict(struct inode *i);
int ext2_setattr(struct dentry *d, struct iattr *a);
int ext2_sync_meta(struct super_block *sb, bool wait);

ssize_t ext2_getxattr(struct dentry *d, const char *name, void *buf, size_t n);
int ext2_setxattr(struct dentry *d, const char *name, const void *buf, size_t n, int flags);
ssize_t ext2_listxattr(struct dentry *d, char *buf, size_t n);
int ext2_removexattr(struct dentry *d, const char *name);
#define EXT2_XATTR_OPS .getxattr = ext2_getxattr, .setxattr = ext2_setxattr, .listxattr = ext2_listxattr, .removexattr = ext2_removexattr

extern const struct mpage_ops ext2_mpage;
extern const struct address_space_operations ext2_aops;
extern const struct inode_operations ext2_dir_iops, ext2_file_iops, ext2_link_iops, ext2_special_iops;
extern const struct file_operations ext2_dir_fops, ext2_file_fops;
extern const struct super_operations ext2_sops;

#endif
