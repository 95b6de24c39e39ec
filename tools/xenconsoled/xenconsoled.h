/* SPDX-License-Identifier: MIT */
/* The console daemon's types. One thread, one event loop, no locks. */
#ifndef XENCONSOLED_H
#define XENCONSOLED_H

#include <zx/console.h>
#include <zx/util.h>
#include <zx/xc.h>
#include <zx/xs.h>

struct options {
	bool foreground, log_guests, log_hypervisor, verbose;
	const char *pid_file, *log_dir;
	uint64_t log_max;               /* bytes of one log file before it is rotated */
	unsigned int log_keep;          /* rotated files kept */
};
extern struct options opt;

struct logfile {
	char *path;
	int fd;                         /* -1: not open */
	uint64_t size;
};

struct console {
	struct console *next;
	uint32_t domid;
	char *name;
	bool seen;                      /* in the enumeration under way */
	bool broken;                    /* impossible indexes: told once, ignored */
	struct xencons_interface *ring;
	uint64_t cookie;
	bool foreign;                   /* ring mapped as a foreign page, not by grant */
	int port;                       /* local event channel, -1: none */
	uint32_t remote_port;
	int master, slave;              /* the slave stays open so that output waits for a reader */
	struct zx_buf pending;          /* output that the pty did not take yet */
	size_t limit;                   /* of pending; the oldest bytes go first */
	struct logfile log;
};

/* log.c */
void log_open(struct logfile *l, const char *kind, const char *name);
void log_write(struct logfile *l, const char *p, size_t n);
void log_close(struct logfile *l);

/* console.c */
extern struct console *consoles;
int consoles_init(struct zx_err *e);            /* opens everything; xenstore watches are set */
int consoles_evtchn_fd(void);
int consoles_xs_fd(void);
void consoles_xs_event(void);
void consoles_evtchn_event(void);
void console_output(struct console *c);         /* ring to pty and log */
void console_flush(struct console *c);
void console_input(struct console *c);          /* pty to ring */
void consoles_close_all(void);

#endif
