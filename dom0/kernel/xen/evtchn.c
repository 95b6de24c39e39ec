/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/evtchn: event channels for programs. An event masks its port and puts its number in the file's ring; read
 * takes numbers out, write unmasks. Linux's ioctl ABI.
 *
 * Locks: user.mutex over binding and unbinding; user.lock (irq-safe) over the ring and the list of ports.
 */
#include "xendev.h"
#include <kernel/xen/events.h>
#include <kernel/xen/hypercall.h>
#include <kernel/xen/xen.h>
#include <kernel/mutex.h>
#include <kernel/slab.h>
#include <kernel/wait.h>

#define RING 1024u /* numbers; each bound port is in it at most once */
#define MAX_PORTS RING

struct user {
	struct xendev_file x;
	struct mutex mutex;
	spinlock_t lock;
	struct list_head ports;  /* (lock) */
	unsigned nr_ports;       /* (mutex) */
	wait_queue_head_t wait;
	u32 ring[RING];          /* (lock) */
	unsigned prod, cons;     /* (lock) */
};
struct user_port {
	struct list_head node;
	struct user *user;
	evtchn_port_t port;
	int irq;
	bool enabled;            /* (user.lock) false from the event until the program writes the port */
};

static irqreturn_t port_event(int irq, void *dev)
{
	struct user_port *p = dev;
	struct user *u = p->user;
	unsigned long flags;
	bool rings;

	(void)irq;
	spin_lock_irqsave(&u->lock, flags);
	evtchn_mask(p->port);
	rings = p->enabled;
	if (rings) {
		p->enabled = false;
		u->ring[u->prod++ % RING] = p->port;
	}
	spin_unlock_irqrestore(&u->lock, flags);
	if (rings)
		wake_up_poll(&u->wait, POLLIN | POLLRDNORM);
	return IRQ_HANDLED;
}

static struct user_port *find_port(struct user *u, evtchn_port_t port)
{
	struct user_port *p;

	list_for_each_entry(p, &u->ports, node)
		if (p->port == port)
			return p;
	return NULL;
}

/* Takes the port over: closed when that fails. Its number or -errno. */
static long add_port(struct user *u, evtchn_port_t port)
{
	struct user_port *p = kzalloc(sizeof(*p), GFP_KERNEL);
	unsigned long flags;
	int irq = -ENOMEM;

	if (p) {
		*p = (struct user_port){ .user = u, .port = port, .enabled = true };
		spin_lock_irqsave(&u->lock, flags);
		list_add(&p->node, &u->ports);
		spin_unlock_irqrestore(&u->lock, flags);
		irq = u->nr_ports < MAX_PORTS ? bind_evtchn_to_irqhandler(port, port_event, "evtchn-user", p) : -ENOSPC;
		if (irq >= 0) {
			p->irq = irq;
			u->nr_ports++;
			return (long)port;
		}
		spin_lock_irqsave(&u->lock, flags);
		list_del(&p->node);
		spin_unlock_irqrestore(&u->lock, flags);
		kfree(p);
	}
	evtchn_close_port(port);
	return irq;
}

static void drop_port(struct user *u, struct user_port *p)
{
	unsigned long flags;
	unsigned kept;

	unbind_from_irqhandler(p->irq, p);
	spin_lock_irqsave(&u->lock, flags);
	list_del(&p->node);
	/* numbers not read yet must not speak of whoever gets the port next */
	kept = u->cons;
	for (unsigned i = u->cons; i != u->prod; i++)
		if (u->ring[i % RING] != p->port)
			u->ring[kept++ % RING] = u->ring[i % RING];
	u->prod = kept;
	spin_unlock_irqrestore(&u->lock, flags);
	u->nr_ports--;
	kfree(p);
}

/* --- file operations ---------------------------------------------------------------------------------------------------- */

static ssize_t evtchn_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct user *u = f->private;
	size_t want = to->count / sizeof(u32), n;
	ssize_t done = 0;
	unsigned long flags;
	u32 part[32];

	(void)pos;
	if (!want)
		return 0;
	for (;;) {
		if (READ_ONCE(u->prod) != READ_ONCE(u->cons))
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(u->wait, READ_ONCE(u->prod) != READ_ONCE(u->cons)))
			return -ERESTARTSYS;
	}
	do {
		spin_lock_irqsave(&u->lock, flags);
		for (n = 0; n < ARRAY_SIZE(part) && n < want && u->cons != u->prod; n++)
			part[n] = u->ring[u->cons++ % RING];
		spin_unlock_irqrestore(&u->lock, flags);
		if (copy_to_iter(part, n * sizeof(u32), to) != n * sizeof(u32))
			return -EFAULT;
		done += (ssize_t)(n * sizeof(u32));
		want -= n;
	} while (n == ARRAY_SIZE(part) && want);
	return done;
}

static ssize_t evtchn_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct user *u = f->private;
	ssize_t done = 0;
	unsigned long flags;
	u32 port;

	(void)pos;
	while (from->count >= sizeof(port)) {
		struct user_port *p;

		if (copy_from_iter(&port, sizeof(port), from) != sizeof(port))
			return done ? done : -EFAULT;
		spin_lock_irqsave(&u->lock, flags);
		p = find_port(u, port);
		if (p && !p->enabled) {
			p->enabled = true;
			evtchn_unmask(port);
		}
		spin_unlock_irqrestore(&u->lock, flags);
		done += (ssize_t)sizeof(port);
	}
	return done;
}

static unsigned evtchn_poll(struct file *f, poll_table *pt)
{
	struct user *u = f->private;

	poll_wait(f, &u->wait, pt);
	return POLLOUT | POLLWRNORM | (READ_ONCE(u->prod) != READ_ONCE(u->cons) ? POLLIN | POLLRDNORM : 0);
}

static long bind_virq(struct user *u, u32 virq)
{
	struct evtchn_bind_virq op = { .virq = virq, .vcpu = xen_vcpu_nr(0) };
	long r;

	if (u->x.restricted)
		return -EACCES;
	r = HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, &op);
	return r ? r : add_port(u, op.port);
}

static long bind_interdomain(struct user *u, u32 domid, u32 port)
{
	struct evtchn_bind_interdomain op = { .remote_dom = (domid_t)domid, .remote_port = port };
	long r;

	if (u->x.restricted && u->x.domid != domid)
		return -EACCES;
	if (domid > 0xffff)
		return -EINVAL;
	r = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &op);
	return r ? r : add_port(u, op.local_port);
}

static long bind_unbound(struct user *u, u32 domid)
{
	evtchn_port_t port;
	long r;

	if (u->x.restricted)
		return -EACCES;
	if (domid > 0xffff)
		return -EINVAL;
	r = evtchn_alloc_unbound((domid_t)domid, &port);
	return r ? r : add_port(u, port);
}

static long unbind(struct user *u, u32 port)
{
	struct user_port *p = find_port(u, port);

	if (!p)
		return port == 0 || port >= evtchn_ops->max_ports ? -EINVAL : -ENOTCONN;
	drop_port(u, p);
	return 0;
}

static long notify(struct user *u, u32 port)
{
	if (!find_port(u, port))
		return -ENOTCONN;
	notify_remote_via_evtchn(port);
	return 0;
}

static long reset_ring(struct user *u)
{
	unsigned long flags;

	spin_lock_irqsave(&u->lock, flags);
	u->cons = u->prod = 0;
	spin_unlock_irqrestore(&u->lock, flags);
	return 0;
}

static long restrict_to(struct user *u, u32 domid)
{
	if (u->x.restricted)
		return -EACCES;
	u->x.domid = (domid_t)domid;
	u->x.restricted = true;
	return 0;
}

static long evtchn_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	size_t size = cmd >> 16 & 0x3fff;
	struct user *u = f->private;
	u32 a[2] = { 0, 0 };
	long r;

	if (size > sizeof(a))
		return -ENOTTY;
	if (copy_from_user(a, (void __user *)arg, size))
		return -EFAULT;
	mutex_lock(&u->mutex);
	switch (cmd) {
	case EVTCHN_BIND_VIRQ: r = bind_virq(u, a[0]); break;
	case EVTCHN_BIND_INTERDOMAIN: r = bind_interdomain(u, a[0], a[1]); break;
	case EVTCHN_BIND_UNBOUND_PORT: r = bind_unbound(u, a[0]); break;
	case EVTCHN_UNBIND: r = unbind(u, a[0]); break;
	case EVTCHN_NOTIFY: r = notify(u, a[0]); break;
	case EVTCHN_RESET: r = reset_ring(u); break;
	case EVTCHN_RESTRICT_DOMID: r = restrict_to(u, a[0]); break;
	default: r = -ENOTTY;
	}
	mutex_unlock(&u->mutex);
	return r;
}

static int evtchn_open(struct inode *inode, struct file *f)
{
	struct user *u = kvmalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return -ENOMEM;
	memset(u, 0, sizeof(*u));
	mutex_init(&u->mutex);
	spin_lock_init(&u->lock);
	INIT_LIST_HEAD(&u->ports);
	init_waitqueue_head(&u->wait);
	f->private = u;
	return stream_open(inode, f);
}

static int evtchn_release(struct inode *inode, struct file *f)
{
	struct user *u = f->private;

	(void)inode;
	while (!list_empty(&u->ports))
		drop_port(u, list_first_entry(&u->ports, struct user_port, node));
	kvfree(u);
	return 0;
}

static const struct file_operations evtchn_fops = {
	.open = evtchn_open, .release = evtchn_release, .read = evtchn_read, .write = evtchn_write,
	.poll = evtchn_poll, .ioctl = evtchn_ioctl,
};

static int evtchn_init(void)
{
	return running_on_xen() ? misc_register(MINOR_EVTCHN, "xen/evtchn", 0600, &evtchn_fops) : 0;
}
device_initcall(evtchn_init);
