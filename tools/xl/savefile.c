/* SPDX-License-Identifier: MIT */
/*
 * The head of a save file as Xen's xl writes it: a magic, flags, and optional data, which is the domain's configuration in
 * JSON (a libxl_domain_config with what other tools look at). Ours has one more member, the configuration in our own form:
 * "zazen_xml", and "zazen_features". These alone are read back.
 */
#include "savefile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xl.h"

static const char magic[32] = "Xen saved domain, xl format\n \0 \r";
#define BYTE_ORDER_MARK 0x01020304u
#define FLAG_JSON       (1u << 0)
#define FLAG_STREAM_V2  (1u << 1)
#define OPTIONAL_MAX    (4u << 20)

struct head {
	char magic[32];
	uint32_t byte_order, mandatory_flags, optional_flags, optional_length;
};

static int add_string(struct zx_buf *b, const char *s)
{
	int rc = zx_buf_add(b, "\"", 1);

	for (; !rc && *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			rc = zx_buf_addf(b, "\\%c", c);
		else if (c < 0x20)
			rc = zx_buf_addf(b, "\\u%04x", c);
		else
			rc = zx_buf_add(b, s, 1);
	}
	return rc ? rc : zx_buf_add(b, "\"", 1);
}

static int make_json(const struct domain_config *c, const char *features, struct zx_buf *b)
{
	struct zx_buf xml = { 0 };
	char uuid[37];
	int rc = domxml_write(c, -1, &xml);

	uuid_text(c->uuid, uuid);
	if (!rc)
		rc = zx_buf_addf(b, "{\"c_info\": {\"type\": \"pvh\", \"name\": ");
	if (!rc)
		rc = add_string(b, c->name);
	if (!rc)
		rc = zx_buf_addf(b, ", \"uuid\": \"%s\"}, \"b_info\": {\"max_vcpus\": %u, \"max_memkb\": %llu, \"target_memkb\": %llu, "
				 "\"type.pvh\": {}}, \"zazen_features\": \"%s\", \"zazen_xml\": ", uuid, c->vcpus_max, (unsigned long long)c->memory_kib,
				 (unsigned long long)c->current_kib, features);
	if (!rc && (rc = zx_buf_add(&xml, "", 1)) == 0)
		rc = add_string(b, xml.data);
	if (!rc)
		rc = zx_buf_add(b, "}", 2); /* with its NUL, as Xen's */
	zx_buf_free(&xml);
	return rc;
}

int savefile_write_head(int fd, const struct domain_config *c, const char *features, struct zx_err *e)
{
	struct head h = { .byte_order = BYTE_ORDER_MARK, .mandatory_flags = FLAG_JSON | FLAG_STREAM_V2 };
	struct zx_buf json = { 0 };
	int rc = make_json(c, features, &json);

	memcpy(h.magic, magic, sizeof(magic));
	h.optional_length = (uint32_t)json.len;
	if (!rc)
		rc = zx_write_all(fd, &h, sizeof(h));
	if (!rc)
		rc = zx_write_all(fd, json.data, json.len);
	zx_buf_free(&json);
	return rc ? zx_fail(e, -rc, "writing the file's head: %s", strerror(-rc)) : 0;
}

/* Undoes add_string() in place for a member of that name; text is NUL-terminated. NULL: no such string. */
static char *take_string(char *text, const char *name)
{
	char *member = zx_asprintf("\"%s\": \"", name), *from = strstr(text, member), *to, *start;
	size_t n = strlen(member);

	free(member);
	if (!from)
		return NULL;
	for (to = start = from += n; *from && *from != '"'; from++) {
		unsigned int code;

		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		from++;
		if (*from == '"' || *from == '\\') {
			*to++ = *from;
		} else if (*from == 'u' && sscanf(from + 1, "%4x", &code) == 1 && code && code < 0x80 && strlen(from) > 4) {
			*to++ = (char)code;
			from += 4;
		} else {
			return NULL;
		}
	}
	if (*from != '"')
		return NULL;
	*to = 0;
	return start;
}

static int parse(char *json, struct domain_config *c, struct zx_err *e)
{
	struct zx_buf errors = { 0 }, notes = { 0 };
	char *xml = take_string(json, "zazen_xml");
	int rc;

	if (!xml)
		return zx_fail(e, EINVAL, "the file has no configuration that this xl understands: name one, xl restore CONFIG.xml FILE");
	rc = domxml_parse("save file", xml, strlen(xml), c, &errors, &notes);
	if (rc)
		rc = zx_fail(e, EINVAL, "%s", errors.len ? errors.data : "the configuration in the file is damaged");
	zx_buf_free(&errors);
	zx_buf_free(&notes);
	return rc;
}

int savefile_read_head(int fd, struct domain_config *c, char **features, struct zx_err *e)
{
	struct head h;
	char *json;
	int rc;

	*features = NULL;
	rc = zx_read_all(fd, &h, sizeof(h));

	if (rc == -EPIPE || (!rc && memcmp(h.magic, magic, sizeof(magic))))
		return zx_fail(e, EPROTO, "not a file that xl save wrote");
	if (rc)
		return zx_fail(e, -rc, "%s", strerror(-rc));
	if (h.byte_order != BYTE_ORDER_MARK)
		return zx_fail(e, EPROTO, "written by a machine of another byte order");
	if (h.mandatory_flags & ~(FLAG_JSON | FLAG_STREAM_V2) || !(h.mandatory_flags & FLAG_STREAM_V2))
		return zx_fail(e, EPROTO, "needs what this xl does not know (flags %#x)", h.mandatory_flags);
	if (h.optional_length > OPTIONAL_MAX)
		return zx_fail(e, EPROTO, "damaged: a configuration of %u bytes", h.optional_length);
	json = zx_calloc(1, (size_t)h.optional_length + 1);
	rc = zx_read_all(fd, json, h.optional_length);
	if (rc)
		rc = zx_fail(e, EPROTO, "ends within the configuration");
	else if (c)
		rc = parse(json, c, e); /* the last member: it is changed in place */
	if (!rc) {
		char *words = take_string(json, "zazen_features");

		*features = words ? zx_strdup(words) : NULL;
	}
	free(json);
	return rc;
}
