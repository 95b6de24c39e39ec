/* SPDX-License-Identifier: MIT */
/*
 * hvc0, the paravirtual console: a ring shared with xenconsoled for ordinary guests, the console_io hypercall for the
 * initial domain. Both a tty and a sink for kernel messages.
 * Locks: out_lock (irq-safe, RANK_CONSOLE) over the out ring's producer side; in_lock (irq-safe), outside tty->lock.
 */
#include <kernel/xen/events.h>
#include <kernel/xen/hypercall.h>
#include <kernel/xen/suspend.h>
#include <kernel/xen/xen.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/tty.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/sched.h>

#define HVC_MAJOR 229

struct hvc_ops {
	size_t (*put)(const char *p, size_t n); /* takes what it can without waiting */
	size_t (*get)(char *p, size_t n);
};
static const struct hvc_ops *hvc_ops;
static struct tty *hvc_tty;
static struct xencons_interface *cons;
static evtchn_port_t cons_port;
static int cons_irq;
static DEFINE_SPINLOCK_RANK(out_lock, RANK_CONSOLE);

/* --- the ring ---------------------------------------------------------------------------------------------------- */

static size_t ring_put(const char *p, size_t n)
{
	unsigned long flags;
	size_t done = 0;
	u32 prod, used;

	spin_lock_irqsave(&out_lock, flags);
	prod = cons->out_prod;
	used = prod - READ_ONCE(cons->out_cons);
	smp_mb(); /* the consumer's index before the bytes it freed are written over */
	if (used <= sizeof(cons->out))
		while (done < n && used + done < sizeof(cons->out)) {
			cons->out[MASK_XENCONS_IDX(prod + done, cons->out)] = p[done];
			done++;
		}
	smp_wmb();
	cons->out_prod = prod + (u32)done;
	spin_unlock_irqrestore(&out_lock, flags);
	if (done)
		notify_remote_via_evtchn(cons_port);
	return done;
}

static size_t ring_get(char *p, size_t n)
{
	u32 at = cons->in_cons, have = READ_ONCE(cons->in_prod) - at;
	size_t done = 0;

	if (have > sizeof(cons->in))
		return 0;
	smp_rmb();
	while (done < n && done < have) {
		p[done] = cons->in[MASK_XENCONS_IDX(at + done, cons->in)];
		done++;
	}
	smp_mb();
	cons->in_cons = at + (u32)done;
	if (done)
		notify_remote_via_evtchn(cons_port);
	return done;
}

static const struct hvc_ops ring_ops = { .put = ring_put, .get = ring_get };

/* --- the hypercall ------------------------------------------------------------------------------------------------ */

static size_t dom0_put(const char *p, size_t n)
{
	return HYPERVISOR_console_io(CONSOLEIO_write, (unsigned)n, p) < 0 ? 0 : n;
}

static size_t dom0_get(char *p, size_t n)
{
	long r = HYPERVISOR_console_io(CONSOLEIO_read, (unsigned)n, p);

	return r > 0 ? (size_t)r : 0;
}

static const struct hvc_ops dom0_ops = { .put = dom0_put, .get = dom0_get };

/* --- tty and messages --------------------------------------------------------------------------------------------- */

static DEFINE_SPINLOCK(in_lock); /* one reader of the in ring; outside tty->lock */
static bool left_over;           /* in_lock; input stays in the ring until somebody reads */

static irqreturn_t hvc_interrupt(int irq, void *dev)
{
	unsigned long flags;
	char buf[64];
	size_t n = 0;

	(void)irq, (void)dev;
	if (!hvc_tty)
		return IRQ_HANDLED;
	spin_lock_irqsave(&in_lock, flags);
	WRITE_ONCE(left_over, true); /* first: whoever makes room from here on calls again */
	while (tty_receive_room(hvc_tty) >= sizeof(buf)) {
		n = hvc_ops->get(buf, sizeof(buf));
		if (!n) {
			WRITE_ONCE(left_over, false);
			break;
		}
		tty_receive(hvc_tty, (const u8 *)buf, n);
	}
	spin_unlock_irqrestore(&in_lock, flags);
	tty_wakeup(hvc_tty);
	return IRQ_HANDLED;
}

static size_t hvc_write(struct tty *t, const u8 *p, size_t n)
{
	(void)t;
	return hvc_ops->put((const char *)p, n);
}

static void take_rest(struct work *w)
{
	(void)w;
	hvc_interrupt(0, NULL);
}
static struct work rest_work = WORK_INIT(take_rest);

/* Called with the tty's lock held. Reading while nothing was left over costs only a look at the ring. */
static void hvc_unthrottle(struct tty *t)
{
	(void)t;
	if (READ_ONCE(left_over))
		schedule_work(&rest_work);
}

static const struct tty_ops hvc_tty_ops = { .write = hvc_write, .unthrottle = hvc_unthrottle };
static const struct tty_driver hvc_driver = {
	.name = "hvc", .major = HVC_MAJOR, .minor_start = 0, .ops = &hvc_tty_ops, .is_console = true,
};

/* A message must not be lost because the daemon is slow, nor hang the machine because it is dead. */
static void put_all(const char *p, size_t n)
{
	unsigned patience = 20000;

	while (n && patience) {
		size_t done = hvc_ops->put(p, n);

		p += done;
		n -= done;
		if (!done) {
			HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
			patience--;
		}
	}
}

static void hvc_console_write(struct console *c, const char *s, size_t n)
{
	(void)c;
	while (n) {
		const char *newline = memchr(s, '\n', n);
		size_t line = newline ? (size_t)(newline - s) : n;

		put_all(s, line);
		if (newline) {
			put_all("\r\n", 2);
			line++;
		}
		s += line;
		n -= line;
	}
}

static struct console hvc_console = { .name = "hvc0", .write = hvc_console_write };

static int find_ring(void)
{
	u64 pfn, port;
	int e = xen_get_param(HVM_PARAM_CONSOLE_PFN, &pfn);

	if (!e)
		e = xen_get_param(HVM_PARAM_CONSOLE_EVTCHN, &port);
	if (e || !pfn || !port)
		return -ENODEV;
	if (!pfn_valid(pfn)) {
		e = memmap_add(pfn, 1, true);
		if (e)
			return e;
	}
	cons = phys_to_virt(pfn << PAGE_SHIFT);
	cons_port = (evtchn_port_t)port;
	return 0;
}

/* The ring's page is where it was, empty; its port is another. */
void hvc_resume(void)
{
	u64 port;

	if (!cons || cons_irq <= 0)
		return;
	if (xen_get_param(HVM_PARAM_CONSOLE_EVTCHN, &port) || evtchn_rebind_irq(cons_irq, (evtchn_port_t)port))
		return; /* without a console there is nobody to tell */
	cons_port = (evtchn_port_t)port;
	hvc_interrupt(cons_irq, NULL);
}

static int hvc_init(void)
{
	int e;

	if (!running_on_xen())
		return 0;
	if (xen_initial_domain()) {
		hvc_ops = &dom0_ops;
		e = bind_virq_to_irqhandler(VIRQ_CONSOLE, 0, hvc_interrupt, "hvc_console", NULL);
	} else {
		e = find_ring();
		if (e == -ENODEV)
			return 0; /* a domain without console */
		hvc_ops = &ring_ops;
		if (!e)
			e = cons_irq = bind_evtchn_to_irqhandler(cons_port, hvc_interrupt, "hvc_console", NULL);
	}
	if (e < 0) {
		pr_err("hvc: no console: %d\n", e);
		return e;
	}
	hvc_tty = tty_register(&hvc_driver, 0, NULL);
	if (!hvc_tty)
		return -ENOMEM;
	hvc_console.replay = !xen_initial_domain(); /* the early one is the hypervisor's log */
	register_console(&hvc_console);
	hvc_interrupt(0, NULL); /* what was typed before we listened */
	return 0;
}
device_initcall(hvc_init);
