/* SPDX-License-Identifier: MIT */
/* From paths to names. Entry point: d_path. Locks: mount_lock (read) and the dcache's inside it. */
#include "vfs.h"
#include <kernel/string.h>

/* Prepends to *at; false when it does not fit. */
static bool prepend(char **at, char *buf, const char *s, unsigned n)
{
	if ((size_t)(*at - buf) < n)
		return false;
	*at -= n;
	memcpy(*at, s, n);
	return true;
}

/* dcache and mount locks held. *outside: root was not met. */
static bool build_path(const struct path *p, const struct path *root, char *buf, char **at, bool *outside)
{
	struct mount *m = p->mnt;
	struct dentry *d = p->dentry;
	bool any = false;

	*outside = false;
	while (!(d == root->dentry && m == root->mnt)) {
		if (d == m->root) {
			if (!m->parent) {
				*outside = m != root->mnt;
				break;
			}
			d = m->mountpoint;
			m = m->parent;
			continue;
		}
		if (d->parent == d)
			break;
		if (!prepend(at, buf, d->name, d->len) || !prepend(at, buf, "/", 1))
			return false;
		any = true;
		d = d->parent;
	}
	return any || prepend(at, buf, "/", 1);
}

char *d_path(const struct path *p, char *buf, size_t n)
{
	char *at = buf + n;
	struct path root;
	bool ok, outside;

	if (p->dentry->op && p->dentry->op->name)
		return p->dentry->op->name(p->dentry, buf, n);
	if (!prepend(&at, buf, "", 1))
		return ERR_PTR(-ENAMETOOLONG);
	get_fs_root(current, &root);
	down_read(&mount_lock);
	dcache_spin_lock();
	ok = !(p->dentry->flags & DCACHE_UNLINKED) || prepend(&at, buf, " (deleted)", 10);
	ok = ok && build_path(p, &root, buf, &at, &outside);
	dcache_spin_unlock();
	up_read(&mount_lock);
	path_put(&root);
	return ok ? at : ERR_PTR(-ENAMETOOLONG);
}
