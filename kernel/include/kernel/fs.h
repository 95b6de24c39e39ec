/* SPDX-License-Identifier: MIT */
/*
 * The virtual file system: inodes, directory entries, files, mounts, super blocks, and what a file system provides.
 *
 * Lock order (outer first):
 *   rename_mutex > inode->rwsem of directories (parent before child) > inode->rwsem of a file > page lock
 *   > dcache_lock (spin: all dentry trees, hashes, counts) ; mount_lock (rwsem: the mount tree) is taken alone or
 *   inside rename_mutex; inode->lock, mapping->lock (irq-safe spins) are innermost.
 * References: dentry -> inode and parent dentry; file -> path; path -> mount and dentry; mount -> root dentry.
 */
#ifndef KERNEL_FS_H
#define KERNEL_FS_H

#include <kernel/atomic.h>
#include <kernel/cred.h>
#include <kernel/errseq.h>
#include <kernel/gfp.h>
#include <kernel/kernel.h>
#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/poll.h>
#include <kernel/radix.h>
#include <kernel/rwsem.h>
#include <kernel/time.h>
#include <uapi/fs.h>

struct inode;
struct dentry;
struct file;
struct super_block;
struct mount;

struct kstatfs;
struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

#define NAME_MAX 255
#define PATH_MAX 4096
#define MAX_RW_COUNT (0x7fffffffUL & PAGE_MASK)

/* --- I/O vectors: user or kernel memory, behind one cursor ----------------------------------------------------- */

struct iovec {
	void *base;
	size_t len;
};
struct iov_iter {
	const struct iovec *v;
	unsigned nr;
	size_t off;   /* in *v */
	size_t count; /* bytes left */
	bool kernel;
	struct iovec one;
};
void iov_iter_kernel(struct iov_iter *i, void *p, size_t n);
void iov_iter_user(struct iov_iter *i, void __user *p, size_t n);
void iov_iter_vec(struct iov_iter *i, const struct iovec *v, unsigned nr, size_t count, bool kernel);
size_t copy_to_iter(const void *p, size_t n, struct iov_iter *i);   /* bytes moved */
size_t copy_from_iter(void *p, size_t n, struct iov_iter *i);
size_t iov_iter_zero(size_t n, struct iov_iter *i);
/* A checked kernel copy of a user vector; *out is `fast` or kmalloc'ed (kfree). Total bytes or -errno. */
ssize_t import_iovec(const struct iovec __user *uv, unsigned nr, unsigned nfast, struct iovec *fast, struct iovec **out);
void iov_iter_advance(struct iov_iter *i, size_t n);
size_t iov_iter_fault_in(struct iov_iter *i, size_t n); /* before a copy with page faults off: bytes that can be read */

/* --- what a file system provides -------------------------------------------------------------------------------- */

struct dir_context {
	/* false: the buffer is full */
	bool (*emit)(struct dir_context *c, const char *name, unsigned len, u64 ino, unsigned type);
	loff_t pos;
};
static inline bool dir_emit(struct dir_context *c, const char *name, unsigned len, u64 ino, unsigned type)
{
	return c->emit(c, name, len, ino, type);
}
bool dir_emit_dots(struct file *f, struct dir_context *c); /* positions 0 and 1 */

struct file_operations {
	loff_t (*llseek)(struct file *f, loff_t off, int whence);
	ssize_t (*read)(struct file *f, struct iov_iter *to, loff_t *pos);
	ssize_t (*write)(struct file *f, struct iov_iter *from, loff_t *pos);
	int (*iterate)(struct file *f, struct dir_context *c);
	unsigned (*poll)(struct file *f, poll_table *pt); /* NULL: always readable and writable */
	long (*ioctl)(struct file *f, unsigned cmd, unsigned long arg); /* -ENOTTY: unknown */
	int (*mmap)(struct file *f, struct vma *v);       /* sets v->ops; -ENODEV when NULL */
	int (*open)(struct inode *inode, struct file *f);
	int (*flush)(struct file *f);                     /* each close(2) */
	int (*release)(struct inode *inode, struct file *f);
	int (*fsync)(struct file *f, loff_t start, loff_t end, bool datasync);
	long (*fallocate)(struct file *f, int mode, loff_t off, loff_t len);
	int (*fasync)(struct file *f, bool on);
	int (*check_flags)(unsigned flags);
};

struct iattr {
	unsigned valid; /* ATTR_* */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	loff_t size;
	struct timespec64 atime, mtime, ctime;
	struct file *file;
};
#define ATTR_MODE 1u
#define ATTR_UID 2u
#define ATTR_GID 4u
#define ATTR_SIZE 8u
#define ATTR_ATIME 16u
#define ATTR_MTIME 32u
#define ATTR_CTIME 64u
#define ATTR_FORCE 512u /* checks were made */

struct kstat {
	u32 result_mask, blksize;
	u64 attributes, ino, size, blocks; /* blocks of 512 bytes */
	mode_t mode;
	unsigned nlink;
	uid_t uid;
	gid_t gid;
	dev_t dev, rdev;
	struct timespec64 atime, mtime, ctime, btime;
	u64 mnt_id;
};

struct inode_operations {
	/* dir->rwsem held. Looks dentry->name up and does d_add(dentry, inode or NULL); or returns another dentry. */
	struct dentry *(*lookup)(struct inode *dir, struct dentry *dentry, unsigned flags);
	int (*create)(struct inode *dir, struct dentry *dentry, mode_t mode, bool excl);
	int (*link)(struct dentry *old, struct inode *dir, struct dentry *dentry);
	int (*unlink)(struct inode *dir, struct dentry *dentry);
	int (*symlink)(struct inode *dir, struct dentry *dentry, const char *target);
	int (*mkdir)(struct inode *dir, struct dentry *dentry, mode_t mode);
	int (*rmdir)(struct inode *dir, struct dentry *dentry);
	int (*mknod)(struct inode *dir, struct dentry *dentry, mode_t mode, dev_t dev);
	int (*rename)(struct inode *odir, struct dentry *old, struct inode *ndir, struct dentry *new, unsigned flags);
	/* Target of a symbolic link, kmalloc'ed or ERR_PTR. */
	char *(*get_link)(struct inode *inode);
	/* A link that jumps straight to a path (/proc/PID/fd): fills *path with references. */
	int (*follow_path)(struct inode *inode, struct path *path);
	int (*setattr)(struct dentry *dentry, struct iattr *a);       /* NULL: setattr_copy */
	int (*getattr)(const struct path *path, struct kstat *s);     /* NULL: generic_fillattr */
	int (*permission)(struct inode *inode, int mask);             /* NULL: generic_permission */
	int (*tmpfile)(struct inode *dir, struct dentry *dentry, mode_t mode);
	ssize_t (*getxattr)(struct dentry *d, const char *name, void *buf, size_t n);
	int (*setxattr)(struct dentry *d, const char *name, const void *buf, size_t n, int flags);
	ssize_t (*listxattr)(struct dentry *d, char *buf, size_t n);
	int (*removexattr)(struct dentry *d, const char *name);
};

struct address_space;
struct writeback_control {
	long nr_to_write;    /* pages; counted down */
	bool sync;           /* wait for what is under way, write everything */
	loff_t start, end;   /* byte range, end inclusive */
};
struct address_space_operations {
	int (*readpage)(struct file *f, struct page *page);       /* page locked; unlocks when done (maybe later) */
	void (*readahead)(struct address_space *m, struct page **pages, unsigned n); /* locked, ascending; unlocks */
	/* Page locked and under PG_writeback from the caller's set_page_writeback; unlocks it; end_page_writeback later. */
	int (*writepage)(struct page *page, struct writeback_control *wbc);
	int (*writepages)(struct address_space *m, struct writeback_control *wbc); /* NULL: by writepage */
	/* One page of a write: make [pos, pos+len) writable (allocate, read what is not overwritten); page locked. */
	int (*write_begin)(struct file *f, struct address_space *m, loff_t pos, unsigned len, struct page **page);
	int (*write_end)(struct file *f, struct address_space *m, loff_t pos, unsigned len, unsigned copied, struct page *page);
	bool (*set_page_dirty)(struct page *page);                /* NULL: generic */
	void (*invalidatepage)(struct page *page, unsigned offset); /* truncate from offset in the page */
	bool (*releasepage)(struct page *page, gfp_t gfp);        /* private data gone? */
	ssize_t (*direct_io)(struct file *f, struct iov_iter *i, loff_t pos, bool write);
	u64 (*bmap)(struct address_space *m, u64 block);          /* block on the device, 0 = hole */
	const struct mpage_ops *mpage;                            /* file blocks as device blocks: loop, direct I/O (mpage.h) */
};

/* The pages of one inode (or block device). Tags of the tree: PAGECACHE_DIRTY, PAGECACHE_WRITEBACK. */
#define PAGECACHE_DIRTY 0
#define PAGECACHE_WRITEBACK 1
struct address_space {
	struct inode *host;
	struct radix_tree pages;       /* lock */
	spinlock_t lock;               /* irq-safe */
	unsigned long nrpages;         /* lock */
	const struct address_space_operations *ops;
	struct mapping_vmas vmas;
	gfp_t gfp;
	unsigned long flags;
	int error;                     /* of asynchronous write-back, for the next who waits inside the kernel */
	errseq_t wb_err;               /* the same, for each open file once */
	void *private;
};

struct inode {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	unsigned nlink;
	u64 ino;
	dev_t rdev;
	loff_t size;
	u64 blocks;                    /* of 512 bytes */
	struct timespec64 atime, mtime, ctime, btime;
	const struct inode_operations *op;
	const struct file_operations *fop;
	struct super_block *sb;
	struct address_space *mapping; /* &data, or a device's */
	struct address_space data;
	struct rw_semaphore rwsem;     /* directory contents; writes and truncation of a file */
	spinlock_t lock;
	refcount_t count;
	unsigned long state;           /* I_* bits */
	struct hlist_node hash;        /* inode_hash_lock */
	struct list_head sb_list;      /* sb->inode_lock */
	struct list_head dirty_list;   /* sb->inode_lock */
	atomic_t writecount;           /* > 0 writers, < 0 executed (ETXTBSY) */
	u32 generation, flags;
	void *pipe;                    /* FIFO */
	void *bdev;                    /* block special file */
	void *cdev;
	struct list_head locks;        /* lock: POSIX and flock locks */
	void *inotify;
	void *private;
};
#define I_NEW 0
#define I_DIRTY 1        /* metadata */
#define I_DIRTY_PAGES 2
#define I_FREEING 3
#define I_SYNC 4
/* inode->flags */
#define S_APPEND 1u
#define S_IMMUTABLE 2u
#define S_NOATIME 4u
#define S_SWAPFILE 8u

struct dentry_operations {
	int (*revalidate)(struct dentry *d);    /* 0: drop it and look up anew */
	bool (*delete)(const struct dentry *d); /* true: do not cache at the last reference */
	void (*release)(struct dentry *d);
	char *(*name)(struct dentry *d, char *buf, size_t n); /* of pipes and sockets in /proc */
};
struct dentry {
	int count;                     /* dcache_lock */
	unsigned flags;                /* dcache_lock: DCACHE_* */
	struct inode *inode;           /* NULL: negative */
	struct dentry *parent;         /* itself at a root */
	char *name;                    /* kmalloc'ed, NUL-terminated */
	unsigned len;
	u32 hashval;
	struct hlist_node hash;
	struct list_head child, children;
	struct list_head lru;          /* unused ones */
	struct list_head alias;
	const struct dentry_operations *op;
	struct super_block *sb;
	void *private;
	int mounted;                   /* mounts on it */
};
#define DCACHE_HASHED 1u
#define DCACHE_LRU 2u
#define DCACHE_UNLINKED 4u

struct file {
	struct path path;
	struct inode *inode;
	const struct file_operations *op;
	unsigned flags;                /* O_*; changed under lock */
	unsigned mode;                 /* FMODE_* */
	loff_t pos;                    /* pos_lock */
	struct mutex pos_lock;
	spinlock_t lock;
	atomic64_t count;
	struct address_space *mapping;
	struct cred *cred;
	void *private;
	errseq_t wb_err, sb_err;       /* write-back errors seen: of the file, of its file system's device */
	unsigned long ra_next, ra_size; /* read-ahead: next expected index, window in pages */
	struct list_head epoll;        /* epoll items watching this file */
	struct fown {
		pid_t pid; /* negative: a process group */
		int sig, type; /* F_OWNER_* */
	} owner;
};
#define FMODE_READ 1u
#define FMODE_WRITE 2u
#define FMODE_EXEC 4u
#define FMODE_PATH 8u
#define FMODE_LSEEK 16u
#define FMODE_NONOTIFY 32u
#define FMODE_STREAM 64u   /* no position: pipes, ttys, sockets */
#define FMODE_WRITER 128u  /* counted in writecount */

struct super_operations {
	struct inode *(*alloc_inode)(struct super_block *sb);   /* NULL: plain */
	void (*free_inode)(struct inode *inode);
	int (*write_inode)(struct inode *inode, bool sync);
	void (*evict_inode)(struct inode *inode);   /* last reference: truncate pages, free on disk if nlink == 0 */
	void (*put_super)(struct super_block *sb);
	int (*sync_fs)(struct super_block *sb, bool wait);
	int (*statfs)(struct super_block *sb, struct kstatfs *s);
	int (*remount)(struct super_block *sb, unsigned *flags, const char *data);
	void (*show_options)(struct super_block *sb, char *buf, size_t n); /* ",opt,opt" */
};
struct kstatfs {
	u64 type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize, flags;
	u64 fsid;
};

struct file_system_type {
	const char *name;
	unsigned flags; /* FS_* */
	/* Makes the super block with sb->root, or returns one in use; ERR_PTR. flags: MS_RDONLY etc. */
	struct super_block *(*mount)(struct file_system_type *t, unsigned flags, const char *dev, const char *data);
	void (*kill_sb)(struct super_block *sb); /* NULL: generic_shutdown_super */
	struct list_head node;
};
#define FS_REQUIRES_DEV 1u
#define FS_NODEV_MOUNT_OPT 2u

struct super_block {
	struct file_system_type *type;
	const struct super_operations *op;
	const struct dentry_operations *dop;
	struct dentry *root;
	dev_t dev;
	unsigned flags;            /* MS_RDONLY, MS_NOATIME, ... */
	unsigned blocksize;
	unsigned blocksize_bits;
	loff_t maxbytes;
	u64 magic;
	unsigned time_gran;
	struct rw_semaphore umount; /* read: in use; write: going away */
	atomic_t active;           /* mounts and holders */
	atomic_t writers;          /* files open for writing and changes under way */
	bool remount_ro;           /* turning read-only: no new writers */
	spinlock_t inode_lock;
	struct list_head inodes, dirty; /* inode_lock */
	struct list_head node;     /* sb_lock */
	struct block_device *bdev;
	char id[64];               /* device as shown in /proc/mounts */
	void *info;                /* the file system's */
};

struct mount {
	struct mount *parent;      /* mount_lock */
	struct dentry *mountpoint; /* in parent */
	struct dentry *root;
	struct super_block *sb;
	unsigned flags;            /* MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY, MS_NOATIME, ... */
	atomic_t count, writers;   /* writers: as the super block's, through this mount */
	bool remount_ro;
	struct list_head node;     /* mount_lock: mount order */
	int id;
	char *devname;
};

/* --- names -------------------------------------------------------------------------------------------------------- */

#define LOOKUP_FOLLOW 1u        /* a symbolic link at the end too */
#define LOOKUP_DIRECTORY 2u
#define LOOKUP_PARENT 4u        /* stop before the last component */
#define LOOKUP_EMPTY 8u         /* AT_EMPTY_PATH */
#define LOOKUP_CREATE 16u
#define LOOKUP_NO_SYMLINKS 32u
#define LOOKUP_NO_AUTOMOUNT 64u

/* Kernel path, relative to dfd (AT_FDCWD: cwd). 0 with references in *path. */
int kern_path(const char *name, unsigned flags, struct path *path);
int path_lookupat(int dfd, const char *name, unsigned flags, struct path *path);
/* The same with a user string. */
int user_path_at(int dfd, const char __user *name, unsigned flags, struct path *path);
/* Parent directory (its inode->rwsem write-locked) and the dentry of the last component, maybe negative.
 * last: LAST_* kinds are refused with the right errno. Undo with done_path_create. */
struct dentry *path_create(int dfd, const char *name, struct path *parent, bool directory);
void done_path_create(struct path *parent, struct dentry *dentry);
char *getname(const char __user *name);                     /* kmalloc'ed or ERR_PTR */
char *getname_flags(const char __user *name, unsigned flags);
static inline void putname(char *name) { extern void kfree(const void *); kfree(name); }
void path_get(const struct path *p);
void path_put(const struct path *p);
/* Absolute path as seen from root (NULL: the task's), written at the end of buf; pointer into it or ERR_PTR.
 * " (deleted)" is appended for unlinked ones, "(unreachable)" before what is outside. */
char *d_path(const struct path *p, char *buf, size_t n);
int inode_permission(struct inode *inode, int mask); /* MAY_* */
int generic_permission(struct inode *inode, int mask);
#define MAY_EXEC 1
#define MAY_WRITE 2
#define MAY_READ 4
#define MAY_APPEND 8

/* For sockets: mode has S_IFSOCK; the umask is applied. */
int vfs_mknod_at(int dfd, const char *name, mode_t mode, dev_t dev);

/* --- dentries and inodes -------------------------------------------------------------------------------------------- */

struct dentry *d_alloc(struct dentry *parent, const char *name, unsigned len); /* count 1, not hashed */
struct dentry *d_make_root(struct inode *inode);           /* takes the inode's reference; puts it on failure */
struct dentry *d_lookup(struct dentry *parent, const char *name, unsigned len); /* hashed, referenced, or NULL */
/* dir->rwsem held: cached or looked up; referenced, maybe negative, or ERR_PTR. */
struct dentry *lookup_one(struct dentry *parent, const char *name, unsigned len);
void d_add(struct dentry *d, struct inode *inode);         /* hashes; takes the inode's reference; inode may be NULL */
void d_instantiate(struct dentry *d, struct inode *inode); /* a negative hashed one becomes positive */
void d_delete(struct dentry *d);                           /* after unlink: negative or unhashed */
void d_drop(struct dentry *d);                             /* unhash */
void d_move(struct dentry *d, struct dentry *target);      /* after rename */
void d_exchange(struct dentry *a, struct dentry *b);
struct dentry *dget(struct dentry *d);
struct dentry *dget_parent(struct dentry *d);
void dput(struct dentry *d);
void d_genocide(struct dentry *root);                      /* drops the whole tree of a dying file system */
static inline bool d_is_negative(const struct dentry *d) { return !d->inode; }
static inline struct inode *d_inode(const struct dentry *d) { return d->inode; }
bool is_subdir(struct dentry *d, struct dentry *ancestor);

struct inode *new_inode(struct super_block *sb);           /* count 1, times now, mapping set up */
/* By number: found (referenced, I_NEW clear) or fresh (I_NEW: fill, then unlock_new_inode or iget_failed). */
struct inode *iget_locked(struct super_block *sb, u64 ino);
void unlock_new_inode(struct inode *inode);
void iget_failed(struct inode *inode);
void insert_inode_hash(struct inode *inode);
void ihold(struct inode *inode);
void iput(struct inode *inode);
void clear_inode(struct inode *inode);                     /* evict_inode's last act; pages must be gone */
void inode_init_owner(struct inode *inode, const struct inode *dir, mode_t mode);
void init_special_inode(struct inode *inode, mode_t mode, dev_t rdev);
void mark_inode_dirty(struct inode *inode);
u64 get_next_ino(void);                                    /* for file systems without numbers */
struct timespec64 current_time(const struct inode *inode);
void touch_atime(const struct path *p);
static inline void inc_nlink(struct inode *i) { i->nlink++; }
static inline void drop_nlink(struct inode *i) { i->nlink--; }
static inline void clear_nlink(struct inode *i) { i->nlink = 0; }
static inline loff_t i_size_read(const struct inode *i) { return READ_ONCE(i->size); }
static inline void i_size_write(struct inode *i, loff_t n) { WRITE_ONCE(i->size, n); }
void generic_fillattr(struct inode *inode, struct kstat *s);
int setattr_prepare(struct dentry *d, struct iattr *a);
void setattr_copy(struct inode *inode, const struct iattr *a);
int notify_change(struct dentry *d, struct iattr *a);      /* inode->rwsem write-held */
int vfs_getattr(const struct path *p, struct kstat *s);

/* --- super blocks, mounts --------------------------------------------------------------------------------------------- */

int register_filesystem(struct file_system_type *t);
struct super_block *alloc_super(struct file_system_type *t, unsigned flags);
void generic_shutdown_super(struct super_block *sb);       /* dentries, inodes, put_super */
/* For mount(): a block device's super block; fill(sb, data, silent). Re-mounting the same device shares it. */
struct super_block *mount_bdev(struct file_system_type *t, unsigned flags, const char *dev, const char *data,
			       int (*fill)(struct super_block *sb, const char *data));
void kill_block_super(struct super_block *sb);
struct super_block *mount_nodev(struct file_system_type *t, unsigned flags, const char *data,
				int (*fill)(struct super_block *sb, const char *data));
int do_mount(const char *dev, const char *dir, const char *type, unsigned long flags, const char *data); /* kernel strings */
int mount_root_fs(const char *type, const char *dev, unsigned flags, const char *data); /* first mount, becomes / */
struct mount *mntget(struct mount *m);
void mntput(struct mount *m);
static inline bool mnt_readonly(const struct mount *m) { return (m->flags | m->sb->flags) & MS_RDONLY; }
void sync_filesystems(bool wait);
int sync_filesystem(struct super_block *sb);
/* /proc: calls fn for every mount visible from root, in order, under mount_lock. */
void for_each_mount(int (*fn)(struct mount *m, void *arg), void *arg);
extern struct rw_semaphore mount_lock;
extern wait_queue_head_t mount_wait;                       /* woken by changes of the mount table */
extern volatile unsigned mount_generation;

/* --- open files ----------------------------------------------------------------------------------------------------------- */

struct file *alloc_file(const struct path *p, unsigned flags, const struct file_operations *op); /* takes path references */
struct file *filp_open(const char *name, int flags, mode_t mode);  /* kernel path; ERR_PTR */
struct file *dentry_open(const struct path *p, unsigned flags);
struct file *do_filp_open(int dfd, const char *name, int flags, mode_t mode);
/* For exec: readable and executable, writers denied until allow_write_access + fput. */
struct file *open_exec(int dfd, const char *name, unsigned lookup_flags);
int deny_write_access(struct file *f); /* 0 or -ETXTBSY */
void allow_write_access(struct file *f);
static inline struct file *get_file(struct file *f) { atomic64_inc(&f->count); return f; }
void fput(struct file *f);
int filp_close(struct file *f, struct files *files);       /* flush, drop locks, fput */
ssize_t kernel_read(struct file *f, void *buf, size_t n, loff_t *pos);
ssize_t kernel_write(struct file *f, const void *buf, size_t n, loff_t *pos);
ssize_t vfs_read(struct file *f, struct iov_iter *to, loff_t *pos);
ssize_t vfs_write(struct file *f, struct iov_iter *from, loff_t *pos);
int vfs_fsync_range(struct file *f, loff_t start, loff_t end, bool datasync);
long vfs_ioctl(struct file *f, unsigned cmd, unsigned long arg);
unsigned vfs_poll(struct file *f, poll_table *pt);
loff_t generic_file_llseek(struct file *f, loff_t off, int whence);
loff_t no_llseek(struct file *f, loff_t off, int whence);
loff_t noop_llseek(struct file *f, loff_t off, int whence); /* succeeds, moves nothing */
int stream_open(struct inode *inode, struct file *f);      /* sets FMODE_STREAM */
/* A file of no directory: eventfd, epoll, sockets... Descriptor or -errno; the file's private is data. */
int anon_inode_getfd(const char *name, const struct file_operations *op, void *data, unsigned flags);
struct file *anon_inode_getfile(const char *name, const struct file_operations *op, void *data, unsigned flags);

/* Descriptor tables. */
#define NR_OPEN_MAX 1048576
struct files {
	refcount_t count;
	spinlock_t lock;
	unsigned max;              /* (lock) size of fd[] */
	struct file **fd;          /* (lock) */
	unsigned long *open, *cloexec; /* (lock) bitmaps */
	unsigned next;             /* (lock) hint: no free one below */
};
struct file *fget(unsigned fd);            /* referenced; not O_PATH ones; NULL: EBADF */
struct file *fget_raw(unsigned fd);        /* O_PATH too */
int get_unused_fd_flags(unsigned flags);   /* O_CLOEXEC; reserves */
int get_unused_fd_from(unsigned min, unsigned flags);
void put_unused_fd(unsigned fd);
void fd_install(unsigned fd, struct file *f); /* takes the reference */
int close_fd(unsigned fd);
struct file *task_fget(struct task *t, unsigned fd); /* for /proc; referenced */
/* Next used descriptor >= fd of a task, -1 none. */
int task_next_fd(struct task *t, unsigned fd);

/* fork, clone, unshare, exec, exit (called by k-proc). */
int copy_files_to(struct task *child, bool share);
int copy_fs_to(struct task *child, bool share);
int unshare_files(void);
int unshare_fs(void);
void exit_files_of(struct task *t);
void exit_fs_of(struct task *t);
void close_on_exec_files(void);
struct fs_struct {
	refcount_t count;
	spinlock_t lock;
	mode_t umask;
	struct path root, pwd;     /* (lock) */
};
void get_fs_root(struct task *t, struct path *p);
void get_fs_pwd(struct task *t, struct path *p);
static inline mode_t current_umask(void) { return current->fs->umask; }

/* --- devices ---------------------------------------------------------------------------------------------------------------- */

#define MKDEV(ma, mi) ((dev_t)((ma) << 20 | (mi)))
#define MAJOR(d) ((unsigned)((d) >> 20))
#define MINOR(d) ((unsigned)((d) & 0xfffff))
/* Linux's user-space encoding. */
static inline u64 dev_to_user(dev_t d) { return (MINOR(d) & 0xff) | (MAJOR(d) & 0xfff) << 8 | (u64)(MINOR(d) & ~0xffU) << 12; }
static inline dev_t dev_from_user(u64 d) { return MKDEV((unsigned)(d >> 8 & 0xfff), (unsigned)((d & 0xff) | (d >> 12 & 0xfff00))); }
/* Character devices first..first+count-1 open through op. No node is made: device_create (device.h) or devtmpfs_create. */
int register_chrdev_region_ops(dev_t first, unsigned count, const char *name, const struct file_operations *op);
void unregister_chrdev_region(dev_t first, unsigned count);
/* Misc devices (major 10): node /dev/NAME (NAME may hold '/') is made. */
int misc_register(unsigned minor, const char *name, mode_t mode, const struct file_operations *op);
void chrdev_show(void (*print)(void *ctx, const char *fmt, ...), void *ctx); /* /proc/devices */
/* Nodes of /dev; name may hold '/'. Callable before /dev is mounted. */
int devtmpfs_create(const char *name, bool block, dev_t dev, mode_t mode);
int devtmpfs_remove(const char *name);
/* Operations of block special files, set by the block layer. */
extern const struct file_operations *def_blk_fops;

/* --- page cache ------------------------------------------------------------------------------------------------------------- */

void address_space_init(struct address_space *m, struct inode *host, const struct address_space_operations *ops, gfp_t gfp);
struct page *find_get_page(struct address_space *m, unsigned long index);  /* referenced or NULL */
struct page *find_lock_page(struct address_space *m, unsigned long index); /* and locked, still in m */
struct page *find_or_create_page(struct address_space *m, unsigned long index, gfp_t gfp); /* locked, referenced */
int add_to_page_cache(struct page *p, struct address_space *m, unsigned long index, gfp_t gfp); /* locks p on success */
void delete_from_page_cache(struct page *p);               /* p locked; drops the cache's reference */
/* Up to date, referenced, unlocked; ERR_PTR. */
struct page *read_mapping_page(struct address_space *m, unsigned long index, struct file *f);
bool set_page_dirty(struct page *p);                       /* true: was clean */
bool generic_set_page_dirty(struct page *p);
bool clear_page_dirty_for_io(struct page *p);              /* p locked; true: was dirty */
void set_page_writeback(struct page *p);
void cancel_dirty_page(struct page *p);
int filemap_write_and_wait_range(struct address_space *m, loff_t start, loff_t end);
/* For fsync: the same, with the errors that this open file has not reported yet. */
int file_write_and_wait_range(struct file *f, loff_t start, loff_t end);
int file_check_wb_err(struct file *f);                     /* of its data */
int file_check_sb_err(struct file *f);                     /* of the metadata on its device */
void mapping_set_error(struct address_space *m, int error); /* data did not reach the device; any context */
static inline int filemap_write_and_wait(struct address_space *m) { return filemap_write_and_wait_range(m, 0, 0x7fffffffffffffffL); }
int filemap_fdatawrite_range(struct address_space *m, loff_t start, loff_t end, bool sync);
int filemap_fdatawait_range(struct address_space *m, loff_t start, loff_t end);
int write_cache_pages(struct address_space *m, struct writeback_control *wbc,
		      int (*writepage)(struct page *p, struct writeback_control *wbc, void *arg), void *arg);
/* Pages wholly at or beyond from go; the page holding it is zeroed from there. Mappings are unmapped. */
void truncate_inode_pages(struct address_space *m, loff_t from);
void truncate_pagecache(struct inode *inode, loff_t newsize);
void truncate_setsize(struct inode *inode, loff_t newsize); /* i_size and page cache */
void truncate_pagecache_range(struct inode *inode, loff_t start, loff_t end); /* [start, end) becomes a hole */
/* Clean unused pages in the range go; -EBUSY when some stay. */
int invalidate_inode_pages_range(struct address_space *m, unsigned long first, unsigned long last);
ssize_t generic_file_read(struct file *f, struct iov_iter *to, loff_t *pos);
ssize_t generic_file_write(struct file *f, struct iov_iter *from, loff_t *pos); /* takes inode->rwsem */
ssize_t generic_write_checks(struct file *f, struct iov_iter *from, loff_t *pos);
int generic_file_mmap(struct file *f, struct vma *v);
int generic_file_fsync(struct file *f, loff_t start, loff_t end, bool datasync);
int filemap_fault(struct vm_fault *vmf);
/* For file systems whose pages need no disk. */
int simple_readpage(struct file *f, struct page *p);
int simple_write_begin(struct file *f, struct address_space *m, loff_t pos, unsigned len, struct page **page);
int simple_write_end(struct file *f, struct address_space *m, loff_t pos, unsigned len, unsigned copied, struct page *page);
void balance_dirty_pages(struct address_space *m);         /* a writer waits here when too much is dirty */
bool pagecache_wait_writeback(void);                       /* for reclaim: false when nothing is dirty or under way */
struct pagecache_stats {
	unsigned long pages, dirty, writeback, buffers;
};
void pagecache_stats(struct pagecache_stats *s);

/* --- sequential text files (procfs, sysfs) ------------------------------------------------------------------------------------ */

struct seq_file {
	char *buf;
	size_t size, count;
	void *private;             /* what single_open got */
	struct file *file;
	int (*show)(struct seq_file *s, void *v);
	bool overflow;
};
int single_open(struct file *f, int (*show)(struct seq_file *s, void *v), void *data);
int single_release(struct inode *inode, struct file *f);
ssize_t seq_read(struct file *f, struct iov_iter *to, loff_t *pos);
loff_t seq_lseek(struct file *f, loff_t off, int whence);
void seq_printf(struct seq_file *s, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq_file *s, const char *t);
void seq_putc(struct seq_file *s, char c);
void seq_write(struct seq_file *s, const void *p, size_t n);
/* A printf-like sink for functions that take one (blk_show_partitions). */
void seq_print_fn(void *seq, const char *fmt, ...) __printf(2, 3);

#endif
