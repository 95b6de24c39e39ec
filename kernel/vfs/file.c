/* SPDX-License-Identifier: MIT */
/*
 * Open files and descriptor tables.
 * Locks: files->lock (spin) over the table; a reader takes it too, so a slot and the file's count change together.
 */
#include "vfs.h"
#include "notify.h"
#include <kernel/blkdev.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/proc.h>
#include <kernel/syscalls.h>

#define FIRST_MAX 64u /* descriptors of a fresh table; multiple of 64 */

/* --- files --------------------------------------------------------------------------------------------------------------- */

static unsigned mode_of(unsigned flags)
{
	if (flags & O_PATH)
		return FMODE_PATH;
	switch (flags & O_ACCMODE) {
	case O_RDONLY: return FMODE_READ;
	case O_WRONLY: return FMODE_WRITE;
	case O_RDWR: return FMODE_READ | FMODE_WRITE;
	default: return 0; /* 3: permission for both was asked, neither is given (ioctl only) */
	}
}

/* Errors from before are no business of this opener, unless nobody has seen them. */
static void sample_errors(struct file *f)
{
	struct super_block *sb = f->path.dentry->sb;

	if (f->mapping)
		f->wb_err = errseq_sample(&f->mapping->wb_err);
	if (sb && sb->bdev && sb->bdev->inode)
		f->sb_err = errseq_sample(&sb->bdev->inode->mapping->wb_err);
}

struct file *alloc_file(const struct path *p, unsigned flags, const struct file_operations *op)
{
	struct file *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return ERR_PTR(-ENOMEM);
	f->path = *p;
	f->inode = p->dentry->inode;
	f->mapping = f->inode->mapping;
	f->op = op;
	f->flags = flags;
	f->mode = mode_of(flags) | FMODE_LSEEK;
	mutex_init(&f->pos_lock);
	spin_lock_init(&f->lock);
	atomic64_set(&f->count, 1);
	f->cred = get_cred(current->cred);
	sample_errors(f);
	INIT_LIST_HEAD(&f->epoll);
	return f;
}

int stream_open(struct inode *inode, struct file *f)
{
	(void)inode;
	f->mode = (f->mode & ~FMODE_LSEEK) | FMODE_STREAM;
	return 0;
}

static const struct file_operations path_fops;

static void free_file(struct file *f)
{
	if (f->mode & FMODE_WRITER) {
		put_write_access(f->inode);
		mnt_drop_write(f->path.mnt);
	}
	path_put(&f->path);
	put_cred(f->cred);
	kfree(f);
}

/* An open regular file keeps its mount from turning read-only and its inode from being executed. */
static int count_writer(struct file *f)
{
	int e = get_write_access(f->inode);

	if (e)
		return e;
	e = mnt_want_write(f->path.mnt);
	if (e)
		put_write_access(f->inode);
	else
		f->mode |= FMODE_WRITER;
	return e;
}

struct file *dentry_open(const struct path *p, unsigned flags)
{
	struct inode *i = p->dentry->inode;
	struct file *f;
	int e = 0;

	path_get(p);
	f = alloc_file(p, flags & ~(unsigned)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC), i->fop ? i->fop : &path_fops);
	if (IS_ERR(f)) {
		path_put(p);
		return f;
	}
	if (flags & O_PATH) {
		f->op = &path_fops;
		return f;
	}
	f->flags |= flags & O_NOCTTY; /* for tty_open */
	if ((f->mode & FMODE_WRITE) && S_ISREG(i->mode))
		e = count_writer(f);
	if (!e && f->op->open)
		e = f->op->open(i, f);
	f->flags &= ~(unsigned)O_NOCTTY;
	if (!e && f->mapping != i->mapping) /* a device's own */
		sample_errors(f);
	if (!e && (f->flags & O_DIRECT) && !(f->mapping && f->mapping->ops && f->mapping->ops->direct_io)) {
		if (f->op->release)
			f->op->release(i, f);
		e = -EINVAL;
	}
	if (e) {
		free_file(f);
		return ERR_PTR(e);
	}
	return f;
}

void fput(struct file *f)
{
	if (!atomic64_dec_and_test(&f->count))
		return;
	notify_file(f, f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (!list_empty(&f->epoll))
		eventpoll_release(f);
	locks_remove_file(f);
	if ((f->flags & FASYNC) && f->op->fasync)
		f->op->fasync(f, false);
	if (!(f->mode & FMODE_PATH) && f->op->release)
		f->op->release(f->inode, f);
	free_file(f);
}

int filp_close(struct file *f, struct files *files)
{
	int e = 0;

	if (!(f->mode & FMODE_PATH)) {
		if (f->op->flush)
			e = f->op->flush(f);
		locks_remove_posix(f, files);
	}
	fput(f);
	return e;
}

/* --- descriptor tables ------------------------------------------------------------------------------------------------------ */

static void free_table(struct files *t)
{
	kvfree(t->fd);
	kfree(t->open);
	kfree(t->cloexec);
}

static int alloc_table(struct files *t, unsigned max)
{
	t->max = max;
	t->fd = kvzalloc(max * sizeof(*t->fd), GFP_KERNEL);
	t->open = kzalloc(max / 8, GFP_KERNEL);
	t->cloexec = kzalloc(max / 8, GFP_KERNEL);
	if (t->fd && t->open && t->cloexec)
		return 0;
	free_table(t);
	return -ENOMEM;
}

static struct files *new_files(unsigned max)
{
	struct files *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t || alloc_table(t, max)) {
		kfree(t);
		return NULL;
	}
	refcount_set(&t->count, 1);
	spin_lock_init(&t->lock);
	return t;
}

/* Makes room for descriptor fd. Lock held, dropped for the allocation: everything must be looked at again. */
static int grow_table(struct files *t, unsigned fd)
{
	struct files bigger = { 0 };
	unsigned max = t->max;
	int e;

	while (max <= fd)
		max *= 2;
	spin_unlock(&t->lock);
	e = alloc_table(&bigger, max);
	spin_lock(&t->lock);
	if (e)
		return e;
	if (t->max < max) {
		struct files old = *t;

		memcpy(bigger.fd, t->fd, t->max * sizeof(*t->fd));
		memcpy(bigger.open, t->open, t->max / 8);
		memcpy(bigger.cloexec, t->cloexec, t->max / 8);
		t->fd = bigger.fd;
		t->open = bigger.open;
		t->cloexec = bigger.cloexec;
		t->max = max;
		bigger.fd = old.fd;
		bigger.open = old.open;
		bigger.cloexec = old.cloexec;
	}
	spin_unlock(&t->lock);
	free_table(&bigger);
	spin_lock(&t->lock);
	return 0;
}

static unsigned find_free(const struct files *t, unsigned from)
{
	for (unsigned fd = from; fd < t->max; fd++) {
		if (!(fd % 64))
			while (fd < t->max && t->open[fd / 64] == ~0UL)
				fd += 64;
		if (fd >= t->max || !test_bit(fd % 64, &t->open[fd / 64]))
			return fd;
	}
	return t->max > from ? t->max : from;
}

int get_unused_fd_from(unsigned min, unsigned flags)
{
	struct files *t = current->files;
	u64 limit = min_t(u64, rlimit(RLIMIT_NOFILE), NR_OPEN_MAX);
	unsigned fd;
	int e = 0;

	spin_lock(&t->lock);
	for (;;) {
		fd = find_free(t, max_t(unsigned, min, t->next));
		if (fd >= limit) {
			e = -EMFILE;
			break;
		}
		if (fd < t->max)
			break;
		e = grow_table(t, fd);
		if (e)
			break;
	}
	if (!e) {
		set_bit(fd % 64, &t->open[fd / 64]);
		if (flags & O_CLOEXEC)
			set_bit(fd % 64, &t->cloexec[fd / 64]);
		else
			clear_bit(fd % 64, &t->cloexec[fd / 64]);
		if (min <= t->next)
			t->next = fd + 1;
	}
	spin_unlock(&t->lock);
	return e ? e : (int)fd;
}

int get_unused_fd_flags(unsigned flags)
{
	return get_unused_fd_from(0, flags);
}

static void release_slot(struct files *t, unsigned fd)
{
	clear_bit(fd % 64, &t->open[fd / 64]);
	if (fd < t->next)
		t->next = fd;
}

void put_unused_fd(unsigned fd)
{
	struct files *t = current->files;

	spin_lock(&t->lock);
	release_slot(t, fd);
	spin_unlock(&t->lock);
}

void fd_install(unsigned fd, struct file *f)
{
	struct files *t = current->files;

	spin_lock(&t->lock);
	ASSERT(fd < t->max && !t->fd[fd]);
	t->fd[fd] = f;
	spin_unlock(&t->lock);
}

static struct file *table_get(struct files *t, unsigned fd)
{
	struct file *f = NULL;

	spin_lock(&t->lock);
	if (fd < t->max && (f = t->fd[fd]))
		get_file(f);
	spin_unlock(&t->lock);
	return f;
}

struct file *fget_raw(unsigned fd)
{
	return table_get(current->files, fd);
}

struct file *fget(unsigned fd)
{
	struct file *f = fget_raw(fd);

	if (f && (f->mode & FMODE_PATH)) {
		fput(f);
		return NULL;
	}
	return f;
}

/* Takes a file out of its slot; the table's reference passes to the caller. */
static struct file *take_slot(struct files *t, unsigned fd)
{
	struct file *f = NULL;

	spin_lock(&t->lock);
	if (fd < t->max && (f = t->fd[fd])) {
		t->fd[fd] = NULL;
		release_slot(t, fd);
	}
	spin_unlock(&t->lock);
	return f;
}

int close_fd(unsigned fd)
{
	struct file *f = take_slot(current->files, fd);

	return f ? filp_close(f, current->files) : -EBADF;
}

long sys_close(unsigned fd)
{
	int e = close_fd(fd);

	/* the descriptor is gone whatever flush says: no restart */
	return e == -ERESTARTSYS || e == -ERESTARTNOINTR ? -EINTR : e;
}

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

long sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	struct files *t;
	int e;

	if (first > last || (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)))
		return -EINVAL;
	if ((flags & CLOSE_RANGE_UNSHARE) && (e = unshare_files()))
		return e;
	t = current->files;
	for (unsigned fd = first; fd <= last && fd < READ_ONCE(t->max); fd++) {
		if (flags & CLOSE_RANGE_CLOEXEC) {
			spin_lock(&t->lock);
			if (t->fd[fd])
				set_bit(fd % 64, &t->cloexec[fd / 64]);
			spin_unlock(&t->lock);
		} else {
			close_fd(fd);
		}
		cond_resched();
	}
	return 0;
}

/* --- dup ------------------------------------------------------------------------------------------------------------------------ */

long do_dup_from(unsigned oldfd, unsigned min, unsigned flags)
{
	struct file *f = fget_raw(oldfd);
	int fd;

	if (!f)
		return -EBADF;
	fd = min >= rlimit(RLIMIT_NOFILE) ? -EINVAL : get_unused_fd_from(min, flags);
	if (fd < 0)
		fput(f);
	else
		fd_install((unsigned)fd, f);
	return fd;
}

long sys_dup(unsigned oldfd)
{
	long r = do_dup_from(oldfd, 0, 0);

	return r == -EINVAL ? -EMFILE : r;
}

long sys_dup3(unsigned oldfd, unsigned newfd, int flags)
{
	struct files *t = current->files;
	struct file *f, *old;
	int e = 0;

	if ((flags & ~O_CLOEXEC) || oldfd == newfd)
		return -EINVAL;
	if (newfd >= min_t(u64, rlimit(RLIMIT_NOFILE), NR_OPEN_MAX))
		return -EBADF;
	f = fget_raw(oldfd);
	if (!f)
		return -EBADF;
	spin_lock(&t->lock);
	while (newfd >= t->max && !e)
		e = grow_table(t, newfd);
	if (!e && !t->fd[newfd] && test_bit(newfd % 64, &t->open[newfd / 64]))
		e = -EBUSY; /* reserved by an open that is under way */
	if (e) {
		spin_unlock(&t->lock);
		fput(f);
		return e;
	}
	old = t->fd[newfd];
	t->fd[newfd] = f;
	set_bit(newfd % 64, &t->open[newfd / 64]);
	if (flags & O_CLOEXEC)
		set_bit(newfd % 64, &t->cloexec[newfd / 64]);
	else
		clear_bit(newfd % 64, &t->cloexec[newfd / 64]);
	spin_unlock(&t->lock);
	if (old)
		filp_close(old, t);
	return newfd;
}

long sys_dup2(unsigned oldfd, unsigned newfd)
{
	struct file *f;

	if (oldfd != newfd)
		return sys_dup3(oldfd, newfd, 0);
	f = fget_raw(oldfd);
	if (!f)
		return -EBADF;
	fput(f);
	return newfd;
}

int get_close_on_exec(unsigned fd)
{
	struct files *t = current->files;
	int r;

	spin_lock(&t->lock);
	r = fd < t->max && test_bit(fd % 64, &t->cloexec[fd / 64]);
	spin_unlock(&t->lock);
	return r;
}

void set_close_on_exec(unsigned fd, bool on)
{
	struct files *t = current->files;

	spin_lock(&t->lock);
	if (fd < t->max) {
		if (on)
			set_bit(fd % 64, &t->cloexec[fd / 64]);
		else
			clear_bit(fd % 64, &t->cloexec[fd / 64]);
	}
	spin_unlock(&t->lock);
}

/* --- tasks ------------------------------------------------------------------------------------------------------------------------ */

static struct files *copy_table(struct files *from)
{
	struct files *t = new_files(FIRST_MAX);

	if (!t)
		return NULL;
	spin_lock(&from->lock);
	while (t->max < from->max) {
		unsigned want = from->max - 1;

		spin_unlock(&from->lock);
		spin_lock(&t->lock);
		if (grow_table(t, want)) {
			spin_unlock(&t->lock);
			free_table(t);
			kfree(t);
			return NULL;
		}
		spin_unlock(&t->lock);
		spin_lock(&from->lock);
	}
	for (unsigned fd = 0; fd < from->max; fd++) {
		struct file *f = from->fd[fd];

		if (!f) /* free, or reserved by an open under way in another thread */
			continue;
		t->fd[fd] = get_file(f);
		set_bit(fd % 64, &t->open[fd / 64]);
		if (test_bit(fd % 64, &from->cloexec[fd / 64]))
			set_bit(fd % 64, &t->cloexec[fd / 64]);
	}
	spin_unlock(&from->lock);
	return t;
}

static void put_files(struct files *t)
{
	if (!t || !refcount_dec_and_test(&t->count))
		return;
	for (unsigned fd = 0; fd < t->max; fd++)
		if (t->fd[fd])
			filp_close(t->fd[fd], t);
	free_table(t);
	kfree(t);
}

int copy_files_to(struct task *child, bool share)
{
	struct files *mine = current->files;

	if (!mine) { /* the first process */
		child->files = new_files(FIRST_MAX);
		return child->files ? 0 : -ENOMEM;
	}
	if (share) {
		refcount_inc(&mine->count);
		child->files = mine;
		return 0;
	}
	child->files = copy_table(mine);
	return child->files ? 0 : -ENOMEM;
}

int unshare_files(void)
{
	struct files *old = current->files, *copy;

	if (refcount_read(&old->count) == 1)
		return 0;
	copy = copy_table(old);
	if (!copy)
		return -ENOMEM;
	current->files = copy;
	put_files(old);
	return 0;
}

void exit_files_of(struct task *t)
{
	struct files *files = t->files;

	t->files = NULL;
	put_files(files);
}

void close_on_exec_files(void)
{
	struct files *t = current->files;

	for (unsigned fd = 0; fd < t->max; fd++)
		if (get_close_on_exec(fd))
			close_fd(fd);
}

struct file *task_fget(struct task *t, unsigned fd)
{
	struct files *files = t->files;

	return files ? table_get(files, fd) : NULL;
}

int task_next_fd(struct task *t, unsigned fd)
{
	struct files *files = t->files;
	int found = -1;

	if (!files)
		return -1;
	spin_lock(&files->lock);
	for (; found < 0 && fd < files->max; fd++)
		if (files->fd[fd])
			found = (int)fd;
	spin_unlock(&files->lock);
	return found;
}

static struct fs_struct *alloc_fs(void)
{
	struct fs_struct *fs = kzalloc(sizeof(*fs), GFP_KERNEL);

	if (fs) {
		refcount_set(&fs->count, 1);
		spin_lock_init(&fs->lock);
		fs->umask = 022;
	}
	return fs;
}

static struct fs_struct *copy_fs(struct fs_struct *old)
{
	struct fs_struct *fs = alloc_fs();

	if (!fs || !old)
		return fs;
	spin_lock(&old->lock);
	fs->umask = old->umask;
	fs->root = old->root;
	fs->pwd = old->pwd;
	if (fs->root.mnt) {
		path_get(&fs->root);
		path_get(&fs->pwd);
	}
	spin_unlock(&old->lock);
	return fs;
}

static void put_fs(struct fs_struct *fs)
{
	if (!fs || !refcount_dec_and_test(&fs->count))
		return;
	path_put(&fs->root);
	path_put(&fs->pwd);
	kfree(fs);
}

int copy_fs_to(struct task *child, bool share)
{
	if (share && current->fs) {
		refcount_inc(&current->fs->count);
		child->fs = current->fs;
		return 0;
	}
	child->fs = copy_fs(current->fs);
	return child->fs ? 0 : -ENOMEM;
}

int unshare_fs(void)
{
	struct fs_struct *old = current->fs, *copy;

	if (refcount_read(&old->count) == 1)
		return 0;
	copy = copy_fs(old);
	if (!copy)
		return -ENOMEM;
	current->fs = copy;
	put_fs(old);
	return 0;
}

void exit_fs_of(struct task *t)
{
	struct fs_struct *fs = t->fs;

	t->fs = NULL;
	put_fs(fs);
}

void get_fs_root(struct task *t, struct path *p)
{
	spin_lock(&t->fs->lock);
	*p = t->fs->root;
	path_get(p);
	spin_unlock(&t->fs->lock);
}

void get_fs_pwd(struct task *t, struct path *p)
{
	spin_lock(&t->fs->lock);
	*p = t->fs->pwd;
	path_get(p);
	spin_unlock(&t->fs->lock);
}

long sys_umask(int mask)
{
	return (long)xchg(&current->fs->umask, (mode_t)mask & 0777);
}
