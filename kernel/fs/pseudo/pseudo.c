/* SPDX-License-Identifier: MIT */
/* The tree behind procfs and sysfs; see pseudo.h. inode->private is the node (referenced). */
#include <kernel/pseudo.h>

static DEFINE_MUTEX(pseudo_mutex);

struct pnode *inode_pnode(const struct inode *i)
{
	return i->private;
}

struct pnode *pnode_new(const char *name, mode_t mode)
{
	struct pnode *n = kzalloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return NULL;
	n->name = kstrdup(name, GFP_KERNEL);
	if (!n->name) {
		kfree(n);
		return NULL;
	}
	n->mode = mode;
	n->ino = get_next_ino();
	refcount_set(&n->ref, 1);
	INIT_LIST_HEAD(&n->children);
	INIT_LIST_HEAD(&n->sibling);
	return n;
}

void pnode_put(struct pnode *n)
{
	if (!n || !refcount_dec_and_test(&n->ref))
		return;
	if (n->free_data)
		n->free_data(n->data);
	kfree(n->target);
	kfree(n->name);
	kfree(n);
}

static struct pnode *find_locked(struct pnode *parent, const char *name, size_t len)
{
	struct pnode *n;

	list_for_each_entry(n, &parent->children, sibling)
		if (strlen(n->name) == len && !memcmp(n->name, name, len))
			return n;
	return NULL;
}

struct pnode *pnode_find(struct pnode *parent, const char *name, size_t len)
{
	struct pnode *n;

	mutex_lock(&pseudo_mutex);
	n = find_locked(parent, name, len);
	if (n)
		refcount_inc(&n->ref);
	mutex_unlock(&pseudo_mutex);
	return n;
}

int pnode_add(struct pnode *parent, struct pnode *n)
{
	int err = 0;

	mutex_lock(&pseudo_mutex);
	if (find_locked(parent, n->name, strlen(n->name))) {
		err = -EEXIST;
	} else if (parent->dead) {
		err = -ENOENT;
	} else {
		n->parent = parent;
		list_add_tail(&n->sibling, &parent->children);
	}
	mutex_unlock(&pseudo_mutex);
	if (err)
		pnode_put(n);
	return err;
}

void pnode_remove(struct pnode *n)
{
	struct pnode *at = n;

	/* Leaves first, without recursion: descend, unlink, climb. */
	mutex_lock(&pseudo_mutex);
	while (at) {
		struct pnode *up = at == n ? NULL : at->parent;

		if (!list_empty(&at->children)) {
			at = list_first_entry(&at->children, struct pnode, sibling);
			continue;
		}
		if (!at->dead) {
			at->dead = true;
			list_del_init(&at->sibling);
			pnode_put(at);
		}
		at = up;
	}
	mutex_unlock(&pseudo_mutex);
}

struct pnode *pnode_mkdirs(struct pnode *root, const char *path, const char **tail)
{
	struct pnode *at = root;

	for (;;) {
		const char *slash = strchr(path, '/');
		struct pnode *next;
		char name[64];

		if (!slash) {
			*tail = path;
			return at;
		}
		if ((size_t)(slash - path) >= sizeof(name))
			return NULL;
		memcpy(name, path, (size_t)(slash - path));
		name[slash - path] = 0;
		path = slash + 1;
		if (!name[0])
			continue;
		next = pnode_find(at, name, strlen(name));
		if (!next) {
			next = pnode_new(name, S_IFDIR | 0555);
			if (!next)
				return NULL;
			refcount_inc(&next->ref);
			if (pnode_add(at, next)) {
				pnode_put(next);
				next = pnode_find(at, name, strlen(name));
				if (!next)
					return NULL;
			}
		}
		pnode_put(next); /* the tree keeps directories made by path */
		at = next;
	}
}

/* --- inodes ---------------------------------------------------------------------------------------------------- */

static int show_open(struct inode *inode, struct file *f)
{
	struct pnode *n = inode_pnode(inode);

	return single_open(f, n->show, n->data);
}

static const struct file_operations show_fops = {
	.open = show_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static char *pseudo_get_link(struct inode *inode)
{
	struct pnode *n = inode_pnode(inode);
	char *t = n->get_link ? n->get_link() : kstrdup(n->target, GFP_KERNEL);

	return t ? t : ERR_PTR(-ENOMEM);
}

static const struct inode_operations link_iops = { .get_link = pseudo_get_link };
static const struct inode_operations file_iops = { .getattr = NULL };

struct inode *pnode_inode(struct super_block *sb, struct pnode *n)
{
	struct inode *i = new_inode(sb);

	if (!i)
		return NULL;
	i->ino = n->ino;
	i->mode = n->mode;
	refcount_inc(&n->ref);
	i->private = n;
	if (S_ISDIR(n->mode)) {
		i->nlink = 2;
		i->op = n->iop ? n->iop : &pseudo_dir_iops;
		i->fop = n->fop ? n->fop : &pseudo_dir_fops;
	} else if (S_ISLNK(n->mode)) {
		i->op = n->iop ? n->iop : &link_iops;
	} else {
		i->op = n->iop ? n->iop : &file_iops;
		i->fop = n->fop ? n->fop : &show_fops;
	}
	return i;
}

struct dentry *pnode_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct pnode *n = pnode_find(inode_pnode(dir), d->name, d->len);
	struct inode *i = NULL;

	(void)flags;
	if (n) {
		i = pnode_inode(dir->sb, n);
		pnode_put(n);
		if (!i)
			return ERR_PTR(-ENOMEM);
	}
	d_add(d, i);
	return NULL;
}

int pnode_iterate(struct file *f, struct dir_context *c)
{
	struct pnode *dir = inode_pnode(f->inode);
	loff_t at = 2;
	struct pnode *n;

	if (!dir_emit_dots(f, c))
		return 0;
	mutex_lock(&pseudo_mutex);
	list_for_each_entry(n, &dir->children, sibling) {
		if (at++ < c->pos)
			continue;
		if (!dir_emit(c, n->name, (unsigned)strlen(n->name), n->ino, (n->mode & S_IFMT) >> 12))
			break;
		c->pos = at;
	}
	mutex_unlock(&pseudo_mutex);
	return 0;
}

static bool alive(const struct dentry *d)
{
	struct pnode *n = d->inode ? inode_pnode(d->inode) : NULL;

	return n && !n->dead && (!n->alive || n->alive(n));
}

static int pseudo_revalidate(struct dentry *d)
{
	return alive(d);
}

/* Runs under dcache_lock: what lives as long as a process is simply not cached. */
static bool pseudo_delete(const struct dentry *d)
{
	return !d->inode || inode_pnode(d->inode)->dead || inode_pnode(d->inode)->alive;
}

static void pseudo_evict(struct inode *i)
{
	truncate_inode_pages(i->mapping, 0);
	clear_inode(i);
	pnode_put(i->private);
	i->private = NULL;
}

const struct dentry_operations pseudo_dops = { .revalidate = pseudo_revalidate, .delete = pseudo_delete };
const struct super_operations pseudo_sops = { .evict_inode = pseudo_evict };
const struct inode_operations pseudo_dir_iops = { .lookup = pnode_lookup };
const struct file_operations pseudo_dir_fops = { .iterate = pnode_iterate, .llseek = generic_file_llseek };
