/* SPDX-License-Identifier: MIT */
/*
 * printk, the message ring, guests' output. Entry points: hv/log.h.
 * console_lock (RANK_CONSOLE, _irqsave) protects the ring, the column state and the serial transmitter.
 */
#include <hv/atomic.h>
#include <hv/cmdline.h>
#include <hv/domain.h>
#include <hv/log.h>
#include <hv/serial.h>
#include <hv/spinlock.h>

#define RING_SIZE 32768u /* power of two */
#define TAIL      3072u  /* of it that a panic repeats */

static DEFINE_SPINLOCK(console_lock, RANK_CONSOLE);
static char ring[RING_SIZE];
static uint32_t ring_head, ring_clear; /* free-running positions */
static uint32_t panic_at;              /* ring_head when a panic began; 0 none */
static bool at_line_start = true;
static bool dom0_attached;

/* Thresholds: a message of level n is shown when n < threshold. Xen's defaults: warnings, guests' errors. */
static unsigned loglvl = DEBUG ? 3 : 2, guest_loglvl = 1;

static int parse_level(const char *s, unsigned *lvl)
{
	static const struct { const char *name; unsigned lvl; } names[] = {
		{ "none", 0 }, { "error", 1 }, { "warning", 2 }, { "info", 3 }, { "debug", 4 }, { "all", 4 },
	};
	size_t n = strchr(s, '/') ? (size_t)(strchr(s, '/') - s) : strlen(s);

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (strlen(names[i].name) == n && !strncmp(names[i].name, s, n)) {
			*lvl = names[i].lvl;
			return 0;
		}
	}
	return -EINVAL;
}
static int parse_loglvl(const char *s) { return parse_level(s, &loglvl); }
static int parse_guest_loglvl(const char *s) { return parse_level(s, &guest_loglvl); }
custom_param("loglvl", parse_loglvl);
custom_param("guest_loglvl", parse_guest_loglvl);

static void emit(char c, bool to_serial)
{
	ring[ring_head++ & (RING_SIZE - 1)] = c;
	if (to_serial) {
		if (c == '\n')
			serial_putc('\r');
		serial_putc(c);
	}
}

static void emit_str(const char *s, bool to_serial)
{
	while (*s)
		emit(*s++, to_serial);
}

/* Refills 16 messages a second, so that a guest cannot drown the log. */
static bool guest_rate_ok(void)
{
	static s_time_t window = -SECONDS(2); /* messages of the first second count too */
	static unsigned left;
	s_time_t now = now_ns();

	if (now - window > SECONDS(1)) {
		window = now;
		left = 16;
	}
	return left && left--;
}

void vprintk(const char *fmt, va_list ap)
{
	static char buf[1024];
	static bool ring_line_start = true;
	unsigned long flags;
	unsigned level = 1;
	bool guest = false, serial;

	if (fmt[0] == '\001') {
		level = (unsigned)(fmt[1] - '0');
		guest = level >= 4;
		level &= 3;
		fmt += 2;
	}
	if (level >= (guest ? guest_loglvl : loglvl))
		return;
	spin_lock_irqsave(&console_lock, flags);
	if (!guest || guest_rate_ok()) {
		serial = !dom0_attached || level == 0;
		vsnprintf(buf, sizeof(buf), fmt, ap);
		for (const char *s = buf; *s; s++) {
			if (ring_line_start) {
				if (serial && !at_line_start) {
					serial_putc('\r');
					serial_putc('\n');
				}
				emit_str("(zazen) ", serial);
			}
			emit(*s, serial);
			ring_line_start = *s == '\n';
			if (serial)
				at_line_start = ring_line_start;
		}
	}
	spin_unlock_irqrestore(&console_lock, flags);
}

void printk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintk(fmt, ap);
	va_end(ap);
}

void console_force(void)
{
	spin_break(&console_lock);
	dom0_attached = false;
	loglvl = 4;
	if (!panic_at)
		panic_at = ring_head;
}

void log_reprint(void)
{
	uint32_t pos = panic_at - min(panic_at, (uint32_t)TAIL);

	while (pos != panic_at && pos && ring[(pos - 1) & (RING_SIZE - 1)] != '\n')
		pos++;
	printk(LOG_ERR "The log before that:\n");
	for (; pos != panic_at; pos++) {
		if (ring[pos & (RING_SIZE - 1)] == '\n')
			serial_putc('\r');
		serial_putc(ring[pos & (RING_SIZE - 1)]);
	}
	printk(LOG_ERR "End of the log\n");
}

void console_dom0_attached(void)
{
	dom0_attached = true;
}

size_t log_read(char *buf, size_t size, uint32_t *index, bool incremental, bool clear)
{
	unsigned long flags;
	uint32_t pos;
	size_t n = 0;

	spin_lock_irqsave(&console_lock, flags);
	pos = ring_clear;
	/* An index from before the last clearing is as none, as on Xen. */
	if (incremental && *index - ring_clear <= ring_head - ring_clear)
		pos = *index;
	if (ring_head - pos > RING_SIZE)
		pos = ring_head - RING_SIZE;
	while (n < size && pos != ring_head)
		buf[n++] = ring[pos++ & (RING_SIZE - 1)];
	if (clear)
		ring_clear = pos;
	*index = pos;
	spin_unlock_irqrestore(&console_lock, flags);
	return n;
}

void console_guest_write(const struct domain *d, const char *buf, size_t len)
{
	unsigned long flags;

	if (!d->is_privileged && !d->arch.console_io_early) {
		while (len) {
			char line[256];
			size_t n = 0, used = 0;

			while (used < len && n < sizeof(line) - 1) {
				char c = buf[used++];

				if (c == '\n')
					break;
				if (c >= ' ' || c == '\t')
					line[n++] = c;
			}
			line[n] = 0;
			printk(LOG_G_INFO "(d%u) %s\n", d->id, line);
			buf += used;
			len -= used;
		}
		return;
	}
	spin_lock_irqsave(&console_lock, flags);
	for (; len; len--, buf++) {
		serial_putc(*buf);
		at_line_start = *buf == '\n';
	}
	spin_unlock_irqrestore(&console_lock, flags);
}
