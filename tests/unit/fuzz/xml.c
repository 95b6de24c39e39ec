/* SPDX-License-Identifier: MIT */
/* Domain XML: the files given, changed at random. What is accepted must be written back and accepted again. */
#include "fuzz.h"

#include <zx/domxml.h>

static struct input base[16];
static unsigned nbase;
static const char *const words[] = { "<", ">", "</", "/>", "&", "&amp;", "&#0;", "&#x10ffff;", "<![CDATA[", "]]>", "<!--", "-->", "<?x?>",
	"<!DOCTYPE d [<!ENTITY a 'b'>]>", "'", "\"", "=", "<disk type='file' device='disk'>", "</disk>", "<name>", "</name>", "unit='KiB'",
	"99999999999999999999", "-1", "0", "<vcpu>", "\xc3\x28", "\xef\xbb\xbf", "xmlns:a='b'", "<devices>", "</devices>", "cpuset='0-99999,^3'" };

static void one(void *arg)
{
	const struct input *in = &base[below(nbase)];
	struct zx_buf errors = { 0 }, notes = { 0 }, text = { 0 };
	struct domain_config c, again;
	size_t n;
	uint8_t *f = mutate(in->data, in->len, &n, words, sizeof(words) / sizeof(words[0]));

	(void)arg;
	if (!domxml_parse("f.xml", (char *)f, n, &c, &errors, &notes)) {
		if (domxml_write(&c, 3, &text))
			abort();
		errors.len = 0;
		if (domxml_parse("again.xml", text.data, strlen(text.data), &again, &errors, &notes)) {
			printf("written, but not taken back: %s\n%s\n", errors.data, text.data);
			abort();
		}
		domain_config_free(&again);
		domain_config_free(&c);
	} else if (!errors.len) {
		abort();        /* refused without a word */
	}
	zx_buf_free(&errors);
	zx_buf_free(&notes);
	zx_buf_free(&text);
	free(f);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc && nbase < 16; i++)
		base[nbase++] = fuzz_read(argv[i]);
	return nbase ? fuzz_loop("xml", one, NULL) : 2;
}
