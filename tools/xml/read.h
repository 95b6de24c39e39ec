/* SPDX-License-Identifier: MIT */
/* Between the walk over the document (read.c) and the table of elements (elements.c). */
#ifndef XML_READ_H
#define XML_READ_H

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <zx/domxml.h>

struct reader {
	const char *file;
	struct domain_config *c;
	struct zx_buf *errors, *notes;
	unsigned int nerrors;
	char last_note[64];
	/* what several elements decide together */
	struct domain_disk disk;
	bool seen_current, seen_vcpu, seen_os_type;
};

/* One "FILE:LINE: ..." line; reading goes on to find more. */
void read_error(struct reader *r, const xmlNode *n, const char *fmt, ...) ZX_PRINTF(3, 4);
/* Text of an element, without surrounding blanks; malloc'ed, NULL when there is none. */
char *read_text(const xmlNode *n);
char *read_attr(const xmlNode *n, const char *name);    /* malloc'ed or NULL */
bool attr_is(const xmlNode *n, const char *name, const char *value);
/* Takes the text into *slot; complains when it is there twice or empty. */
void read_string(struct reader *r, const xmlNode *n, char **slot, size_t max);

enum element_kind { HONOURED, HARMLESS, REFUSED };

struct element {
	const char *path;               /* "domain/os/kernel"; for HARMLESS everything below is ignored too */
	enum element_kind kind;
	const char *attrs;              /* honoured or harmless attributes, blank-separated; others are refused */
	const char *advice;             /* REFUSED: what to write instead */
	void (*open)(struct reader *r, xmlNode *n);     /* before the children */
	void (*close)(struct reader *r, xmlNode *n);    /* after them */
};
const struct element *element_find(const char *path);
void elements_finish(struct reader *r, xmlNode *root);  /* what must be there, and what must fit together */

#endif
