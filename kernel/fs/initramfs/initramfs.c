/* SPDX-License-Identifier: MIT */
/* The first root: a rootfs filled from the boot modules, cpio "newc" archives (cpio(5)). Runs in pid 1 at the end of
 * the file system level; every length from the archive is checked against what is left of it. */
#include <kernel/kernel.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/page.h>
#include <kernel/task.h>

struct entry {
	u32 ino, mode, uid, gid, nlink, mtime, size, major, minor, rmajor, rminor, namesize;
	const char *name;
	const u8 *data;
};

struct seen {
	struct list_head node;
	u32 ino, major, minor;
	char *name;
};
static LIST_HEAD(hard_links);

static bool hex8(const u8 *p, u32 *out)
{
	u32 v = 0;
	for (int i = 0; i < 8; i++) {
		int c = tolower(p[i]);
		if (!isxdigit(c))
			return false;
		v = v << 4 | (u32)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	*out = v;
	return true;
}

/* Takes one entry off; its size with padding, 0 at the end or on nonsense. */
static size_t parse_entry(const u8 *p, size_t left, struct entry *e)
{
	u32 f[13];
	if (left < 110 || (memcmp(p, "070701", 6) && memcmp(p, "070702", 6)))
		return 0;
	for (int i = 0; i < 13; i++)
		if (!hex8(p + 6 + 8 * i, &f[i]))
			return 0;
	*e = (struct entry){ .ino = f[0], .mode = f[1], .uid = f[2], .gid = f[3], .nlink = f[4], .mtime = f[5], .size = f[6],
		.major = f[7], .minor = f[8], .rmajor = f[9], .rminor = f[10], .namesize = f[11] };
	size_t data = ALIGN(110 + (size_t)e->namesize, 4UL), total = ALIGN(data + e->size, 4UL);
	if (!e->namesize || e->namesize > PATH_MAX || data + e->size > left || p[110 + e->namesize - 1])
		return 0;
	e->name = (const char *)p + 110;
	e->data = p + data;
	return min(total, left);
}

static int set_owner(struct dentry *d, const struct entry *e)
{
	struct iattr a = { .valid = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_MTIME | ATTR_FORCE, .mode = e->mode, .uid = e->uid,
		.gid = e->gid, .mtime = { .tv_sec = e->mtime } };
	if (S_ISLNK(e->mode))
		a.valid &= ~ATTR_MODE;
	down_write(&d->inode->rwsem);
	int r = notify_change(d, &a);
	up_write(&d->inode->rwsem);
	return r;
}

static int make_node(const struct entry *e)
{
	struct path parent;
	struct dentry *d = path_create(AT_FDCWD, e->name, &parent, S_ISDIR(e->mode));
	char *target;
	if (IS_ERR(d))
		return PTR_ERR(d) == -EEXIST && S_ISDIR(e->mode) ? 0 : (int)PTR_ERR(d);
	struct inode *dir = parent.dentry->inode;
	int r;
	if (S_ISDIR(e->mode)) {
		r = dir->op->mkdir(dir, d, e->mode);
	} else if (S_ISLNK(e->mode)) {
		target = kstrndup((const char *)e->data, e->size, GFP_KERNEL);
		r = target ? dir->op->symlink(dir, d, target) : -ENOMEM;
		kfree(target);
	} else if (S_ISREG(e->mode)) {
		r = dir->op->create(dir, d, e->mode, true);
	} else {
		r = dir->op->mknod(dir, d, e->mode, MKDEV(e->rmajor, e->rminor));
	}
	if (!r && d->inode)
		r = set_owner(d, e);
	done_path_create(&parent, d);
	return r;
}

static int write_data(const struct entry *e)
{
	struct file *f = filp_open(e->name, O_WRONLY | O_LARGEFILE, 0);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	loff_t pos = 0;
	ssize_t n = kernel_write(f, e->data, e->size, &pos);
	fput(f);
	return n == (ssize_t)e->size ? 0 : n < 0 ? (int)n : -EIO;
}

/* Another name for a file that came before? Its data may come with any of the names. */
static int try_link(const struct entry *e)
{
	struct seen *s;
	struct path old, parent;
	list_for_each_entry(s, &hard_links, node) {
		if (s->ino != e->ino || s->major != e->major || s->minor != e->minor)
			continue;
		int r = kern_path(s->name, 0, &old);
		if (r)
			return r;
		struct dentry *d = path_create(AT_FDCWD, e->name, &parent, false);
		if (IS_ERR(d)) {
			r = (int)PTR_ERR(d);
		} else {
			r = parent.dentry->inode->op->link(old.dentry, parent.dentry->inode, d);
			done_path_create(&parent, d);
		}
		path_put(&old);
		return r ? r : 1;
	}
	s = kmalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	*s = (struct seen){ .ino = e->ino, .major = e->major, .minor = e->minor, .name = kstrdup(e->name, GFP_KERNEL) };
	list_add(&s->node, &hard_links);
	return 0;
}

static void unpack_one(const struct entry *e)
{
	int r = 0;
	if (S_ISREG(e->mode) && e->nlink > 1) {
		r = try_link(e);
		if (r == 0)
			r = make_node(e);
		else if (r == 1)
			r = 0;
	} else if (strcmp(e->name, ".")) {
		r = make_node(e);
	}
	if (!r && S_ISREG(e->mode) && e->size)
		r = write_data(e);
	if (r)
		pr_warn("initramfs: %s: error %d\n", e->name, r);
}

/* By the first bytes of its format; NULL: none that is known. */
static const char *packed_by(const u8 *p, size_t left)
{
	static const struct {
		const char *name;
		u8 len, magic[6];
	} formats[] = {
		{ "gzip", 2, { 0x1f, 0x8b } }, { "bzip2", 3, { 'B', 'Z', 'h' } }, { "xz", 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
		{ "lzma", 3, { 0x5d, 0, 0 } }, { "lzo", 4, { 0x89, 'L', 'Z', 'O' } }, { "lz4", 4, { 0x02, 0x21, 0x4c, 0x18 } },
		{ "zstd", 4, { 0x28, 0xb5, 0x2f, 0xfd } },
	};
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
		if (left >= formats[i].len && !memcmp(p, formats[i].magic, formats[i].len))
			return formats[i].name;
	return NULL;
}

static void unpack(const u8 *p, size_t left)
{
	struct entry e;
	unsigned files = 0;
	while (left) {
		if (!*p) { /* padding between archives */
			p++;
			left--;
			continue;
		}
		size_t n = parse_entry(p, left, &e);
		if (!n) {
			const char *packer = packed_by(p, left);
			if (packer)
				pr_err("initramfs: packed with %s, which is not unpacked here: unpack it and give the cpio archive itself\n", packer);
			else
				pr_err("initramfs: not a cpio archive (or damaged) with %lu bytes left\n", left);
			break;
		}
		p += n;
		left -= n;
		if (!strcmp(e.name, "TRAILER!!!"))
			continue;
		unpack_one(&e);
		files++;
	}
	struct seen *s, *t;
	list_for_each_entry_safe(s, t, &hard_links, node) {
		list_del(&s->node);
		kfree(s->name);
		kfree(s);
	}
	pr_info("initramfs: %u files\n", files);
}

static int populate_rootfs(void)
{
	int e = mount_root_fs("rootfs", NULL, 0, NULL);
	if (e)
		panic("cannot mount the first root: error %d", e);
	if (nr_boot_modules && boot_modules[0].size)
		unpack(phys_to_virt(boot_modules[0].start), boot_modules[0].size);
	free_initrd();
	return 0;
}
fs_initcall(populate_rootfs);
