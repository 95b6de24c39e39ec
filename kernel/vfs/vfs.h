/* SPDX-License-Identifier: MIT */
/* What the files of kernel/vfs share and nobody else needs. */
#ifndef VFS_VFS_H
#define VFS_VFS_H

#include <kernel/fs.h>
#include <kernel/printk.h>
#include <kernel/errno.h>

void dcache_init(void);
void d_prune_children(struct dentry *dir);
void d_copy_name(struct dentry *d, char *buf, size_t n);
void dcache_spin_lock(void);
void dcache_spin_unlock(void);
void shrink_dcache_sb(struct super_block *sb);
void mount_init(void);
/* sync.c */
void wakeup_flusher(void);

extern struct mutex rename_mutex;

/* mount.c */
struct mount *lookup_mount(struct mount *m, struct dentry *d); /* referenced, or NULL */
bool follow_up(struct path *p);                                /* to the mount point in the parent mount */
void follow_mounts(struct path *p);                            /* onto the topmost mount here */

/* access.c */
int mnt_want_write(struct mount *m);                           /* 0 or -EROFS; 0: until mnt_drop_write */
void mnt_drop_write(struct mount *m);
int get_write_access(struct inode *i);                         /* 0 or -ETXTBSY */
void put_write_access(struct inode *i);
int may_follow_link(const struct inode *dir, const struct inode *link);
int may_make_link(struct inode *i);

/* open.c */
int truncate_inode(const struct path *p, struct iattr *a);

/* namei.c */
/* RESOLVE_* of openat2(2) */
#define RESOLVE_NO_XDEV 1u
#define RESOLVE_NO_MAGICLINKS 2u
#define RESOLVE_NO_SYMLINKS 4u
#define RESOLVE_BENEATH 8u
#define RESOLVE_IN_ROOT 16u
#define RESOLVE_CACHED 32u
#define RESOLVE_ALL 63u
struct file *do_filp_open_resolve(int dfd, const char *name, int flags, mode_t mode, unsigned resolve);
struct nameidata;
/* Walks to the parent. type: 0 an ordinary name (*last, kmalloc'ed), 1 ".", 2 "..", 3 the root itself. */
int path_parent(int dfd, const char *name, struct path *parent, char **last, int *type, bool *slash);
int may_delete(struct inode *dir, struct dentry *victim, bool isdir);
int may_create(struct inode *dir, struct dentry *child);

/* file.c */
long do_dup_from(unsigned oldfd, unsigned min, unsigned flags);
int get_close_on_exec(unsigned fd);
void set_close_on_exec(unsigned fd, bool on);
void eventpoll_release(struct file *f); /* poll: the file goes away under epoll instances */

/* locks.c */
void locks_remove_file(struct file *f);
void locks_remove_posix(struct file *f, struct files *owner);

/* inode.c */
int sync_inode(struct inode *inode, bool wait);
void sync_inodes_sb(struct super_block *sb, bool wait);
void mark_inode_pages_dirty(struct inode *inode); /* the page cache: a page of it became dirty */
bool evict_inodes(struct super_block *sb); /* false: some are busy */

#endif
