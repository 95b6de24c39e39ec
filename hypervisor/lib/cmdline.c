/* SPDX-License-Identifier: MIT */
/* The command line. Entry points: hv/cmdline.h. Used once at boot, no lock. */
#include <hv/cmdline.h>
#include <hv/log.h>

char saved_cmdline[1024];

uint64_t parse_size(const char *s, const char **end)
{
	char *e;
	uint64_t v = strtoull(s, &e, 0);

	switch (*e | 0x20) {
	case 't': v <<= 10; /* fall through */
	case 'g': v <<= 10; /* fall through */
	case 'm': v <<= 10; /* fall through */
	case 'k': v <<= 10; /* fall through */
	case 'b': e++; break;
	}
	if (end)
		*end = e;
	return v;
}

int parse_bool(const char *s)
{
	static const char *const yes[] = { "", "1", "yes", "on", "true", "enable" };
	static const char *const no[] = { "0", "no", "off", "false", "disable" };

	for (unsigned i = 0; i < ARRAY_SIZE(yes); i++)
		if (!strcmp(s, yes[i]))
			return 1;
	for (unsigned i = 0; i < ARRAY_SIZE(no); i++)
		if (!strcmp(s, no[i]))
			return 0;
	return -1;
}

static void store_int(const struct param *p, uint64_t v)
{
	switch (p->len) {
	case 1: *(uint8_t *)p->var = (uint8_t)v; break;
	case 2: *(uint16_t *)p->var = (uint16_t)v; break;
	case 4: *(uint32_t *)p->var = (uint32_t)v; break;
	case 8: *(uint64_t *)p->var = v; break;
	}
}

static int param_assign(const struct param *p, const char *val, bool has_value, bool negated)
{
	const char *end;
	char *e;
	int b;

	switch ((enum param_type)p->type) {
	case PARAM_BOOL:
		b = parse_bool(val);
		if (b < 0)
			return -EINVAL;
		store_int(p, (uint64_t)(b ^ (int)negated));
		return 0;
	case PARAM_INT: {
		uint64_t v;

		if (negated || !has_value)
			return -EINVAL;
		v = strtoull(val, &e, 0);
		if (e == val || *e)
			return -EINVAL;
		store_int(p, v);
		return 0;
	}
	case PARAM_SIZE: {
		uint64_t v;

		if (negated || !has_value)
			return -EINVAL;
		v = parse_size(val, &end);
		if (end == val || *end)
			return -EINVAL;
		store_int(p, v);
		return 0;
	}
	case PARAM_STR:
		if (negated || strlcpy(p->var, val, p->len) >= p->len)
			return -EINVAL;
		return 0;
	case PARAM_CUSTOM:
		return p->fn(negated ? "no" : val);
	}
	return -EINVAL;
}

static const struct param *find(const char *name, const struct param *first, const struct param *last)
{
	for (; first < last; first++)
		if (!strcmp(first->name, name))
			return first;
	return NULL;
}

unsigned cmdline_parse_table(const char *line, const struct param *first, const struct param *last)
{
	char opt[256];
	unsigned bad = 0;

	for (;;) {
		const struct param *p;
		size_t n = 0;
		char *val;
		bool negated = false, quoted = false;

		while (*line == ' ' || *line == '\t')
			line++;
		if (!*line)
			return bad;
		for (; *line && (quoted || (*line != ' ' && *line != '\t')); line++) {
			if (*line == '"') {
				quoted = !quoted;
				continue;
			}
			if (n < sizeof(opt) - 1)
				opt[n++] = *line;
		}
		opt[n] = 0;
		if (!strcmp(opt, "--"))
			return bad;
		val = strchr(opt, '=');
		if (val)
			*val++ = 0;
		p = find(opt, first, last);
		if (!p && !strncmp(opt, "no-", 3)) {
			p = find(opt + 3, first, last);
			negated = p != NULL;
		}
		if (!p || param_assign(p, val ? val : "", val != NULL, negated)) {
			pr_warn("Command line: %s option \"%s\"\n", p ? "bad value for" : "unknown", opt);
			bad++;
		}
	}
}

#ifndef ZAZEN_HOST_TEST
extern const struct param _params_start[], _params_end[];

void cmdline_parse(const char *line)
{
	strlcpy(saved_cmdline, line, sizeof(saved_cmdline));
	cmdline_parse_table(saved_cmdline, _params_start, _params_end);
}
#endif
