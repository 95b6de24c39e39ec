/* SPDX-License-Identifier: MIT */
/* Files of no directory: eventfd, epoll, signalfd, sockets share one inode each kind; pipes and memory files have their own. */
#include "vfs.h"
#include "anon.h"
#include "../fs/tmpfs/tmpfs.h"
#include <kernel/init.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>

static struct mount *anon_mount;
static struct mount *shm_mount;
static struct inode *anon_inode;

/* "anon_inode:[eventfd]", "pipe:[123]": the name as given, with the inode's number where it ends in ":[". */
static char *anon_name(struct dentry *d, char *buf, size_t n)
{
	snprintf(buf, n, d->name[d->len - 1] == '[' ? "%s%lu]" : "%s", d->name, d->inode->ino);
	return buf;
}

static const struct dentry_operations anon_dops = { .name = anon_name };
static const struct super_operations anon_sops = { .put_super = NULL };

static int anon_fill(struct super_block *sb, const char *data)
{
	struct inode *root = new_inode(sb);

	(void)data;
	sb->op = &anon_sops;
	sb->dop = &anon_dops;
	sb->magic = 0x09041934; /* ANON_INODE_FS_MAGIC */
	if (!root)
		return -ENOMEM;
	root->mode = S_IFDIR | 0700;
	root->ino = get_next_ino();
	sb->root = d_make_root(root);
	return sb->root ? 0 : -ENOMEM;
}

static struct super_block *anon_mount_sb(struct file_system_type *t, unsigned flags, const char *dev, const char *data)
{
	(void)dev;
	return mount_nodev(t, flags, data, anon_fill);
}

static struct file_system_type anon_type = { .name = "anon_inodefs", .mount = anon_mount_sb };

static struct super_block *shm_mount_sb(struct file_system_type *t, unsigned flags, const char *dev, const char *data)
{
	(void)flags, (void)dev;
	return tmpfs_mount_kernel(t, data);
}
static struct file_system_type shm_type = { .name = "shm", .mount = shm_mount_sb };

struct inode *new_anon_inode(mode_t mode)
{
	struct inode *i = new_inode(anon_mount->sb);

	if (i) {
		i->ino = get_next_ino();
		i->mode = mode;
		i->uid = current_fsuid();
		i->gid = current_fsgid();
	}
	return i;
}

struct file *anon_file(const char *name, struct inode *inode, const struct file_operations *op, unsigned flags)
{
	struct path p = { mntget(anon_mount), d_alloc(NULL, name, (unsigned)strlen(name)) };
	struct file *f;

	if (!p.dentry) {
		mntput(p.mnt);
		iput(inode);
		return ERR_PTR(-ENOMEM);
	}
	p.dentry->sb = anon_mount->sb;
	p.dentry->op = &anon_dops;
	d_instantiate(p.dentry, inode);
	f = alloc_file(&p, flags, op);
	if (IS_ERR(f))
		path_put(&p);
	return f;
}

struct file *anon_inode_getfile(const char *name, const struct file_operations *op, void *data, unsigned flags)
{
	char full[64];
	struct file *f;

	ihold(anon_inode);
	snprintf(full, sizeof(full), strchr(name, ':') ? "%s" : "anon_inode:%s", name);
	f = anon_file(full, anon_inode, op, flags & (O_ACCMODE | O_NONBLOCK));
	if (!IS_ERR(f)) {
		f->private = data;
		f->mode = (f->mode & ~FMODE_LSEEK) | FMODE_STREAM | FMODE_READ | FMODE_WRITE;
	}
	return f;
}

int anon_inode_getfd(const char *name, const struct file_operations *op, void *data, unsigned flags)
{
	int fd = get_unused_fd_flags(flags);
	struct file *f;

	if (fd < 0)
		return fd;
	f = anon_inode_getfile(name, op, data, flags);
	if (IS_ERR(f)) {
		put_unused_fd((unsigned)fd);
		return (int)PTR_ERR(f);
	}
	fd_install((unsigned)fd, f);
	return fd;
}

#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u

long sys_memfd_create(const char __user *uname, unsigned flags)
{
	struct path p;
	struct inode *dir = shm_mount->root->inode;
	char *name, shown[NAME_MAX + 8];
	struct file *f;
	int fd, e;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	name = getname_flags(uname, LOOKUP_EMPTY);
	if (IS_ERR(name))
		return PTR_ERR(name);
	e = snprintf(shown, sizeof(shown), "memfd:%s", name) > NAME_MAX ? -EINVAL : 0;
	putname(name);
	if (e)
		return e;
	p = (struct path){ mntget(shm_mount), d_alloc(shm_mount->root, shown, (unsigned)strlen(shown)) };
	e = p.dentry ? dir->op->tmpfile(dir, p.dentry, S_IFREG | 0777) : -ENOMEM;
	if (!e && (flags & MFD_ALLOW_SEALING))
		p.dentry->inode->private = NULL;
	f = e ? ERR_PTR(e) : dentry_open(&p, O_RDWR | O_LARGEFILE);
	path_put(&p);
	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = get_unused_fd_flags(flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
	if (fd < 0)
		fput(f);
	else
		fd_install((unsigned)fd, f);
	return fd;
}

/* A mount outside the tree. */
static struct mount *mount_privately(struct file_system_type *t)
{
	struct super_block *sb = t->mount(t, 0, NULL, NULL);
	struct mount *m;

	if (IS_ERR(sb))
		return NULL;
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return NULL;
	m->sb = sb;
	m->root = dget(sb->root);
	m->flags = MS_NOATIME;
	m->id = -1;
	atomic_set(&m->count, 1);
	INIT_LIST_HEAD(&m->node);
	return m;
}

static int anon_init(void)
{
	anon_mount = mount_privately(&anon_type);
	shm_mount = mount_privately(&shm_type);
	if (!anon_mount || !shm_mount)
		panic("vfs: no memory for the kernel's own mounts");
	anon_inode = new_anon_inode(0600);
	return anon_inode ? 0 : -ENOMEM;
}
core_initcall(anon_init);
