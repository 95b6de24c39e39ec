/* SPDX-License-Identifier: MIT */
/*
 * Line discipline 0: editing, echo, signals, flow control (POSIX.1-2017 chapter 11, with the Linux
 * extensions IUTF8, ECHOCTL, ECHOKE, WERASE, REPRINT, LNEXT).
 * Entry points: n_tty.h. No lock of its own; the caller holds the tty's.
 */
#include "n_tty.h"

#define MASK (N_TTY_BUF - 1)
#define I(ld, f) ((ld)->t.c_iflag & (f))
#define O(ld, f) ((ld)->t.c_oflag & (f))
#define L(ld, f) ((ld)->t.c_lflag & (f))
#define DISABLED 0 /* _POSIX_VDISABLE */

static bool test(const uint64_t *map, uint32_t i)
{
	return map[(i & MASK) / 64] >> (i % 64) & 1;
}

static void put_bit(uint64_t *map, uint32_t i, bool v)
{
	uint64_t bit = 1ULL << (i % 64);

	if (v)
		map[(i & MASK) / 64] |= bit;
	else
		map[(i & MASK) / 64] &= ~bit;
}

static bool is_cc(const struct n_tty *ld, int which, uint8_t c)
{
	return ld->t.c_cc[which] != DISABLED && ld->t.c_cc[which] == c;
}

static bool is_cont(const struct n_tty *ld, uint8_t c)
{
	return I(ld, IUTF8) && (c & 0xc0) == 0x80;
}

void n_tty_default_termios(struct termios *t)
{
	static const uint8_t cc[NCCS] = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VTIME] = 0, [VMIN] = 1, [VSTART] = 17,
		[VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22,
	};

	*t = (struct termios){ .c_iflag = ICRNL | IXON, .c_oflag = OPOST | ONLCR, .c_cflag = B38400 | CS8 | CREAD | HUPCL,
			       .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN };
	for (unsigned i = 0; i < NCCS; i++)
		t->c_cc[i] = cc[i];
}

void n_tty_init(struct n_tty *ld, const struct n_tty_host *host)
{
	*ld = (struct n_tty){ .host = host };
	n_tty_default_termios(&ld->t);
}

unsigned n_tty_opost(struct n_tty *ld, uint8_t c, uint8_t out[8])
{
	unsigned n = 0;

	if (!O(ld, OPOST)) {
		out[0] = c;
		return 1;
	}
	switch (c) {
	case '\n':
		if (O(ld, ONLRET))
			ld->column = 0;
		if (O(ld, ONLCR)) {
			out[n++] = '\r';
			ld->column = 0;
		}
		ld->canon_column = ld->column;
		break;
	case '\r':
		if (O(ld, ONOCR) && ld->column == 0)
			return 0;
		if (O(ld, OCRNL)) {
			c = '\n';
			if (O(ld, ONLRET))
				ld->column = 0;
		} else {
			ld->column = 0;
		}
		ld->canon_column = ld->column;
		break;
	case '\t': {
		unsigned spaces = 8 - (ld->column & 7);

		ld->column += spaces;
		if (O(ld, TABDLY) == XTABS) {
			for (unsigned i = 0; i < spaces; i++)
				out[i] = ' ';
			return spaces;
		}
		break;
	}
	case '\b':
		if (ld->column)
			ld->column--;
		break;
	default:
		if (c >= ' ' && c != 127) {
			if (O(ld, OLCUC) && c >= 'a' && c <= 'z')
				c -= 'a' - 'A';
			if (!is_cont(ld, c))
				ld->column++;
		}
	}
	out[n++] = c;
	return n;
}

/* Echo is lossy when the output buffer is full: the alternative is to stall input. */
static void echo_raw(struct n_tty *ld, uint8_t c)
{
	uint8_t out[8];
	unsigned n = n_tty_opost(ld, c, out);

	if (n)
		ld->host->out(ld, out, n);
}

static bool shown_as_ctrl(const struct n_tty *ld, uint8_t c)
{
	return L(ld, ECHOCTL) && ((c < ' ' && c != '\t' && c != '\n') || c == 127);
}

static void echo_char(struct n_tty *ld, uint8_t c)
{
	if (shown_as_ctrl(ld, c)) {
		echo_raw(ld, '^');
		echo_raw(ld, c ^ 0x40);
	} else {
		echo_raw(ld, c);
	}
}

static void echo_input(struct n_tty *ld, uint8_t c)
{
	if (!L(ld, ECHO))
		return;
	if (ld->head == ld->canon_head)
		ld->canon_column = ld->column;
	echo_char(ld, c);
}

static void store(struct n_tty *ld, uint8_t c, bool eol, bool eof)
{
	if (ld->head - ld->tail >= N_TTY_BUF)
		return;
	ld->buf[ld->head & MASK] = c;
	put_bit(ld->eol, ld->head, eol);
	put_bit(ld->eof, ld->head, eof);
	ld->head++;
	if (eol)
		ld->canon_head = ld->head;
}

/* Column at which the byte at position end starts, counted from the start of the edited line. */
static uint32_t column_at(const struct n_tty *ld, uint32_t end)
{
	uint32_t col = ld->canon_column;

	for (uint32_t i = ld->canon_head; i != end; i++) {
		uint8_t c = ld->buf[i & MASK];

		if (c == '\t')
			col = (col | 7) + 1;
		else if (shown_as_ctrl(ld, c))
			col += 2;
		else if (c >= ' ' && c != 127 && !is_cont(ld, c))
			col++;
	}
	return col;
}

static void rub_out(struct n_tty *ld, uint8_t c)
{
	if (c == '\t') {
		uint32_t to = column_at(ld, ld->head);

		while (ld->column > to)
			echo_raw(ld, '\b');
		return;
	}
	unsigned n = shown_as_ctrl(ld, c) ? 2 : (c >= ' ' && c != 127) ? 1 : 0;

	while (n--) {
		echo_raw(ld, '\b');
		echo_raw(ld, ' ');
		echo_raw(ld, '\b');
	}
}

static bool word_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

/* Removes one character (all bytes of a UTF-8 one); returns false at the start of the line. */
static bool erase_one(struct n_tty *ld)
{
	uint8_t c;

	if (ld->head == ld->canon_head)
		return false;
	do
		c = ld->buf[--ld->head & MASK];
	while (is_cont(ld, c) && ld->head != ld->canon_head);
	if (L(ld, ECHO) && L(ld, ECHOE))
		rub_out(ld, c);
	return true;
}

static void erase(struct n_tty *ld, uint8_t c)
{
	if (ld->head == ld->canon_head)
		return;
	if (is_cc(ld, VERASE, c)) {
		erase_one(ld);
		if (L(ld, ECHO) && !L(ld, ECHOE))
			echo_char(ld, c);
	} else if (is_cc(ld, VWERASE, c)) {
		bool seen = false;

		while (ld->head != ld->canon_head) {
			bool w = word_char(ld->buf[(ld->head - 1) & MASK]);

			if (seen && !w)
				break;
			seen |= w;
			erase_one(ld);
		}
	} else { /* VKILL */
		if (L(ld, ECHO) && L(ld, ECHOK) && L(ld, ECHOKE) && L(ld, ECHOE)) {
			while (erase_one(ld))
				;
			return;
		}
		ld->head = ld->canon_head;
		if (L(ld, ECHO)) {
			echo_char(ld, c);
			if (L(ld, ECHOK))
				echo_raw(ld, '\n');
		}
	}
}

static void reprint(struct n_tty *ld, uint8_t c)
{
	echo_char(ld, c);
	echo_raw(ld, '\n');
	for (uint32_t i = ld->canon_head; i != ld->head; i++)
		echo_char(ld, ld->buf[i & MASK]);
}

static void do_signal(struct n_tty *ld, int sig, uint8_t c)
{
	if (!L(ld, NOFLSH)) {
		n_tty_flush_in(ld);
		ld->host->flush_out(ld);
	}
	if (I(ld, IXON) && ld->stopped) {
		ld->stopped = false;
		ld->host->flow(ld, false);
	}
	if (L(ld, ECHO))
		echo_char(ld, c);
	ld->host->signal(ld, sig);
}

static void full(struct n_tty *ld)
{
	if (I(ld, IMAXBEL))
		ld->host->out(ld, (const uint8_t *)"\a", 1);
}

static void end_line(struct n_tty *ld, uint8_t c, bool eof)
{
	store(ld, c, true, eof);
	if (!eof)
		ld->canon_column = ld->column;
}

/* A byte that is certainly data: typed after LNEXT, or of no special meaning. */
static void data(struct n_tty *ld, uint8_t c)
{
	/* One place is kept for the delimiter, or a full line could never be ended. */
	if (ld->head - ld->tail >= N_TTY_BUF - (L(ld, ICANON) ? 1 : 0)) {
		full(ld);
		return;
	}
	echo_input(ld, c);
	/* A byte 0xff is doubled so that a reader can tell it from a marked error. */
	if (I(ld, PARMRK) && c == 0xff && !I(ld, ISTRIP))
		store(ld, c, false, false);
	store(ld, c, false, false);
}

static bool special_canon(struct n_tty *ld, uint8_t c)
{
	bool ext = L(ld, IEXTEN);

	if (is_cc(ld, VERASE, c) || is_cc(ld, VKILL, c) || (ext && is_cc(ld, VWERASE, c))) {
		erase(ld, c);
		return true;
	}
	if (ext && is_cc(ld, VLNEXT, c)) {
		ld->lnext = true;
		if (L(ld, ECHO) && L(ld, ECHOCTL)) {
			if (ld->head == ld->canon_head)
				ld->canon_column = ld->column;
			echo_raw(ld, '^');
			echo_raw(ld, '\b');
		}
		return true;
	}
	if (ext && is_cc(ld, VREPRINT, c) && L(ld, ECHO)) {
		reprint(ld, c);
		return true;
	}
	if (c == '\n') {
		if (L(ld, ECHO) || L(ld, ECHONL))
			echo_raw(ld, '\n');
		end_line(ld, '\n', false);
		return true;
	}
	if (is_cc(ld, VEOF, c)) {
		end_line(ld, DISABLED, true);
		return true;
	}
	if (is_cc(ld, VEOL, c) || (ext && is_cc(ld, VEOL2, c))) {
		echo_input(ld, c);
		end_line(ld, c, false);
		return true;
	}
	return false;
}

static void receive_char(struct n_tty *ld, uint8_t c)
{
	if (I(ld, ISTRIP))
		c &= 0x7f;
	if (ld->lnext) {
		ld->lnext = false;
		data(ld, c);
		return;
	}
	if (I(ld, IUCLC) && L(ld, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	if (I(ld, IXON)) {
		bool start = is_cc(ld, VSTART, c), stop = is_cc(ld, VSTOP, c);

		if (start || stop) {
			bool want = stop && !(start && ld->stopped);

			if (want != ld->stopped) {
				ld->stopped = want;
				ld->host->flow(ld, want);
			}
			return;
		}
	}
	if (L(ld, ISIG)) {
		static const uint8_t cc[] = { VINTR, VQUIT, VSUSP };
		static const uint8_t sig[] = { 2, 3, 20 }; /* SIGINT SIGQUIT SIGTSTP */

		for (unsigned i = 0; i < 3; i++)
			if (is_cc(ld, cc[i], c)) {
				do_signal(ld, sig[i], c);
				return;
			}
	}
	if (ld->stopped && I(ld, IXON) && I(ld, IXANY)) {
		ld->stopped = false;
		ld->host->flow(ld, false);
	}
	if (c == '\r') {
		if (I(ld, IGNCR))
			return;
		if (I(ld, ICRNL))
			c = '\n';
	} else if (c == '\n' && I(ld, INLCR)) {
		c = '\r';
	}
	if (L(ld, ICANON) && special_canon(ld, c))
		return;
	data(ld, c);
}

void n_tty_receive(struct n_tty *ld, const uint8_t *p, size_t n)
{
	while (n--)
		receive_char(ld, *p++);
}

void n_tty_receive_break(struct n_tty *ld)
{
	if (I(ld, IGNBRK))
		return;
	if (I(ld, BRKINT)) {
		n_tty_flush_in(ld);
		ld->host->flush_out(ld);
		ld->host->signal(ld, 2);
		return;
	}
	if (I(ld, PARMRK)) {
		store(ld, 0xff, false, false);
		store(ld, 0, false, false);
	}
	store(ld, 0, false, false);
}

bool n_tty_line_ready(const struct n_tty *ld)
{
	return ld->canon_head != ld->tail;
}

size_t n_tty_room(const struct n_tty *ld)
{
	uint32_t used = ld->head - ld->tail, cap = N_TTY_BUF - 1;

	if (used < cap)
		return cap - used;
	/* A full line without a delimiter must keep taking bytes, or nobody could ever end or erase it. */
	return L(ld, ICANON) && !n_tty_line_ready(ld) ? 1 : 0;
}

size_t n_tty_available(const struct n_tty *ld)
{
	if (!L(ld, ICANON))
		return ld->head - ld->tail;
	for (uint32_t i = ld->tail; i != ld->canon_head; i++)
		if (test(ld->eol, i))
			return i - ld->tail + (test(ld->eof, i) ? 0 : 1);
	return 0;
}

size_t n_tty_read(struct n_tty *ld, uint8_t *dst, size_t n, bool *eof)
{
	bool canon = L(ld, ICANON);
	uint32_t end = canon ? ld->canon_head : ld->head;
	size_t got = 0;

	*eof = false;
	while (ld->tail != end) {
		bool eol = test(ld->eol, ld->tail), mark = test(ld->eof, ld->tail);

		if (canon && mark) {
			ld->tail++;
			*eof = true;
			break;
		}
		if (got == n)
			break;
		dst[got++] = ld->buf[ld->tail++ & MASK];
		if (canon && eol) {
			*eof = true; /* the line ended: the read is over, though not at end of file */
			break;
		}
	}
	if ((int32_t)(ld->canon_head - ld->tail) < 0)
		ld->canon_head = ld->tail;
	return got;
}

void n_tty_flush_in(struct n_tty *ld)
{
	ld->tail = ld->canon_head = ld->head;
	ld->lnext = false;
}

void n_tty_set_termios(struct n_tty *ld, const struct termios *t)
{
	uint32_t was = ld->t.c_lflag;
	bool ixon = I(ld, IXON);

	ld->t = *t;
	ld->t.c_line = 0;
	if ((was ^ t->c_lflag) & ICANON) {
		/* Into canonical mode: what is pending counts as one line. Out of it: as plain bytes. */
		if (t->c_lflag & ICANON && ld->head != ld->tail) {
			put_bit(ld->eol, ld->head - 1, true);
			ld->canon_head = ld->head;
		}
		ld->lnext = false;
	}
	if (ixon && !(t->c_iflag & IXON) && ld->stopped) {
		ld->stopped = false;
		ld->host->flow(ld, false);
	}
}
