/* SPDX-License-Identifier: MIT */
/*
 * Terminals: registration, opening and closing, hang-up, and the border to low-level drivers.
 * Entry points: tty.h; the file operations of /dev/ttyX, /dev/tty, /dev/console, /dev/pts/N.
 * Locks: tty_mutex (opens, list) > tty->lock (irq-safe) > the driver's. tasklist_lock is never taken inside tty->lock.
 */
#include "core.h"
#include <kernel/device.h>
#include <kernel/init.h>

DEFINE_MUTEX(tty_mutex);
LIST_HEAD(tty_list);
static struct tty *console_tty; /* (o) what /dev/console opens */
static char console_name[16];

/* The last console= names the device behind /dev/console ("ttyS0,115200" -> ttyS0). */
static void read_console_option(void)
{
	for (const char *p = saved_command_line; (p = strstr(p, "console=")); p += 8)
		if (p == saved_command_line || p[-1] == ' ') {
			strscpy(console_name, p + 8, sizeof(console_name));
			console_name[strcspn(console_name, ", ")] = 0;
		}
}

bool tty_out(struct n_tty *ld, const uint8_t *p, size_t n)
{
	struct tty *t = container_of(ld, struct tty, ld);

	if (TTY_OUT - (t->ohead - t->otail) < n)
		return false;
	while (n--)
		t->out[t->ohead++ % TTY_OUT] = *p++;
	return true;
}

static void want_signal(struct n_tty *ld, int sig) { container_of(ld, struct tty, ld)->signals |= 1U << sig; }

static void drop_output(struct n_tty *ld)
{
	struct tty *t = container_of(ld, struct tty, ld);

	t->otail = t->ohead;
	t->pkt_status |= TIOCPKT_FLUSHWRITE;
}

static void flow(struct n_tty *ld, bool stop)
{
	struct tty *t = container_of(ld, struct tty, ld);

	t->pkt_status = (u8)((t->pkt_status & ~(TIOCPKT_STOP | TIOCPKT_START)) | (stop ? TIOCPKT_STOP : TIOCPKT_START));
}

static const struct n_tty_host host = { .out = tty_out, .signal = want_signal, .flush_out = drop_output, .flow = flow };

struct tty *tty_alloc(const struct tty_driver *drv, unsigned index, void *data)
{
	struct tty *t = kvzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return NULL;
	t->drv = drv;
	t->index = index;
	t->data = data;
	t->dev = MKDEV(drv->major, drv->minor_start + index);
	refcount_set(&t->ref, 1);
	spin_lock_init(&t->lock);
	n_tty_init(&t->ld, &host);
	init_waitqueue_head(&t->read_wait);
	init_waitqueue_head(&t->write_wait);
	init_waitqueue_head(&t->master_wait);
	mutex_init(&t->write_mutex);
	INIT_LIST_HEAD(&t->node);
	return t;
}

struct tty *tty_get(struct tty *t)
{
	if (t)
		refcount_inc(&t->ref);
	return t;
}

void tty_put(struct tty *t)
{
	if (t && refcount_dec_and_test(&t->ref))
		kvfree(t);
}

void *tty_data(struct tty *t) { return t->data; }
const struct termios *tty_termios(struct tty *t) { return &t->ld.t; }

/* Hands the ring to the driver as far as it takes it. A pty's stays: the master reads it. */
void tty_flush_output(struct tty *t)
{
	assert_held(&t->lock);
	while (t->drv->ops->write && t->ohead != t->otail && !t->ld.stopped && !t->tcooff) {
		u32 at = t->otail % TTY_OUT, n = min(t->ohead - t->otail, TTY_OUT - at);
		size_t done = t->drv->ops->write(t, t->out + at, n);

		t->otail += (u32)done;
		if (done < n)
			break;
	}
}

void tty_unlock(struct tty *t, unsigned long f)
{
	unsigned signals = t->signals;
	bool room, output;

	t->signals = 0;
	tty_flush_output(t);
	room = TTY_OUT - (t->ohead - t->otail) >= TTY_OUT / 4;
	output = t->is_pty && (t->ohead != t->otail || (t->packet && t->pkt_status));
	spin_unlock_irqrestore(&t->lock, f);
	if (room && waitqueue_active(&t->write_wait))
		wake_up_all_poll(&t->write_wait, POLLOUT | POLLWRNORM);
	if (output)
		wake_up_all_poll(&t->master_wait, POLLIN | POLLRDNORM);
	for (int sig = 1; signals >> sig; sig++)
		if (signals >> sig & 1)
			tty_signal_pgrp(t, sig);
}

void tty_receive(struct tty *t, const u8 *p, size_t n)
{
	unsigned long f;
	bool ready;

	if (!t)
		return;
	spin_lock_irqsave(&t->lock, f);
	n_tty_receive(&t->ld, p, n);
	ready = t->ld.t.c_lflag & ICANON ? n_tty_line_ready(&t->ld) : t->ld.head != t->ld.tail;
	tty_unlock(t, f);
	if (ready)
		wake_up_all_poll(&t->read_wait, POLLIN | POLLRDNORM);
}

void tty_receive_break(struct tty *t)
{
	unsigned long f;

	spin_lock_irqsave(&t->lock, f);
	n_tty_receive_break(&t->ld);
	tty_unlock(t, f);
	wake_up_all_poll(&t->read_wait, POLLIN | POLLRDNORM);
}

size_t tty_receive_room(struct tty *t) { return n_tty_room(&t->ld); }

void tty_wakeup(struct tty *t)
{
	unsigned long f;

	if (!t)
		return;
	spin_lock_irqsave(&t->lock, f);
	tty_unlock(t, f);
}

/* Everybody who has it open finds it dead; its session is told. Process context. */
void tty_do_hangup(struct tty *t)
{
	unsigned long f;

	spin_lock_irqsave(&t->lock, f);
	t->generation++;
	n_tty_flush_in(&t->ld);
	t->otail = t->ohead;
	spin_unlock_irqrestore(&t->lock, f);
	tty_drop_session(t, true);
	wake_up_all_poll(&t->read_wait, POLLIN | POLLHUP);
	wake_up_all_poll(&t->write_wait, POLLOUT | POLLHUP);
	wake_up_all_poll(&t->master_wait, POLLIN | POLLHUP);
}

void tty_hangup(struct tty *t) { tty_do_hangup(t); }

void tty_set_winsize(struct tty *t, unsigned rows, unsigned cols)
{
	unsigned long f;

	spin_lock_irqsave(&t->lock, f);
	if (t->ws.ws_row != rows || t->ws.ws_col != cols)
		t->signals |= 1U << SIGWINCH;
	t->ws.ws_row = (u16)rows;
	t->ws.ws_col = (u16)cols;
	tty_unlock(t, f);
}

static struct class tty_class = { .name = "tty" };

/* /sys/class/tty/console/active: what getty-like programs ask for. */
static ssize_t show_active(struct device *d, char *buf, size_t n)
{
	struct tty *t = READ_ONCE(console_tty);

	(void)d;
	return t ? scnprintf(buf, n, "%s%u\n", t->drv->name, t->index) : 0;
}
static const struct device_attr active_attr = { .name = "active", .show = show_active };
static const struct device_attr *const console_attrs[] = { &active_attr, NULL };

static void add_console_device(void)
{
	static struct device dev;

	device_init(&dev);
	strscpy(dev.name, "console", sizeof(dev.name));
	dev.class = &tty_class;
	dev.devt = MKDEV(TTYAUX_MAJOR, 1);
	dev.mode = 0600;
	dev.attrs = console_attrs;
	if (device_add(&dev))
		devtmpfs_create("console", false, dev.devt, 0600);
}

struct tty *tty_register(const struct tty_driver *drv, unsigned index, void *data)
{
	struct tty *t = tty_alloc(drv, index, data);
	char name[32];
	int r;

	if (!t)
		return NULL;
	snprintf(name, sizeof(name), "%s%u", drv->name, index);
	r = register_chrdev_region_ops(t->dev, 1, drv->name, &tty_fops);
	if (r) {
		pr_err("tty: cannot register %s: %d\n", name, r);
		tty_put(t);
		return NULL;
	}
	if (IS_ERR(device_create(&tty_class, NULL, t->dev, false, 0620, "%s", name)))
		devtmpfs_create(name, false, t->dev, 0620);
	mutex_lock(&tty_mutex);
	list_add_tail(&t->node, &tty_list);
	if (drv->is_console && (!console_tty || !strcmp(name, console_name)))
		console_tty = t;
	mutex_unlock(&tty_mutex);
	return t;
}

void tty_unregister(struct tty *t)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%u", t->drv->name, t->index);
	devtmpfs_remove(name);
	unregister_chrdev_region(t->dev, 1);
	mutex_lock(&tty_mutex);
	list_del_init(&t->node);
	if (console_tty == t)
		console_tty = NULL;
	mutex_unlock(&tty_mutex);
	tty_do_hangup(t);
	tty_put(t);
}

/* Referenced. noctty: opening it this way never makes it the controlling terminal. */
static struct tty *find_tty(dev_t dev, bool *noctty)
{
	struct tty *t;

	if (dev == MKDEV(TTYAUX_MAJOR, 0)) {
		*noctty = true;
		return get_current_tty();
	}
	if (dev == MKDEV(TTYAUX_MAJOR, 1)) {
		*noctty = true;
		return tty_get(console_tty);
	}
	if (MAJOR(dev) == PTS_MAJOR)
		return tty_get(pty_find(MINOR(dev)));
	list_for_each_entry(t, &tty_list, node)
		if (t->dev == dev)
			return tty_get(t);
	return NULL;
}

int tty_attach_file(struct file *f, struct tty *t)
{
	struct tty_file *p = kmalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	p->tty = t;
	p->generation = t->generation;
	f->private = p;
	return 0;
}

static int open_locked(struct file *f, struct tty *t)
{
	int r = t->exclusive && !capable(CAP_SYS_ADMIN) ? -EBUSY : 0;

	if (!r && t->is_pty)
		r = pty_open_slave(t);
	if (!r && !t->open_count && t->drv->ops->open)
		r = t->drv->ops->open(t);
	if (!r)
		r = tty_attach_file(f, t);
	if (!r)
		t->open_count++;
	return r;
}

static int tty_open(struct inode *inode, struct file *f)
{
	bool noctty = f->flags & O_NOCTTY;
	struct tty *t;
	int r;

	if (inode->rdev == MKDEV(TTYAUX_MAJOR, 2))
		return ptmx_open(inode, f);
	mutex_lock(&tty_mutex);
	t = find_tty(inode->rdev, &noctty);
	r = t ? open_locked(f, t) : MAJOR(inode->rdev) == PTS_MAJOR ? -EIO : inode->rdev == MKDEV(TTYAUX_MAJOR, 1) ? -ENODEV : -ENXIO;
	mutex_unlock(&tty_mutex);
	if (r) {
		tty_put(t);
		return r;
	}
	stream_open(inode, f);
	if (!noctty)
		tty_open_ctty(t);
	return 0;
}

static int tty_release(struct inode *inode, struct file *f)
{
	struct tty *t = file_tty(f);

	(void)inode;
	mutex_lock(&tty_mutex);
	if (--t->open_count == 0) {
		unsigned long fl;

		if (t->is_pty)
			pty_slave_closed(t);
		else if (t->drv->ops->close)
			t->drv->ops->close(t);
		spin_lock_irqsave(&t->lock, fl);
		t->exclusive = false;
		if (!t->is_pty)
			n_tty_flush_in(&t->ld);
		spin_unlock_irqrestore(&t->lock, fl);
	}
	mutex_unlock(&tty_mutex);
	kfree(f->private);
	tty_put(t);
	return 0;
}

/* tcdrain: until the ring is empty, or a signal comes. */
int tty_wait_drained(struct tty *t)
{
	if (t->is_pty)
		return 0;
	return (int)wait_event_interruptible(t->write_wait, READ_ONCE(t->ohead) == READ_ONCE(t->otail));
}

const struct file_operations tty_fops = {
	.open = tty_open, .release = tty_release, .read = tty_read, .write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl,
	.llseek = no_llseek,
};

static int tty_init(void)
{
	read_console_option();
	register_chrdev_region_ops(MKDEV(TTYAUX_MAJOR, 0), 3, "tty", &tty_fops);
	class_register(&tty_class);
	device_create(&tty_class, NULL, MKDEV(TTYAUX_MAJOR, 0), false, 0666, "tty");
	add_console_device();
	devtmpfs_create("ptmx", false, MKDEV(TTYAUX_MAJOR, 2), 0666);
	register_chrdev_region_ops(MKDEV(PTS_MAJOR, 0), 4096, "pts", &tty_fops);
	return 0;
}
fs_initcall(tty_init);
