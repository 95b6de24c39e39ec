/* SPDX-License-Identifier: MIT */
/*
 * struct tty, shared by the files of kernel/tty. Lock letters: (l) tty->lock, irq-safe; (t) tasklist_lock;
 * (o) tty_mutex; (c) constant. A pty is one struct tty: the master end reads its output ring and feeds its input.
 */
#ifndef KERNEL_TTY_CORE_H
#define KERNEL_TTY_CORE_H

#include <kernel/tty.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/uaccess.h>
#include "n_tty.h"

#define TTY_OUT 8192U
#define TTY_MAJOR 4
#define TTYAUX_MAJOR 5
#define PTS_MAJOR 136

struct tty {
	const struct tty_driver *drv; /* (c) */
	unsigned index;		      /* (c) */
	void *data;		      /* (c) */
	dev_t dev;		      /* (c) */
	refcount_t ref;
	spinlock_t lock;
	struct n_tty ld;	      /* (l) */
	u8 out[TTY_OUT];	      /* (l) */
	u32 ohead, otail;	      /* (l) */
	bool tcooff;		      /* (l) output suspended by TCXONC */
	unsigned signals;	      /* (l) bits by signal number, to send after unlocking */
	unsigned generation;	      /* (l) counts hang-ups; a file of an older one is dead */
	bool exclusive;		      /* (l) */
	struct termios lck;	      /* (l) bits and characters that TCSETS may not change */
	struct winsize ws;	      /* (l) */
	int open_count;		      /* (o) */
	wait_queue_head_t read_wait, write_wait;
	struct mutex write_mutex;     /* one write(2) at a time */
	struct pid *pgrp, *session;   /* (t) referenced */
	/* pty */
	bool is_pty, locked, packet;  /* (l) */
	bool master_open;	      /* (l) */
	bool slave_seen;	      /* (l) opened at least once */
	u8 pkt_status;		      /* (l) TIOCPKT_* to report */
	wait_queue_head_t master_wait;
	struct list_head node;	      /* (o) */
};

struct tty_file {
	struct tty *tty;
	unsigned generation;
};

extern struct mutex tty_mutex;
extern struct list_head tty_list; /* (o) */
extern const struct file_operations tty_fops, ptmx_fops;

static inline struct tty *file_tty(struct file *f) { return ((struct tty_file *)f->private)->tty; }
static inline bool file_hung_up(struct file *f)
{
	struct tty_file *p = f->private;

	return p->generation != READ_ONCE(p->tty->generation);
}

/* tty.c */
struct tty *tty_alloc(const struct tty_driver *drv, unsigned index, void *data);
void tty_flush_output(struct tty *t);  /* (l): ring to driver */
void tty_unlock(struct tty *t, unsigned long f); /* and sends what the discipline asked for */
int tty_attach_file(struct file *f, struct tty *t);
void tty_do_hangup(struct tty *t);
bool tty_out(struct n_tty *ld, const uint8_t *p, size_t n);
int tty_wait_drained(struct tty *t);
/* tty_io.c */
ssize_t tty_read(struct file *f, struct iov_iter *to, loff_t *pos);
ssize_t tty_write(struct file *f, struct iov_iter *from, loff_t *pos);
unsigned tty_poll(struct file *f, poll_table *pt);
/* tty_ioctl.c */
long tty_ioctl(struct file *f, unsigned cmd, unsigned long arg);
long tty_common_ioctl(struct tty *t, struct file *f, unsigned cmd, unsigned long arg);
/* tty_job.c */
int tty_check_change(struct tty *t, int sig);
long tty_job_ioctl(struct tty *t, unsigned cmd, unsigned long arg, bool master);
void tty_open_ctty(struct tty *t);
struct tty *get_current_tty(void);
void tty_signal_pgrp(struct tty *t, int sig);
void tty_drop_session(struct tty *t, bool hangup);
/* pty.c */
struct tty *pty_find(unsigned index); /* (o) */
long pty_master_ioctl(struct tty *t, unsigned cmd, unsigned long arg);
void pty_slave_closed(struct tty *t); /* (o) */
int pty_open_slave(struct tty *t);    /* (o) */
int ptmx_open(struct inode *inode, struct file *f);
bool pty_exists(unsigned index, uid_t *uid);
int pty_next(unsigned from);

#endif
