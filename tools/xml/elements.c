/* SPDX-License-Identifier: MIT */
/*
 * The table of elements: what is honoured, harmless, refused, and the handlers of what is honoured. An
 * element that is not here is refused by the reader.
 */
#include <stdlib.h>
#include <string.h>

#include "read.h"

#define PATH_BYTES 1024u        /* of a file name */
#define CMDLINE_BYTES 4095u
#define TEXT_BYTES 4096u

static void domain(struct reader *r, xmlNode *n)
{
	char *type = read_attr(n, "type");

	if (!type || strcmp(type, "xen") != 0)
		read_error(r, n, "<domain type='%s'>: write <domain type='xen'>", type ? type : "");
	free(type);
}

static void name(struct reader *r, xmlNode *n)
{
	read_string(r, n, &r->c->name, TEXT_BYTES);
	if (r->c->name && !domain_name_valid(r->c->name))
		read_error(r, n, "'%.80s' is not a domain name: at most %u letters, digits, - _ . +, not only digits",
			   r->c->name, DOMAIN_NAME_MAX);
}

static void uuid(struct reader *r, xmlNode *n)
{
	char *s = read_text(n);

	if (!s || !domain_uuid_parse(s, r->c->uuid))
		read_error(r, n, "<uuid> must look like 12345678-9abc-def0-1234-56789abcdef0");
	else
		r->c->has_uuid = true;
	free(s);
}

static void title(struct reader *r, xmlNode *n)
{
	read_string(r, n, &r->c->title, TEXT_BYTES);
}

static void description(struct reader *r, xmlNode *n)
{
	read_string(r, n, &r->c->description, 16 * TEXT_BYTES);
}

static void size(struct reader *r, xmlNode *n, uint64_t *kib)
{
	char *s = read_text(n), *unit = read_attr(n, "unit");

	if (!s || !domain_memory_parse(s, unit, kib))
		read_error(r, n, "<%s> must be a number with a unit such as <%s unit='MiB'>128</%s>", n->name, n->name,
			   n->name);
	free(s);
	free(unit);
}

static void memory(struct reader *r, xmlNode *n)
{
	size(r, n, &r->c->memory_kib);
}

static void current(struct reader *r, xmlNode *n)
{
	size(r, n, &r->c->current_kib);
	r->seen_current = true;
}

static bool number(const char *s, uint32_t from, uint32_t to, uint32_t *out)
{
	return s && zx_parse_u32(s, out) && *out >= from && *out <= to;
}

static void vcpu(struct reader *r, xmlNode *n)
{
	char *s = read_text(n), *now = read_attr(n, "current"), *set = read_attr(n, "cpuset");

	if (!number(s, 1, DOMAIN_VCPUS_MAX, &r->c->vcpus_max))
		read_error(r, n, "<vcpu> must be a number from 1 to %u", DOMAIN_VCPUS_MAX);
	r->c->vcpus = r->c->vcpus_max;
	if (now && !number(now, 1, r->c->vcpus_max, &r->c->vcpus))
		read_error(r, n, "current='%s' must be a number from 1 to %u", now, r->c->vcpus_max);
	if (set) {
		r->c->has_cpuset = domain_cpuset_parse(set, r->c->cpuset, sizeof(r->c->cpuset));
		if (!r->c->has_cpuset)
			read_error(r, n, "cpuset='%s' must look like 0-3,^2", set);
	}
	free(s);
	free(now);
	free(set);
}

static void shares(struct reader *r, xmlNode *n)
{
	char *s = read_text(n);
	uint32_t v = 0;

	if (!number(s, 1, 65535, &v))
		read_error(r, n, "<shares> must be a number from 1 to 65535 (the default weight is 256)");
	r->c->weight = (uint16_t)v;
	free(s);
}

static void period(struct reader *r, xmlNode *n)
{
	char *s = read_text(n);

	if (!number(s, 1000, 1000000, &r->c->period_us))
		read_error(r, n, "<period> must be 1000 to 1000000 microseconds");
	free(s);
}

static void quota(struct reader *r, xmlNode *n)
{
	char *s = read_text(n);
	uint64_t v = 0;

	if (s && s[0] == '-' && zx_parse_u64(s + 1, &v) && v)
		r->c->quota_us = -1;
	else if (s && zx_parse_u64(s, &v) && v >= 1000 && v <= 17592186044415ull)
		r->c->quota_us = (int64_t)v;
	else
		read_error(r, n, "<quota> must be at least 1000 microseconds, or -1 for no limit");
	free(s);
}

static void vcpupin(struct reader *r, xmlNode *n)
{
	char *number_text = read_attr(n, "vcpu"), *set = read_attr(n, "cpuset");
	uint32_t v = 0;

	if (!number(number_text, 0, DOMAIN_VCPUS_MAX - 1, &v))
		read_error(r, n, "<vcpupin vcpu='%.20s'>: the number of a vCPU, from 0", number_text ? number_text : "");
	else if (r->c->pinned[v])
		read_error(r, n, "<vcpupin vcpu='%u'> is there twice", v);
	else if (!set || !domain_cpuset_parse(set, r->c->pin[v], sizeof(r->c->pin[v])))
		read_error(r, n, "cpuset='%.40s' must look like 0-3,^2", set ? set : "");
	else
		r->c->pinned[v] = true;
	free(number_text);
	free(set);
}

static void os_type(struct reader *r, xmlNode *n)
{
	char *s = read_text(n), *machine = read_attr(n, "machine"), *arch = read_attr(n, "arch");

	r->seen_os_type = true;
	/* libvirt's words for Xen without a firmware; which kind of guest it is, machine says. */
	if (!s || (strcmp(s, "xenpvh") != 0 && strcmp(s, "linux") != 0 && strcmp(s, "xen") != 0))
		read_error(r, n, "<type>%s</type>: only PVH guests exist; write <type arch='x86_64' machine='xenpvh'>"
			   "xenpvh</type>", s ? s : "");
	else if (machine ? strcmp(machine, "xenpvh") != 0 : strcmp(s, "xenpvh") != 0)
		read_error(r, n, "machine='%s': write machine='xenpvh'", machine ? machine : "");
	if (arch && strcmp(arch, "x86_64") != 0)
		read_error(r, n, "arch='%s': write arch='x86_64'", arch);
	free(s);
	free(machine);
	free(arch);
}

static void file(struct reader *r, xmlNode *n, char **slot)
{
	read_string(r, n, slot, PATH_BYTES);
	if (*slot && (*slot)[0] != '/')
		read_error(r, n, "<%s>%.80s</%s>: write an absolute path", n->name, *slot, n->name);
}

static void kernel(struct reader *r, xmlNode *n)
{
	file(r, n, &r->c->kernel);
}

static void initrd(struct reader *r, xmlNode *n)
{
	file(r, n, &r->c->initrd);
}

static void cmdline(struct reader *r, xmlNode *n)
{
	if (n->children)
		read_string(r, n, &r->c->cmdline, CMDLINE_BYTES);
}

static void action(struct reader *r, xmlNode *n, enum domain_action *out, unsigned int known)
{
	char *s = read_text(n);
	unsigned int i;

	for (i = 0; i < known && (!s || strcmp(s, domain_action_names[i]) != 0); i++)
		;
	if (i == known)
		read_error(r, n, "<%s>%.40s</%s>: write destroy, restart, preserve%s", n->name, s ? s : "", n->name,
			   known > ACTION_COREDUMP_DESTROY ? ", rename-restart or coredump-..." : " or rename-restart");
	else
		*out = (enum domain_action)i;
	free(s);
}

static void on_poweroff(struct reader *r, xmlNode *n)
{
	action(r, n, &r->c->on_poweroff, ACTION_COREDUMP_DESTROY);
}

static void on_reboot(struct reader *r, xmlNode *n)
{
	action(r, n, &r->c->on_reboot, ACTION_COREDUMP_DESTROY);
}

static void on_crash(struct reader *r, xmlNode *n)
{
	action(r, n, &r->c->on_crash, ACTION_COREDUMP_RESTART + 1);
}

static void disk_open(struct reader *r, xmlNode *n)
{
	char *type = read_attr(n, "type"), *device = read_attr(n, "device");

	memset(&r->disk, 0, sizeof(r->disk));
	if (type && strcmp(type, "block") == 0)
		r->disk.block = true;
	else if (!type || strcmp(type, "file") != 0)
		read_error(r, n, "<disk type='%s'>: write type='file' or type='block'", type ? type : "");
	if (device && strcmp(device, "cdrom") == 0)
		r->disk.cdrom = r->disk.readonly = true;
	else if (device && strcmp(device, "disk") != 0)
		read_error(r, n, "<disk device='%s'>: write device='disk' or device='cdrom'", device);
	free(type);
	free(device);
}

static void disk_driver(struct reader *r, xmlNode *n)
{
	char *type = read_attr(n, "type");

	if (type && strcmp(type, "raw") != 0)
		read_error(r, n, "disk format '%s': only raw images (qemu-img convert -O raw makes one)", type);
	free(type);
}

static void disk_source(struct reader *r, xmlNode *n)
{
	const char *attr = r->disk.block ? "dev" : "file";
	char *s = read_attr(n, attr);

	if (!s || s[0] != '/' || strlen(s) > PATH_BYTES)
		read_error(r, n, "<source> of this disk needs %s='/absolute/path'", attr);
	free(r->disk.source);
	r->disk.source = s;
}

static void disk_target(struct reader *r, xmlNode *n)
{
	char *bus = read_attr(n, "bus");

	free(r->disk.target);
	r->disk.target = read_attr(n, "dev");
	if (!r->disk.target || !domain_vdev_parse(r->disk.target, &r->disk.vdev))
		read_error(r, n, "<target dev='%s'>: write dev='xvda' (xvdb, ...) bus='xen'",
			   r->disk.target ? r->disk.target : "");
	else if (bus && strcmp(bus, "xen") != 0)
		read_error(r, n, "<target bus='%s'>: write bus='xen'", bus);
	free(bus);
}

static void disk_readonly(struct reader *r, xmlNode *n)
{
	(void)n;
	r->disk.readonly = true;
}

static void disk_close(struct reader *r, xmlNode *n)
{
	struct domain_config *c = r->c;
	bool ok = true;

	if (!r->disk.source || !r->disk.target) {
		read_error(r, n, "<disk> needs <source> and <target dev='xvda' bus='xen'/>");
		ok = false;
	}
	for (unsigned int i = 0; ok && i < c->ndisks; i++)
		if (c->disk[i].vdev == r->disk.vdev) {
			read_error(r, n, "two disks with target %s", r->disk.target);
			ok = false;
		}
	if (ok && c->ndisks == DOMAIN_DISKS_MAX) {
		read_error(r, n, "more than %u disks", DOMAIN_DISKS_MAX);
		ok = false;
	}
	if (ok) {
		c->disk[c->ndisks++] = r->disk;
	} else {
		free(r->disk.source);
		free(r->disk.target);
	}
	memset(&r->disk, 0, sizeof(r->disk));
}

static void console(struct reader *r, xmlNode *n)
{
	char *type = read_attr(n, "type");

	if (type && strcmp(type, "pty") != 0)
		read_error(r, n, "<console type='%s'>: write type='pty'", type);
	else if (r->c->console)
		read_error(r, n, "a second console: a guest has one");
	r->c->console = true;
	free(type);
}

static void console_target(struct reader *r, xmlNode *n)
{
	char *type = read_attr(n, "type"), *port = read_attr(n, "port");

	if (type && strcmp(type, "xen") != 0)
		read_error(r, n, "console <target type='%s'>: write type='xen'", type);
	if (port && strcmp(port, "0") != 0)
		read_error(r, n, "console <target port='%s'>: write port='0'", port);
	free(type);
	free(port);
}

static void memballoon(struct reader *r, xmlNode *n)
{
	char *model = read_attr(n, "model");

	if (model && strcmp(model, "none") == 0)
		r->c->balloon = false;
	else if (!model || strcmp(model, "xen") != 0)
		read_error(r, n, "<memballoon model='%s'>: write model='xen' or model='none'", model ? model : "");
	free(model);
}

#define D "domain/"
#define DEV "domain/devices/"
static const struct element elements[] = {
	{ "domain", HONOURED, "type id", NULL, domain, NULL },
	{ D "name", HONOURED, "", NULL, name, NULL },
	{ D "uuid", HONOURED, "", NULL, uuid, NULL },
	{ D "title", HONOURED, "", NULL, title, NULL },
	{ D "description", HONOURED, "", NULL, description, NULL },
	{ D "memory", HONOURED, "unit dumpCore", NULL, memory, NULL },
	{ D "currentMemory", HONOURED, "unit", NULL, current, NULL },
	{ D "vcpu", HONOURED, "current cpuset placement", NULL, vcpu, NULL },
	{ D "cputune", HONOURED, "", NULL, NULL, NULL },
	{ D "cputune/shares", HONOURED, "", NULL, shares, NULL },
	{ D "cputune/period", HONOURED, "", NULL, period, NULL },
	{ D "cputune/quota", HONOURED, "", NULL, quota, NULL },
	{ D "cputune/vcpupin", HONOURED, "vcpu cpuset", NULL, vcpupin, NULL },
	{ D "os", HONOURED, "", NULL, NULL, NULL },
	{ D "os/type", HONOURED, "arch machine", NULL, os_type, NULL },
	{ D "os/kernel", HONOURED, "", NULL, kernel, NULL },
	{ D "os/initrd", HONOURED, "", NULL, initrd, NULL },
	{ D "os/cmdline", HONOURED, "", NULL, cmdline, NULL },
	{ D "os/loader", REFUSED, NULL, "a PVH guest has no firmware; write <kernel>", NULL, NULL },
	{ D "os/nvram", REFUSED, NULL, "a PVH guest has no firmware; remove it", NULL, NULL },
	{ D "os/boot", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "os/root", REFUSED, NULL, "write root=... into <cmdline>", NULL, NULL },
	{ D "bootloader", REFUSED, NULL, "write <os> with <kernel>", NULL, NULL },
	{ D "bootloader_args", REFUSED, NULL, "write <os> with <cmdline>", NULL, NULL },
	{ D "on_poweroff", HONOURED, "", NULL, on_poweroff, NULL },
	{ D "on_reboot", HONOURED, "", NULL, on_reboot, NULL },
	{ D "on_crash", HONOURED, "", NULL, on_crash, NULL },
	{ D "metadata", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "genid", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "features", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "cpu", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "clock", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "pm", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "sysinfo", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "resource", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "seclabel", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "iothreads", HARMLESS, NULL, NULL, NULL, NULL },
	{ D "numatune", REFUSED, NULL, "write <vcpu cpuset='0-3'>", NULL, NULL },
	{ D "memoryBacking", REFUSED, NULL, "remove it; guest memory is never swapped", NULL, NULL },
	{ D "memtune", REFUSED, NULL, "write <memory> and <currentMemory>", NULL, NULL },
	{ D "maxMemory", REFUSED, NULL, "write <memory> (maximum) and <currentMemory>", NULL, NULL },
	{ D "blkiotune", REFUSED, NULL, "remove it", NULL, NULL },
	{ D "devices", HONOURED, "", NULL, NULL, NULL },
	{ DEV "emulator", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "controller", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "input", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "serial", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "channel", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "video", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "sound", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "audio", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "rng", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "panic", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "watchdog", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "graphics", REFUSED, NULL, "remove it (virt-install --graphics none); use `xl console`", NULL, NULL },
	{ DEV "interface", REFUSED, NULL, "guests have no network yet; remove it (virt-install --network none)", NULL, NULL },
	{ DEV "hostdev", REFUSED, NULL, "devices cannot be passed through; remove it", NULL, NULL },
	{ DEV "filesystem", REFUSED, NULL, "write a <disk>", NULL, NULL },
	{ DEV "tpm", REFUSED, NULL, "remove it", NULL, NULL },
	{ DEV "disk", HONOURED, "type device snapshot", NULL, disk_open, disk_close },
	{ DEV "disk/driver", HONOURED, "name type cache io discard", NULL, disk_driver, NULL },
	{ DEV "disk/source", HONOURED, "file dev index", NULL, disk_source, NULL },
	{ DEV "disk/target", HONOURED, "dev bus", NULL, disk_target, NULL },
	{ DEV "disk/readonly", HONOURED, "", NULL, disk_readonly, NULL },
	{ DEV "disk/address", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "disk/alias", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "disk/boot", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "disk/backingStore", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "disk/shareable", REFUSED, NULL, "a disk belongs to one guest; remove it, or write <readonly/>", NULL, NULL },
	{ DEV "disk/transient", REFUSED, NULL, "writes go to the image; copy it first", NULL, NULL },
	{ DEV "disk/encryption", REFUSED, NULL, "encrypt inside the guest", NULL, NULL },
	{ DEV "disk/iotune", REFUSED, NULL, "remove it", NULL, NULL },
	{ DEV "console", HONOURED, "type tty", NULL, console, NULL },
	{ DEV "console/target", HONOURED, "type port", NULL, console_target, NULL },
	{ DEV "console/source", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "console/alias", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "memballoon", HONOURED, "model", NULL, memballoon, NULL },
	{ DEV "memballoon/alias", HARMLESS, NULL, NULL, NULL, NULL },
	{ DEV "memballoon/address", HARMLESS, NULL, NULL, NULL, NULL },
};

const struct element *element_find(const char *path)
{
	for (size_t i = 0; i < ZX_ARRAY_SIZE(elements); i++)
		if (strcmp(elements[i].path, path) == 0)
			return &elements[i];
	return NULL;
}

void elements_finish(struct reader *r, xmlNode *root)
{
	struct domain_config *c = r->c;

	if (r->nerrors)
		return;
	if (!c->name)
		read_error(r, root, "<name> is missing");
	if (!c->memory_kib)
		read_error(r, root, "<memory unit='MiB'> is missing");
	if (!r->seen_os_type)
		read_error(r, root, "<os><type arch='x86_64' machine='xenpvh'>xenpvh</type> is missing");
	if (!c->kernel)
		read_error(r, root, "<os><kernel> is missing: a PVH guest boots a kernel file of dom0");
	if (!r->seen_current)
		c->current_kib = c->memory_kib;
	for (unsigned int v = c->vcpus_max; v < DOMAIN_VCPUS_MAX; v++)
		if (c->pinned[v])
			read_error(r, root, "<vcpupin vcpu='%u'>: there are %u vCPUs, from 0 on", v, c->vcpus_max);
	if (c->current_kib > c->memory_kib)
		read_error(r, root, "<currentMemory> exceeds <memory>");
}
