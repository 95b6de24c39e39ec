/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID and /proc/PID/task/TID: directories by table, fd and fdinfo, links into a process. Each inode has a node of
 * its own (struct pnode, not in the tree) whose data names the thread by struct pid and the table entry.
 */
#include "pid.h"
#include <kernel/mm.h>

static struct dentry *base_lookup(struct inode *dir, struct dentry *d, unsigned flags);
static int base_iterate(struct file *f, struct dir_context *c);
static struct dentry *fd_lookup(struct inode *dir, struct dentry *d, unsigned flags);
static int fd_iterate(struct file *f, struct dir_context *c);
static struct dentry *task_lookup(struct inode *dir, struct dentry *d, unsigned flags);
static int task_iterate(struct file *f, struct dir_context *c);

static int link_follow(struct inode *i, struct path *p)
{
	struct pid_ref *r = pid_ref_of(i);
	struct task *t = get_pid_task(r->pid);
	int err = -ENOENT;

	if (!t)
		return -ESRCH;
	err = ptrace_may_access(t) ? -EACCES : r->entry->follow(t, r->fd, p);
	put_task(t);
	return err;
}

static const struct inode_operations base_iops = { .lookup = base_lookup }, fd_iops = { .lookup = fd_lookup },
	task_iops = { .lookup = task_lookup }, link_iops = { .follow_path = link_follow };
static const struct file_operations base_fops = { .iterate = base_iterate, .llseek = generic_file_llseek },
	fd_fops = { .iterate = fd_iterate, .llseek = generic_file_llseek },
	task_fops = { .iterate = task_iterate, .llseek = generic_file_llseek };

static int follow_exe(struct task *t, unsigned fd, struct path *p)
{
	struct mm *mm = get_task_mm(t);
	int err = -ENOENT;

	(void)fd;
	if (mm) {
		down_read(&mm->mmap_lock);
		if (mm->exe_file) {
			*p = mm->exe_file->path;
			path_get(p);
			err = 0;
		}
		up_read(&mm->mmap_lock);
		mmput(mm);
	}
	return err;
}

static int follow_cwd(struct task *t, unsigned fd, struct path *p)
{
	(void)fd;
	p->dentry = NULL;
	get_fs_pwd(t, p);
	return p->dentry ? 0 : -ENOENT;
}

static int follow_root(struct task *t, unsigned fd, struct path *p)
{
	(void)fd;
	p->dentry = NULL;
	get_fs_root(t, p);
	return p->dentry ? 0 : -ENOENT;
}

static int follow_fd(struct task *t, unsigned fd, struct path *p)
{
	struct file *f = task_fget(t, fd);

	if (!f)
		return -ENOENT;
	*p = f->path;
	path_get(p);
	fput(f);
	return 0;
}

static int show_fdinfo(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	struct file *f = task_fget(t, r->fd);
	pid_t nr;

	if (!f)
		return -ENOENT;
	seq_printf(m, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n", f->pos, f->flags, f->path.mnt ? f->path.mnt->id : 0,
		   f->inode->ino);
	if (pidfd_info(f, &nr))
		seq_printf(m, "Pid:\t%d\nNSpid:\t%d\n", nr, nr);
	fput(f);
	return 0;
}

static const struct pid_entry dir_base = { .name = "", .mode = S_IFDIR | 0555, .iop = &base_iops, .fop = &base_fops };
static const struct pid_entry fd_entry = { .name = "", .mode = S_IFLNK | 0700, .follow = follow_fd };
static const struct pid_entry fdinfo_entry = { .name = "", .mode = S_IFREG | 0400, .show = show_fdinfo };

static const struct pid_entry entries[] = {
	{ .name = "stat", .mode = S_IFREG | 0444, .show = proc_pid_stat },
	{ .name = "status", .mode = S_IFREG | 0444, .show = proc_pid_status },
	{ .name = "statm", .mode = S_IFREG | 0444, .show = proc_pid_statm },
	{ .name = "cmdline", .mode = S_IFREG | 0444, .show = proc_pid_cmdline },
	{ .name = "comm", .mode = S_IFREG | 0444, .show = proc_pid_comm },
	{ .name = "maps", .mode = S_IFREG | 0444, .show = proc_pid_maps, .secret = true },
	{ .name = "smaps", .mode = S_IFREG | 0444, .show = proc_pid_smaps, .secret = true },
	{ .name = "smaps_rollup", .mode = S_IFREG | 0444, .show = proc_pid_smaps_rollup, .secret = true },
	{ .name = "mem", .mode = S_IFREG | 0600, .fop = &proc_mem_fops },
	{ .name = "pagemap", .mode = S_IFREG | 0400, .fop = &proc_pagemap_fops },
	{ .name = "environ", .mode = S_IFREG | 0400, .show = proc_pid_environ, .secret = true },
	{ .name = "auxv", .mode = S_IFREG | 0400, .show = proc_pid_auxv, .secret = true },
	{ .name = "limits", .mode = S_IFREG | 0444, .show = proc_pid_limits },
	{ .name = "cgroup", .mode = S_IFREG | 0444, .show = proc_pid_cgroup },
	{ .name = "io", .mode = S_IFREG | 0400, .show = proc_pid_io, .secret = true },
	{ .name = "oom_score", .mode = S_IFREG | 0444, .show = proc_pid_oom_score },
	{ .name = "oom_score_adj", .mode = S_IFREG | 0644, .show = proc_pid_oom_adj, .store = proc_pid_set_oom_adj },
	{ .name = "wchan", .mode = S_IFREG | 0444, .show = proc_pid_wchan },
	{ .name = "uid_map", .mode = S_IFREG | 0444, .show = proc_pid_idmap },
	{ .name = "gid_map", .mode = S_IFREG | 0444, .show = proc_pid_idmap },
	{ .name = "mounts", .mode = S_IFREG | 0444, .fop = &proc_mounts_fops },
	{ .name = "mountinfo", .mode = S_IFREG | 0444, .fop = &proc_mountinfo_fops },
	{ .name = "exe", .mode = S_IFLNK | 0777, .follow = follow_exe },
	{ .name = "cwd", .mode = S_IFLNK | 0777, .follow = follow_cwd },
	{ .name = "root", .mode = S_IFLNK | 0777, .follow = follow_root },
	{ .name = "fd", .mode = S_IFDIR | 0500, .iop = &fd_iops, .fop = &fd_fops, .child = &fd_entry },
	{ .name = "fdinfo", .mode = S_IFDIR | 0500, .iop = &fd_iops, .fop = &fd_fops, .child = &fdinfo_entry },
	{ .name = "task", .mode = S_IFDIR | 0555, .iop = &task_iops, .fop = &task_fops, .leader_only = true },
};

/* --- nodes ----------------------------------------------------------------------------------------------------- */

static int show_text(struct seq_file *m, void *arg)
{
	struct pid_ref *r = arg;
	struct task *t = get_pid_task(r->pid);
	int err;

	if (!t)
		return -ESRCH;
	err = r->entry->secret && ptrace_may_access(t) ? -EACCES : r->entry->show(m, t, r);
	put_task(t);
	return err;
}

static int text_open(struct inode *i, struct file *f)
{
	return single_open(f, show_text, pid_ref_of(i));
}

static ssize_t text_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct pid_ref *r = pid_ref_of(f->inode);
	char buf[64] = { 0 };
	size_t n = from->count;
	struct task *t;
	int err;

	(void)pos;
	if (!r->entry->store)
		return -EACCES;
	if (n >= sizeof(buf))
		return -EINVAL;
	if (copy_from_iter(buf, n, from) != n)
		return -EFAULT;
	t = get_pid_task(r->pid);
	if (!t)
		return -ESRCH;
	err = r->entry->store(t, buf);
	put_task(t);
	return err ? err : (ssize_t)n;
}

static const struct file_operations text_fops = {
	.open = text_open, .read = seq_read, .write = text_write, .llseek = seq_lseek, .release = single_release,
};

static void free_ref(void *data)
{
	struct pid_ref *r = data;

	put_pid(r->pid);
	kfree(r);
}

static bool ref_alive(struct pnode *n)
{
	struct pid_ref *r = n->data;
	struct task *t = get_pid_task(r->pid);
	bool ok = t != NULL;

	if (ok && r->is_fd) {
		struct file *f = task_fget(t, r->fd);

		ok = f != NULL;
		if (f)
			fput(f);
	}
	if (t)
		put_task(t);
	return ok;
}

/* The process whose /proc/PID an open file is, referenced; NULL. */
struct pid *proc_dir_pid(const struct file *f)
{
	struct pid_ref *r = f->op == &base_fops ? pid_ref_of(f->inode) : NULL;

	return r && r->entry == &dir_base && !r->thread ? get_pid(r->pid) : NULL;
}

struct pid_ref *pid_ref_of(const struct inode *i)
{
	return inode_pnode(i)->data;
}

/* Attaches an inode for the entry to d; takes a reference of its own to pid. */
static struct dentry *attach(struct super_block *sb, struct dentry *d, struct pid *pid, const struct pid_entry *e,
			     unsigned fd, bool is_fd, bool thread)
{
	struct pnode *n = pnode_new(d->name, e->mode);
	struct pid_ref *r = kzalloc(sizeof(*r), GFP_KERNEL);
	struct inode *i;
	struct task *t;

	if (!n || !r) {
		kfree(r);
		pnode_put(n);
		return ERR_PTR(-ENOMEM);
	}
	r->pid = get_pid(pid);
	r->entry = e;
	r->fd = fd;
	r->is_fd = is_fd;
	r->thread = thread;
	n->data = r;
	n->free_data = free_ref;
	n->alive = ref_alive;
	n->iop = S_ISLNK(e->mode) ? &link_iops : e->iop;
	n->fop = e->fop ? e->fop : &text_fops;
	i = pnode_inode(sb, n);
	pnode_put(n);
	if (!i)
		return ERR_PTR(-ENOMEM);
	t = get_pid_task(pid);
	if (t) {
		struct cred *c = get_task_cred(t);

		i->uid = c->euid;
		i->gid = c->egid;
		put_cred(c);
		put_task(t);
	}
	d_add(d, i);
	return NULL;
}

/* Decimal without leading zeroes; -1 otherwise. */
static long number(const struct dentry *d)
{
	long v = 0;

	if (!d->len || d->len > 9 || (d->name[0] == '0' && d->len > 1))
		return -1;
	for (unsigned i = 0; i < d->len; i++) {
		if (!isdigit(d->name[i]))
			return -1;
		v = v * 10 + (d->name[i] - '0');
	}
	return v;
}

static struct dentry *attach_pid(struct super_block *sb, struct dentry *d, struct task *leader)
{
	long nr = number(d);
	struct pid *pid = nr > 0 ? find_get_pid((pid_t)nr) : NULL;
	struct task *t = pid ? get_pid_task(pid) : NULL;
	struct dentry *ret = ERR_PTR(-ENOENT);

	if (t && (!leader || t->tgid == leader->tgid))
		ret = attach(sb, d, pid, &dir_base, 0, false, leader != NULL);
	if (t)
		put_task(t);
	if (pid)
		put_pid(pid);
	return ret;
}

struct dentry *proc_pid_lookup(struct super_block *sb, struct dentry *d)
{
	return attach_pid(sb, d, NULL);
}

static struct dentry *base_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct pid_ref *r = pid_ref_of(dir);

	(void)flags;
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		if (!strcmp(entries[i].name, d->name) && !(r->thread && entries[i].leader_only))
			return attach(dir->sb, d, r->pid, &entries[i], 0, false, r->thread);
	}
	return ERR_PTR(-ENOENT);
}

static struct dentry *fd_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct pid_ref *r = pid_ref_of(dir);
	struct task *t = get_pid_task(r->pid);
	struct dentry *ret = ERR_PTR(-ENOENT);
	long fd = number(d);
	struct file *f = NULL;

	(void)flags;
	if (t && fd >= 0) {
		if (ptrace_may_access(t))
			ret = ERR_PTR(-EACCES);
		else
			f = task_fget(t, (unsigned)fd);
	}
	if (f) {
		ret = attach(dir->sb, d, r->pid, r->entry->child, (unsigned)fd, true, r->thread);
		fput(f);
	}
	if (t)
		put_task(t);
	return ret;
}

static struct dentry *task_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct task *t = get_pid_task(pid_ref_of(dir)->pid);
	struct dentry *ret = ERR_PTR(-ENOENT);

	(void)flags;
	if (t) {
		ret = attach_pid(dir->sb, d, t);
		put_task(t);
	}
	return ret;
}

/* --- listing --------------------------------------------------------------------------------------------------- */

static bool emit_number(struct dir_context *c, unsigned long n, unsigned type)
{
	char name[16];
	int len = scnprintf(name, sizeof(name), "%lu", n);

	return dir_emit(c, name, (unsigned)len, n + 2, type);
}

int proc_pid_iterate(struct dir_context *c)
{
	for (;;) {
		pid_t from = (pid_t)(c->pos - PROC_PID_POS);
		struct task *t = next_process(from > 0 ? from : 1);
		bool ok;

		if (!t)
			return 0;
		c->pos = PROC_PID_POS + t->tgid;
		ok = emit_number(c, (unsigned long)t->tgid, DT_DIR);
		put_task(t);
		if (!ok)
			return 0;
		c->pos++;
	}
}

static int base_iterate(struct file *f, struct dir_context *c)
{
	bool thread = pid_ref_of(f->inode)->thread;

	if (!dir_emit_dots(f, c))
		return 0;
	for (; (u64)(c->pos - 2) < ARRAY_SIZE(entries); c->pos++) {
		const struct pid_entry *e = &entries[c->pos - 2];

		if (e->leader_only && thread)
			continue;
		if (!dir_emit(c, e->name, (unsigned)strlen(e->name), (u64)c->pos + 1, (e->mode & S_IFMT) >> 12))
			break;
	}
	return 0;
}

static int fd_iterate(struct file *f, struct dir_context *c)
{
	struct pid_ref *r = pid_ref_of(f->inode);
	struct task *t;
	int fd;

	if (!dir_emit_dots(f, c))
		return 0;
	t = get_pid_task(r->pid);
	if (!t)
		return -ENOENT;
	while ((fd = task_next_fd(t, (unsigned)(c->pos - 2))) >= 0) {
		c->pos = fd + 2;
		if (!emit_number(c, (unsigned long)fd, (r->entry->child->mode & S_IFMT) >> 12))
			break;
		c->pos++;
	}
	put_task(t);
	return 0;
}

static int task_iterate(struct file *f, struct dir_context *c)
{
	struct task *t, *th;

	if (!dir_emit_dots(f, c))
		return 0;
	t = get_pid_task(pid_ref_of(f->inode)->pid);
	if (!t)
		return -ENOENT;
	while ((th = next_thread_from(t, (pid_t)(c->pos - 1)))) {
		bool ok;

		c->pos = th->pid + 1;
		ok = emit_number(c, (unsigned long)th->pid, DT_DIR);
		put_task(th);
		if (!ok)
			break;
		c->pos++;
	}
	put_task(t);
	return 0;
}

char *proc_self_link(void)
{
	return kasprintf(GFP_KERNEL, "%d", current->tgid);
}

char *proc_thread_self_link(void)
{
	return kasprintf(GFP_KERNEL, "%d/task/%d", current->tgid, current->pid);
}
