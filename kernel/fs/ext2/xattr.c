/* SPDX-License-Identifier: MIT */
/* Extended attributes: those behind the inode's fields (mke2fs -d and ext4 put them there) and those in a block of their own
 * (i_file_acl), which files may share. All are read; a change writes them all into a block that is this inode's alone.
 * Entry points: ext2_xattr_get, ext2_xattr_list, ext2_xattr_set, ext2_xattr_drop. Lock: the caller's (inode->rwsem). */
#include "core.h"

#define MAX_ATTRS 256u

struct attr {
	u8 index, name_len;
	const char *name;
	u32 size;
	const u8 *value;
};

/* All attributes of an inode, pointing into the two copies. */
struct attrs {
	u8 *body, *block; /* of the inode's tail and of the block; NULL: none */
	unsigned n;
	struct attr a[MAX_ATTRS + 1]; /* one more than can be: for the new one */
};

static unsigned pad4(unsigned n) { return (n + 3) & ~3u; }

/* Entries from off on of a region of `limit` bytes; value offsets count from `base`. */
static int parse(struct ext2_node *n, struct attrs *s, const u8 *p, unsigned off, unsigned base, unsigned limit)
{
	while (off + 4 <= limit && *(const u32 *)(p + off)) {
		const struct ext2_xattr_entry *e = (const struct ext2_xattr_entry *)(p + off);

		if (off + sizeof(*e) > limit || off + sizeof(*e) + e->e_name_len > limit || s->n == MAX_ATTRS)
			goto bad;
		if (e->e_value_block) /* in an inode of its own (ext4's ea_inode): not read */
			goto next;
		if (e->e_value_size > limit || (e->e_value_size && base + e->e_value_offs + e->e_value_size > limit))
			goto bad;
		s->a[s->n++] = (struct attr){ e->e_name_index, e->e_name_len, e->e_name, e->e_value_size, p + base + e->e_value_offs };
next:
		off += pad4(sizeof(*e) + e->e_name_len);
	}
	return 0;
bad:
	ext2_error(n->fs, "inode %u: damaged extended attributes", n->ino);
	return -EUCLEAN;
}

static void drop(struct attrs *s)
{
	kfree(s->body);
	kfree(s->block);
	kfree(s);
}

static int load_body(struct ext2_node *n, struct attrs *s)
{
	unsigned size = n->fs->inode_size, from = EXT2_GOOD_OLD_INODE;
	struct ext2_dinode *d;
	struct buffer *b;
	int e;

	if (size <= EXT2_GOOD_OLD_INODE)
		return 0;
	e = ext2_inode_buffer(n->fs, n->ino, &b, &d);
	if (e)
		return e;
	from += d->i_extra_isize;
	if (from + 8 <= size && *(u32 *)((u8 *)d + from) == EXT2_XATTR_MAGIC) {
		s->body = kzalloc(size, GFP_KERNEL);
		if (s->body)
			memcpy(s->body, d, size);
	} else {
		from = 0;
	}
	brelse(b);
	if (!from)
		return 0;
	return s->body ? parse(n, s, s->body, from + 4, from + 4, size) : -ENOMEM;
}

/* The block of attributes, checked. */
static int xattr_block(struct ext2_node *n, struct buffer **b)
{
	struct ext2_fs *fs = n->fs;
	const struct ext2_xattr_header *h;
	int e = ext2_block_ok(fs, n->file_acl) ? bread(fs->dev, n->file_acl, fs->bsize, b) : -EUCLEAN;

	if (!e) {
		h = (*b)->data;
		if (h->h_magic == EXT2_XATTR_MAGIC && h->h_blocks == 1 && h->h_refcount && h->h_refcount <= EXT2_XATTR_REFS_MAX)
			return 0;
		brelse(*b);
		e = -EUCLEAN;
	}
	if (e == -EUCLEAN)
		ext2_error(fs, "inode %u: bad attribute block", n->ino);
	return e;
}

static int load_block(struct ext2_node *n, struct attrs *s)
{
	struct buffer *b;
	int e;

	if (!n->file_acl)
		return 0;
	e = xattr_block(n, &b);
	if (e)
		return e;
	s->block = kzalloc(n->fs->bsize, GFP_KERNEL);
	if (s->block)
		memcpy(s->block, b->data, n->fs->bsize);
	brelse(b);
	return s->block ? parse(n, s, s->block, sizeof(struct ext2_xattr_header), 0, n->fs->bsize) : -ENOMEM;
}

static int load(struct ext2_node *n, struct attrs **out)
{
	struct attrs *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int e = s ? load_body(n, s) : -ENOMEM;

	if (!e)
		e = load_block(n, s);
	if (e && s)
		drop(s);
	*out = e ? NULL : s;
	return e;
}

static struct attr *find(struct attrs *s, u8 index, const char *name)
{
	unsigned len = strlen(name);

	for (unsigned i = 0; i < s->n; i++)
		if (s->a[i].index == index && s->a[i].name_len == len && !memcmp(s->a[i].name, name, len))
			return &s->a[i];
	return NULL;
}

long ext2_xattr_get(struct ext2_node *n, u8 index, const char *name, void *buf, size_t size)
{
	struct attrs *s;
	struct attr *a;
	long r = load(n, &s);

	if (r)
		return r;
	a = find(s, index, name);
	r = !a ? -ENODATA : size && size < a->size ? -ERANGE : (long)a->size;
	if (r > 0 && size)
		memcpy(buf, a->value, a->size);
	drop(s);
	return r;
}

int ext2_xattr_list(struct ext2_node *n, bool (*fn)(void *ctx, u8 index, const char *name, unsigned len), void *ctx)
{
	struct attrs *s;
	int e = load(n, &s);

	if (e)
		return e;
	for (unsigned i = 0; i < s->n && fn(ctx, s->a[i].index, s->a[i].name, s->a[i].name_len); i++)
		;
	drop(s);
	return 0;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

/* The order of a block: by namespace, length and text, so that a search may stop early. */
static bool before(const struct attr *a, const struct attr *b)
{
	if (a->index != b->index)
		return a->index < b->index;
	if (a->name_len != b->name_len)
		return a->name_len < b->name_len;
	return memcmp(a->name, b->name, a->name_len) < 0;
}

/* The hash that stock tools check: name bytes by 5 bits, value words by 16. */
static u32 entry_hash(const struct ext2_xattr_entry *e, const u8 *value)
{
	u32 h = 0;

	for (unsigned i = 0; i < e->e_name_len; i++)
		h = h << 5 ^ h >> 27 ^ (u8)e->e_name[i];
	for (unsigned i = 0; i < pad4(e->e_value_size) / 4; i++)
		h = h << 16 ^ h >> 16 ^ ((const u32 *)value)[i];
	return h;
}

static int encode(struct ext2_fs *fs, struct attrs *s, u8 *out)
{
	unsigned at = sizeof(struct ext2_xattr_header), end = fs->bsize;
	struct ext2_xattr_header *h = (struct ext2_xattr_header *)out;

	for (unsigned i = 1; i < s->n; i++)
		for (unsigned k = i; k && before(&s->a[k], &s->a[k - 1]); k--) {
			struct attr t = s->a[k];
			s->a[k] = s->a[k - 1];
			s->a[k - 1] = t;
		}
	*h = (struct ext2_xattr_header){ .h_magic = EXT2_XATTR_MAGIC, .h_refcount = 1, .h_blocks = 1 };
	for (unsigned i = 0; i < s->n; i++) {
		const struct attr *a = &s->a[i];
		struct ext2_xattr_entry *e = (struct ext2_xattr_entry *)(out + at);
		unsigned room = pad4(a->size), len = pad4(sizeof(*e) + a->name_len);

		if (at + len + 4 + room > end)
			return -ENOSPC;
		end -= room;
		*e = (struct ext2_xattr_entry){ .e_name_len = a->name_len, .e_name_index = a->index,
						.e_value_offs = a->size ? end : 0, .e_value_size = a->size };
		memcpy(e->e_name, a->name, a->name_len);
		memcpy(out + end, a->value, a->size);
		e->e_hash = entry_hash(e, out + end);
		h->h_hash = h->h_hash << 16 ^ h->h_hash >> 16 ^ e->e_hash;
		at += len;
	}
	return 0;
}

/* One user less of the inode's block; the last one frees it. */
void ext2_xattr_drop(struct ext2_node *n)
{
	struct ext2_fs *fs = n->fs;
	u64 at = n->file_acl, units = fs->bsize / 512;
	struct ext2_xattr_header *h;
	struct buffer *b;

	if (!at)
		return;
	n->blocks -= n->blocks < units ? n->blocks : units;
	if (!xattr_block(n, &b)) {
		h = b->data;
		if (--h->h_refcount) {
			ext2_dirty(fs, b);
			brelse(b);
		} else {
			h->h_refcount = 1; /* as it was: nobody looks at it any more */
			brelse(b);
			bforget(fs->dev, at, fs->bsize);
			ext2_free_blocks(fs, at, 1);
		}
	}
	n->file_acl = 0;
}

/* A block of the inode's own with this content. */
static int store(struct ext2_node *n, const u8 *content, bool root)
{
	struct ext2_fs *fs = n->fs;
	struct buffer *b;
	u64 blk;
	int e;

	if (n->file_acl && !xattr_block(n, &b)) {
		if (((struct ext2_xattr_header *)b->data)->h_refcount == 1) {
			memcpy(b->data, content, fs->bsize);
			ext2_dirty(fs, b);
			brelse(b);
			return 0;
		}
		brelse(b);
	}
	e = ext2_alloc_block(fs, (u64)((n->ino - 1) / fs->ipg) * fs->bpg + fs->first_data, root, &blk);
	if (e)
		return e;
	e = getblk_zeroed(fs->dev, blk, fs->bsize, &b);
	if (e) {
		ext2_free_blocks(fs, blk, 1);
		return e;
	}
	memcpy(b->data, content, fs->bsize);
	ext2_dirty(fs, b);
	brelse(b);
	ext2_xattr_drop(n);
	n->file_acl = blk;
	n->blocks += fs->bsize / 512;
	if (!(fs->sb->s_feature_compat & COMPAT_EXT_ATTR)) {
		fs->sb->s_feature_compat |= COMPAT_EXT_ATTR;
		ext2_dirty(fs, fs->sb_buf);
	}
	return 0;
}

/* What was behind the inode's fields is in the block now. */
static int clear_body(struct ext2_node *n)
{
	struct ext2_dinode *d;
	struct buffer *b;
	int e = ext2_inode_buffer(n->fs, n->ino, &b, &d);

	if (!e) {
		unsigned from = EXT2_GOOD_OLD_INODE + d->i_extra_isize;

		memset((u8 *)d + from, 0, n->fs->inode_size - from);
		ext2_dirty(n->fs, b);
		brelse(b);
	}
	return e;
}

int ext2_xattr_set(struct ext2_node *n, u8 index, const char *name, const void *value, size_t size, int flags, bool root)
{
	struct attrs *s;
	struct attr *a;
	u8 *content;
	int e;

	if (!n->fs->writable)
		return -EROFS;
	if (strlen(name) > 255 || size > n->fs->bsize)
		return size > n->fs->bsize ? -ENOSPC : -ERANGE;
	e = load(n, &s);
	if (e)
		return e;
	a = find(s, index, name);
	if (a && (flags & EXT2_XATTR_CREATE))
		e = -EEXIST;
	else if (!a && ((flags & EXT2_XATTR_REPLACE) || !value))
		e = -ENODATA;
	if (e)
		goto out;
	if (!value)
		*a = s->a[--s->n];
	else
		*(a ? a : &s->a[s->n++]) = (struct attr){ index, (u8)strlen(name), name, (u32)size, value };
	if (!s->n) {
		ext2_xattr_drop(n);
	} else {
		content = kzalloc(n->fs->bsize, GFP_KERNEL);
		e = content ? encode(n->fs, s, content) : -ENOMEM;
		if (!e)
			e = store(n, content, root);
		kfree(content);
	}
	if (!e && s->body)
		e = clear_body(n);
out:
	drop(s);
	return e;
}
