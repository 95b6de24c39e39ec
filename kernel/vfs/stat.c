/* SPDX-License-Identifier: MIT */
/* stat in all its forms, statfs, readlink, getcwd. Takes no locks: fields are read as they are. */
#include "vfs.h"
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

void generic_fillattr(struct inode *i, struct kstat *s)
{
	s->dev = i->sb->dev;
	s->ino = i->ino;
	s->mode = i->mode;
	s->nlink = i->nlink;
	s->uid = i->uid;
	s->gid = i->gid;
	s->rdev = i->rdev;
	s->size = (u64)i_size_read(i);
	s->blocks = i->blocks;
	s->blksize = i->sb->blocksize > PAGE_SIZE ? i->sb->blocksize : PAGE_SIZE;
	s->atime = i->atime;
	s->mtime = i->mtime;
	s->ctime = i->ctime;
	s->btime = i->btime;
}

int vfs_getattr(const struct path *p, struct kstat *s)
{
	struct inode *i = p->dentry->inode;

	memset(s, 0, sizeof(*s));
	s->result_mask = STATX_BASIC_STATS | STATX_MNT_ID;
	s->mnt_id = (u64)p->mnt->id;
	if (i->op && i->op->getattr)
		return i->op->getattr(p, s);
	generic_fillattr(i, s);
	return 0;
}

static int stat_at(int dfd, const char __user *name, int flags, struct kstat *s)
{
	struct path p;
	struct file *f;
	int e;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && dfd >= 0) {
		char first = 0;

		if (!name || (!copy_from_user(&first, name, 1) && !first)) { /* fstat by another name: no walk */
			f = fget_raw((unsigned)dfd);
			if (!f)
				return -EBADF;
			e = vfs_getattr(&f->path, s);
			fput(f);
			return e;
		}
	}
	e = user_path_at(dfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (e)
		return e;
	e = vfs_getattr(&p, s);
	path_put(&p);
	return e;
}

static long put_stat(const struct kstat *s, struct stat __user *out)
{
	struct stat st = {
		.st_dev = dev_to_user(s->dev), .st_ino = s->ino, .st_nlink = s->nlink, .st_mode = s->mode, .st_uid = s->uid,
		.st_gid = s->gid, .st_rdev = dev_to_user(s->rdev), .st_size = (s64)s->size, .st_blksize = s->blksize,
		.st_blocks = (s64)s->blocks, .st_atime = s->atime.tv_sec, .st_atime_nsec = s->atime.tv_nsec,
		.st_mtime = s->mtime.tv_sec, .st_mtime_nsec = s->mtime.tv_nsec, .st_ctime = s->ctime.tv_sec,
		.st_ctime_nsec = s->ctime.tv_nsec,
	};

	return copy_to_user(out, &st, sizeof(st)) ? -EFAULT : 0;
}

long sys_newfstatat(int dfd, const char __user *name, struct stat __user *out, int flags)
{
	struct kstat s;
	int e = stat_at(dfd, name, flags, &s);

	return e ? e : put_stat(&s, out);
}

long sys_stat(const char __user *name, struct stat __user *out) { return sys_newfstatat(AT_FDCWD, name, out, 0); }
long sys_lstat(const char __user *name, struct stat __user *out) { return sys_newfstatat(AT_FDCWD, name, out, AT_SYMLINK_NOFOLLOW); }

long sys_fstat(unsigned fd, struct stat __user *out)
{
	struct file *f = fget_raw(fd);
	struct kstat s;
	int e;

	if (!f)
		return -EBADF;
	e = vfs_getattr(&f->path, &s);
	fput(f);
	return e ? e : put_stat(&s, out);
}

static struct statx_timestamp stamp(const struct timespec64 *t)
{
	return (struct statx_timestamp){ .tv_sec = t->tv_sec, .tv_nsec = (u32)t->tv_nsec };
}

long sys_statx(int dfd, const char __user *name, unsigned flags, unsigned mask, struct statx __user *out)
{
	struct statx x = { 0 };
	struct kstat s;
	int e;

	if ((mask & 0x80000000U) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) /* AT_STATX_{FORCE,DONT}_SYNC exclude each other */
		return -EINVAL;
	e = stat_at(dfd, name, (int)flags, &s);
	if (e)
		return e;
	x.stx_mask = s.result_mask;
	x.stx_blksize = s.blksize;
	x.stx_nlink = s.nlink;
	x.stx_uid = s.uid;
	x.stx_gid = s.gid;
	x.stx_mode = (u16)s.mode;
	x.stx_ino = s.ino;
	x.stx_size = s.size;
	x.stx_blocks = s.blocks;
	x.stx_atime = stamp(&s.atime);
	x.stx_btime = stamp(&s.btime);
	x.stx_ctime = stamp(&s.ctime);
	x.stx_mtime = stamp(&s.mtime);
	x.stx_rdev_major = MAJOR(s.rdev);
	x.stx_rdev_minor = MINOR(s.rdev);
	x.stx_dev_major = MAJOR(s.dev);
	x.stx_dev_minor = MINOR(s.dev);
	x.stx_mnt_id = s.mnt_id;
	return copy_to_user(out, &x, sizeof(x)) ? -EFAULT : 0;
}

static long put_statfs(struct super_block *sb, unsigned mnt_flags, struct statfs __user *out)
{
	struct kstatfs k = { .type = sb->magic, .bsize = sb->blocksize, .namelen = NAME_MAX };
	struct statfs s = { 0 };
	int e = sb->op && sb->op->statfs ? sb->op->statfs(sb, &k) : 0;

	if (e)
		return e;
	s.f_type = (s64)k.type;
	s.f_bsize = (s64)k.bsize;
	s.f_blocks = k.blocks;
	s.f_bfree = k.bfree;
	s.f_bavail = k.bavail;
	s.f_files = k.files;
	s.f_ffree = k.ffree;
	s.f_fsid[0] = (s32)k.fsid;
	s.f_fsid[1] = (s32)(k.fsid >> 32);
	s.f_namelen = (s64)k.namelen;
	s.f_frsize = (s64)(k.frsize ? k.frsize : k.bsize);
	s.f_flags = 0x20 | ((mnt_flags | sb->flags) & 0xf) | (mnt_flags & MS_NOATIME ? 0x400 : 0) | (mnt_flags & MS_RELATIME ? 0x1000 : 0);
	return copy_to_user(out, &s, sizeof(s)) ? -EFAULT : 0;
}

long sys_statfs(const char __user *name, struct statfs __user *out)
{
	struct path p;
	long e = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW, &p);

	if (!e) {
		e = put_statfs(p.dentry->sb, p.mnt->flags, out);
		path_put(&p);
	}
	return e;
}

long sys_fstatfs(unsigned fd, struct statfs __user *out)
{
	struct file *f = fget_raw(fd);
	long e;

	if (!f)
		return -EBADF;
	e = put_statfs(f->path.dentry->sb, f->path.mnt->flags, out);
	fput(f);
	return e;
}

long sys_readlinkat(int dfd, const char __user *name, char __user *buf, int size)
{
	struct path p;
	struct inode *i;
	char *target;
	long e;

	if (size <= 0)
		return -EINVAL;
	e = user_path_at(dfd, name, LOOKUP_EMPTY, &p);
	if (e)
		return e;
	i = p.dentry->inode;
	if (!S_ISLNK(i->mode) || !i->op->get_link) {
		e = S_ISLNK(i->mode) && i->op->follow_path ? 0 : -EINVAL;
		if (!e) { /* a jumping link: its path as text */
			struct path to;

			e = i->op->follow_path(i, &to);
			target = e ? NULL : (char *)__get_free_page(GFP_KERNEL);
			if (!e && !target)
				e = -ENOMEM;
			if (target) {
				char *text = d_path(&to, target, PAGE_SIZE);

				e = IS_ERR(text) ? PTR_ERR(text) : (long)min_t(size_t, strlen(text), (size_t)size);
				if (e > 0 && copy_to_user(buf, text, (size_t)e))
					e = -EFAULT;
				free_page((unsigned long)target);
			}
			if (e != -ENOMEM && target)
				path_put(&to);
		}
		path_put(&p);
		return e;
	}
	target = i->op->get_link(i);
	if (IS_ERR(target)) {
		e = PTR_ERR(target);
	} else {
		e = (long)min_t(size_t, strlen(target), (size_t)size);
		if (copy_to_user(buf, target, (size_t)e))
			e = -EFAULT;
		kfree(target);
		touch_atime(&p);
	}
	path_put(&p);
	return e;
}

long sys_readlink(const char __user *name, char __user *buf, int size) { return sys_readlinkat(AT_FDCWD, name, buf, size); }

long sys_getcwd(char __user *buf, unsigned long size)
{
	char *page = (char *)__get_free_page(GFP_KERNEL), *at;
	struct path pwd;
	long r;

	if (!page)
		return -ENOMEM;
	get_fs_pwd(current, &pwd);
	at = d_path(&pwd, page, PAGE_SIZE);
	if (pwd.dentry->flags & DCACHE_UNLINKED)
		r = -ENOENT;
	else if (IS_ERR(at))
		r = PTR_ERR(at);
	else {
		r = (long)strlen(at) + 1;
		if ((unsigned long)r > size)
			r = -ERANGE;
		else if (copy_to_user(buf, at, (size_t)r))
			r = -EFAULT;
	}
	path_put(&pwd);
	free_page((unsigned long)page);
	return r;
}
