/* SPDX-License-Identifier: MIT */
/*
 * Terminals. A low-level driver (serial port, hvc, pty) moves bytes; everything a program sees is the core's:
 * line discipline, termios, job control. tty->lock is irq-safe and taken before any lock of the driver.
 *
 * Driver's view:  t = tty_register(&drv, index, data);
 *   input, any context, without the driver's lock held:  tty_receive(t, buf, n)
 *   output: the core calls ops->write with tty->lock held and irqs off; it takes what it can without waiting and
 *   returns the count; when there is room again the driver calls tty_wakeup(t) (any context, its lock not held).
 */
#ifndef KERNEL_TTY_H
#define KERNEL_TTY_H

#include <kernel/kernel.h>
#include <kernel/wait.h>
#include <kernel/mutex.h>
#include <kernel/spinlock.h>
#include <uapi/termios.h>

struct tty;
struct pid;

struct tty_ops {
	int (*open)(struct tty *t);    /* first opener; may sleep; may be NULL */
	void (*close)(struct tty *t);  /* last closer */
	size_t (*write)(struct tty *t, const u8 *p, size_t n);
	void (*set_termios)(struct tty *t, const struct termios *old); /* may be NULL; process context */
	void (*unthrottle)(struct tty *t); /* there is input room again; may be NULL */
	int (*get_modem)(struct tty *t);   /* TIOCM_*; may be NULL */
	void (*set_modem)(struct tty *t, unsigned set, unsigned clear);
	int (*set_break)(struct tty *t, bool on);
};

struct tty_driver {
	const char *name; /* "ttyS": node name is name + index */
	unsigned major, minor_start;
	const struct tty_ops *ops;
	bool is_console; /* may become /dev/console */
};

struct tty *tty_register(const struct tty_driver *drv, unsigned index, void *data);
void tty_unregister(struct tty *t);
void *tty_data(struct tty *t);
const struct termios *tty_termios(struct tty *t);
void tty_receive(struct tty *t, const u8 *p, size_t n);
void tty_receive_break(struct tty *t);
size_t tty_receive_room(struct tty *t); /* a hint for flow control */
void tty_wakeup(struct tty *t);
void tty_hangup(struct tty *t);		/* carrier lost; any context */
void tty_set_winsize(struct tty *t, unsigned rows, unsigned cols);

/* Process side. */
struct task;
void tty_exit_session(struct task *t);	  /* a session leader exits: hang up its terminal */
void tty_proc_fork(struct task *child);	  /* share the controlling terminal */
void tty_clear_session(struct task *t);	  /* setsid() */
unsigned tty_dev_of(struct task *t);	  /* /proc/PID/stat: encoded device of the controlling tty, 0 if none */
int tty_pgrp_of(struct task *t);	  /* its foreground group, -1 if none */
struct tty *tty_get(struct tty *t);
void tty_put(struct tty *t);

#endif
