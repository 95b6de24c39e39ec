/* SPDX-License-Identifier: MIT */
/* Mounting, options, statfs, sync, remount. File systems "ext2" (read-write), and "ext3", "ext4" (read-only, journal
 * empty). Entry points: the file system types, ext2_sops, ext2_sync_meta, ext2_check_errors. */
#include "ext2.h"
#include <kernel/init.h>

enum errors_mode { ERRORS_CONTINUE = EXT2_ERRORS_CONTINUE, ERRORS_RO, ERRORS_PANIC };
struct ext2_mount {
	struct ext2_fs fs;
	enum errors_mode errors;
	bool reported;
};
static struct ext2_mount *mount_of(struct super_block *sb) { return container_of(ext2_fs(sb), struct ext2_mount, fs); }

void ext2_check_errors(struct super_block *sb)
{
	struct ext2_mount *m = mount_of(sb);
	if (!m->fs.errors || m->reported || !m->fs.writable)
		return;
	m->reported = true;
	if (m->errors == ERRORS_PANIC)
		panic("EXT2-fs (%s): damaged, errors=panic", m->fs.name);
	if (m->errors == ERRORS_RO) {
		pr_err("EXT2-fs (%s): remounting read-only\n", m->fs.name);
		sb->flags |= MS_RDONLY;
	}
}

static int parse_options(struct ext2_mount *m, const char *data)
{
	char *copy = data ? kstrdup(data, GFP_KERNEL) : NULL, *p = copy, *o;
	int e = 0;

	while (!e && p && (o = strsep(&p, ","))) {
		if (!*o || !strcmp(o, "noatime") || !strcmp(o, "user_xattr") || !strcmp(o, "acl") || !strcmp(o, "nocheck"))
			continue;
		if (!strcmp(o, "errors=continue"))
			m->errors = ERRORS_CONTINUE;
		else if (!strcmp(o, "errors=remount-ro"))
			m->errors = ERRORS_RO;
		else if (!strcmp(o, "errors=panic"))
			m->errors = ERRORS_PANIC;
		else {
			pr_err("EXT2-fs (%s): unknown mount option \"%s\"\n", m->fs.name, o);
			e = -EINVAL;
		}
	}
	kfree(copy);
	return e;
}

int ext2_sync_meta(struct super_block *sb, bool wait)
{
	struct ext2_fs *fs = ext2_fs(sb);
	struct address_space *m = sb->bdev->inode->mapping;
	int e, g = 0;

	if (!fs)
		return 0;
	ext2_sync_super(fs, ext2_now());
	if (!wait)
		return filemap_fdatawrite_range(m, 0, 0x7fffffffffffffffL, false);
	e = filemap_write_and_wait(m);
	if (fs->writable)
		g = blkdev_issue_flush(sb->bdev);
	return e ? e : g;
}

static int ext2_statfs(struct super_block *sb, struct kstatfs *s)
{
	struct ext2_fs *fs = ext2_fs(sb);
	u64 itable = (fs->ipg + fs->ino_per_block - 1) / fs->ino_per_block, overhead = fs->first_data;
	for (u32 g = 0; g < fs->groups; g++) /* bitmaps and inode tables; backups as statfs of Linux counts them */
		overhead += itable + 2;
	memset(s, 0, sizeof(*s));
	s->type = EXT2_MAGIC;
	s->bsize = s->frsize = fs->bsize;
	s->blocks = fs->blocks - overhead - 1 - fs->gdt_blocks;
	s->bfree = fs->free_blocks;
	s->bavail = fs->free_blocks > fs->reserved ? fs->free_blocks - fs->reserved : 0;
	s->files = fs->inodes;
	s->ffree = fs->free_inodes;
	s->namelen = EXT2_NAME_LEN;
	memcpy(&s->fsid, fs->sb->s_uuid, 8);
	s->fsid ^= *(const u64 *)(fs->sb->s_uuid + 8);
	return 0;
}

static int ext2_remount(struct super_block *sb, unsigned *flags, const char *data)
{
	struct ext2_fs *fs = ext2_fs(sb);
	int e = parse_options(mount_of(sb), data);

	if (e)
		return e;
	if ((*flags & MS_RDONLY) && fs->writable) {
		sync_filesystem(sb);
		if (!list_empty(&fs->orphans)) /* open files without a name: their inodes are to be freed yet */
			return -EBUSY;
		ext2_set_readonly(fs, ext2_now());
		e = filemap_write_and_wait(sb->bdev->inode->mapping);
		blkdev_issue_flush(sb->bdev);
	} else if (!(*flags & MS_RDONLY) && !fs->writable) {
		if (fs->errors)
			return -EROFS;
		e = ext2_set_writable(fs, ext2_now());
		if (!e)
			e = ext2_sync_meta(sb, true);
	}
	return e;
}

static void ext2_put_super(struct super_block *sb)
{
	if (!sb->info) /* mounting failed */
		return;
	struct ext2_mount *m = mount_of(sb);
	ext2_set_readonly(&m->fs, ext2_now());
	filemap_write_and_wait(sb->bdev->inode->mapping);
	if (!bdev_read_only(sb->bdev))
		blkdev_issue_flush(sb->bdev);
	ext2_close(&m->fs);
	sb->info = NULL;
	kfree(m->fs.name);
	kfree(m);
}

static void ext2_show_options(struct super_block *sb, char *buf, size_t n)
{
	static const char *const name[] = { "", ",errors=continue", ",errors=remount-ro", ",errors=panic" };
	strscpy(buf, name[mount_of(sb)->errors], n);
}

const struct super_operations ext2_sops = {
	.alloc_inode = ext2_alloc_inode, .free_inode = ext2_free_inode, .write_inode = ext2_write_inode,
	.evict_inode = ext2_evict, .put_super = ext2_put_super, .sync_fs = ext2_sync_meta, .statfs = ext2_statfs,
	.remount = ext2_remount, .show_options = ext2_show_options,
};

static int fill_super(struct super_block *sb, const char *data)
{
	struct ext2_mount *m = kzalloc(sizeof(*m), GFP_KERNEL);
	bool writable = !(sb->flags & MS_RDONLY);
	struct inode *root;
	int e;

	if (!m)
		return -ENOMEM;
	m->fs.name = kstrdup(sb->bdev->device ? sb->bdev->device->name : sb->bdev->disk->name, GFP_KERNEL);
	e = ext2_open(&m->fs, sb->bdev, writable);
	if (e)
		goto fail;
	m->errors = m->fs.sb->s_errors >= 1 && m->fs.sb->s_errors <= 3 ? m->fs.sb->s_errors : ERRORS_RO;
	e = parse_options(m, data);
	if (e)
		goto fail_close;
	sb->info = &m->fs;
	sb->op = &ext2_sops;
	sb->magic = EXT2_MAGIC;
	sb->blocksize = m->fs.bsize;
	sb->blocksize_bits = m->fs.bshift;
	sb->maxbytes = ext2_max_size(&m->fs);
	sb->time_gran = m->fs.inode_size > EXT2_GOOD_OLD_INODE ? 1 : 1000000000;
	sb->bdev->block_size = m->fs.bsize;
	if (writable) {
		e = ext2_set_writable(&m->fs, ext2_now());
		if (e)
			goto fail_close;
	}
	root = ext2_iget(sb, EXT2_ROOT_INO);
	e = IS_ERR(root) ? PTR_ERR(root) : 0;
	if (!e && !S_ISDIR(root->mode)) {
		iput(root);
		e = -EINVAL;
	}
	if (!e) {
		sb->root = d_make_root(root);
		if (!sb->root)
			e = -ENOMEM;
	}
	if (!e)
		return writable ? ext2_sync_meta(sb, true) : 0;
	ext2_set_readonly(&m->fs, ext2_now());
	sync_blockdev(sb->bdev);
fail_close:
	ext2_close(&m->fs);
fail:
	sb->info = NULL;
	kfree(m->fs.name);
	kfree(m);
	return e == -EUCLEAN ? -EIO : e;
}

static struct super_block *ext2_mount(struct file_system_type *t, unsigned flags, const char *dev, const char *data)
{
	return mount_bdev(t, flags, dev, data, fill_super);
}

static struct file_system_type types[] = {
	{ .name = "ext2", .flags = FS_REQUIRES_DEV, .mount = ext2_mount, .kill_sb = kill_block_super },
	{ .name = "ext4", .flags = FS_REQUIRES_DEV, .mount = ext2_mount, .kill_sb = kill_block_super },
	{ .name = "ext3", .flags = FS_REQUIRES_DEV, .mount = ext2_mount, .kill_sb = kill_block_super },
};

static int ext2_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		register_filesystem(&types[i]);
	return 0;
}
fs_initcall(ext2_init);
