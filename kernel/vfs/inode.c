/* SPDX-License-Identifier: MIT */
/*
 * Inodes: allocation, the hash by (super block, number), dirtiness, eviction.
 * Locks: inode_hash_lock (spin) over the hash; sb->inode_lock over its lists. An inode whose count reached zero is evicted
 * at once: the dentries keep the ones worth keeping.
 */
#include "vfs.h"
#include <kernel/slab.h>
#include <kernel/string.h>

#define HASH_BITS 12

static struct hlist_head table[1 << HASH_BITS];
static DEFINE_SPINLOCK_RANK(inode_hash_lock, RANK_FS + 3);
static DECLARE_WAIT_QUEUE_HEAD(inode_wait);
static atomic64_t next_ino = { 1 };

u64 get_next_ino(void)
{
	return (u64)atomic64_inc_return(&next_ino);
}

struct timespec64 current_time(const struct inode *inode)
{
	struct timespec64 t = ktime_to_timespec64(ktime_get_real());

	if (inode->sb && inode->sb->time_gran > 1)
		t.tv_nsec -= t.tv_nsec % inode->sb->time_gran;
	return t;
}

static struct inode *alloc_inode(struct super_block *sb)
{
	struct inode *i;

	if (sb && sb->op && sb->op->alloc_inode)
		i = sb->op->alloc_inode(sb);
	else
		i = kzalloc(sizeof(*i), GFP_KERNEL);
	if (!i)
		return NULL;
	i->sb = sb;
	i->nlink = 1;
	refcount_set(&i->count, 1);
	init_rwsem(&i->rwsem);
	spin_lock_init(&i->lock);
	INIT_LIST_HEAD(&i->sb_list);
	INIT_LIST_HEAD(&i->dirty_list);
	INIT_LIST_HEAD(&i->locks);
	address_space_init(&i->data, i, NULL, GFP_HIGHUSER);
	i->mapping = &i->data;
	i->atime = i->mtime = i->ctime = i->btime = current_time(i);
	return i;
}

static void free_inode(struct inode *i)
{
	if (i->sb && i->sb->op && i->sb->op->free_inode)
		i->sb->op->free_inode(i);
	else
		kfree(i);
}

static void list_inode(struct inode *i)
{
	if (!i->sb)
		return;
	spin_lock(&i->sb->inode_lock);
	list_add(&i->sb_list, &i->sb->inodes);
	spin_unlock(&i->sb->inode_lock);
}

struct inode *new_inode(struct super_block *sb)
{
	struct inode *i = alloc_inode(sb);

	if (i)
		list_inode(i);
	return i;
}

static struct hlist_head *bucket(const struct super_block *sb, u64 ino)
{
	u64 h = (ino ^ (u64)(unsigned long)sb >> 6) * 0x9e3779b97f4a7c15UL;

	return &table[h >> (64 - HASH_BITS)];
}

void insert_inode_hash(struct inode *i)
{
	spin_lock(&inode_hash_lock);
	hlist_add_head(&i->hash, bucket(i->sb, i->ino));
	spin_unlock(&inode_hash_lock);
}

static bool inode_settled(struct inode *i)
{
	return !test_bit(I_NEW, &i->state) && !test_bit(I_FREEING, &i->state);
}

/* Referenced, or NULL. One that is being evicted is waited for. */
static struct inode *find_inode(struct super_block *sb, u64 ino, bool *retry)
{
	struct inode *i;

	*retry = false;
	hlist_for_each_entry(i, bucket(sb, ino), hash) {
		if (i->ino != ino || i->sb != sb)
			continue;
		if (test_bit(I_FREEING, &i->state) || !refcount_inc_not_zero(&i->count)) {
			*retry = true;
			return NULL;
		}
		return i;
	}
	return NULL;
}

struct inode *iget_locked(struct super_block *sb, u64 ino)
{
	struct inode *fresh = NULL, *i;
	bool retry;

	for (;;) {
		spin_lock(&inode_hash_lock);
		i = find_inode(sb, ino, &retry);
		if (!i && !retry && fresh) {
			fresh->ino = ino;
			set_bit(I_NEW, &fresh->state);
			hlist_add_head(&fresh->hash, bucket(sb, ino));
			spin_unlock(&inode_hash_lock);
			list_inode(fresh);
			return fresh;
		}
		spin_unlock(&inode_hash_lock);
		if (i) {
			if (fresh)
				free_inode(fresh);
			wait_event(inode_wait, !test_bit(I_NEW, &i->state));
			if (inode_settled(i))
				return i; /* else its read failed: look again */
			iput(i);
			fresh = NULL;
			continue;
		}
		if (retry) {
			yield();
			continue;
		}
		fresh = alloc_inode(sb);
		if (!fresh)
			return NULL;
	}
}

void unlock_new_inode(struct inode *i)
{
	clear_bit(I_NEW, &i->state);
	smp_mb();
	wake_up_all(&inode_wait);
}

static void unhash_inode(struct inode *i)
{
	spin_lock(&inode_hash_lock);
	if (!hlist_unhashed(&i->hash))
		hlist_del_init(&i->hash);
	spin_unlock(&inode_hash_lock);
}

void iget_failed(struct inode *i)
{
	unhash_inode(i);
	i->nlink = 1; /* nothing on disk is to be freed */
	i->op = NULL;
	i->mode = 0;
	set_bit(I_FREEING, &i->state);
	unlock_new_inode(i);
	iput(i);
}

void ihold(struct inode *i)
{
	refcount_inc(&i->count);
}

void clear_inode(struct inode *i)
{
	ASSERT(i->data.nrpages == 0);
	set_bit(I_FREEING, &i->state);
}

static void evict(struct inode *i)
{
	struct super_block *sb = i->sb;

	set_bit(I_FREEING, &i->state);
	if (sb) {
		spin_lock(&sb->inode_lock);
		if (!list_empty(&i->dirty_list))
			list_del_init(&i->dirty_list);
		if (!list_empty(&i->sb_list))
			list_del_init(&i->sb_list);
		spin_unlock(&sb->inode_lock);
	}
	if (sb && sb->op && sb->op->evict_inode && i->mode) {
		sb->op->evict_inode(i);
	} else {
		truncate_inode_pages(&i->data, 0);
		clear_inode(i);
	}
	unhash_inode(i);
	free_inode(i);
}

void iput(struct inode *i)
{
	if (!i)
		return;
	/* The last reference of one that is dirty and lives on writes it first. */
	if (refcount_read(&i->count) == 1 && i->nlink && i->sb &&
	    (test_bit(I_DIRTY, &i->state) || test_bit(I_DIRTY_PAGES, &i->state)) && !test_bit(I_FREEING, &i->state))
		sync_inode(i, true);
	if (refcount_dec_and_test(&i->count))
		evict(i);
}

void mark_inode_dirty(struct inode *i)
{
	struct super_block *sb = i->sb;

	if (!sb || !sb->op || !sb->op->write_inode)
		return;
	set_bit(I_DIRTY, &i->state);
	spin_lock(&sb->inode_lock);
	if (list_empty(&i->dirty_list) && !test_bit(I_FREEING, &i->state))
		list_add_tail(&i->dirty_list, &sb->dirty);
	spin_unlock(&sb->inode_lock);
}

/* The page cache calls this when a page of i becomes dirty. */
void mark_inode_pages_dirty(struct inode *i)
{
	struct super_block *sb = i->sb;

	if (!sb || test_and_set_bit(I_DIRTY_PAGES, &i->state))
		return;
	spin_lock(&sb->inode_lock);
	if (list_empty(&i->dirty_list) && !test_bit(I_FREEING, &i->state))
		list_add_tail(&i->dirty_list, &sb->dirty);
	spin_unlock(&sb->inode_lock);
}

/* Writes pages, then the inode. */
int sync_inode(struct inode *i, bool wait)
{
	int e = 0, e2;

	if (test_and_clear_bit(I_DIRTY_PAGES, &i->state) || wait) {
		e = filemap_fdatawrite_range(i->mapping, 0, 0x7fffffffffffffffL, wait);
		if (wait) {
			e2 = filemap_fdatawait_range(i->mapping, 0, 0x7fffffffffffffffL);
			e = e ? e : e2;
		}
	}
	if (test_and_clear_bit(I_DIRTY, &i->state) && i->sb->op->write_inode) {
		e2 = i->sb->op->write_inode(i, wait);
		if (e2)
			mark_inode_dirty(i);
		e = e ? e : e2;
	}
	return e;
}

void sync_inodes_sb(struct super_block *sb, bool wait)
{
	LIST_HEAD(work);

	spin_lock(&sb->inode_lock);
	list_splice_init(&sb->dirty, &work);
	while (!list_empty(&work)) {
		struct inode *i = list_first_entry(&work, struct inode, dirty_list);

		list_del_init(&i->dirty_list);
		if (!refcount_inc_not_zero(&i->count))
			continue;
		spin_unlock(&sb->inode_lock);
		sync_inode(i, wait);
		iput(i);
		cond_resched();
		spin_lock(&sb->inode_lock);
	}
	spin_unlock(&sb->inode_lock);
}

bool evict_inodes(struct super_block *sb)
{
	return list_empty(&sb->inodes);
}

void inode_init_owner(struct inode *i, const struct inode *dir, mode_t mode)
{
	i->uid = current_fsuid();
	i->gid = current_fsgid();
	if (dir && (dir->mode & S_ISGID)) {
		i->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010) && !in_group_p(i->gid) && !capable(CAP_FSETID))
			mode &= ~(mode_t)S_ISGID;
	}
	i->mode = mode;
}

void touch_atime(const struct path *p)
{
	struct inode *i = p->dentry->inode;
	struct timespec64 now;

	if ((p->mnt->flags & MS_NOATIME) || (i->flags & S_NOATIME) || mnt_readonly(p->mnt) ||
	    ((p->mnt->flags & MS_NODIRATIME) && S_ISDIR(i->mode)))
		return;
	now = current_time(i);
	/* relatime: only when not newer than the last change, or a day old */
	if ((i->atime.tv_sec > i->mtime.tv_sec || (i->atime.tv_sec == i->mtime.tv_sec && i->atime.tv_nsec > i->mtime.tv_nsec)) &&
	    now.tv_sec - i->atime.tv_sec < 86400 && !(p->mnt->flags & MS_STRICTATIME))
		return;
	i->atime = now;
	mark_inode_dirty(i);
}
