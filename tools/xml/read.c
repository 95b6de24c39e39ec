/* SPDX-License-Identifier: MIT */
/*
 * Reading domain XML: libxml2 makes the tree (no network, no entities from outside, no DTD), one walk
 * looks each element up in the table of elements.c. The walk is iterative; libxml2 limits the depth.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "read.h"

#define ERRORS_MAX 20u
#define PATH_MAX_LEN 512u

void read_error(struct reader *r, const xmlNode *n, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (++r->nerrors > ERRORS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	zx_buf_addf(r->errors, "%s:%ld: %s\n", r->file, n ? xmlGetLineNo(n) : 1L, line);
}

static char *trimmed(xmlChar *x)
{
	char *s = (char *)x, *out;
	size_t n;

	if (!s)
		return NULL;
	s += strspn(s, " \t\r\n");
	n = strlen(s);
	while (n && strchr(" \t\r\n", s[n - 1]))
		n--;
	out = n ? strndup(s, n) : NULL;
	xmlFree(x);
	return out;
}

char *read_text(const xmlNode *n)
{
	return trimmed(xmlNodeGetContent(n));
}

char *read_attr(const xmlNode *n, const char *name)
{
	return trimmed(xmlGetProp(n, (const xmlChar *)name));
}

bool attr_is(const xmlNode *n, const char *name, const char *value)
{
	char *v = read_attr(n, name);
	bool same = v && strcmp(v, value) == 0;

	free(v);
	return same;
}

void read_string(struct reader *r, const xmlNode *n, char **slot, size_t max)
{
	char *s = read_text(n);

	if (!s)
		read_error(r, n, "<%s> is empty", n->name);
	else if (*slot)
		read_error(r, n, "<%s> is there twice", n->name);
	else if (strlen(s) > max)
		read_error(r, n, "<%s> is longer than %zu bytes", n->name, max);
	else {
		*slot = s;
		return;
	}
	free(s);
}

static bool word_in(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p && *p; p += strcspn(p, " "), p += *p == ' ')
		if (strncmp(p, word, n) == 0 && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

static void check_attrs(struct reader *r, const xmlNode *n, const struct element *el)
{
	for (const xmlAttr *a = n->properties; a; a = a->next)
		if (!word_in(el->attrs, (const char *)a->name))
			read_error(r, n, "attribute %s of <%s> is not supported; remove it", a->name, n->name);
}

/* One line for all that is ignored; each name once in a row. */
static void note(struct reader *r, const xmlNode *n)
{
	const char *name = (const char *)n->name;

	if (strncmp(r->last_note, name, sizeof(r->last_note) - 1) == 0)
		return;
	snprintf(r->last_note, sizeof(r->last_note), "%s", name);
	if (r->notes->len == 0)
		zx_buf_addf(r->notes, "%s: note: without effect for a PVH guest: ", r->file);
	else
		zx_buf_addf(r->notes, ", ");
	zx_buf_addf(r->notes, "<%s>", name);
}

/* Handles one element; true when its children are to be visited. */
static bool visit(struct reader *r, xmlNode *n, const char *path, const struct element **found)
{
	const struct element *el = element_find(path);
	char parent[PATH_MAX_LEN];
	char *slash;

	*found = el;
	if (!el) {
		snprintf(parent, sizeof(parent), "%s", path);
		slash = strrchr(parent, '/');
		if (slash)
			*slash = '\0';
		slash = strrchr(parent, '/');
		read_error(r, n, "<%s> in <%s> is not supported; remove it", n->name, slash ? slash + 1 : parent);
		return false;
	}
	switch (el->kind) {
	case HARMLESS:
		note(r, n);
		return false;
	case REFUSED:
		read_error(r, n, "<%s> is not supported: %s", n->name, el->advice);
		return false;
	case HONOURED:
		check_attrs(r, n, el);
		if (el->open)
			el->open(r, n);
		return true;
	}
	return false;
}

static xmlNode *next_element(xmlNode *n)
{
	while (n && n->type != XML_ELEMENT_NODE)
		n = n->next;
	return n;
}

static void walk(struct reader *r, xmlNode *root)
{
	char path[PATH_MAX_LEN] = "domain";
	const struct element *el;
	xmlNode *n = root;

	if (!visit(r, root, path, &el))
		return;
	n = next_element(root->children);
	while (n) {
		size_t len = strlen(path), name = strlen((const char *)n->name);

		if (n->ns || len + name + 2 > sizeof(path)) {
			read_error(r, n, "<%s> is not part of libvirt's domain XML; remove it", n->name);
			el = NULL;
		} else {
			path[len] = '/';
			memcpy(path + len + 1, n->name, name + 1);
			if (visit(r, n, path, &el) && next_element(n->children)) {
				n = next_element(n->children);
				continue;
			}
			if (el && el->kind == HONOURED && el->close)
				el->close(r, n);
			path[len] = '\0';
		}
		/* After the last child: close the elements above until one has a next sibling. */
		while (n != root && !next_element(n->next)) {
			n = n->parent;
			if (n == root)
				break;
			el = element_find(path);
			if (el && el->close)
				el->close(r, n);
			*strrchr(path, '/') = '\0';
		}
		if (n == root)
			break;
		n = next_element(n->next);
	}
}

static xmlParserInputPtr no_entities(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
	(void)url;
	(void)id;
	(void)ctxt;
	return NULL;
}

static void on_xml_error(void *arg, xmlErrorPtr err)
{
	struct reader *r = arg;
	char text[256];

	if (err->level < XML_ERR_ERROR || ++r->nerrors > ERRORS_MAX)
		return;
	snprintf(text, sizeof(text), "%s", err->message ? err->message : "malformed XML");
	text[strcspn(text, "\n")] = '\0';
	zx_buf_addf(r->errors, "%s:%d: XML: %s\n", r->file, err->line, text);
}

/* xl.cfg files start with name = value, comments or blanks; XML starts with '<'. */
static bool looks_like_cfg(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && strchr(" \t\r\n", text[i]))
		i++;
	return i < len && text[i] != '<' && text[i] != '\xef' && memchr(text, '=', len) != NULL;
}

int domxml_parse(const char *file, const char *text, size_t len, struct domain_config *c,
		 struct zx_buf *errors, struct zx_buf *notes)
{
	struct reader r = { .file = file, .c = c, .errors = errors, .notes = notes };
	xmlDoc *doc = NULL;
	xmlNode *root;

	domain_config_init(c);
	c->console = false;
	errors->len = notes->len = 0;
	if (len == 0 || len > DOMXML_FILE_MAX) {
		read_error(&r, NULL, len ? "larger than %u bytes" : "empty file", DOMXML_FILE_MAX);
	} else if (looks_like_cfg(text, len)) {
		read_error(&r, NULL, "this is an xl.cfg, not XML; `xl convert FILE` prints the equivalent XML");
	} else if (memchr(text, '\0', len)) {
		read_error(&r, NULL, "contains a NUL byte: not XML");
	} else {
		xmlSetExternalEntityLoader(no_entities);
		xmlSetStructuredErrorFunc(&r, on_xml_error);
		doc = xmlReadMemory(text, (int)len, file, NULL, XML_PARSE_NONET | XML_PARSE_NOCDATA);
		xmlSetStructuredErrorFunc(NULL, NULL);
		root = doc ? xmlDocGetRootElement(doc) : NULL;
		if (!root && !r.nerrors)
			read_error(&r, NULL, "not XML");
		else if (root && (doc->intSubset || doc->extSubset))
			read_error(&r, root, "a document type declaration (<!DOCTYPE>) is not allowed; remove it");
		else if (root && strcmp((const char *)root->name, "domain") != 0)
			read_error(&r, root, "<%s> is not a domain; the root element must be <domain type='xen'>",
				   root->name);
		else if (root && !r.nerrors) {
			walk(&r, root);
			elements_finish(&r, root);
		}
	}
	xmlFreeDoc(doc);
	free(r.disk.source);
	free(r.disk.target);
	if (notes->len)
		zx_buf_add(notes, "\n", 2);
	if (!r.nerrors)
		return 0;
	if (r.nerrors > ERRORS_MAX)
		zx_buf_addf(errors, "%s: %u more errors\n", file, r.nerrors - ERRORS_MAX);
	zx_buf_add(errors, "", 1);
	domain_config_free(c);
	return -EINVAL;
}

int domxml_load(const char *file, struct domain_config *c, struct zx_buf *errors, struct zx_buf *notes)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;
	struct stat st;
	char *text;

	domain_config_init(c);
	errors->len = notes->len = 0;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)DOMXML_FILE_MAX) {
		rc = fd < 0 ? -errno : -EINVAL;
		zx_buf_addf(errors, "%s: %s\n", file, fd < 0 ? strerror(-rc) : !S_ISREG(st.st_mode) ?
			    "not a regular file" : "larger than 1 MiB");
		zx_buf_add(errors, "", 1);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	text = zx_malloc((size_t)st.st_size);
	rc = zx_read_all(fd, text, (size_t)st.st_size);
	close(fd);
	if (!rc) {
		rc = domxml_parse(file, text, (size_t)st.st_size, c, errors, notes);
	} else {
		zx_buf_addf(errors, "%s: %s\n", file, strerror(-rc));
		zx_buf_add(errors, "", 1);
	}
	free(text);
	return rc;
}
