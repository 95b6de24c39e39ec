/* SPDX-License-Identifier: MIT */
/*
 * The line discipline as a pure state machine: bytes in, bytes and events out. It takes no lock, does
 * not sleep and touches no user memory; struct tty (tty.h) holds one and calls it under tty->lock.
 * tests/unit/proc builds it on the host.
 */
#ifndef KERNEL_TTY_N_TTY_H
#define KERNEL_TTY_N_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uapi/termios.h>

#define N_TTY_BUF 4096U

struct n_tty;
struct n_tty_host {
	bool (*out)(struct n_tty *ld, const uint8_t *p, size_t n); /* false: no room, nothing was taken */
	void (*signal)(struct n_tty *ld, int sig);
	void (*flush_out)(struct n_tty *ld);
	void (*flow)(struct n_tty *ld, bool stop);
};

struct n_tty {
	const struct n_tty_host *host;
	struct termios t;
	uint32_t head, tail;	   /* free-running; head - tail <= N_TTY_BUF */
	uint32_t canon_head;	   /* end of the last complete line */
	uint32_t column;	   /* output column, for tabs and erasing */
	uint32_t canon_column;	   /* output column where the line being edited began */
	bool lnext;		   /* next byte is literal */
	bool stopped;		   /* by the STOP character */
	uint8_t buf[N_TTY_BUF];
	uint64_t eol[N_TTY_BUF / 64]; /* this byte ends a line */
	uint64_t eof[N_TTY_BUF / 64]; /* ... and is an end-of-file mark, not data */
};

void n_tty_init(struct n_tty *ld, const struct n_tty_host *host);
void n_tty_default_termios(struct termios *t);
/* Takes all n bytes; what does not fit is dropped (with BEL when IMAXBEL). */
void n_tty_receive(struct n_tty *ld, const uint8_t *p, size_t n);
void n_tty_receive_break(struct n_tty *ld);
/* How many bytes a well-behaved sender may hand in now. */
size_t n_tty_room(const struct n_tty *ld);
/* Bytes a read could return at once: canonical: up to and including the first delimiter. */
size_t n_tty_available(const struct n_tty *ld);
bool n_tty_line_ready(const struct n_tty *ld);
/* Moves up to n bytes out. *eof: an end-of-file mark ended the read. */
size_t n_tty_read(struct n_tty *ld, uint8_t *dst, size_t n, bool *eof);
/* Output processing of one byte into out[8]; returns the count. */
unsigned n_tty_opost(struct n_tty *ld, uint8_t c, uint8_t out[8]);
void n_tty_flush_in(struct n_tty *ld);
void n_tty_set_termios(struct n_tty *ld, const struct termios *t);

#endif
