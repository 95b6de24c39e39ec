/* SPDX-License-Identifier: MIT */
/* Formatting and number parsing. No locks. */
#include <kernel/kernel.h>
#include <kernel/ksyms.h>

struct out {
	char *buf;
	size_t size, len;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

enum { F_LEFT = 1, F_ZERO = 2, F_ALT = 4, F_PLUS = 8, F_SPACE = 16 };

static void put_str(struct out *o, const char *s, int width, int prec, unsigned f)
{
	if (!s)
		s = "(null)";
	int n = (int)strnlen(s, prec >= 0 ? (size_t)prec : 0x7fffffff);
	if (!(f & F_LEFT))
		pad(o, ' ', width - n);
	for (int i = 0; i < n; i++)
		put(o, s[i]);
	if (f & F_LEFT)
		pad(o, ' ', width - n);
}

static void put_num(struct out *o, u64 v, bool neg, unsigned base, bool upper, int width, int prec, unsigned f)
{
	char tmp[24], prefix[3];
	int n = 0, np = 0;
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	if (neg)
		prefix[np++] = '-';
	else if (f & F_PLUS)
		prefix[np++] = '+';
	else if (f & F_SPACE)
		prefix[np++] = ' ';
	if (f & F_ALT && base == 16 && v) {
		prefix[np++] = '0';
		prefix[np++] = upper ? 'X' : 'x';
	} else if (f & F_ALT && base == 8) {
		prefix[np++] = '0';
	}
	if (v == 0 && prec != 0)
		tmp[n++] = '0';
	for (; v; v /= base)
		tmp[n++] = digits[v % base];
	int zeros = prec > n ? prec - n : 0;
	if (prec < 0 && f & F_ZERO && !(f & F_LEFT) && width > n + np)
		zeros = width - n - np;
	if (!(f & F_LEFT))
		pad(o, ' ', width - n - np - zeros);
	for (int i = 0; i < np; i++)
		put(o, prefix[i]);
	pad(o, '0', zeros);
	for (int i = n; i-- > 0;)
		put(o, tmp[i]);
	if (f & F_LEFT)
		pad(o, ' ', width - n - np - zeros);
}

static s64 get_signed(va_list *ap, int lng)
{
	switch (lng) {
	case -2: return (signed char)va_arg(*ap, int);
	case -1: return (short)va_arg(*ap, int);
	case 0: return va_arg(*ap, int);
	default: return va_arg(*ap, long);
	}
}

static u64 get_unsigned(va_list *ap, int lng)
{
	switch (lng) {
	case -2: return (unsigned char)va_arg(*ap, int);
	case -1: return (unsigned short)va_arg(*ap, int);
	case 0: return va_arg(*ap, unsigned);
	default: return va_arg(*ap, unsigned long);
	}
}

static void put_symbol(struct out *o, unsigned long a)
{
	char name[96];
	sym_lookup(a, name, sizeof(name));
	put_str(o, name, 0, -1, 0);
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap0)
{
	struct out o = { buf, size, 0 };
	va_list ap;
	va_copy(ap, ap0);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		unsigned f = 0;
		for (fmt++;; fmt++) {
			if (*fmt == '-') f |= F_LEFT;
			else if (*fmt == '0') f |= F_ZERO;
			else if (*fmt == '#') f |= F_ALT;
			else if (*fmt == '+') f |= F_PLUS;
			else if (*fmt == ' ') f |= F_SPACE;
			else break;
		}
		int width = 0, prec = -1, lng = 0;
		if (*fmt == '*') {
			width = va_arg(ap, int);
			if (width < 0) {
				f |= F_LEFT;
				width = -width;
			}
			fmt++;
		} else {
			while (isdigit(*fmt))
				width = width * 10 + *fmt++ - '0';
		}
		if (*fmt == '.') {
			prec = 0;
			if (*++fmt == '*') {
				prec = va_arg(ap, int);
				fmt++;
			} else {
				while (isdigit(*fmt))
					prec = prec * 10 + *fmt++ - '0';
			}
		}
		for (;; fmt++) {
			if (*fmt == 'h') lng--;
			else if (*fmt == 'l' || *fmt == 'z' || *fmt == 't' || *fmt == 'j') lng++;
			else break;
		}
		switch (*fmt) {
		case 'd': case 'i': {
			s64 v = get_signed(&ap, lng);
			put_num(&o, v < 0 ? -(u64)v : (u64)v, v < 0, 10, false, width, prec, f);
			break;
		}
		case 'u': put_num(&o, get_unsigned(&ap, lng), false, 10, false, width, prec, f & ~(F_PLUS | F_SPACE)); break;
		case 'x': case 'X':
			put_num(&o, get_unsigned(&ap, lng), false, 16, *fmt == 'X', width, prec, f & ~(F_PLUS | F_SPACE));
			break;
		case 'o': put_num(&o, get_unsigned(&ap, lng), false, 8, false, width, prec, f & ~(F_PLUS | F_SPACE)); break;
		case 'p': {
			unsigned long v = (unsigned long)va_arg(ap, void *);
			if (fmt[1] == 'S') {
				fmt++;
				put_symbol(&o, v);
			} else {
				put_num(&o, v, false, 16, false, width ? width : 16, width ? -1 : 16, f);
			}
			break;
		}
		case 's': put_str(&o, va_arg(ap, const char *), width, prec, f); break;
		case 'c': {
			char c[2] = { (char)va_arg(ap, int), 0 };
			if (!(f & F_LEFT))
				pad(&o, ' ', width - 1);
			put(&o, c[0]);
			if (f & F_LEFT)
				pad(&o, ' ', width - 1);
			break;
		}
		case '%': put(&o, '%'); break;
		case 0: fmt--; break;
		default:
			put(&o, '%');
			put(&o, *fmt);
		}
	}
	va_end(ap);
	if (size)
		buf[o.len < size ? o.len : size - 1] = 0;
	return (int)o.len;
}

int snprintf(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int r = vsnprintf(buf, n, fmt, ap);
	va_end(ap);
	return r;
}

int vscnprintf(char *buf, size_t n, const char *fmt, va_list ap)
{
	int r = vsnprintf(buf, n, fmt, ap);
	return (size_t)r < n ? r : n ? (int)n - 1 : 0;
}

int scnprintf(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int r = vscnprintf(buf, n, fmt, ap);
	va_end(ap);
	return r;
}

char *kasprintf(gfp_t gfp, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = kmalloc((size_t)n + 1, gfp);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

static const char *digits_base(const char *s, unsigned *base)
{
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && (*base == 0 || *base == 16) && isxdigit(s[2])) {
		*base = 16;
		return s + 2;
	}
	if (*base == 0)
		*base = s[0] == '0' ? 8 : 10;
	return s;
}

/* Value of the digits at *s; advances *s; *over set when it does not fit. */
static u64 digits(const char **s, unsigned base, bool *over)
{
	u64 v = 0;
	for (;; (*s)++) {
		unsigned d;
		if (isdigit(**s)) d = (unsigned)(**s - '0');
		else if (isalpha(**s)) d = (unsigned)(tolower(**s) - 'a' + 10);
		else break;
		if (d >= base)
			break;
		if (__builtin_mul_overflow(v, (u64)base, &v) || __builtin_add_overflow(v, (u64)d, &v))
			*over = true;
	}
	return v;
}

unsigned long simple_strtoul(const char *s, char **end, unsigned base)
{
	bool over = false;
	s = digits_base(s, &base);
	u64 v = digits(&s, base, &over);
	if (end)
		*end = (char *)s;
	return over ? ~0UL : v;
}

long simple_strtol(const char *s, char **end, unsigned base)
{
	return *s == '-' ? -(long)simple_strtoul(s + 1, end, base) : (long)simple_strtoul(s, end, base);
}

int kstrtoul(const char *s, unsigned base, unsigned long *out)
{
	bool over = false;
	if (*s == '+')
		s++;
	const char *p = s = digits_base(s, &base);
	u64 v = digits(&p, base, &over);
	if (p == s || (*p && !(*p == '\n' && !p[1])))
		return -EINVAL;
	if (over)
		return -ERANGE;
	*out = v;
	return 0;
}

int kstrtol(const char *s, unsigned base, long *out)
{
	unsigned long v;
	bool neg = *s == '-';
	int e = kstrtoul(neg ? s + 1 : s, base, &v);
	if (e)
		return e;
	if (v > (u64)INT64_MAX + neg)
		return -ERANGE;
	*out = neg ? (long)-v : (long)v;
	return 0;
}

int kstrtoint(const char *s, unsigned base, int *out)
{
	long v;
	int e = kstrtol(s, base, &v);
	if (!e && v != (int)v)
		e = -ERANGE;
	if (!e)
		*out = (int)v;
	return e;
}

int kstrtouint(const char *s, unsigned base, unsigned *out)
{
	unsigned long v;
	int e = kstrtoul(s, base, &v);
	if (!e && v != (unsigned)v)
		e = -ERANGE;
	if (!e)
		*out = (unsigned)v;
	return e;
}

u64 memparse(const char *s, char **end)
{
	char *e;
	u64 v = simple_strtoul(s, &e, 0);
	switch (*e) {
	case 'T': case 't': v <<= 10; /* fall through */
	case 'G': case 'g': v <<= 10; /* fall through */
	case 'M': case 'm': v <<= 10; /* fall through */
	case 'K': case 'k': v <<= 10; e++;
	}
	if (end)
		*end = e;
	return v;
}
