/* SPDX-License-Identifier: MIT */
/* /proc/PID/mounts and mountinfo. The table is snapshotted first: d_path takes mount_lock itself. */
#include "internal.h"

#define MAX_SHOWN 512

struct snapshot {
	struct mount *m[MAX_SHOWN];
	unsigned n;
};

static int take(struct mount *m, void *arg)
{
	struct snapshot *s = arg;

	if (s->n == MAX_SHOWN)
		return 1;
	s->m[s->n++] = mntget(m);
	return 0;
}

/* Spaces and the like in octal, as mntent wants them. */
static void put_escaped(struct seq_file *q, const char *t)
{
	for (; *t; t++) {
		if (*t == ' ' || *t == '\t' || *t == '\n' || *t == '\\')
			seq_printf(q, "\\%03o", (unsigned char)*t);
		else
			seq_putc(q, *t);
	}
}

static void put_options(struct seq_file *q, unsigned flags)
{
	static const struct {
		unsigned flag;
		const char *text;
	} opts[] = {
		{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" }, { MS_NOEXEC, ",noexec" }, { MS_NOATIME, ",noatime" },
		{ MS_NODIRATIME, ",nodiratime" }, { MS_RELATIME, ",relatime" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(opts); i++)
		if (flags & opts[i].flag)
			seq_puts(q, opts[i].text);
}

static const char *devname_of(const struct mount *m)
{
	return m->devname && m->devname[0] ? m->devname : "none";
}

static void put_super_options(struct seq_file *q, struct super_block *sb, char *buf)
{
	seq_puts(q, sb->flags & MS_SYNCHRONOUS ? ",sync" : "");
	buf[0] = 0;
	if (sb->op && sb->op->show_options)
		sb->op->show_options(sb, buf, PAGE_SIZE);
	seq_puts(q, buf);
}

static void show_mount(struct seq_file *q, struct mount *m, char *buf, bool info)
{
	struct path p = { m, m->root };
	char *at = d_path(&p, buf, PAGE_SIZE);

	if (IS_ERR(at) || at[0] != '/')
		return; /* outside of this process's root */
	if (info) {
		seq_printf(q, "%d %d %u:%u ", m->id, m->parent ? m->parent->id : m->id, MAJOR(m->sb->dev), MINOR(m->sb->dev));
		seq_puts(q, m->root == m->sb->root ? "/" : m->root->name);
		seq_putc(q, ' ');
		put_escaped(q, at);
		seq_puts(q, mnt_readonly(m) ? " ro" : " rw");
		put_options(q, m->flags);
		seq_printf(q, " - %s ", m->sb->type->name);
		put_escaped(q, devname_of(m));
		seq_puts(q, m->sb->flags & MS_RDONLY ? " ro" : " rw");
		put_super_options(q, m->sb, buf);
		seq_putc(q, '\n');
		return;
	}
	put_escaped(q, devname_of(m));
	seq_putc(q, ' ');
	put_escaped(q, at);
	seq_printf(q, " %s %s", m->sb->type->name, mnt_readonly(m) ? "ro" : "rw");
	put_super_options(q, m->sb, buf);
	put_options(q, m->flags);
	seq_puts(q, " 0 0\n");
}

static int show_all(struct seq_file *q, bool info)
{
	struct snapshot *s = kzalloc(sizeof(*s), GFP_KERNEL);
	char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);

	if (s && buf) {
		for_each_mount(take, s);
		for (unsigned i = 0; i < s->n; i++) {
			show_mount(q, s->m[i], buf, info);
			mntput(s->m[i]);
		}
	}
	kfree(buf);
	kfree(s);
	return s && buf ? 0 : -ENOMEM;
}

static int show_mounts(struct seq_file *q, void *arg)
{
	(void)arg;
	return show_all(q, false);
}

static int show_mountinfo(struct seq_file *q, void *arg)
{
	(void)arg;
	return show_all(q, true);
}

/* f->ra_next, idle in such a file, keeps the generation that the reader knows. */
static int mounts_open(struct inode *i, struct file *f)
{
	(void)i;
	f->ra_next = mount_generation;
	return single_open(f, show_mounts, NULL);
}

static int mountinfo_open(struct inode *i, struct file *f)
{
	(void)i;
	f->ra_next = mount_generation;
	return single_open(f, show_mountinfo, NULL);
}

static unsigned mounts_poll(struct file *f, poll_table *pt)
{
	unsigned now;

	poll_wait(f, &mount_wait, pt);
	now = mount_generation;
	if (f->ra_next == now)
		return POLLIN | POLLRDNORM;
	f->ra_next = now;
	return POLLIN | POLLRDNORM | POLLERR | POLLPRI;
}

const struct file_operations proc_mounts_fops = {
	.open = mounts_open, .read = seq_read, .llseek = seq_lseek, .release = single_release, .poll = mounts_poll,
};
const struct file_operations proc_mountinfo_fops = {
	.open = mountinfo_open, .read = seq_read, .llseek = seq_lseek, .release = single_release, .poll = mounts_poll,
};
