/* SPDX-License-Identifier: MIT */
/* Values of a domain description: names, UUIDs, sizes, CPU sets, disk targets. Pure functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zx/domxml.h>

const char *const domain_action_names[] = {
	[ACTION_DESTROY] = "destroy", [ACTION_RESTART] = "restart", [ACTION_PRESERVE] = "preserve",
	[ACTION_RENAME_RESTART] = "rename-restart", [ACTION_COREDUMP_DESTROY] = "coredump-destroy",
	[ACTION_COREDUMP_RESTART] = "coredump-restart",
};

bool domain_name_valid(const char *s)
{
	size_t n = strlen(s);
	bool digits = true;

	if (n == 0 || n > DOMAIN_NAME_MAX || s[0] == '-' || s[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		bool digit = s[i] >= '0' && s[i] <= '9';

		if (!digit && !((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z') && !strchr("-_.+", s[i]))
			return false;
		digits &= digit;
	}
	/* All digits would be taken for a domain id. */
	return !digits;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool domain_uuid_parse(const char *s, uint8_t uuid[16])
{
	unsigned int n = 0;

	while (*s) {
		int hi, lo;

		if (*s == '-' && (n == 4 || n == 6 || n == 8 || n == 10)) {
			s++;
			if (*s == '-')
				return false;
		}
		hi = hex(s[0]);
		lo = hi < 0 ? -1 : hex(s[1]);
		if (lo < 0 || n == 16)
			return false;
		uuid[n++] = (uint8_t)(hi << 4 | lo);
		s += 2;
	}
	return n == 16;
}

void domain_uuid_print(const uint8_t uuid[16], char out[37])
{
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		sprintf(out, "%02x", uuid[i]);
		out += 2;
	}
}

/* libvirt's units (formatdomain, "memory"): KB are 1000 bytes, KiB and K are 1024. */
bool domain_memory_parse(const char *value, const char *unit, uint64_t *kib)
{
	static const struct { const char *name; uint64_t bytes; } units[] = {
		{ "b", 1 }, { "bytes", 1 }, { "KB", 1000 }, { "k", 1024 }, { "K", 1024 }, { "KiB", 1024 },
		{ "MB", 1000000 }, { "M", 1 << 20 }, { "m", 1 << 20 }, { "MiB", 1 << 20 }, { "GB", 1000000000 },
		{ "G", 1 << 30 }, { "g", 1 << 30 }, { "GiB", 1 << 30 }, { "TB", 1000000000000 }, { "T", 1ull << 40 },
		{ "TiB", 1ull << 40 },
	};
	uint64_t v, scale = 1024;

	if (unit) {
		size_t i;

		for (i = 0; i < ZX_ARRAY_SIZE(units) && strcmp(units[i].name, unit) != 0; i++)
			;
		if (i == ZX_ARRAY_SIZE(units))
			return false;
		scale = units[i].bytes;
	}
	if (!zx_parse_u64(value, &v) || v > (1ull << 60) / scale)
		return false;
	*kib = (v * scale + 1023) / 1024;
	return *kib > 0;
}

/* xvda is major 202, minor 0; 16 minors each up to xvdp; beyond, Xen's extended numbering. */
bool domain_vdev_parse(const char *s, uint32_t *vdev)
{
	uint32_t n = 0, partition = 0;

	if (strncmp(s, "xvd", 3) != 0)
		return false;
	s += 3;
	if (*s < 'a' || *s > 'z')
		return false;
	n = (uint32_t)(*s++ - 'a');
	if (*s >= 'a' && *s <= 'z')
		n = (n + 1) * 26 + (uint32_t)(*s++ - 'a');
	if (*s && (*s == '0' || !zx_parse_u32(s, &partition) || partition > (n < 16 ? 15u : 255u)))
		return false;
	*vdev = (n < 16 ? 202u << 8 | n << 4 : 1u << 28 | n << 8) | partition;
	return true;
}

bool domain_cpuset_parse(const char *s, uint8_t *set, size_t bytes)
{
	memset(set, 0, bytes);
	while (*s) {
		bool clear = *s == '^';
		unsigned long from, to;
		char *end;

		s += clear;
		if (*s < '0' || *s > '9')
			return false;
		from = to = strtoul(s, &end, 10);
		if (*end == '-') {
			s = end + 1;
			if (*s < '0' || *s > '9')
				return false;
			to = strtoul(s, &end, 10);
		}
		if (to < from || to >= bytes * 8)
			return false;
		for (; from <= to; from++) {
			if (clear)
				set[from / 8] &= (uint8_t)~(1u << from % 8);
			else
				set[from / 8] |= (uint8_t)(1u << from % 8);
		}
		s = end;
		if (*s == ',')
			s++;
		else if (*s)
			return false;
	}
	for (size_t i = 0; i < bytes; i++)
		if (set[i])
			return true;
	return false;
}

void domain_config_init(struct domain_config *c)
{
	memset(c, 0, sizeof(*c));
	c->vcpus = c->vcpus_max = 1;
	c->on_poweroff = ACTION_DESTROY;
	c->on_reboot = ACTION_RESTART;
	c->on_crash = ACTION_DESTROY;
	c->balloon = true;
	c->console = true;
}

void domain_config_free(struct domain_config *c)
{
	for (unsigned int i = 0; i < c->ndisks; i++) {
		free(c->disk[i].source);
		free(c->disk[i].target);
	}
	free(c->name);
	free(c->title);
	free(c->description);
	free(c->kernel);
	free(c->initrd);
	free(c->cmdline);
	domain_config_init(c);
}

unsigned int domain_config_cap(const struct domain_config *c)
{
	uint64_t cap;

	if (c->quota_us <= 0)
		return 0;
	/* libvirt's period is 100 ms unless given. quota is per vCPU, the scheduler's cap is the domain's. */
	cap = (uint64_t)c->quota_us * 100 * c->vcpus_max / (c->period_us ? c->period_us : 100000);
	return cap == 0 ? 1 : cap > UINT16_MAX ? UINT16_MAX : (unsigned int)cap;
}
