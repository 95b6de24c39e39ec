/* SPDX-License-Identifier: MIT */
/*
 * COM1 (16550A, ports 0x3f8-0x3ff, ISA interrupt 4): ttyS0 and the serial console. Not touched when the scratch
 * register does not hold a value, which is also how it looks when a hypervisor keeps the port for itself.
 * Lock: port lock, irq-safe, innermost. A timer polls: it carries the port when interrupts do not come.
 */
#include <kernel/kernel.h>
#include <kernel/tty.h>
#include <kernel/io.h>
#include <kernel/irq.h>
#include <kernel/init.h>
#include <kernel/time.h>
#include <kernel/spinlock.h>

#define PORT 0x3f8
#define ISA_IRQ 4
enum { RBR = 0, THR = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };
#define IER_RX 1
#define IER_TX 2
#define LSR_DR 0x01
#define LSR_BI 0x10
#define LSR_THRE 0x20
#define FIFO 16
#define POLL_NS (20 * NSEC_PER_MSEC)

static DEFINE_SPINLOCK(port_lock);
static struct tty *tty0;
static u8 ier;
static bool opened;
static void poll_fn(struct timer *t);
static struct timer poll_timer = TIMER_INIT(poll_fn);

static u8 rd(int reg) { return inb((u16)(PORT + reg)); }
static void wr(int reg, u8 v) { outb(v, (u16)(PORT + reg)); }

static void set_ier(u8 v)
{
	if (v != ier) {
		ier = v;
		wr(IER, v);
	}
}

/* Takes at most one FIFO load when the transmitter is empty; the interrupt asks for more. */
static size_t uart_write(struct tty *t, const u8 *p, size_t n)
{
	unsigned long f;
	size_t i = 0;

	(void)t;
	spin_lock_irqsave(&port_lock, f);
	if (rd(LSR) & LSR_THRE) {
		n = min_t(size_t, n, FIFO);
		for (i = 0; i < n; i++)
			wr(THR, p[i]);
	}
	if (n)
		set_ier(ier | IER_TX);
	spin_unlock_irqrestore(&port_lock, f);
	return i;
}

static bool service(void)
{
	u8 buf[64];
	unsigned n = 0;
	bool brk = false, tx = false, work;
	unsigned long f;

	spin_lock_irqsave(&port_lock, f);
	for (unsigned i = 0; i < sizeof(buf); i++) {
		u8 lsr = rd(LSR);

		if (!(lsr & LSR_DR)) {
			tx = lsr & LSR_THRE;
			break;
		}
		buf[n] = rd(RBR);
		if (lsr & LSR_BI)
			brk = true;
		else
			n++;
	}
	(void)rd(IIR); /* lets go of a transmitter interrupt */
	tx = tx && (ier & IER_TX);
	if (tx)
		set_ier(ier & (u8)~IER_TX); /* uart_write turns it on again if there is more */
	spin_unlock_irqrestore(&port_lock, f);
	work = n || brk || tx;
	if (brk)
		tty_receive_break(tty0);
	if (n)
		tty_receive(tty0, buf, n);
	if (tx)
		tty_wakeup(tty0);
	return work;
}

static irqreturn_t uart_irq(int irq, void *dev)
{
	bool any = false;

	(void)irq;
	(void)dev;
	for (int i = 0; i < 16 && service(); i++)
		any = true;
	return any ? IRQ_HANDLED : IRQ_NONE;
}

static void poll_fn(struct timer *t)
{
	if (!READ_ONCE(opened))
		return;
	service();
	mod_timer(t, ktime_get() + POLL_NS);
}

static int uart_open(struct tty *t)
{
	unsigned long f;

	(void)t;
	spin_lock_irqsave(&port_lock, f);
	opened = true;
	wr(MCR, 0x0b); /* DTR, RTS, OUT2: the interrupt line's gate on a PC */
	set_ier(IER_RX);
	spin_unlock_irqrestore(&port_lock, f);
	mod_timer(&poll_timer, ktime_get() + POLL_NS);
	return 0;
}

static void uart_close(struct tty *t)
{
	unsigned long f;

	(void)t;
	spin_lock_irqsave(&port_lock, f);
	opened = false;
	set_ier(ier & IER_TX);
	spin_unlock_irqrestore(&port_lock, f);
	del_timer(&poll_timer);
}

static int uart_get_modem(struct tty *t)
{
	u8 m = rd(MSR);

	(void)t;
	return TIOCM_DTR | TIOCM_RTS | (m & 0x10 ? TIOCM_CTS : 0) | (m & 0x20 ? TIOCM_DSR : 0) | (m & 0x80 ? TIOCM_CAR : 0);
}

static void uart_set_modem(struct tty *t, unsigned set, unsigned clear)
{
	unsigned long f;
	u8 m;

	(void)t;
	spin_lock_irqsave(&port_lock, f);
	m = rd(MCR);
	m |= (u8)((set & TIOCM_DTR ? 1 : 0) | (set & TIOCM_RTS ? 2 : 0));
	m &= (u8) ~((clear & TIOCM_DTR ? 1 : 0) | (clear & TIOCM_RTS ? 2 : 0));
	wr(MCR, m);
	spin_unlock_irqrestore(&port_lock, f);
}

static const struct tty_ops uart_ops = { .open = uart_open, .close = uart_close, .write = uart_write,
					 .get_modem = uart_get_modem, .set_modem = uart_set_modem };
static const struct tty_driver uart_driver = { .name = "ttyS", .major = 4, .minor_start = 64, .ops = &uart_ops, .is_console = true };

static void console_put(u8 c)
{
	for (int i = 0; i < 100000 && !(rd(LSR) & LSR_THRE); i++)
		cpu_relax();
	wr(THR, c);
}

static void console_write(struct console *c, const char *s, size_t n)
{
	unsigned long f;

	(void)c;
	spin_lock_irqsave(&port_lock, f);
	for (; n--; s++) {
		if (*s == '\n')
			console_put('\r');
		console_put((u8)*s);
	}
	spin_unlock_irqrestore(&port_lock, f);
}

static struct console uart_console = { .name = "ttyS0", .write = console_write };

static bool present(void)
{
	wr(SCR, 0x5a);
	if (rd(SCR) != 0x5a)
		return false;
	wr(SCR, 0xa5);
	return rd(SCR) == 0xa5;
}

static int serial_init(void)
{
	int irq, r;

	if (!present())
		return 0;
	wr(IER, 0);
	wr(LCR, 0x83); /* divisor latch; 8 bits, no parity, one stop bit */
	wr(0, 1);      /* 115200 baud */
	wr(1, 0);
	wr(LCR, 0x03);
	wr(FCR, 0x07); /* FIFOs on and cleared, trigger at one byte */
	wr(MCR, 0x0b);
	tty0 = tty_register(&uart_driver, 0, NULL);
	if (!tty0)
		return -ENOMEM;
	irq = isa_irq_to_gsi(ISA_IRQ);
	r = request_irq(irq, uart_irq, IRQF_SHARED | IRQF_TRIGGER_RISING, "ttyS0", &uart_console);
	if (r)
		pr_warn("ttyS0: interrupt %d not available (%d): polling\n", irq, r);
	register_console(&uart_console);
	pr_info("ttyS0: 16550A at port 0x%x, interrupt %d\n", PORT, irq);
	return 0;
}
device_initcall(serial_init);
