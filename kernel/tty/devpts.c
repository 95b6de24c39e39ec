/* SPDX-License-Identifier: MIT */
/*
 * devpts: /dev/pts as a file system whose entries follow the table of ptys. Names are not cached: each lookup
 * asks the table. Options (gid=, mode=, ptmxmode=, newinstance) are taken; there is one instance. No lock.
 */
#include "core.h"
#include <kernel/init.h>

#define DEVPTS_MAGIC 0x1cd1
#define PTMX_INO 2

struct options {
	gid_t gid;
	mode_t mode, ptmxmode;
};

static int parse_number(const struct dentry *d)
{
	int n = 0;

	if (!d->len || d->len > 4 || (d->len > 1 && d->name[0] == '0'))
		return -1;
	for (unsigned i = 0; i < d->len; i++) {
		if (!isdigit(d->name[i]))
			return -1;
		n = n * 10 + (d->name[i] - '0');
	}
	return n;
}

static int revalidate(struct dentry *d)
{
	uid_t uid;
	int n = parse_number(d);

	return n < 0 || (d->inode && pty_exists((unsigned)n, &uid));
}

static bool no_cache(const struct dentry *d) { return d->sb->root != d; }

static const struct dentry_operations devpts_dops = { .revalidate = revalidate, .delete = no_cache };

static struct dentry *devpts_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct options *o = dir->sb->info;
	bool ptmx = d->len == 4 && !memcmp(d->name, "ptmx", 4);
	struct inode *i = NULL;
	int n = parse_number(d);
	uid_t uid = 0;

	(void)flags;
	if (ptmx || (n >= 0 && pty_exists((unsigned)n, &uid))) {
		i = new_inode(dir->sb);
		if (!i)
			return ERR_PTR(-ENOMEM);
		i->ino = ptmx ? PTMX_INO : (u64)n + 3;
		init_special_inode(i, S_IFCHR | (ptmx ? o->ptmxmode : o->mode), ptmx ? MKDEV(TTYAUX_MAJOR, 2) : MKDEV(PTS_MAJOR, (unsigned)n));
		i->uid = uid;
		i->gid = ptmx ? 0 : o->gid;
		i->nlink = 1;
	}
	d_add(d, i);
	return NULL;
}

static int devpts_iterate(struct file *f, struct dir_context *c)
{
	int n;

	if (!dir_emit_dots(f, c))
		return 0;
	if (c->pos == 2) {
		if (!dir_emit(c, "ptmx", 4, PTMX_INO, DT_CHR))
			return 0;
		c->pos++;
	}
	while ((n = pty_next((unsigned)c->pos - 3)) >= 0) {
		char name[16];
		int len = scnprintf(name, sizeof(name), "%d", n);

		if (!dir_emit(c, name, (unsigned)len, (u64)n + 3, DT_CHR))
			return 0;
		c->pos = n + 4;
	}
	return 0;
}

static const struct inode_operations dir_op = { .lookup = devpts_lookup };
static const struct file_operations dir_fop = { .iterate = devpts_iterate, .llseek = generic_file_llseek };

static int statfs(struct super_block *sb, struct kstatfs *s)
{
	s->type = sb->magic;
	s->bsize = s->frsize = PAGE_SIZE;
	s->namelen = NAME_MAX;
	return 0;
}

static void put_super(struct super_block *sb)
{
	kfree(sb->info);
	sb->info = NULL;
}

static const struct super_operations sops = { .statfs = statfs, .put_super = put_super };

static void parse_options(struct options *o, const char *p)
{
	while (p && *p) {
		if (!strncmp(p, "gid=", 4))
			o->gid = (gid_t)simple_strtoul(p + 4, NULL, 10);
		else if (!strncmp(p, "mode=", 5))
			o->mode = (mode_t)simple_strtoul(p + 5, NULL, 8) & 0777;
		else if (!strncmp(p, "ptmxmode=", 9))
			o->ptmxmode = (mode_t)simple_strtoul(p + 9, NULL, 8) & 0777;
		p = strchr(p, ',');
		if (p)
			p++;
	}
}

static int fill(struct super_block *sb, const char *data)
{
	struct options *o = kzalloc(sizeof(*o), GFP_KERNEL);
	struct inode *root;

	if (!o)
		return -ENOMEM;
	*o = (struct options){ .mode = 0620, .ptmxmode = 0666, .gid = 5 };
	parse_options(o, data);
	sb->info = o;
	sb->magic = DEVPTS_MAGIC;
	sb->op = &sops;
	sb->dop = &devpts_dops;
	root = new_inode(sb);
	if (!root)
		return -ENOMEM;
	root->ino = 1;
	root->mode = S_IFDIR | 0755;
	root->nlink = 2;
	root->op = &dir_op;
	root->fop = &dir_fop;
	sb->root = d_make_root(root);
	return sb->root ? 0 : -ENOMEM;
}

static struct super_block *devpts_mount(struct file_system_type *t, unsigned flags, const char *dev, const char *data)
{
	(void)dev;
	return mount_nodev(t, flags, data, fill);
}

static struct file_system_type devpts = { .name = "devpts", .mount = devpts_mount };

static int devpts_init(void)
{
	return register_filesystem(&devpts);
}
fs_initcall(devpts_init);
