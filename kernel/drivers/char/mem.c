/* SPDX-License-Identifier: MIT */
/* /dev/null, zero, full, random, urandom, kmsg (major 1, Linux's minors). Entry point: the initcall. Locks: none. */
#include <kernel/device.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/random.h>
#include <kernel/printk.h>
#include <kernel/uaccess.h>

static ssize_t null_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	(void)f;
	(void)to;
	(void)pos;
	return 0;
}
static ssize_t null_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	size_t n = from->count;
	(void)f;
	(void)pos;
	iov_iter_advance(from, n);
	return n;
}
static ssize_t zero_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	ssize_t total = 0;
	(void)f;
	(void)pos;
	while (to->count && !signal_pending(current)) {
		size_t n = min_t(size_t, to->count, 16 * PAGE_SIZE), got = iov_iter_zero(n, to);
		total += got;
		if (got < n)
			return total ? total : -EFAULT;
		cond_resched();
	}
	return total || !to->count ? total : -EINTR;
}
static ssize_t full_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	(void)f;
	(void)pos;
	return from->count ? -ENOSPC : 0;
}
static loff_t null_lseek(struct file *f, loff_t off, int whence)
{
	(void)off;
	(void)whence;
	return f->pos = 0;
}
/* A private mapping of /dev/zero is anonymous memory; a shared one a fresh object. */
static int zero_mmap(struct file *f, struct vma *v)
{
	(void)f;
	if (v->flags & VM_SHARED) {
		struct shm_object *o = shm_object_create(vma_pages(v));
		if (!o)
			return -ENOMEM;
		shm_object_attach(o, v);
		shm_object_put(o);
	}
	return 0;
}

static ssize_t random_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	u8 buf[256];
	ssize_t total = 0;
	(void)f;
	(void)pos;
	while (to->count && !(total && signal_pending(current))) {
		size_t n = min_t(size_t, to->count, sizeof(buf)), got;
		get_random_bytes(buf, n);
		got = copy_to_iter(buf, n, to);
		total += got;
		if (got < n) {
			if (!total)
				total = -EFAULT;
			break;
		}
		cond_resched();
	}
	memset(buf, 0, sizeof(buf));
	return total;
}
#define RNDGETENTCNT 0x80045200u
static long random_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	(void)f;
	return cmd == RNDGETENTCNT ? put_user(256, (int __user *)arg) : -ENOTTY;
}

/* One record per read; each open file has its own position. */
static int kmsg_open(struct inode *inode, struct file *f)
{
	u64 *seq = kmalloc(sizeof(*seq), GFP_KERNEL);
	(void)inode;
	if (!seq)
		return -ENOMEM;
	*seq = log_first_seq();
	f->private = seq;
	return 0;
}
static int kmsg_release(struct inode *inode, struct file *f)
{
	(void)inode;
	kfree(f->private);
	return 0;
}
static ssize_t kmsg_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct log_record r;
	char *text = kmalloc(1280, GFP_KERNEL);
	u64 *seq = f->private;
	ssize_t n;

	(void)pos;
	if (!text)
		return -ENOMEM;
	while (!(n = log_read(seq, &r, text + 128, 1024))) { /* the log has no wait queue: look again */
		if (f->flags & O_NONBLOCK)
			n = -EAGAIN;
		else if (signal_pending(current))
			n = -EINTR;
		else
			schedule_timeout_interruptible(200 * NSEC_PER_MSEC);
		if (n) {
			kfree(text);
			return n;
		}
	}
	size_t len = snprintf(text, 128, "%u,%lu,%ld,-;", r.level, r.seq, (long)(r.time / 1000));
	if (n > 0 && text[128 + n - 1] == '\n')
		n--;
	memmove(text + len, text + 128, n);
	text[len + n] = '\n';
	n += len + 1;
	if (to->count < (size_t)n)
		n = -EINVAL;
	else if (copy_to_iter(text, n, to) < (size_t)n)
		n = -EFAULT;
	kfree(text);
	return n;
}
static ssize_t kmsg_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	char text[512], *p = text;
	size_t n = min_t(size_t, from->count, sizeof(text) - 1), all = from->count;
	unsigned long level = 5;

	(void)f;
	(void)pos;
	if (copy_from_iter(text, n, from) < n)
		return -EFAULT;
	text[n] = 0;
	if (*p == '<') {
		char *end;
		unsigned long v = simple_strtoul(p + 1, &end, 10);
		if (*end == '>') {
			level = v & 7;
			p = end + 1;
		}
	}
	printk("<%lu>%s%s", level, p, n && text[n - 1] == '\n' ? "" : "\n");
	return all;
}
static loff_t kmsg_lseek(struct file *f, loff_t off, int whence)
{
	u64 *seq = f->private;
	if (off)
		return -ESPIPE;
	*seq = whence == SEEK_END ? log_next_seq() : log_first_seq();
	return 0;
}

static const struct file_operations null_fops = { .llseek = null_lseek, .read = null_read, .write = null_write },
	zero_fops = { .llseek = null_lseek, .read = zero_read, .write = null_write, .mmap = zero_mmap },
	full_fops = { .llseek = null_lseek, .read = zero_read, .write = full_write },
	random_fops = { .llseek = null_lseek, .read = random_read, .write = null_write, .ioctl = random_ioctl },
	kmsg_fops = { .llseek = kmsg_lseek, .read = kmsg_read, .write = kmsg_write, .open = kmsg_open, .release = kmsg_release };

static const struct {
	unsigned minor;
	const char *name;
	mode_t mode;
	const struct file_operations *op;
} devices[] = {
	{ 3, "null", 0666, &null_fops }, { 5, "zero", 0666, &zero_fops }, { 7, "full", 0666, &full_fops },
	{ 8, "random", 0666, &random_fops }, { 9, "urandom", 0666, &random_fops }, { 11, "kmsg", 0644, &kmsg_fops },
};
static struct class mem_class = { .name = "mem" };

static int mem_init(void)
{
	class_register(&mem_class);
	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
		dev_t d = MKDEV(1, devices[i].minor);
		int e = register_chrdev_region_ops(d, 1, "mem", devices[i].op);
		if (e)
			return e;
		device_create(&mem_class, NULL, d, false, devices[i].mode, "%s", devices[i].name);
	}
	return 0;
}
fs_initcall(mem_init);
