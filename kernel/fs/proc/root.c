/* SPDX-License-Identifier: MIT */
/* procfs: the root (fixed entries, then processes), and the interface by which others add entries. */
#include "internal.h"
#include <kernel/init.h>

static struct pnode *proc_root;

static struct pnode *root_node(void)
{
	if (!proc_root)
		proc_root = pnode_new("", S_IFDIR | 0555);
	return proc_root;
}

static int add(const char *path, struct pnode *(*make)(const char *tail, void *arg), void *arg)
{
	struct pnode *dir, *n;
	const char *tail;

	dir = root_node() ? pnode_mkdirs(proc_root, path, &tail) : NULL;
	n = dir ? make(tail, arg) : NULL;
	return n ? pnode_add(dir, n) : -ENOMEM;
}

struct entry {
	mode_t mode;
	const struct file_operations *fop;
	int (*show)(struct seq_file *m, void *arg);
	void *data;
	const char *target;
	char *(*get_link)(void);
};

static struct pnode *make_entry(const char *tail, void *arg)
{
	const struct entry *e = arg;
	struct pnode *n = pnode_new(tail, e->mode);

	if (!n)
		return NULL;
	n->fop = e->fop;
	n->show = e->show;
	n->data = e->data;
	n->get_link = e->get_link;
	if (e->target) {
		n->target = kstrdup(e->target, GFP_KERNEL);
		if (!n->target) {
			pnode_put(n);
			return NULL;
		}
	}
	return n;
}

int proc_mkdir(const char *path)
{
	struct entry e = { .mode = S_IFDIR | 0555 };

	return add(path, make_entry, &e);
}

int proc_create(const char *path, mode_t mode, const struct file_operations *fop, void *data)
{
	struct entry e = { .mode = S_IFREG | (mode & 0777), .fop = fop, .data = data };

	return add(path, make_entry, &e);
}

void *proc_data(const struct inode *i)
{
	return inode_pnode(i)->data;
}

int proc_create_single(const char *path, mode_t mode, int (*show)(struct seq_file *m, void *arg), void *arg)
{
	struct entry e = { .mode = S_IFREG | (mode & 0777), .show = show, .data = arg };

	return add(path, make_entry, &e);
}

int proc_symlink(const char *path, const char *target)
{
	struct entry e = { .mode = S_IFLNK | 0777, .target = target };

	return add(path, make_entry, &e);
}

void proc_remove(const char *path)
{
	const char *tail;
	struct pnode *dir = root_node() ? pnode_mkdirs(proc_root, path, &tail) : NULL;
	struct pnode *n = dir ? pnode_find(dir, tail, strlen(tail)) : NULL;

	if (n) {
		pnode_remove(n);
		pnode_put(n);
	}
}

static struct dentry *root_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct pnode *n;

	if (isdigit(d->name[0]))
		return proc_pid_lookup(dir->sb, d);
	n = pnode_find(inode_pnode(dir), d->name, d->len);
	if (!n) /* names come and go with processes: no negative entries, and nothing can be made here */
		return ERR_PTR(-ENOENT);
	pnode_put(n);
	return pnode_lookup(dir, d, flags);
}

/* Notes a full buffer, so that the processes do not follow a cut list of fixed entries. */
struct watch_context {
	struct dir_context c;
	struct dir_context *to;
	bool full;
};

static bool watch_emit(struct dir_context *c, const char *name, unsigned len, u64 ino, unsigned type)
{
	struct watch_context *w = container_of(c, struct watch_context, c);
	bool ok;

	w->to->pos = c->pos;
	ok = dir_emit(w->to, name, len, ino, type);
	w->full |= !ok;
	return ok;
}

static int root_iterate(struct file *f, struct dir_context *c)
{
	if (c->pos < PROC_PID_POS) {
		struct watch_context w = { { watch_emit, c->pos }, c, false };

		pnode_iterate(f, &w.c);
		c->pos = w.c.pos;
		if (w.full)
			return 0;
		c->pos = PROC_PID_POS;
	}
	return proc_pid_iterate(c);
}

static const struct inode_operations root_iops = { .lookup = root_lookup };
static const struct file_operations root_fops = { .iterate = root_iterate, .llseek = generic_file_llseek };

static int proc_fill(struct super_block *sb, const char *data)
{
	struct inode *i;

	(void)data;
	sb->magic = 0x9fa0;
	sb->op = &pseudo_sops;
	sb->dop = &pseudo_dops;
	i = pnode_inode(sb, proc_root);
	sb->root = i ? d_make_root(i) : NULL;
	return sb->root ? 0 : -ENOMEM;
}

static struct super_block *proc_mount(struct file_system_type *t, unsigned flags, const char *dev, const char *data)
{
	(void)dev;
	return mount_nodev(t, flags, data, proc_fill);
}

static struct file_system_type proc_type = { .name = "proc", .mount = proc_mount };

static int proc_init(void)
{
	struct entry self = { .mode = S_IFLNK | 0777, .get_link = proc_self_link };
	struct entry thread = { .mode = S_IFLNK | 0777, .get_link = proc_thread_self_link };

	if (!root_node())
		return -ENOMEM;
	proc_root->iop = &root_iops;
	proc_root->fop = &root_fops;
	add("self", make_entry, &self);
	add("thread-self", make_entry, &thread);
	proc_symlink("mounts", "self/mounts");
	proc_system_init();
	proc_stats_init();
	proc_sysctl_init();
	return register_filesystem(&proc_type);
}
core_initcall(proc_init);
