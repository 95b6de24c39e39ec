/* SPDX-License-Identifier: MIT */
/*
 * The directory entry cache: names that were looked up, found or not. One tree per super block, one hash over all.
 * Lock: dcache_lock (spin) over counts, flags, trees, the hash and the list of unused entries. Inodes are put outside it.
 */
#include "vfs.h"
#include "notify.h"
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/spinlock.h>

#define HASH_BITS 14
#define UNUSED_MAX 20000 /* entries kept only as a cache; the rest waits for the shrinker */

static struct hlist_head table[1 << HASH_BITS];
static DEFINE_SPINLOCK_RANK(dcache_lock, RANK_FS + 2);
static LIST_HEAD(unused);
static unsigned long nr_unused;

void dcache_spin_lock(void) { spin_lock(&dcache_lock); }
void dcache_spin_unlock(void) { spin_unlock(&dcache_lock); }

static u32 name_hash(const struct dentry *parent, const char *name, unsigned len)
{
	u32 h = 2166136261u ^ (u32)((unsigned long)parent >> 6); /* FNV-1a */

	for (unsigned i = 0; i < len; i++)
		h = (h ^ (u8)name[i]) * 16777619u;
	return h;
}

static struct hlist_head *bucket(u32 h)
{
	return &table[(h ^ h >> HASH_BITS) & ((1 << HASH_BITS) - 1)];
}

struct dentry *d_alloc(struct dentry *parent, const char *name, unsigned len)
{
	struct dentry *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	d->name = kstrndup(name, len, GFP_KERNEL);
	if (!d->name) {
		kfree(d);
		return NULL;
	}
	d->len = len;
	d->count = 1;
	INIT_LIST_HEAD(&d->child);
	INIT_LIST_HEAD(&d->children);
	INIT_LIST_HEAD(&d->lru);
	INIT_LIST_HEAD(&d->alias);
	d->parent = d;
	if (parent) {
		d->sb = parent->sb;
		d->op = parent->sb->dop;
		spin_lock(&dcache_lock);
		parent->count++;
		d->parent = parent;
		list_add(&d->child, &parent->children);
		spin_unlock(&dcache_lock);
	}
	return d;
}

struct dentry *d_make_root(struct inode *inode)
{
	struct dentry *d;

	if (!inode)
		return NULL;
	d = d_alloc(NULL, "/", 1);
	if (!d) {
		iput(inode);
		return NULL;
	}
	d->sb = inode->sb;
	d->op = inode->sb->dop;
	d->inode = inode;
	return d;
}

static void unhash(struct dentry *d)
{
	if (d->flags & DCACHE_HASHED) {
		hlist_del_init(&d->hash);
		d->flags &= ~DCACHE_HASHED;
	}
}

static void rehash(struct dentry *d)
{
	d->hashval = name_hash(d->parent, d->name, d->len);
	hlist_add_head(&d->hash, bucket(d->hashval));
	d->flags |= DCACHE_HASHED;
}

static void take_off_lru(struct dentry *d)
{
	if (d->flags & DCACHE_LRU) {
		list_del_init(&d->lru);
		d->flags &= ~DCACHE_LRU;
		nr_unused--;
	}
}

static struct dentry *lookup_locked(struct dentry *parent, const char *name, unsigned len)
{
	u32 h = name_hash(parent, name, len);
	struct dentry *d;

	hlist_for_each_entry(d, bucket(h), hash)
		if (d->hashval == h && d->parent == parent && d->len == len && !memcmp(d->name, name, len))
			return d;
	return NULL;
}

struct dentry *d_lookup(struct dentry *parent, const char *name, unsigned len)
{
	struct dentry *d;

	spin_lock(&dcache_lock);
	d = lookup_locked(parent, name, len);
	if (d) {
		take_off_lru(d);
		d->count++;
	}
	spin_unlock(&dcache_lock);
	return d;
}

struct dentry *dget(struct dentry *d)
{
	spin_lock(&dcache_lock);
	take_off_lru(d);
	d->count++;
	spin_unlock(&dcache_lock);
	return d;
}

/* Looked up and held in one step: a rename must not take the parent away between. */
struct dentry *dget_parent(struct dentry *d)
{
	struct dentry *p;

	spin_lock(&dcache_lock);
	p = d->parent;
	take_off_lru(p);
	p->count++;
	spin_unlock(&dcache_lock);
	return p;
}

void d_copy_name(struct dentry *d, char *buf, size_t n)
{
	spin_lock(&dcache_lock);
	strscpy(buf, d->name, n);
	spin_unlock(&dcache_lock);
}

/* A dentry lets go of its inode. */
static void drop_inode(struct inode *inode)
{
	if (inotify_on() && !inode->nlink)
		inotify_inode_gone(inode);
	iput(inode);
}

/* Takes a dentry without users out of everything; dcache_lock held, dropped on return. Its parent, to be put. */
static struct dentry *kill_locked(struct dentry *d)
{
	struct dentry *parent = d->parent == d ? NULL : d->parent;
	struct inode *inode = d->inode;

	unhash(d);
	take_off_lru(d);
	list_del_init(&d->child);
	d->inode = NULL;
	spin_unlock(&dcache_lock);
	if (d->op && d->op->release)
		d->op->release(d);
	if (inode)
		drop_inode(inode);
	kfree(d->name);
	kfree(d);
	return parent;
}

void dput(struct dentry *d)
{
	while (d) {
		spin_lock(&dcache_lock);
		ASSERT(d->count > 0);
		if (--d->count) {
			spin_unlock(&dcache_lock);
			return;
		}
		if ((d->flags & DCACHE_HASHED) && !(d->parent->flags & DCACHE_UNLINKED) && !(d->op && d->op->delete && d->op->delete(d)) && nr_unused < UNUSED_MAX) {
			list_add(&d->lru, &unused);
			d->flags |= DCACHE_LRU;
			nr_unused++;
			spin_unlock(&dcache_lock);
			return;
		}
		d = kill_locked(d);
	}
}

/* Unused entries below a directory that goes: they hold it, and with it its inode and blocks. */
void d_prune_children(struct dentry *dir)
{
	struct dentry *d, *found;

	do {
		found = NULL;
		spin_lock(&dcache_lock);
		list_for_each_entry(d, &dir->children, child)
			if (!d->count && d != dir) {
				found = d;
				break;
			}
		if (found)
			dput(kill_locked(found)); /* drops the lock; found's hold on dir */
		else
			spin_unlock(&dcache_lock);
	} while (found);
}

void d_add(struct dentry *d, struct inode *inode)
{
	spin_lock(&dcache_lock);
	d->inode = inode;
	if (!(d->flags & DCACHE_HASHED))
		rehash(d);
	spin_unlock(&dcache_lock);
}

void d_instantiate(struct dentry *d, struct inode *inode)
{
	spin_lock(&dcache_lock);
	d->inode = inode;
	d->flags &= ~DCACHE_UNLINKED; /* a name that is made again */
	spin_unlock(&dcache_lock);
}

void d_drop(struct dentry *d)
{
	spin_lock(&dcache_lock);
	unhash(d);
	spin_unlock(&dcache_lock);
}

/* The name is gone. Users of the old inode keep their dentry, unhashed; without users it turns negative. */
void d_delete(struct dentry *d)
{
	struct inode *inode = NULL;

	spin_lock(&dcache_lock);
	if (d->count == 1) {
		inode = d->inode;
		d->inode = NULL;
	} else {
		unhash(d);
		d->flags |= DCACHE_UNLINKED;
	}
	spin_unlock(&dcache_lock);
	if (inode)
		drop_inode(inode);
}

static void set_place(struct dentry *d, struct dentry *parent, char *name, unsigned len)
{
	d->name = name;
	d->len = len;
	if (d->parent != parent) {
		/* counts of the parents are moved by the caller */
		list_del(&d->child);
		list_add(&d->child, &parent->children);
		d->parent = parent;
	}
	rehash(d);
}

void d_move(struct dentry *d, struct dentry *target)
{
	struct dentry *old_parent = d->parent, *new_parent = target->parent;
	struct inode *victim = NULL;
	char *name;
	unsigned len;

	spin_lock(&dcache_lock);
	unhash(d);
	unhash(target);
	name = d->name;
	len = d->len;
	/* the two names change places: target keeps what d had, as an unhashed or negative leftover */
	set_place(d, new_parent, target->name, target->len);
	target->name = name;
	target->len = len;
	if (old_parent != new_parent) {
		list_del(&target->child);
		list_add(&target->child, &old_parent->children);
		target->parent = old_parent;
	}
	target->flags |= DCACHE_UNLINKED;
	if (target->count == 1) {
		victim = target->inode;
		target->inode = NULL;
	}
	spin_unlock(&dcache_lock);
	if (victim)
		drop_inode(victim);
}

void d_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *pa = a->parent, *pb = b->parent;
	char *name = a->name;
	unsigned len = a->len;

	spin_lock(&dcache_lock);
	unhash(a);
	unhash(b);
	set_place(a, pb, b->name, b->len);
	set_place(b, pa, name, len);
	spin_unlock(&dcache_lock);
}

bool is_subdir(struct dentry *d, struct dentry *ancestor)
{
	bool found = false;

	spin_lock(&dcache_lock);
	for (;; d = d->parent) {
		if (d == ancestor)
			found = true;
		if (found || d->parent == d)
			break;
	}
	spin_unlock(&dcache_lock);
	return found;
}

/* Drops unused entries; at most n. */
static unsigned long prune(unsigned long n, struct super_block *sb)
{
	unsigned long done = 0;

	while (done < n) {
		struct dentry *d = NULL, *p;

		spin_lock(&dcache_lock);
		list_for_each_entry_reverse(p, &unused, lru)
			if (!sb || p->sb == sb) {
				d = p;
				break;
			}
		if (!d) {
			spin_unlock(&dcache_lock);
			break;
		}
		dput(kill_locked(d));
		done++;
	}
	return done;
}

/* Everything of a dying file system; nobody uses it any more. */
void d_genocide(struct dentry *root)
{
	while (prune(1000, root->sb))
		;
	/* children are gone with their last users: what is left is the root and what leaked */
	WARN_ON(!list_empty(&root->children));
	dput(root);
	prune(1, NULL);
}

void shrink_dcache_sb(struct super_block *sb)
{
	while (prune(1000, sb))
		;
}

static unsigned long dcache_scan(unsigned long target, gfp_t gfp)
{
	return gfp & __GFP_FS ? prune(target, NULL) : 0;
}

static unsigned long dcache_count(void)
{
	return nr_unused;
}

static struct shrinker dcache_shrinker = { .name = "dentry", .scan = dcache_scan, .count = dcache_count };

void dcache_init(void)
{
	register_shrinker(&dcache_shrinker);
}
