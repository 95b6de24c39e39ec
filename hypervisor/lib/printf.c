/* SPDX-License-Identifier: MIT */
/* printf into memory. Entry points: vsnprintf, snprintf, scnprintf (zazen/string.h). No state. */
#include <hv/types.h>

struct out {
	char *buf;
	size_t size, pos;
};

enum { F_LEFT = 1, F_ZERO = 2, F_PLUS = 4, F_SPACE = 8, F_ALT = 16, F_UPPER = 32 };

static void put(struct out *o, char c)
{
	if (o->pos + 1 < o->size)
		o->buf[o->pos] = c;
	o->pos++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_str(struct out *o, const char *s, int len, unsigned flags, int width)
{
	if (!(flags & F_LEFT))
		pad(o, ' ', width - len);
	for (int i = 0; i < len; i++)
		put(o, s[i]);
	if (flags & F_LEFT)
		pad(o, ' ', width - len);
}

static void put_num(struct out *o, uint64_t v, bool neg, unsigned base, unsigned flags, int width, int prec)
{
	char tmp[24], prefix[3];
	int n = 0, np = 0, zeros;
	const char *digits = flags & F_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";

	if (neg)
		prefix[np++] = '-';
	else if (flags & (F_PLUS | F_SPACE))
		prefix[np++] = flags & F_PLUS ? '+' : ' ';
	if ((flags & F_ALT) && base == 16 && v) {
		prefix[np++] = '0';
		prefix[np++] = flags & F_UPPER ? 'X' : 'x';
	}
	if (v == 0 && prec != 0)
		tmp[n++] = '0';
	for (; v; v /= base)
		tmp[n++] = digits[v % base];
	zeros = prec > n ? prec - n : 0;
	if (prec < 0 && (flags & F_ZERO) && !(flags & F_LEFT) && width > n + np)
		zeros = width - n - np;
	width -= n + np + zeros;
	if (!(flags & F_LEFT))
		pad(o, ' ', width);
	for (int i = 0; i < np; i++)
		put(o, prefix[i]);
	pad(o, '0', zeros);
	while (n)
		put(o, tmp[--n]);
	if (flags & F_LEFT)
		pad(o, ' ', width);
}

static int64_t sign_extend(uint64_t v, int size)
{
	int shift = 64 - 8 * size;

	return (int64_t)(v << shift) >> shift;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };

	for (; *fmt; fmt++) {
		unsigned flags = 0;
		int width = 0, prec = -1, len = 4;
		uint64_t v;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		for (fmt++;; fmt++) {
			if (*fmt == '-') flags |= F_LEFT;
			else if (*fmt == '0') flags |= F_ZERO;
			else if (*fmt == '+') flags |= F_PLUS;
			else if (*fmt == ' ') flags |= F_SPACE;
			else if (*fmt == '#') flags |= F_ALT;
			else break;
		}
		if (*fmt == '*') {
			width = va_arg(ap, int);
			if (width < 0) {
				flags |= F_LEFT;
				width = -width;
			}
			fmt++;
		} else {
			while (*fmt >= '0' && *fmt <= '9')
				width = width * 10 + (*fmt++ - '0');
		}
		if (*fmt == '.') {
			prec = 0;
			if (*++fmt == '*') {
				prec = va_arg(ap, int);
				fmt++;
			} else {
				while (*fmt >= '0' && *fmt <= '9')
					prec = prec * 10 + (*fmt++ - '0');
			}
		}
		for (;; fmt++) {
			if (*fmt == 'h') len = len == 2 ? 1 : 2;
			else if (*fmt == 'l' || *fmt == 'z' || *fmt == 't' || *fmt == 'j') len = 8;
			else break;
		}
		switch (*fmt) {
		case 'd':
		case 'i': {
			int64_t s = len == 8 ? va_arg(ap, int64_t) : va_arg(ap, int);

			s = sign_extend((uint64_t)s, len);
			put_num(&o, s < 0 ? -(uint64_t)s : (uint64_t)s, s < 0, 10, flags, width, prec);
			break;
		}
		case 'u':
		case 'x':
		case 'X':
		case 'o':
			v = len == 8 ? va_arg(ap, uint64_t) : va_arg(ap, unsigned);
			if (len < 4)
				v &= (1u << (8 * len)) - 1;
			flags &= ~(unsigned)(F_PLUS | F_SPACE);
			if (*fmt == 'X')
				flags |= F_UPPER;
			put_num(&o, v, false, *fmt == 'u' ? 10 : *fmt == 'o' ? 8 : 16, flags, width, prec);
			break;
		case 'p':
			put_num(&o, (uintptr_t)va_arg(ap, void *), false, 16, flags, width, 16);
			break;
		case 'c': {
			char c = (char)va_arg(ap, int);

			put_str(&o, &c, 1, flags, width);
			break;
		}
		case 's': {
			const char *s = va_arg(ap, const char *);

			if (!s)
				s = "(null)";
			put_str(&o, s, (int)(prec >= 0 ? strnlen(s, (size_t)prec) : strlen(s)), flags, width);
			break;
		}
		case 0:
			fmt--;
			break;
		default:
			put(&o, *fmt);
		}
	}
	if (size)
		buf[o.pos < size ? o.pos : size - 1] = 0;
	return (int)o.pos;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return size && n >= (int)size ? (int)size - 1 : n;
}
