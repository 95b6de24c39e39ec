/* SPDX-License-Identifier: MIT */
/* Permissions of nodes: who may do what, and their text form ("n0" owner and default, "r1" entries). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored.h"

unsigned int perm_for(const struct conn *c, const struct perm *perms, unsigned int n)
{
	uint32_t target = c->dom ? c->dom->target : NO_DOM;

	if (c->domid == DOM0)
		return PERM_READ | PERM_WRITE | PERM_OWNER;
	if (n == 0)
		return 0;
	if (perms[0].domid == c->domid || perms[0].domid == target)
		return PERM_READ | PERM_WRITE | PERM_OWNER;
	for (unsigned int i = 1; i < n; i++)
		if (perms[i].domid == c->domid || perms[i].domid == target)
			return perms[i].access;
	return perms[0].access;
}

size_t perm_count(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t k = 0; k < len; k++)
		n += text[k] == '\0';
	return n;
}

int perm_parse(const char *text, size_t len, struct perm **out, unsigned int *count)
{
	static const char letter[] = "nrwb";
	size_t n = perm_count(text, len), i = 0;
	struct perm *p;

	if (len == 0 || text[len - 1] != '\0')
		return EINVAL;
	p = zx_calloc(n, sizeof(*p));
	for (const char *s = text; s < text + len; s += strlen(s) + 1, i++) {
		const char *l = *s ? strchr(letter, *s) : NULL;
		uint32_t domid;

		if (!l || !zx_parse_u32(s + 1, &domid) || domid > 0x7fff) {
			free(p);
			return EINVAL;
		}
		p[i].access = (uint32_t)(l - letter);   /* n r w b are the numbers 0 to 3 */
		p[i].domid = domid;
	}
	*out = p;
	*count = (unsigned int)n;
	return 0;
}

void perm_print(struct zx_buf *b, const struct perm *perms, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		zx_buf_addf(b, "%c%u", "nrwb"[perms[i].access & 3], perms[i].domid);
		zx_buf_add(b, "", 1);
	}
}
