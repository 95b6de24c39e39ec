/* SPDX-License-Identifier: MIT */
/* inotify(7): what the rest of kernel/vfs reports. Cheap when nobody watches anything. May sleep; no spin lock held. */
#ifndef VFS_NOTIFY_H
#define VFS_NOTIFY_H

#include <kernel/fs.h>

#define IN_ACCESS 0x1u
#define IN_MODIFY 0x2u
#define IN_ATTRIB 0x4u
#define IN_CLOSE_WRITE 0x8u
#define IN_CLOSE_NOWRITE 0x10u
#define IN_OPEN 0x20u
#define IN_MOVED_FROM 0x40u
#define IN_MOVED_TO 0x80u
#define IN_CREATE 0x100u
#define IN_DELETE 0x200u
#define IN_DELETE_SELF 0x400u
#define IN_MOVE_SELF 0x800u
#define IN_UNMOUNT 0x2000u
#define IN_Q_OVERFLOW 0x4000u
#define IN_IGNORED 0x8000u
#define IN_ISDIR 0x40000000u

extern atomic_t inotify_watches; /* how many there are */

void inotify_inode(struct inode *i, u32 mask, const char *name, u32 cookie); /* to those who watch i */
void inotify_child(struct dentry *d, u32 mask);                              /* to those who watch it or its directory */
void inotify_inode_gone(struct inode *i);                                    /* the last name and user went */
void inotify_unmount(struct super_block *sb);
u32 inotify_cookie(void);

static inline bool inotify_on(void) { return atomic_read(&inotify_watches) != 0; }
static inline u32 notify_dir_bit(const struct inode *i) { return i && S_ISDIR(i->mode) ? IN_ISDIR : 0; }

/* Something happened to an open file. */
static inline void notify_file(struct file *f, u32 mask)
{
	if (S_ISFIFO(f->inode->mode)) /* data that goes through is no change of the file */
		mask &= ~(IN_ACCESS | IN_MODIFY);
	if (mask && inotify_on() && !(f->mode & (FMODE_PATH | FMODE_NONOTIFY)))
		inotify_child(f->path.dentry, mask | notify_dir_bit(f->inode));
}

/* A name came into or left a directory. */
static inline void notify_name(struct inode *dir, u32 mask, const char *name, const struct inode *object)
{
	if (inotify_on())
		inotify_inode(dir, mask | notify_dir_bit(object), name, 0);
}

static inline void notify_self(struct inode *i, u32 mask)
{
	if (inotify_on())
		inotify_inode(i, mask | notify_dir_bit(i), NULL, 0);
}

#endif
