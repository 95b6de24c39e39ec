/* SPDX-License-Identifier: MIT */
/* Extended attributes of ext2 for the VFS: the namespaces user., trusted., security. and their numbers on disk. Entry
 * points: ext2_{get,set,list,remove}xattr. Lock: inode->rwsem from the VFS. POSIX ACLs are not supported: they would have to
 * be obeyed, too. */
#include "ext2.h"

static const struct {
	const char *prefix;
	u8 index; /* on disk; 2 and 3 are ACLs */
} spaces[] = { { "user.", 1 }, { "trusted.", 4 }, { "security.", 6 } };

/* The number of the name's space; *rest is what follows. */
static int space_of(const char *name, const char **rest)
{
	for (unsigned i = 0; i < ARRAY_SIZE(spaces); i++) {
		size_t n = strlen(spaces[i].prefix);

		if (!strncmp(name, spaces[i].prefix, n)) {
			*rest = name + n;
			return **rest ? spaces[i].index : -EINVAL;
		}
	}
	return -EOPNOTSUPP;
}

static int result(struct inode *i, long e)
{
	ext2_check_errors(i->sb);
	return (int)(e == -EUCLEAN ? -EIO : e);
}

ssize_t ext2_getxattr(struct dentry *d, const char *name, void *buf, size_t n)
{
	const char *rest;
	int space = space_of(name, &rest);

	return space < 0 ? space : result(d->inode, ext2_xattr_get(ext2_node(d->inode), (u8)space, rest, buf, n));
}

static int change(struct dentry *d, const char *name, const void *value, size_t n, int flags)
{
	struct inode *i = d->inode;
	struct ext2_fs *fs = ext2_fs(i->sb);
	const char *rest;
	int space = space_of(name, &rest), e;

	if (space < 0)
		return space;
	e = ext2_begin(fs, 6);
	if (e)
		return e;
	e = ext2_xattr_set(ext2_node(i), (u8)space, rest, value, n, flags, ext2_root_user());
	if (!e) {
		i->blocks = ext2_node(i)->blocks;
		i->ctime = current_time(i);
		ext2_push(i);
		ext2_write_node(ext2_node(i));
	}
	ext2_end(fs);
	return result(i, e);
}

int ext2_setxattr(struct dentry *d, const char *name, const void *buf, size_t n, int flags)
{
	return change(d, name, buf ? buf : "", n, flags);
}

int ext2_removexattr(struct dentry *d, const char *name)
{
	return change(d, name, NULL, 0, EXT2_XATTR_REPLACE);
}

struct listing {
	char *buf;
	size_t size, used;
};

static bool list_one(void *ctx, u8 index, const char *name, unsigned len)
{
	struct listing *l = ctx;

	for (unsigned i = 0; i < ARRAY_SIZE(spaces); i++) {
		size_t n = strlen(spaces[i].prefix);

		if (spaces[i].index != index || (index == 4 && !capable(CAP_SYS_ADMIN)))
			continue;
		if (l->used + n + len + 1 <= l->size) {
			memcpy(l->buf + l->used, spaces[i].prefix, n);
			memcpy(l->buf + l->used + n, name, len);
			l->buf[l->used + n + len] = 0;
		}
		l->used += n + len + 1;
	}
	return true;
}

ssize_t ext2_listxattr(struct dentry *d, char *buf, size_t n)
{
	struct listing l = { buf, n, 0 };
	int e = ext2_xattr_list(ext2_node(d->inode), list_one, &l);

	return e ? result(d->inode, e) : n && l.used > n ? -ERANGE : (ssize_t)l.used;
}
