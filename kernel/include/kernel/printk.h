/* SPDX-License-Identifier: MIT */
/* Kernel messages, panic and assertions. printk works from any context. */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include <kernel/compiler.h>
#include <kernel/list.h>
#include <stdarg.h>

/* Levels as a "<n>" prefix of the format, as /dev/kmsg has them. */
#define KERN_EMERG "<0>"
#define KERN_ALERT "<1>"
#define KERN_CRIT "<2>"
#define KERN_ERR "<3>"
#define KERN_WARNING "<4>"
#define KERN_NOTICE "<5>"
#define KERN_INFO "<6>"
#define KERN_DEBUG "<7>"

int printk(const char *fmt, ...) __printf(1, 2);
int vprintk(const char *fmt, va_list ap);
#ifndef pr_fmt
#define pr_fmt(f) f
#endif
#define pr_emerg(f, ...) printk(KERN_EMERG pr_fmt(f), ##__VA_ARGS__)
#define pr_err(f, ...) printk(KERN_ERR pr_fmt(f), ##__VA_ARGS__)
#define pr_warn(f, ...) printk(KERN_WARNING pr_fmt(f), ##__VA_ARGS__)
#define pr_notice(f, ...) printk(KERN_NOTICE pr_fmt(f), ##__VA_ARGS__)
#define pr_info(f, ...) printk(KERN_INFO pr_fmt(f), ##__VA_ARGS__)
#define pr_debug(f, ...) printk(KERN_DEBUG pr_fmt(f), ##__VA_ARGS__)

/* A message sink. write() is called with the console lock held, from any context, irqs off. */
struct console {
	const char *name; /* "ttyS0", "hvc0": matched with console= */
	void (*write)(struct console *c, const char *s, size_t n);
	void *data;
	bool replay; /* show what was logged before, though an early console had it: that one may be out of sight */
	bool early; /* dropped when the first real console registers */
	struct list_head node;
};
void register_console(struct console *c); /* replays the log to it */
void unregister_console(struct console *c);
extern int console_loglevel; /* messages with a level below this are shown */

/* The log ring, for /dev/kmsg and syslog(2). Sequence numbers count records. */
struct log_record {
	u64 seq;
	ktime_t time;
	u8 level;
	u16 len;
};
/* Copies record *seq (or the oldest later one) to buf; 0 when none. Updates *seq to the next. */
ssize_t log_read(u64 *seq, struct log_record *rec, char *buf, size_t n);
u64 log_first_seq(void);
u64 log_next_seq(void);
void log_clear(void);

void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
void dump_stack(void);
struct pt_regs;
void show_regs(const struct pt_regs *r);
void backtrace_regs(const struct pt_regs *r); /* of what was interrupted */
/* Called once on panic, before the machine stops: e.g. Xen's shutdown(crash). */
extern void (*panic_notify)(const char *msg);

#define BUG() panic("BUG at %s:%d", __FILE__, __LINE__)
#define BUG_ON(c) do { if (unlikely(c)) panic("BUG at %s:%d: %s", __FILE__, __LINE__, #c); } while (0)
#define ASSERT(c) do { if (DEBUG && unlikely(!(c))) panic("assertion failed at %s:%d: %s", __FILE__, __LINE__, #c); } while (0)
#define WARN_ON(c) ({ bool __w = !!(c); \
	if (unlikely(__w)) { printk(KERN_WARNING "warning at %s:%d: %s\n", __FILE__, __LINE__, #c); dump_stack(); } __w; })
#define WARN_ON_ONCE(c) ({ static bool __done; bool __w1 = !!(c); \
	if (unlikely(__w1 && !__done)) { __done = true; WARN_ON(1 && #c[0]); } __w1; })

#endif
