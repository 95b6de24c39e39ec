/* SPDX-License-Identifier: MIT */
/*
 * sysfs: directories, text attributes and links of the device model; see sysfs.h.
 * Lock: attr->sem of each attribute is read-held while its show or store runs and write-held once by removal, so that
 * no call is under way when sysfs_remove returns.
 */
#include <kernel/init.h>
#include <kernel/pseudo.h>
#include <kernel/sysfs.h>

struct sysfs_node {
	struct pnode node;
};
#define to_pnode(s) ((struct pnode *)(s))

struct attr {
	sysfs_show_t show;
	sysfs_store_t store;
	ssize_t (*bread)(void *ctx, char *buf, loff_t off, size_t n);
	ssize_t (*bwrite)(void *ctx, const char *buf, loff_t off, size_t n);
	void *ctx;
	size_t size;
	struct rw_semaphore sem;
	bool gone; /* (sem) */
};

static struct pnode *sys_root;

static struct pnode *root_node(void)
{
	if (!sys_root)
		sys_root = pnode_new("", S_IFDIR | 0555);
	return sys_root;
}

struct sysfs_node *sysfs_mkdir(struct sysfs_node *parent, const char *name)
{
	struct pnode *dir = parent ? to_pnode(parent) : root_node();
	struct pnode *n = pnode_find(dir, name, strlen(name));

	if (n) {
		pnode_put(n);
		return (struct sysfs_node *)n;
	}
	n = pnode_new(name, S_IFDIR | 0755);
	if (!n || pnode_add(dir, n))
		return NULL;
	return (struct sysfs_node *)n;
}

static ssize_t attr_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct attr *a = inode_pnode(f->inode)->data;
	char *buf = kzalloc(PAGE_SIZE, GFP_KERNEL);
	size_t want = min_t(size_t, to->count, PAGE_SIZE);
	ssize_t n = -ENODEV, off = 0;

	if (!buf)
		return -ENOMEM;
	down_read(&a->sem);
	if (!a->gone) {
		if (a->bread)
			n = a->bread(a->ctx, buf, *pos, want);
		else
			n = a->show ? a->show(a->ctx, buf, PAGE_SIZE) : -EIO;
	}
	up_read(&a->sem);
	if (n > 0) {
		if (!a->bread)
			off = min_t(ssize_t, *pos, n);
		want = min_t(size_t, want, (size_t)(n - off));
		n = (ssize_t)copy_to_iter(buf + off, want, to);
		if (!n && want)
			n = -EFAULT;
		else
			*pos += n;
	}
	kfree(buf);
	return n;
}

static ssize_t attr_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct attr *a = inode_pnode(f->inode)->data;
	size_t n = min_t(size_t, from->count, PAGE_SIZE - 1);
	char *buf = kzalloc(PAGE_SIZE, GFP_KERNEL);
	ssize_t ret = -ENODEV;

	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, n, from) != n) {
		kfree(buf);
		return -EFAULT;
	}
	down_read(&a->sem);
	if (!a->gone) {
		if (a->bwrite)
			ret = a->bwrite(a->ctx, buf, *pos, n);
		else
			ret = a->store ? a->store(a->ctx, buf, n) : -EIO;
	}
	up_read(&a->sem);
	if (ret > 0)
		*pos += ret;
	kfree(buf);
	return ret;
}

static const struct file_operations attr_fops = { .read = attr_read, .write = attr_write, .llseek = generic_file_llseek };

static int add_attr(struct sysfs_node *dir, const char *name, umode_t mode, const struct attr *from)
{
	struct pnode *n = pnode_new(name, S_IFREG | (mode & 0777));
	struct attr *a = kmemdup(from, sizeof(*from), GFP_KERNEL);

	if (!n || !a) {
		kfree(a);
		pnode_put(n);
		return -ENOMEM;
	}
	init_rwsem(&a->sem);
	n->data = a;
	n->free_data = (void (*)(void *))kfree;
	n->fop = &attr_fops;
	return pnode_add(dir ? to_pnode(dir) : root_node(), n);
}

int sysfs_create_file(struct sysfs_node *dir, const char *name, umode_t mode, sysfs_show_t show, sysfs_store_t store, void *ctx)
{
	struct attr a = { .show = show, .store = store, .ctx = ctx };

	return add_attr(dir, name, mode, &a);
}

int sysfs_create_bin(struct sysfs_node *dir, const char *name, umode_t mode, size_t size,
		     ssize_t (*read)(void *ctx, char *buf, loff_t off, size_t n),
		     ssize_t (*write)(void *ctx, const char *buf, loff_t off, size_t n), void *ctx)
{
	struct attr a = { .bread = read, .bwrite = write, .ctx = ctx, .size = size };

	return add_attr(dir, name, mode, &a);
}

/* Text from dir to target: up to the root, then down. */
int sysfs_create_link(struct sysfs_node *dir, const char *name, struct sysfs_node *target)
{
	struct pnode *n = pnode_new(name, S_IFLNK | 0777), *at;
	char *path = kzalloc(1024, GFP_KERNEL);
	size_t pos = 1023;

	if (!n || !path)
		goto nomem;
	for (at = to_pnode(target); at && at->parent; at = at->parent) {
		size_t len = strlen(at->name);

		if (len + 4 > pos)
			goto nomem;
		if (path[pos])
			path[--pos] = '/';
		pos -= len;
		memcpy(path + pos, at->name, len);
	}
	for (at = dir ? to_pnode(dir) : NULL; at && at->parent; at = at->parent) {
		if (pos < 3)
			goto nomem;
		pos -= 3;
		memcpy(path + pos, "../", 3);
	}
	n->target = kstrdup(path + pos, GFP_KERNEL);
	if (!n->target)
		goto nomem;
	kfree(path);
	return pnode_add(dir ? to_pnode(dir) : root_node(), n);
nomem:
	kfree(path);
	pnode_put(n);
	return -ENOMEM;
}

/* Shuts an attribute's door and waits for calls inside. */
static void close_attr(struct pnode *n)
{
	struct attr *a = n->data;

	if (n->fop != &attr_fops)
		return;
	down_write(&a->sem);
	a->gone = true;
	up_write(&a->sem);
}

static void close_below(struct pnode *dir)
{
	struct pnode *n;

	list_for_each_entry(n, &dir->children, sibling) {
		close_attr(n);
		close_below(n);
	}
}

void sysfs_remove(struct sysfs_node *node)
{
	if (!node)
		return;
	close_attr(to_pnode(node));
	close_below(to_pnode(node));
	pnode_remove(to_pnode(node));
}

void sysfs_remove_file(struct sysfs_node *dir, const char *name)
{
	struct pnode *n = pnode_find(dir ? to_pnode(dir) : root_node(), name, strlen(name));

	if (n) {
		close_attr(n);
		pnode_remove(n);
		pnode_put(n);
	}
}

static int sysfs_fill(struct super_block *sb, const char *data)
{
	struct inode *i;

	(void)data;
	sb->magic = 0x62656572;
	sb->op = &pseudo_sops;
	sb->dop = &pseudo_dops;
	i = pnode_inode(sb, root_node());
	sb->root = i ? d_make_root(i) : NULL;
	return sb->root ? 0 : -ENOMEM;
}

static struct super_block *sysfs_mount(struct file_system_type *t, unsigned flags, const char *dev, const char *data)
{
	(void)dev;
	return mount_nodev(t, flags, data, sysfs_fill);
}

static struct file_system_type sysfs_type = { .name = "sysfs", .mount = sysfs_mount };

static int sysfs_init(void)
{
	static const char *const dirs[] = { "block", "bus", "class", "dev", "devices", "firmware", "fs", "kernel", "module", "power" };

	for (unsigned i = 0; i < ARRAY_SIZE(dirs); i++)
		if (!sysfs_mkdir(NULL, dirs[i]))
			return -ENOMEM;
	return register_filesystem(&sysfs_type);
}
core_initcall(sysfs_init);
