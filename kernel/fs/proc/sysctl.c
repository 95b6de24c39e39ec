/* SPDX-License-Identifier: MIT */
/* /proc/sys: values by table of (path, show, store). No lock: each value is one word or locks itself. */
#include "internal.h"
#include <kernel/random.h>
#include <uapi/utsname.h>

struct sysctl {
	void (*show)(struct seq_file *m);
	int (*store)(const char *s);
	unsigned long *value, lo, hi;
};

static int sysctl_show(struct seq_file *m, void *arg)
{
	const struct sysctl *c = arg;

	if (c->show)
		c->show(m);
	else
		seq_printf(m, "%lu\n", *c->value);
	return 0;
}

static int sysctl_open(struct inode *i, struct file *f)
{
	return single_open(f, sysctl_show, proc_data(i));
}

static ssize_t sysctl_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	const struct sysctl *c = proc_data(f->inode);
	char buf[256] = { 0 };
	size_t n = from->count;
	unsigned long v;
	int err;

	(void)pos;
	if (n >= sizeof(buf))
		return -EINVAL;
	if (copy_from_iter(buf, n, from) != n)
		return -EFAULT;
	if (c->store) {
		err = c->store(buf);
	} else if (!c->value) {
		err = -EACCES;
	} else {
		err = kstrtoul(buf, 0, &v);
		if (!err && (v < c->lo || v > c->hi))
			err = -EINVAL;
		if (!err)
			WRITE_ONCE(*c->value, v);
	}
	return err ? err : (ssize_t)n;
}

static const struct file_operations sysctl_fops = {
	.open = sysctl_open, .read = seq_read, .write = sysctl_write, .llseek = seq_lseek, .release = single_release,
};

static int add(const char *path, const struct sysctl *from)
{
	struct sysctl *c = kmemdup(from, sizeof(*from), GFP_KERNEL);
	char *full = kasprintf(GFP_KERNEL, "sys/%s", path);
	int err = -ENOMEM;

	if (c && full)
		err = proc_create(full, from->store || (from->value && from->hi) ? 0644 : 0444, &sysctl_fops, c);
	kfree(full);
	if (err)
		kfree(c);
	return err;
}

int proc_sysctl(const char *path, void (*show)(struct seq_file *m), int (*store)(const char *s))
{
	struct sysctl c = { .show = show, .store = store };

	return add(path, &c);
}

int proc_sysctl_ulong(const char *path, unsigned long *v, unsigned long min, unsigned long max)
{
	struct sysctl c = { .value = v, .lo = min, .hi = max };

	return add(path, &c);
}

#define UTS_SHOW(field) \
	static void show_##field(struct seq_file *m) { seq_printf(m, "%s\n", system_utsname.field); }
UTS_SHOW(sysname)
UTS_SHOW(release)
UTS_SHOW(version)
UTS_SHOW(nodename)
UTS_SHOW(domainname)

static int store_nodename(const char *s)
{
	size_t n = strcspn(s, "\n");

	if (n >= sizeof(system_utsname.nodename))
		return -EINVAL;
	memset(system_utsname.nodename, 0, sizeof(system_utsname.nodename));
	memcpy(system_utsname.nodename, s, n);
	return 0;
}

static void show_uuid(struct seq_file *m)
{
	u8 b[16];

	get_random_bytes(b, sizeof(b));
	b[6] = (b[6] & 15) | 0x40; /* RFC 4122, version 4 */
	b[8] = (b[8] & 63) | 0x80;
	for (unsigned i = 0; i < 16; i++)
		seq_printf(m, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	seq_putc(m, '\n');
}

static char boot_id[40];

static void show_boot_id(struct seq_file *m)
{
	seq_puts(m, boot_id);
}

static unsigned long pid_max = 4194304, cap_last_cap = 40, ngroups_max = 65536, threads_max = 32768, file_max = 1048576,
	nr_open = 1048576, pipe_max_size = 1048576, overcommit = 0, swappiness = 60, somaxconn = 4096, panic_secs, printk_devkmsg = 1,
	max_map_count = 65530, va_space = 2, entropy = 256, dgram_qlen = 512, watches = 65536, cad_pid = 1;
/* What the kernel does not let anyone change: read only. */
static const struct {
	const char *path;
	unsigned long *v;
} values[] = {
	{ "kernel/pid_max", &pid_max }, { "kernel/cap_last_cap", &cap_last_cap }, { "kernel/ngroups_max", &ngroups_max },
	{ "kernel/threads-max", &threads_max }, { "kernel/panic", &panic_secs }, { "kernel/cad_pid", &cad_pid },
	{ "kernel/randomize_va_space", &va_space }, { "kernel/random/entropy_avail", &entropy },
	{ "kernel/printk_ratelimit", &printk_devkmsg }, { "fs/file-max", &file_max }, { "fs/nr_open", &nr_open },
	{ "fs/pipe-max-size", &pipe_max_size }, { "fs/inotify/max_user_watches", &watches },
	{ "vm/overcommit_memory", &overcommit }, { "vm/swappiness", &swappiness },
	{ "vm/max_map_count", &max_map_count }, 
	{ "net/core/somaxconn", &somaxconn }, { "net/unix/max_dgram_qlen", &dgram_qlen },
};

int proc_sysctl_init(void)
{
	u64 r[2];

	get_random_bytes(r, sizeof(r));
	scnprintf(boot_id, sizeof(boot_id), "%08lx-%04lx-4%03lx-a%03lx-%012lx\n", r[0] >> 32, r[0] >> 16 & 0xffff, r[0] & 0xfff,
		  r[1] >> 48 & 0xfff, r[1] & 0xffffffffffffUL);
	proc_sysctl("kernel/ostype", show_sysname, NULL);
	proc_sysctl("kernel/osrelease", show_release, NULL);
	proc_sysctl("kernel/version", show_version, NULL);
	proc_sysctl("kernel/hostname", show_nodename, store_nodename);
	proc_sysctl("kernel/domainname", show_domainname, NULL);
	proc_sysctl("kernel/random/uuid", show_uuid, NULL);
	proc_sysctl("kernel/random/boot_id", show_boot_id, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		proc_sysctl_ulong(values[i].path, values[i].v, 0, 0);
	return 0;
}
