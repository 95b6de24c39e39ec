/* SPDX-License-Identifier: MIT */
/*
 * xl convert: an xl.cfg(5) of a PVH guest as the XML that xl create takes. The file is a row of name = value; a value is a
 * number, a string in quotes or a list of strings. What has no equivalent is refused by line, what does no harm is noted.
 */
#include "create.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 64u

struct cfg {
	const char *file, *p;
	unsigned int line, errors;
	struct zx_buf notes;
	struct domain_config *c;
	char *root, *extra;
};

struct value {
	bool list;
	unsigned int n;         /* of a list; else 1 */
	char *text[LIST_MAX];
};

static void bad(struct cfg *f, unsigned int line, const char *fmt, ...) ZX_PRINTF(3, 4);
static void bad(struct cfg *f, unsigned int line, const char *fmt, ...)
{
	va_list ap;

	f->errors++;
	fprintf(stderr, "%s:%u: ", f->file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* Blanks and comments; across lines where a statement may go on. */
static void skip(struct cfg *f, bool lines)
{
	for (; *f->p; f->p++) {
		if (*f->p == '#')
			f->p += strcspn(f->p, "\n");
		if (*f->p == '\n' && lines)
			f->line++;
		else if (*f->p != ' ' && *f->p != '\t' && *f->p != '\r' && !(*f->p == ';' && lines))
			return;
	}
}

/* A number or a string; NULL with a message. */
static char *scalar(struct cfg *f)
{
	const char *from = f->p;
	struct zx_buf b = { 0 };
	char quote = *f->p;

	if (isdigit((unsigned char)quote)) {
		f->p += strspn(f->p, "0123456789abcdefxABCDEFX");
		zx_buf_addf(&b, "%.*s", (int)(f->p - from), from);
		return b.data;
	}
	if (quote != '"' && quote != '\'') {
		bad(f, f->line, "a value is a number, a string in quotes or a list of strings");
		return NULL;
	}
	for (f->p++; *f->p && *f->p != quote && *f->p != '\n'; f->p++) {
		if (*f->p == '\\' && f->p[1] && f->p[1] != '\n')
			f->p++;
		zx_buf_add(&b, f->p, 1);
	}
	if (*f->p != quote) {
		bad(f, f->line, "the string has no end");
		zx_buf_free(&b);
		return NULL;
	}
	f->p++;
	zx_buf_add(&b, "", 1);
	return b.data;
}

static bool read_value(struct cfg *f, struct value *v)
{
	memset(v, 0, sizeof(*v));
	v->list = *f->p == '[';
	if (!v->list)
		return (v->text[v->n++] = scalar(f));
	f->p++;
	for (skip(f, true); *f->p != ']'; skip(f, true)) {
		char *s = v->n < LIST_MAX ? scalar(f) : NULL;

		if (!s) {
			if (v->n == LIST_MAX)
				bad(f, f->line, "more than %u entries", LIST_MAX);
			return false;
		}
		v->text[v->n++] = s;
		skip(f, true);
		if (*f->p == ',')
			f->p++;
		else if (*f->p != ']') {
			bad(f, f->line, "the list has no end");
			return false;
		}
	}
	f->p++;
	return true;
}

static void value_free(struct value *v)
{
	while (v->n)
		free(v->text[--v->n]);
}

static void take(char **slot, struct value *v)
{
	free(*slot);
	*slot = v->text[0];
	v->text[0] = NULL;
}

static bool number(struct cfg *f, unsigned int line, const char *key, const char *text, uint32_t max, uint32_t *out)
{
	if (zx_parse_u32(text, out) && *out <= max)
		return true;
	bad(f, line, "%s = %s: a number up to %u", key, text, max);
	return false;
}

static void action(struct cfg *f, unsigned int line, const char *key, const char *text, enum domain_action *out)
{
	for (int i = ACTION_DESTROY; i <= ACTION_COREDUMP_RESTART; i++)
		if (!strcmp(text, domain_action_names[i])) {
			*out = (enum domain_action)i;
			return;
		}
	bad(f, line, "%s = \"%s\": not destroy, restart, preserve, rename-restart or coredump-...", key, text);
}

static void disks(struct cfg *f, unsigned int line, struct value *v)
{
	for (unsigned int i = 0; i < v->n; i++) {
		struct domain_disk d;

		if (!disk_spec_parse(v->text[i], &d) || f->c->ndisks == DOMAIN_DISKS_MAX) {
			bad(f, line, "disk \"%s\": only /path,raw,xvda,w and the like", v->text[i]);
			free(d.source);
			free(d.target);
			continue;
		}
		d.block = !strncmp(d.source, "/dev/", 5);
		f->c->disk[f->c->ndisks++] = d;
	}
}

static void apply(struct cfg *f, unsigned int line, const char *key, struct value *v)
{
	static const char *const harmless[] = { "builder", "pvh", "acpi", "apic", "pae", "hap", "nx", "localtime", "rtc_timeoffset",
		"tsc_mode", "timer_mode", "vfb", "serial", "boot", "sdl", "vnc", "vnclisten", "on_watchdog", "nomigrate", "seclabel",
		"claim_mode", "driver_domain", "max_grant_frames", "max_maptrack_frames", "passthrough", "on_soft_reset", "keymap" };
	struct domain_config *c = f->c;
	uint32_t n = 0;

	if (v->list != !strcmp(key, "disk") && strcmp(key, "vif") != 0 && strcmp(key, "cpus") != 0 && strcmp(key, "vfb") != 0) {
		bad(f, line, "%s: %s", key, v->list ? "a list has no equivalent here" : "write a list: [ '...' ]");
	} else if (!strcmp(key, "name")) {
		take(&c->name, v);
	} else if (!strcmp(key, "uuid")) {
		c->has_uuid = domain_uuid_parse(v->text[0], c->uuid);
		if (!c->has_uuid)
			bad(f, line, "uuid = \"%s\": not a UUID", v->text[0]);
	} else if (!strcmp(key, "type")) {
		if (strcmp(v->text[0], "pvh") != 0)
			bad(f, line, "type = \"%s\": only pvh guests exist", v->text[0]);
	} else if (!strcmp(key, "memory")) {
		if (number(f, line, key, v->text[0], 1u << 30, &n))
			c->current_kib = (uint64_t)n << 10;
	} else if (!strcmp(key, "maxmem")) {
		if (number(f, line, key, v->text[0], 1u << 30, &n))
			c->memory_kib = (uint64_t)n << 10;
	} else if (!strcmp(key, "vcpus")) {
		number(f, line, key, v->text[0], DOMAIN_VCPUS_MAX, &c->vcpus);
	} else if (!strcmp(key, "maxvcpus")) {
		number(f, line, key, v->text[0], DOMAIN_VCPUS_MAX, &c->vcpus_max);
	} else if (!strcmp(key, "kernel")) {
		take(&c->kernel, v);
	} else if (!strcmp(key, "ramdisk")) {
		take(&c->initrd, v);
	} else if (!strcmp(key, "cmdline")) {
		take(&c->cmdline, v);
	} else if (!strcmp(key, "root")) {
		take(&f->root, v);
	} else if (!strcmp(key, "extra")) {
		take(&f->extra, v);
	} else if (!strcmp(key, "on_poweroff")) {
		action(f, line, key, v->text[0], &c->on_poweroff);
	} else if (!strcmp(key, "on_reboot")) {
		action(f, line, key, v->text[0], &c->on_reboot);
	} else if (!strcmp(key, "on_crash")) {
		action(f, line, key, v->text[0], &c->on_crash);
	} else if (!strcmp(key, "cpu_weight")) {
		if (number(f, line, key, v->text[0], 65535, &n))
			c->weight = (uint16_t)n;
	} else if (!strcmp(key, "cap")) {
		/* Of one CPU for all vCPUs together; XML says it for each. */
		if (number(f, line, key, v->text[0], 12800, &n))
			c->quota_us = n;
	} else if (!strcmp(key, "cpus")) {
		c->has_cpuset = strcmp(v->text[0], "all") != 0;
		if (c->has_cpuset && (v->n != 1 || !domain_cpuset_parse(v->text[0], c->cpuset, sizeof(c->cpuset))))
			bad(f, line, "cpus: write \"0-3,^2\" or \"all\"");
	} else if (!strcmp(key, "disk")) {
		disks(f, line, v);
	} else if (!strcmp(key, "vif")) {
		if (v->n)
			bad(f, line, "vif: guests have no network yet; remove it");
	} else {
		for (size_t i = 0; i < ZX_ARRAY_SIZE(harmless); i++)
			if (!strcmp(key, harmless[i])) {
				zx_buf_addf(&f->notes, "%s%s", f->notes.len ? ", " : "", key);
				return;
			}
		bad(f, line, "%s: has no equivalent in the XML", key);
	}
}

static void statements(struct cfg *f)
{
	for (skip(f, true); *f->p; skip(f, true)) {
		size_t n = strspn(f->p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		char key[40];
		struct value v;
		unsigned int line = f->line;
		bool whole;

		snprintf(key, sizeof(key), "%.*s", (int)n, f->p);
		f->p += n;
		skip(f, false);
		if (!n || n >= sizeof(key) || *f->p != '=') {
			bad(f, line, "expected name = value");
			return;
		}
		f->p++;
		skip(f, false);
		whole = read_value(f, &v);
		if (whole)
			apply(f, line, key, &v);
		value_free(&v);
		skip(f, false);
		if (!whole)
			return;
		if (*f->p && *f->p != '\n' && *f->p != ';') {
			bad(f, line, "something follows the value of %s", key);
			return;
		}
	}
}

/* What xl.cfg says in two places or leaves out. */
static void finish(struct cfg *f)
{
	struct domain_config *c = f->c;

	if (!c->current_kib)
		c->current_kib = c->memory_kib;
	if (!c->memory_kib)
		c->memory_kib = c->current_kib;
	if (!c->vcpus)
		c->vcpus = 1;
	if (!c->vcpus_max || c->vcpus_max < c->vcpus)
		c->vcpus_max = c->vcpus;
	if (c->quota_us) {
		c->period_us = 100000;
		c->quota_us = c->quota_us * 1000 / c->vcpus_max;
	}
	if (!c->cmdline && (f->root || f->extra))
		c->cmdline = zx_asprintf("%s%s%s%s", f->root ? "root=" : "", f->root ? f->root : "", f->root && f->extra ? " " : "",
					 f->extra ? f->extra : "");
	c->console = true;
	free(f->root);
	free(f->extra);
}

int cfg_to_xml(const char *file, const char *text, struct zx_buf *xml)
{
	struct domain_config c, again;
	struct cfg f = { .file = file, .p = text, .line = 1, .c = &c };
	struct zx_buf errors = { 0 }, notes = { 0 };
	int r;

	domain_config_init(&c);
	c.vcpus = c.vcpus_max = 0;
	statements(&f);
	finish(&f);
	if (f.notes.len)
		fprintf(stderr, "%s: left out: %s\n", file, f.notes.data);
	r = f.errors ? -EINVAL : domxml_write(&c, -1, xml);
	/* The reader has the last word: a name that is none, no kernel, a path that is not absolute. */
	if (!r) {
		r = domxml_parse(file, xml->data, xml->len, &again, &errors, &notes);
		if (r)
			fprintf(stderr, "in the XML made of it:\n%s", errors.data);
		else
			domain_config_free(&again);
	}
	zx_buf_free(&f.notes);
	zx_buf_free(&errors);
	zx_buf_free(&notes);
	domain_config_free(&c);
	return r;
}

int xl_convert(int argc, char **argv)
{
	int first = XL_NO_FLAGS(argc, argv), r;
	struct zx_buf text = { 0 }, xml = { 0 };
	char piece[4096];
	size_t n;
	FILE *in;

	if (first < 0)
		return 2;
	if (argc != first + 1)
		return xl_usage(argv[0]);
	in = fopen(argv[first], "re");
	if (!in)
		return xl_error("%s: %s", argv[first], strerror(errno));
	while ((n = fread(piece, 1, sizeof(piece), in)) > 0 && text.len < DOMXML_FILE_MAX)
		zx_buf_add(&text, piece, n);
	fclose(in);
	zx_buf_add(&text, "", 1);
	r = memchr(text.data, 0, text.len) != text.data + text.len - 1 || text.len > DOMXML_FILE_MAX ? xl_error("%s: not a text", argv[first]) :
	    cfg_to_xml(argv[first], text.data, &xml) ? 1 : 0;
	if (!r)
		fwrite(xml.data, 1, xml.len, stdout);
	zx_buf_free(&text);
	zx_buf_free(&xml);
	return r;
}
