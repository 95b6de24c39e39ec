/* SPDX-License-Identifier: MIT */
/* Printing a configuration as domain XML, in an order that libvirt's schema accepts. */
#include <errno.h>
#include <string.h>

#include <zx/domxml.h>

/* Text or attribute value with what XML reserves escaped; control characters cannot be in XML at all. */
static void escaped(struct zx_buf *b, const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '&': zx_buf_add(b, "&amp;", 5); break;
		case '<': zx_buf_add(b, "&lt;", 4); break;
		case '>': zx_buf_add(b, "&gt;", 4); break;
		case '\'': zx_buf_add(b, "&apos;", 6); break;
		case '"': zx_buf_add(b, "&quot;", 6); break;
		default:
			if ((unsigned char)*s >= ' ' || *s == '\t' || *s == '\n')
				zx_buf_add(b, s, 1);
		}
}

static void text(struct zx_buf *b, const char *indent, const char *name, const char *value)
{
	if (!value)
		return;
	zx_buf_addf(b, "%s<%s>", indent, name);
	escaped(b, value);
	zx_buf_addf(b, "</%s>\n", name);
}

static void cpuset(struct zx_buf *b, const uint8_t *set)
{
	const char *comma = "";

	for (unsigned int i = 0; i < DOMAIN_VCPUS_MAX; i++)
		if (set[i / 8] >> i % 8 & 1) {
			zx_buf_addf(b, "%s%u", comma, i);
			comma = ",";
		}
}

static void disk(struct zx_buf *b, const struct domain_disk *d)
{
	zx_buf_addf(b, "    <disk type='%s' device='%s'>\n      <driver name='%s' type='raw'/>\n      <source %s='",
		    d->block ? "block" : "file", d->cdrom ? "cdrom" : "disk", d->block ? "phy" : "file",
		    d->block ? "dev" : "file");
	escaped(b, d->source);
	zx_buf_addf(b, "'/>\n      <target dev='%s' bus='xen'/>\n%s    </disk>\n", d->target,
		    d->readonly ? "      <readonly/>\n" : "");
}

int domxml_write(const struct domain_config *c, int domid, struct zx_buf *b)
{
	char uuid[37];
	bool pins = false;

	b->len = 0;
	zx_buf_addf(b, "<domain type='xen'");
	if (domid >= 0)
		zx_buf_addf(b, " id='%d'", domid);
	zx_buf_addf(b, ">\n");
	text(b, "  ", "name", c->name);
	if (c->has_uuid) {
		domain_uuid_print(c->uuid, uuid);
		text(b, "  ", "uuid", uuid);
	}
	text(b, "  ", "title", c->title);
	text(b, "  ", "description", c->description);
	zx_buf_addf(b, "  <memory unit='KiB'>%llu</memory>\n  <currentMemory unit='KiB'>%llu</currentMemory>\n",
		    (unsigned long long)c->memory_kib, (unsigned long long)c->current_kib);
	zx_buf_addf(b, "  <vcpu");
	if (c->has_cpuset) {
		zx_buf_addf(b, " cpuset='");
		cpuset(b, c->cpuset);
		zx_buf_addf(b, "'");
	}
	if (c->vcpus != c->vcpus_max)
		zx_buf_addf(b, " current='%u'", c->vcpus);
	zx_buf_addf(b, ">%u</vcpu>\n", c->vcpus_max);
	for (unsigned int v = 0; v < DOMAIN_VCPUS_MAX; v++)
		pins |= c->pinned[v];
	if (c->weight || c->period_us || c->quota_us || pins) {
		zx_buf_addf(b, "  <cputune>\n");
		if (c->weight)
			zx_buf_addf(b, "    <shares>%u</shares>\n", c->weight);
		if (c->period_us)
			zx_buf_addf(b, "    <period>%u</period>\n", c->period_us);
		if (c->quota_us)
			zx_buf_addf(b, "    <quota>%lld</quota>\n", (long long)c->quota_us);
		for (unsigned int v = 0; v < DOMAIN_VCPUS_MAX; v++)
			if (c->pinned[v]) {
				zx_buf_addf(b, "    <vcpupin vcpu='%u' cpuset='", v);
				cpuset(b, c->pin[v]);
				zx_buf_addf(b, "'/>\n");
			}
		zx_buf_addf(b, "  </cputune>\n");
	}
	zx_buf_addf(b, "  <os>\n    <type arch='x86_64' machine='xenpvh'>xenpvh</type>\n");
	text(b, "    ", "kernel", c->kernel);
	text(b, "    ", "initrd", c->initrd);
	text(b, "    ", "cmdline", c->cmdline);
	zx_buf_addf(b, "  </os>\n");
	text(b, "  ", "on_poweroff", domain_action_names[c->on_poweroff]);
	text(b, "  ", "on_reboot", domain_action_names[c->on_reboot]);
	text(b, "  ", "on_crash", domain_action_names[c->on_crash]);
	zx_buf_addf(b, "  <devices>\n");
	for (unsigned int i = 0; i < c->ndisks; i++)
		disk(b, &c->disk[i]);
	if (c->console)
		zx_buf_addf(b, "    <console type='pty'>\n      <target type='xen' port='0'/>\n    </console>\n");
	zx_buf_addf(b, "    <memballoon model='%s'/>\n  </devices>\n</domain>\n", c->balloon ? "xen" : "none");
	/* A NUL stands behind the text, not in it. */
	if (zx_buf_add(b, "", 1))
		return -ENOMEM;
	b->len--;
	return 0;
}
