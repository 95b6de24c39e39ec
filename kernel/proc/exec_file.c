/* SPDX-License-Identifier: MIT */
/* What exec asks of the VFS: opening, reading, set-id bits. No lock of its own. */
#include "exec.h"
#include <kernel/fs.h>

struct file *exec_open(int dirfd, const char *path, int flags)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;

	return open_exec(dirfd, path, lookup | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0));
}

void exec_close(struct file *f)
{
	allow_write_access(f);
	fput(f);
}

ssize_t exec_read(struct file *f, void *buf, size_t n, u64 pos)
{
	size_t done = 0;
	loff_t at = (loff_t)pos;

	while (done < n) {
		ssize_t k = kernel_read(f, (char *)buf + done, n - done, &at);

		if (k < 0)
			return k;
		if (!k)
			break;
		done += (size_t)k;
	}
	return (ssize_t)done;
}

u64 exec_size(struct file *f) { return (u64)i_size_read(f->inode); }

int exec_setid(struct file *f, uid_t *uid, gid_t *gid)
{
	struct inode *i = f->inode;
	int set = 0;

	if (f->path.mnt->flags & MS_NOSUID)
		return 0;
	*uid = i->uid;
	*gid = i->gid;
	if (i->mode & S_ISUID)
		set |= 1;
	/* Set-group-id without group execution means mandatory locking, not identity. */
	if ((i->mode & (S_ISGID | 00010)) == (S_ISGID | 00010))
		set |= 2;
	return set;
}
