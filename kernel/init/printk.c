/* SPDX-License-Identifier: MIT */
/* Kernel log: a ring of records, and the consoles that show it. Entry points: printk, log_read,
 * register_console. Lock: log_lock (irq-safe, innermost); console writes happen under it, so lines do not mix. */
#include <kernel/kernel.h>
#include <kernel/spinlock.h>
#include <kernel/time.h>
#include <kernel/init.h>

#define RING_SIZE (128 * 1024)
#define LINE_MAX 1024

static DEFINE_SPINLOCK_RANK(log_lock, RANK_CONSOLE);
static char ring[RING_SIZE] __aligned(8);
static u32 head, tail;          /* (log_lock) byte offsets, head: next write; each record is aligned to 8 */
static u64 first_seq, next_seq; /* (log_lock) */
static u64 clear_seq;
static LIST_HEAD(consoles);
static char cont_buf[LINE_MAX];
static unsigned cont_len;
static u8 cont_level;
int console_loglevel = 7;
static bool panic_mode;

struct rec_hdr {
	ktime_t time;
	u32 size; /* whole record; 0: rest of the ring is empty */
	u16 len;
	u8 level;
};

static struct rec_hdr *rec_at(u32 off) { return (struct rec_hdr *)(ring + off); }

static u32 rec_next(u32 off)
{
	off += rec_at(off)->size;
	if (off + sizeof(struct rec_hdr) > RING_SIZE || !rec_at(off)->size)
		return 0;
	return off;
}

static void drop_oldest(void)
{
	tail = rec_next(tail);
	first_seq++;
	if (first_seq == next_seq)
		tail = head;
}

static void store(u8 level, const char *s, u16 len, ktime_t now)
{
	u32 size = (u32)ALIGN(sizeof(struct rec_hdr) + len, 8UL);
	if (head + size + sizeof(struct rec_hdr) > RING_SIZE) {
		while (first_seq != next_seq && tail >= head)
			drop_oldest();
		if (head + sizeof(struct rec_hdr) <= RING_SIZE)
			rec_at(head)->size = 0;
		head = 0;
		if (first_seq == next_seq)
			tail = 0;
	}
	while (first_seq != next_seq && tail >= head && tail < head + size + sizeof(struct rec_hdr))
		drop_oldest();
	if (first_seq == next_seq)
		tail = head;
	struct rec_hdr *r = rec_at(head);
	*r = (struct rec_hdr){ now, size, len, level };
	memcpy(r + 1, s, len);
	head += size;
	if (head + sizeof(struct rec_hdr) <= RING_SIZE && !(first_seq != next_seq && head == tail))
		rec_at(head)->size = 0;
	next_seq++;
}

static void show(struct console *c, u8 level, const char *s, u16 len, ktime_t t)
{
	char stamp[32];
	(void)level;
	int n = scnprintf(stamp, sizeof(stamp), "[%5ld.%06ld] ", t / NSEC_PER_SEC, t % NSEC_PER_SEC / 1000);
	c->write(c, stamp, (size_t)n);
	c->write(c, s, len);
	c->write(c, "\n", 1);
}

static void emit(u8 level, const char *s, u16 len)
{
	ktime_t now = ktime_get();
	store(level, s, len, now);
	if (level >= console_loglevel && !panic_mode)
		return;
	struct console *c;
	list_for_each_entry(c, &consoles, node)
		show(c, level, s, len, now);
}

/* Lines are cut at newlines; text without one waits for its end. */
static void add_text(u8 level, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n' || cont_len == LINE_MAX - 1) {
			emit(cont_len ? cont_level : level, cont_buf, (u16)cont_len);
			cont_len = 0;
			if (*s == '\n')
				continue;
		}
		if (!cont_len)
			cont_level = level;
		cont_buf[cont_len++] = *s;
	}
}

int vprintk(const char *fmt, va_list ap)
{
	static char buf[LINE_MAX]; /* (log_lock) */
	u8 level = 6;
	if (fmt[0] == '<' && isdigit(fmt[1]) && fmt[2] == '>') {
		level = (u8)(fmt[1] - '0');
		fmt += 3;
	}
	unsigned long f;
	local_irq_save(f);
	if (panic_mode)
		(void)spin_trylock(&log_lock); /* the holder may be stopped */
	else
		spin_lock(&log_lock);
	int n = vscnprintf(buf, sizeof(buf), fmt, ap);
	add_text(level, buf);
	if (!panic_mode || spin_is_mine(&log_lock))
		spin_unlock_no_resched(&log_lock);
	local_irq_restore(f);
	return n;
}

int printk(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vprintk(fmt, ap);
	va_end(ap);
	return n;
}

void register_console(struct console *c)
{
	unsigned long f;
	spin_lock_irqsave(&log_lock, f);
	struct console *o, *n;
	bool had = !list_empty(&consoles);
	if (!c->early)
		list_for_each_entry_safe(o, n, &consoles, node)
			if (o->early)
				list_del(&o->node);
	list_add_tail(&c->node, &consoles);
	if (!had || c->replay) {
		u32 off = tail;
		for (u64 s = first_seq; s != next_seq; s++, off = rec_next(off))
			if (rec_at(off)->level < console_loglevel)
				show(c, rec_at(off)->level, (char *)(rec_at(off) + 1), rec_at(off)->len, rec_at(off)->time);
	}
	spin_unlock_irqrestore(&log_lock, f);
}

void unregister_console(struct console *c)
{
	unsigned long f;
	spin_lock_irqsave(&log_lock, f);
	list_del(&c->node);
	spin_unlock_irqrestore(&log_lock, f);
}

ssize_t log_read(u64 *seq, struct log_record *rec, char *buf, size_t n)
{
	ssize_t got = 0;
	unsigned long f;
	spin_lock_irqsave(&log_lock, f);
	if (*seq < first_seq)
		*seq = first_seq;
	if (*seq < next_seq) {
		u32 off = tail;
		for (u64 s = first_seq; s != *seq; s++)
			off = rec_next(off);
		struct rec_hdr *r = rec_at(off);
		*rec = (struct log_record){ *seq, r->time, r->level, r->len };
		got = (ssize_t)min_t(size_t, n, r->len);
		memcpy(buf, r + 1, (size_t)got);
		if (!got && n)
			buf[got++] = ' '; /* an empty line is still a record */
		(*seq)++;
	}
	spin_unlock_irqrestore(&log_lock, f);
	return got;
}

u64 log_first_seq(void) { return max(first_seq, clear_seq); }
u64 log_next_seq(void) { return next_seq; }
void log_clear(void) { clear_seq = next_seq; }

void printk_flush_panic(void);
void printk_flush_panic(void)
{
	panic_mode = true;
	console_loglevel = 10;
}

static int set_loglevel(const char *v)
{
	return kstrtoint(v, 10, &console_loglevel);
}
early_param("loglevel", set_loglevel);

static int set_quiet(const char *v)
{
	(void)v;
	console_loglevel = 4;
	return 0;
}
early_param("quiet", set_quiet);
