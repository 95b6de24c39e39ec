/* SPDX-License-Identifier: MIT */
/* ext2 on images that stock mke2fs makes, judged by stock e2fsck -fn; then damaged images, which may fail but never
 * crash, loop or touch memory that is not theirs. The seed of the random parts is printed (SEED=n repeats it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <time.h>
#include <unistd.h>
#include "core.h"

static char dir[64];
static unsigned seed;

static u32 rnd(void)
{
	seed = seed * 1103515245u + 12345u;
	return seed >> 8;
}

static void sh(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd))
		fail_msg("failed: %s", cmd);
}

static struct block_device load(const char *name)
{
	char path[128];
	struct block_device d = { 0 };
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	d.size = ftell(f);
	rewind(f);
	d.image = malloc(d.size);
	assert_int_equal(fread(d.image, 1, d.size, f), d.size);
	fclose(f);
	return d;
}

static void store_and_check(struct block_device *d, const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");
	assert_int_equal(fwrite(d->image, 1, d->size, f), d->size);
	fclose(f);
	sh("e2fsck -fn %s >%s/fsck.log 2>&1 || { cat %s/fsck.log; exit 1; }", path, dir, dir);
}

static void open_rw(struct ext2_fs *fs, struct block_device *d)
{
	memset(fs, 0, sizeof(*fs));
	fs->name = "test";
	assert_int_equal(ext2_open(fs, d, true), 0);
	assert_int_equal(ext2_set_writable(fs, 1700000000), 0);
}

static void shut(struct ext2_fs *fs)
{
	struct block_device *d = fs->dev;
	ext2_set_readonly(fs, 1700000001);
	ext2_close(fs);
	assert_int_equal(d->held, 0);
}

static void stamp(struct ext2_node *n)
{
	n->atime.sec = n->mtime.sec = n->ctime.sec = 1700000000;
	n->atime.nsec = n->mtime.nsec = n->ctime.nsec = 123456789;
}

/* A file whose block i holds i ^ ino in every word; holes where the bit pattern says so. */
static void write_file(struct ext2_node *n, u64 lblk)
{
	struct buffer *b;
	u64 p;
	u32 one = 1;
	bool fresh;
	assert_int_equal(ext2_map(n, lblk, &p, &one, true, true, &fresh), 0);
	assert_int_equal(getblk_zeroed(n->fs->dev, p, n->fs->bsize, &b), 0);
	for (unsigned i = 0; i < n->fs->bsize / 4; i++)
		((u32 *)b->data)[i] = lblk ^ n->ino;
	mark_buffer_dirty(b);
	brelse(b);
	if (n->size < (lblk + 1) << n->fs->bshift)
		n->size = (lblk + 1) << n->fs->bshift;
}

static void check_block(struct ext2_node *n, u64 lblk, bool hole)
{
	struct buffer *b;
	u64 p;
	u32 want = 64;
	assert_int_equal(ext2_map(n, lblk, &p, &want, false, false, NULL), 0);
	assert_in_range(want, 1, 64);
	if (hole) {
		assert_int_equal(p, 0);
		return;
	}
	assert_int_not_equal(p, 0);
	assert_int_equal(bread(n->fs->dev, p, n->fs->bsize, &b), 0);
	assert_int_equal(((u32 *)b->data)[n->fs->bsize / 8], (u32)lblk ^ n->ino);
	brelse(b);
}

static void new_node(struct ext2_fs *fs, struct ext2_node *in, const char *name, u16 mode, struct ext2_node *n)
{
	memset(n, 0, sizeof(*n));
	assert_int_equal(ext2_alloc_node(fs, in, mode, n), 0);
	stamp(n);
	n->links = 1;
	if (ext2_is(n, EXT2_S_IFDIR)) {
		assert_int_equal(ext2_dir_init(n, in->ino, true), 0);
		n->links = 2;
		in->links++;
	}
	assert_int_equal(ext2_dir_add(in, name, strlen(name), n->ino, mode, true), 0);
	assert_int_equal(ext2_write_node(in), 0);
	assert_int_equal(ext2_write_node(n), 0);
}

static void remove_node(struct ext2_node *in, const char *name, struct ext2_node *n)
{
	assert_int_equal(ext2_dir_remove(in, name, strlen(name)), 0);
	if (ext2_is(n, EXT2_S_IFDIR))
		in->links--;
	assert_int_equal(ext2_write_node(in), 0);
	ext2_free_node(n, 1700000002);
}

static void root_of(struct ext2_fs *fs, struct ext2_node *root)
{
	memset(root, 0, sizeof(*root));
	assert_int_equal(ext2_read_node(fs, EXT2_ROOT_INO, root), 0);
}

static void work(unsigned bsize)
{
	struct ext2_fs fs;
	struct ext2_node root, f, g, sub, link;
	char text[1500];
	u32 ino;

	sh("rm -f %s/a.img; mke2fs -q -t ext2 -b %u %s/a.img 48M", dir, bsize, dir);
	struct block_device d = load("a.img");
	open_rw(&fs, &d);
	root_of(&fs, &root);
	u64 free0 = fs.free_blocks, ifree0 = fs.free_inodes;

	new_node(&fs, &root, "file", EXT2_S_IFREG | 0644, &f);
	/* direct, indirect, double; holes between; at 1 KiB blocks also triple */
	u64 at[] = { 0, 1, 11, 12, 13, 12 + bsize / 4 - 1, 12 + bsize / 4, 12 + bsize / 4 + 5 * (bsize / 4) + 7,
		     bsize == 1024 ? 12 + 256 + 65536 + 70000 : 20000 };
	for (unsigned i = 0; i < 9; i++)
		write_file(&f, at[i]);
	ext2_write_node(&f);
	for (unsigned i = 0; i < 9; i++)
		check_block(&f, at[i], false);
	check_block(&f, 5, true);
	check_block(&f, 12 + bsize / 4 + 3, true);
	check_block(&f, at[8] - 1, true);

	new_node(&fs, &root, "sub", EXT2_S_IFDIR | 0755, &sub);
	for (unsigned i = 0; i < 700; i++) {
		char name[64];
		snprintf(name, sizeof(name), "entry-%u-%.*s", i, (int)(rnd() % 40), "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop");
		new_node(&fs, &sub, name, EXT2_S_IFREG | 0600, &g);
		if (i % 3 == 0)
			remove_node(&sub, name, &g);
		else if (i % 7 == 0)
			write_file(&g, rnd() % 40), ext2_write_node(&g);
	}
	assert_int_equal(ext2_dir_find(&sub, "entry-nothing", 13, &ino), -ENOENT);
	assert_int_equal(ext2_dir_empty(&sub), 0);

	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < 4; i++) {
		static const unsigned len[] = { 1, 59, 60, 1000 };
		char name[8], back[1501];
		snprintf(name, sizeof(name), "l%u", i);
		new_node(&fs, &root, name, EXT2_S_IFLNK | 0777, &link);
		assert_int_equal(ext2_link_write(&link, text, len[i], true), 0);
		ext2_write_node(&link);
		struct ext2_node again = { 0 };
		assert_int_equal(ext2_read_node(&fs, link.ino, &again), 0);
		assert_int_equal(ext2_is_fast_link(&again), i < 2);
		assert_int_equal(ext2_link_read(&again, back, sizeof(back)), len[i]);
		assert_memory_equal(back, text, len[i]);
		if (i == 3)
			remove_node(&root, name, &link);
	}
	/* truncate in the middle of the double indirect range, then grow again */
	assert_int_equal(ext2_truncate_blocks(&f, at[6] + 1), 0);
	f.size = (at[6] + 1) << fs.bshift;
	ext2_write_node(&f);
	check_block(&f, at[6], false);
	check_block(&f, at[7], true);
	shut(&fs);
	store_and_check(&d, "b.img");

	/* everything away again: every block and inode comes back */
	open_rw(&fs, &d);
	root_of(&fs, &root);
	assert_int_equal(ext2_dir_find(&root, "file", 4, &ino), 0);
	memset(&f, 0, sizeof(f));
	assert_int_equal(ext2_read_node(&fs, ino, &f), 0);
	assert_int_equal(f.mtime.nsec, 123456789);
	remove_node(&root, "file", &f);
	assert_int_equal(f.blocks, 0);
	shut(&fs);
	store_and_check(&d, "b.img");
	assert_true(fs.free_blocks < free0 && fs.free_inodes < ifree0);
	free(d.image);
}

static void test_1k(void **s) { (void)s; work(1024); }
static void test_2k(void **s) { (void)s; work(2048); }
static void test_4k(void **s) { (void)s; work(4096); }

static void test_full(void **s)
{
	struct ext2_fs fs;
	struct ext2_node root, f;
	u64 p, n = 0;
	u32 one = 1;
	int e;
	(void)s;
	sh("rm -f %s/a.img; mke2fs -q -t ext2 -b 1024 -N 64 %s/a.img 3M", dir, dir);
	struct block_device d = load("a.img");
	open_rw(&fs, &d);
	root_of(&fs, &root);
	new_node(&fs, &root, "big", EXT2_S_IFREG | 0644, &f);
	while (!(e = ext2_map(&f, n, &p, &one, true, false, NULL)))
		n++;
	assert_int_equal(e, -ENOSPC);
	assert_true(fs.free_blocks >= fs.reserved - 3 && fs.reserved > 50);
	while (!(e = ext2_map(&f, n, &p, &one, true, true, NULL)))
		n++;
	assert_int_equal(e, -ENOSPC);
	assert_true(fs.free_blocks <= 1);
	f.size = n << fs.bshift;
	ext2_write_node(&f);
	/* and inodes */
	struct ext2_node g = { 0 };
	unsigned made = 0;
	while (!(e = ext2_alloc_node(&fs, &root, EXT2_S_IFREG | 0644, &g))) {
		ext2_free_node(&g, 5);
		if (++made > 3)
			break;
	}
	ext2_truncate_blocks(&f, 0);
	f.size = 0;
	ext2_write_node(&f);
	shut(&fs);
	store_and_check(&d, "b.img");
	free(d.image);
}

static void test_orphans(void **s)
{
	struct ext2_fs fs;
	struct ext2_node root, n[5];
	(void)s;
	sh("rm -f %s/a.img; mke2fs -q -t ext2 %s/a.img 8M", dir, dir);
	struct block_device d = load("a.img");
	open_rw(&fs, &d);
	root_of(&fs, &root);
	u64 before = fs.free_blocks;
	for (unsigned i = 0; i < 5; i++) {
		char name[4] = { 'o', '0' + i, 0 };
		new_node(&fs, &root, name, EXT2_S_IFREG | 0600, &n[i]);
		write_file(&n[i], 20);
		assert_int_equal(ext2_dir_remove(&root, name, 2), 0);
		n[i].links = 0;
		ext2_orphan_add(&n[i]);
	}
	ext2_free_node(&n[2], 7);
	ext2_free_node(&n[4], 7);
	/* a crash: nothing more is written; the next mount cleans up */
	ext2_sync_super(&fs, 1);
	ext2_close(&fs);
	memset(&fs, 0, sizeof(fs));
	fs.name = "test";
	assert_int_equal(ext2_open(&fs, &d, true), 0);
	((struct ext2_super *)fs.sb)->s_state |= EXT2_VALID_FS;
	assert_int_equal(ext2_set_writable(&fs, 9), 0);
	assert_int_equal(fs.free_blocks, before);
	shut(&fs);
	store_and_check(&d, "b.img");
	free(d.image);
}

static bool count_attr(void *ctx, u8 index, const char *name, unsigned len)
{
	(void)index;
	(void)name;
	(void)len;
	++*(unsigned *)ctx;
	return true;
}

static void expect_attr(struct ext2_node *n, u8 index, const char *name, const void *value, long size)
{
	char got[4096];
	assert_int_equal(ext2_xattr_get(n, index, name, got, sizeof(got)), size);
	if (size > 0)
		assert_memory_equal(got, value, size);
	assert_int_equal(ext2_xattr_get(n, index, name, NULL, 0), size);
}

/* debugfs puts attributes behind the inode's fields; ours go to a block; stock debugfs reads them. */
static void test_xattr(void **s)
{
	struct ext2_fs fs;
	struct ext2_node root, f, g;
	char big[4096], model[40][16];
	unsigned n = 0;
	u32 ino;
	(void)s;
	sh("rm -f %s/a.img; mke2fs -q -t ext2 -b 1024 -I 256 %s/a.img 4M", dir, dir);
	sh("echo hello >%s/h; debugfs -w %s/a.img -R 'write %s/h stock' >/dev/null 2>&1", dir, dir, dir);
	sh("debugfs -w %s/a.img -R 'ea_set stock user.one first-value' 2>/dev/null", dir);
	sh("debugfs -w %s/a.img -R 'ea_set stock security.two second' 2>/dev/null", dir);
	struct block_device d = load("a.img");
	open_rw(&fs, &d);
	root_of(&fs, &root);
	assert_int_equal(ext2_dir_find(&root, "stock", 5, &ino), 0);
	memset(&f, 0, sizeof(f));
	assert_int_equal(ext2_read_node(&fs, ino, &f), 0);
	expect_attr(&f, 1, "one", "first-value", 11);
	expect_attr(&f, 6, "two", "second", 6);
	expect_attr(&f, 1, "two", NULL, -ENODATA);
	assert_int_equal(ext2_xattr_set(&f, 1, "three", "third", 5, EXT2_XATTR_REPLACE, true), -ENODATA);
	assert_int_equal(ext2_xattr_set(&f, 1, "one", "x", 1, EXT2_XATTR_CREATE, true), -EEXIST);
	assert_int_equal(ext2_xattr_set(&f, 1, "three", "third", 5, EXT2_XATTR_CREATE, true), 0);
	assert_int_equal(ext2_xattr_set(&f, 1, "one", "uno", 3, 0, true), 0);
	expect_attr(&f, 1, "one", "uno", 3);
	expect_attr(&f, 6, "two", "second", 6);
	expect_attr(&f, 1, "three", "third", 5);
	ext2_write_node(&f);
	/* many, in any order, against a model; until the block is full */
	new_node(&fs, &root, "many", EXT2_S_IFREG | 0644, &g);
	memset(model, 0, sizeof(model));
	memset(big, 'b', sizeof(big));
	for (unsigned i = 0; i < 2000; i++) {
		unsigned k = rnd() % 40;
		char name[12];
		snprintf(name, sizeof(name), "n%u%s", k, k % 3 ? "" : "xx");
		if (rnd() % 3) {
			int e = ext2_xattr_set(&g, 1, name, big, rnd() % 15, 0, true);
			assert_true(!e || e == -ENOSPC);
			if (!e)
				model[k][0] = 1;
		} else {
			assert_int_equal(ext2_xattr_set(&g, 1, name, NULL, 0, 0, true), model[k][0] ? 0 : -ENODATA);
			model[k][0] = 0;
		}
	}
	for (unsigned k = 0; k < 40; k++)
		n += model[k][0];
	unsigned listed = 0;
	assert_int_equal(ext2_xattr_list(&g, count_attr, &listed), 0);
	assert_int_equal(listed, n);
	assert_int_equal(ext2_xattr_set(&g, 1, "huge", big, 1000, 0, true), -ENOSPC);
	assert_int_equal(ext2_xattr_set(&g, 4, "t", "trust", 5, 0, true), 0);
	ext2_write_node(&g);
	/* with the last one the block goes, and with the inode */
	struct ext2_node h;
	u64 before = fs.free_blocks;
	new_node(&fs, &root, "gone", EXT2_S_IFREG | 0644, &h);
	assert_int_equal(ext2_xattr_set(&h, 1, "a", "v", 1, 0, true), 0);
	assert_int_equal(fs.free_blocks, before - 1);
	assert_int_equal(ext2_xattr_set(&h, 1, "a", NULL, 0, 0, true), 0);
	assert_int_equal(fs.free_blocks, before);
	assert_int_equal(ext2_xattr_set(&h, 1, "a", "v", 1, 0, true), 0);
	ext2_write_node(&h);
	remove_node(&root, "gone", &h);
	assert_int_equal(fs.free_blocks, before);
	shut(&fs);
	store_and_check(&d, "b.img");
	free(d.image);
	sh("debugfs -R 'ea_get stock user.one' %s/b.img 2>/dev/null | grep -q uno", dir);
	sh("debugfs -R 'ea_get stock security.two' %s/b.img 2>/dev/null | grep -q second", dir);
	sh("debugfs -R 'ea_get many trusted.t' %s/b.img 2>/dev/null | grep -q trust", dir);
}

/* A directory that grows on a full disk gives back what it got on the way: indirect blocks of each level. */
static void test_dir_full(void **s)
{
	(void)s;
	for (unsigned leave = 0; leave < 4; leave++) {
		for (unsigned fill = 11; fill <= 12 + 256 + 1; fill += fill == 13 ? 254 : 1) {
			struct ext2_fs fs;
			struct ext2_node root, big, many;
			u32 one = 1;
			u64 p, n = 0;
			char name[256];
			sh("rm -f %s/a.img; mke2fs -q -t ext2 -b 1024 -m 0 -N 64 %s/a.img 1M", dir, dir);
			struct block_device d = load("a.img");
			open_rw(&fs, &d);
			root_of(&fs, &root);
			new_node(&fs, &root, "many", EXT2_S_IFDIR | 0755, &many);
			unsigned made = 0;
			while (many.size >> 10 < fill) {
				snprintf(name, sizeof(name), "%0240u", made++);
				assert_int_equal(ext2_dir_add(&many, name, 240, root.ino, EXT2_S_IFREG, true), 0);
			}
			ext2_write_node(&many);
			new_node(&fs, &root, "big", EXT2_S_IFREG | 0644, &big);
			while (fs.free_blocks > leave && !ext2_map(&big, n, &p, &one, true, true, NULL))
				n++;
			big.size = n << 10;
			ext2_write_node(&big);
			u64 blocks = many.blocks, left = fs.free_blocks, size = many.size;
			int e = 0;
			for (unsigned k = 0; k < 40 && !e; k++) {
				blocks = many.blocks, left = fs.free_blocks, size = many.size;
				snprintf(name, sizeof(name), "%0240u", made++);
				e = ext2_dir_add(&many, name, 240, root.ino, EXT2_S_IFREG, true);
			}
			assert_int_equal(e, -ENOSPC);
			assert_int_equal(many.blocks, blocks);
			assert_int_equal(fs.free_blocks, left);
			assert_int_equal(many.size, size);
			/* the names point at the root: take them out again before the check */
			for (unsigned k = 0; k < made; k++) {
				snprintf(name, sizeof(name), "%0240u", k);
				ext2_dir_remove(&many, name, 240);
			}
			ext2_write_node(&many);
			shut(&fs);
			store_and_check(&d, "b.img");
			free(d.image);
		}
	}
}

/* Walks everything that can be reached; bounded, whatever the image says. */
struct walk {
	struct ext2_fs *fs;
	unsigned budget, files;
	u32 todo[256];
	unsigned ntodo;
	u32 sum;
};

static bool visit(void *ctx, const char *name, unsigned len, u32 ino, u8 type, u64 next)
{
	struct walk *w = ctx;
	(void)type;
	(void)next;
	if (!w->budget)
		return false;
	w->budget--;
	if ((len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
		return true;
	struct ext2_node n = { 0 };
	if (ext2_read_node(w->fs, ino, &n))
		return true;
	w->files++;
	if (ext2_is(&n, EXT2_S_IFDIR) && w->ntodo < 256)
		w->todo[w->ntodo++] = ino;
	if (ext2_is(&n, EXT2_S_IFLNK)) {
		char buf[4200];
		ext2_link_read(&n, buf, sizeof(buf));
	}
	if (ext2_is(&n, EXT2_S_IFREG)) {
		u64 p;
		for (u64 l = 0; l << w->fs->bshift < n.size && w->budget;) {
			u32 c = 1000;
			w->budget--;
			if (ext2_map(&n, l, &p, &c, false, false, NULL))
				break;
			assert_true(c);
			for (u32 i = 0; p && i < c; i++) {
				struct buffer *b;
				u64 left = n.size - ((l + i) << w->fs->bshift);
				if ((l + i) << w->fs->bshift >= n.size || bread(w->fs->dev, p + i, w->fs->bsize, &b))
					break;
				for (unsigned k = 0; k < w->fs->bsize && k < left; k++)
					w->sum = w->sum * 31 + ((u8 *)b->data)[k];
				brelse(b);
			}
			l += c;
		}
	}
	return true;
}

static unsigned walk(struct ext2_fs *fs, u32 *sum)
{
	struct walk *w = calloc(1, sizeof(*w));
	unsigned files;
	w->fs = fs;
	w->budget = 20000;
	w->todo[w->ntodo++] = EXT2_ROOT_INO;
	while (w->ntodo && w->budget) {
		struct ext2_node n = { 0 };
		u64 pos = 0;
		w->budget--;
		if (!ext2_read_node(fs, w->todo[--w->ntodo], &n))
			ext2_dir_iterate(&n, &pos, visit, w);
	}
	if (sum)
		*sum = w->sum;
	files = w->files;
	free(w);
	return files;
}

static void make_tree(void)
{
	sh("rm -rf %s/t; mkdir -p %s/t/d1/d2; for i in $(seq 300); do echo $i-$i > %s/t/d1/file-$i; done; "
	   "head -c 3000000 /dev/urandom > %s/t/d1/d2/big; truncate -s 900000 %s/t/sparse; echo end >> %s/t/sparse; "
	   "ln -s d1/d2/big %s/t/fast; ln -s $(printf '%%0200d' 7) %s/t/slow", dir, dir, dir, dir, dir, dir, dir, dir);
}

/* Debian's default ext4 and ext2 of the same tree give the same files and the same bytes. */
static void test_ext4_ro(void **s)
{
	u32 sum[2];
	struct ext2_fs fs;
	(void)s;
	make_tree();
	sh("rm -f %s/e2 %s/e4; mke2fs -q -t ext2 -b 4096 -d %s/t %s/e2 24M; mke2fs -q -t ext4 -b 4096 -d %s/t %s/e4 24M", dir, dir,
	   dir, dir, dir, dir);
	for (unsigned i = 0; i < 2; i++) {
		struct block_device d = load(i ? "e4" : "e2");
		memset(&fs, 0, sizeof(fs));
		fs.name = "test";
		d.ro = true;
		assert_int_equal(ext2_open(&fs, &d, false), 0);
		assert_true(walk(&fs, &sum[i]) >= 306);
		assert_false(fs.errors);
		if (i)
			assert_int_equal(ext2_set_writable(&fs, 0), -EROFS);
		ext2_close(&fs);
		assert_int_equal(d.held, 0);
		if (i) { /* an unclean journal is refused */
			((struct ext2_super *)(d.image + 1024))->s_feature_incompat |= INCOMPAT_RECOVER;
			memset(&fs, 0, sizeof(fs));
			fs.name = "test";
			assert_int_equal(ext2_open(&fs, &d, false), -EUCLEAN);
		}
		free(d.image);
	}
	/* (directory order may differ, so the sums are compared only where it does not: same mke2fs -d order) */
	assert_int_equal(sum[0], sum[1]);
}

static void scribble(struct block_device *d, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		u64 at = rnd() % 3 ? 1024 + rnd() % 60000 : ((u64)rnd() << 12) % d->size;
		if (rnd() % 4 == 0)
			d->image[at % d->size] = rnd();
		else
			memcpy(d->image + at % (d->size - 8), &(u32){ rnd() % 3 ? rnd() % 4096 : rnd() * 77u }, 4);
	}
}

static void test_damaged(void **s)
{
	unsigned opened = 0, rounds = getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 300;
	(void)s;
	make_tree();
	sh("rm -f %s/h1 %s/h4; mke2fs -q -t ext2 -b 1024 -d %s/t %s/h1 6M; mke2fs -q -t ext4 -b 1024 -O ^has_journal -d %s/t %s/h4 6M",
	   dir, dir, dir, dir, dir, dir);
	struct block_device orig[2] = { load("h1"), load("h4") };
	for (unsigned i = 0; i < rounds; i++) {
		struct block_device d = orig[i & 1];
		struct ext2_fs fs = { .name = "hostile" };
		d.image = malloc(d.size);
		memcpy(d.image, orig[i & 1].image, d.size);
		scribble(&d, 1 + rnd() % 400);
		if (rnd() % 3 == 0)
			d.fail_after = 1 + rnd() % 300;
		if (!ext2_open(&fs, &d, false)) {
			opened++;
			walk(&fs, NULL);
			if (!(i & 1) && !ext2_set_writable(&fs, 1)) {
				struct ext2_node root = { 0 }, f = { 0 };
				u64 p;
				u32 one = 1, ino;
				if (!ext2_read_node(&fs, EXT2_ROOT_INO, &root)) {
					if (!ext2_alloc_node(&fs, &root, EXT2_S_IFREG, &f)) {
						for (unsigned k = 0; k < 300 && !ext2_map(&f, k, &p, &one, true, true, NULL); k++)
							;
						ext2_dir_add(&root, "new", 3, f.ino, f.mode, true);
						ext2_dir_remove(&root, "new", 3);
						ext2_free_node(&f, 1);
					}
					if (!ext2_dir_find(&root, "sparse", 6, &ino) && !ext2_read_node(&fs, ino, &f))
						ext2_free_node(&f, 1);
					ext2_dir_remove(&root, "fast", 4);
				}
				ext2_set_readonly(&fs, 2);
			}
			ext2_close(&fs);
		}
		assert_int_equal(d.held, 0);
		free(d.image);
	}
	printf("damaged images: %u of %u opened\n", opened, rounds);
	assert_true(opened > rounds / 10);
	free(orig[0].image);
	free(orig[1].image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_1k), cmocka_unit_test(test_2k), cmocka_unit_test(test_4k), cmocka_unit_test(test_full),
		cmocka_unit_test(test_orphans), cmocka_unit_test(test_xattr), cmocka_unit_test(test_dir_full), cmocka_unit_test(test_ext4_ro), cmocka_unit_test(test_damaged),
	};
	seed = getenv("SEED") ? strtoul(getenv("SEED"), NULL, 0) : (unsigned)time(NULL);
	printf("seed %u\n", seed);
	host_quiet = !getenv("VERBOSE");
	snprintf(dir, sizeof(dir), "/tmp/zazen-ext2-%d", getpid());
	if (system(NULL) == 0 || strlen(dir) > 60)
		return 2;
	char cmd[128];
	snprintf(cmd, sizeof(cmd), "mkdir -p %s", dir);
	if (system(cmd))
		return 2;
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		return 2;
	return r;
}
