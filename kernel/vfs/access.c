/* SPDX-License-Identifier: MIT */
/*
 * Who may write: the counts that keep a running program from being written (ETXTBSY) and a mount with writers from turning
 * read-only, and the protection of links in other users' directories. Entry points: get_write_access, deny_write_access,
 * mnt_want_write and their opposites, open_exec, may_follow_link, may_make_link. No locks: the counts are atomic.
 */
#include "vfs.h"
#include "notify.h"
#include <kernel/init.h>
#include <kernel/proc.h>
#include <kernel/proc_fs.h>

/* inode->writecount: above zero that many may write, below zero that many execute it. */
static int shift_writecount(struct inode *i, int by)
{
	int n = atomic_read(&i->writecount), old;

	for (;; n = old) {
		if (by > 0 ? n < 0 : n > 0)
			return -ETXTBSY;
		old = atomic_cmpxchg(&i->writecount, n, n + by);
		if (old == n)
			return 0;
	}
}

int get_write_access(struct inode *i) { return shift_writecount(i, 1); }
void put_write_access(struct inode *i) { atomic_dec(&i->writecount); }
int deny_write_access(struct file *f) { return shift_writecount(f->inode, -1); }
void allow_write_access(struct file *f) { atomic_inc(&f->inode->writecount); }

/* A write to the file system begins: until mnt_drop_write it cannot turn read-only. */
int mnt_want_write(struct mount *m)
{
	atomic_inc(&m->writers);
	atomic_inc(&m->sb->writers);
	smp_mb(); /* pairs with remount's: it raises remount_ro, then looks at the counts */
	if (mnt_readonly(m) || READ_ONCE(m->remount_ro) || READ_ONCE(m->sb->remount_ro)) {
		mnt_drop_write(m);
		return -EROFS;
	}
	return 0;
}

void mnt_drop_write(struct mount *m)
{
	atomic_dec(&m->sb->writers);
	atomic_dec(&m->writers);
}

struct file *open_exec(int dfd, const char *name, unsigned lookup_flags)
{
	struct path p;
	struct file *f;
	int e = path_lookupat(dfd, name, lookup_flags, &p);

	if (e)
		return ERR_PTR(e);
	e = !S_ISREG(p.dentry->inode->mode) || (p.mnt->flags & MS_NOEXEC) ? -EACCES : inode_permission(p.dentry->inode, MAY_EXEC);
	f = e ? ERR_PTR(e) : dentry_open(&p, O_RDONLY | O_LARGEFILE);
	path_put(&p);
	if (IS_ERR(f))
		return f;
	e = deny_write_access(f);
	if (e) {
		fput(f);
		return ERR_PTR(e);
	}
	notify_file(f, IN_OPEN);
	return f;
}

/* --- links of others (proc(5): fs.protected_symlinks, fs.protected_hardlinks; Debian sets both) ---------------------------- */

static unsigned long protected_symlinks = 1, protected_hardlinks = 1;

/* In a sticky directory that all may write, only one's own links and those of the directory's owner are followed. */
int may_follow_link(const struct inode *dir, const struct inode *link)
{
	if (!protected_symlinks || (dir->mode & (S_ISVTX | 0002)) != (S_ISVTX | 0002))
		return 0;
	return link->uid == current_fsuid() || link->uid == dir->uid ? 0 : -EACCES;
}

/* A hard link to somebody else's file: only if one could have written it, and it is no set-id program. */
int may_make_link(struct inode *i)
{
	bool safe = S_ISREG(i->mode) && !(i->mode & S_ISUID) && (i->mode & (S_ISGID | 0010)) != (S_ISGID | 0010) &&
		    !inode_permission(i, MAY_READ | MAY_WRITE);

	return !protected_hardlinks || safe || i->uid == current_fsuid() || capable(CAP_FOWNER) ? 0 : -EPERM;
}

static int access_sysctls(void)
{
	proc_sysctl_ulong("fs/protected_symlinks", &protected_symlinks, 0, 1);
	proc_sysctl_ulong("fs/protected_hardlinks", &protected_hardlinks, 0, 1);
	return 0;
}
late_initcall(access_sysctls);
