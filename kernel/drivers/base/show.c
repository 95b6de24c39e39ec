/* SPDX-License-Identifier: MIT */
/* The device model's picture: directories, attributes and links in /sys, nodes in /dev.
 *   /sys/devices/...            every device below its parent; /sys/devices/virtual/CLASS/NAME without one
 *   /sys/bus/BUS/{devices,drivers}, /sys/class/CLASS, /sys/block, /sys/dev/{block,char}
 * Entry points: see base.h. Lock: device_mutex held by the callers. */
#include "base.h"
#include <kernel/fs.h>
#include <kernel/sysfs.h>

static struct sysfs_node *top(const char *a, const char *b)
{
	struct sysfs_node *n = sysfs_mkdir(NULL, a);
	return b && n ? sysfs_mkdir(n, b) : n;
}

void bus_show(struct bus_type *b)
{
	struct sysfs_node *n = top("bus", b->name);
	b->sysfs = n;
	b->sysfs_devices = n ? sysfs_mkdir(n, "devices") : NULL;
	if (n)
		sysfs_mkdir(n, "drivers");
}

void class_show(struct class *c) { c->sysfs = top("class", c->name); }

static struct sysfs_node *driver_dir(struct device_driver *d)
{
	struct sysfs_node *n = d->bus->sysfs ? sysfs_mkdir(d->bus->sysfs, "drivers") : NULL;
	return n ? sysfs_mkdir(n, d->name) : NULL;
}

void driver_show(struct device_driver *d) { driver_dir(d); }

void driver_link(struct device *d)
{
	struct sysfs_node *n = driver_dir(d->driver);
	if (!n || !d->sysfs)
		return;
	sysfs_create_link(n, d->name, d->sysfs);
	sysfs_create_link(d->sysfs, "driver", n);
}

void driver_unlink(struct device *d)
{
	struct sysfs_node *n = driver_dir(d->driver);
	if (n)
		sysfs_remove_file(n, d->name);
	if (d->sysfs)
		sysfs_remove_file(d->sysfs, "driver");
}

static ssize_t show_dev(void *ctx, char *buf, size_t n)
{
	struct device *d = ctx;
	return scnprintf(buf, n, "%u:%u\n", MAJOR(d->devt), MINOR(d->devt));
}

static ssize_t show_uevent(void *ctx, char *buf, size_t n)
{
	struct device *d = ctx;
	size_t at = 0;
	if (d->devt)
		at += scnprintf(buf + at, n - at, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", MAJOR(d->devt), MINOR(d->devt), d->name);
	if (d->is_block)
		at += scnprintf(buf + at, n - at, "DEVTYPE=%s\n", d->parent && d->parent->is_block ? "partition" : "disk");
	if (d->driver)
		at += scnprintf(buf + at, n - at, "DRIVER=%s\n", d->driver->name);
	return at;
}
static ssize_t store_uevent(void *ctx, const char *buf, size_t n)
{
	(void)ctx;
	(void)buf;
	return n; /* nobody listens: there is no netlink yet */
}

/* An attribute and its device in one context. */
struct attr_ctx {
	struct device *d;
	const struct device_attr *a;
};
static ssize_t attr_show(void *ctx, char *buf, size_t n)
{
	struct attr_ctx *x = ctx;
	return x->a->show(x->d, buf, n);
}
static ssize_t attr_store(void *ctx, const char *buf, size_t n)
{
	struct attr_ctx *x = ctx;
	return x->a->store(x->d, buf, n);
}

void device_show_attrs(struct device *d, const struct device_attr *const *attrs)
{
	for (unsigned i = 0; attrs && d->sysfs && attrs[i]; i++) {
		const struct device_attr *a = attrs[i];
		struct sysfs_node *dir = d->sysfs;
		const char *name = a->name, *slash = strchr(name, '/');
		struct attr_ctx *x = kmalloc(sizeof(*x), GFP_KERNEL);
		char sub[32];
		if (!x)
			return;
		x->d = d;
		x->a = a;
		if (slash && slash - name < 31) {
			memcpy(sub, name, slash - name);
			sub[slash - name] = 0;
			dir = sysfs_mkdir(dir, sub);
			name = slash + 1;
		}
		if (!dir || sysfs_create_file(dir, name, (a->show ? 0444 : 0) | (a->store ? 0200 : 0), a->show ? attr_show : NULL,
					      a->store ? attr_store : NULL, x)) {
			kfree(x);
			continue;
		}
	}
}

static struct sysfs_node *parent_dir(struct device *d)
{
	struct sysfs_node *n;

	if (d->parent && d->parent->sysfs) {
		if (!d->class || (d->parent->is_block && d->is_block))
			return d->parent->sysfs;
		return sysfs_mkdir(d->parent->sysfs, d->class->name);
	}
	if (d->class) {
		n = top("devices", "virtual");
		return n ? sysfs_mkdir(n, d->class->name) : NULL;
	}
	if (d->bus) { /* e.g. devices/pci0000:00 */
		char name[32];
		snprintf(name, sizeof(name), strcmp(d->bus->name, "pci") ? "%s" : "%s0000:00", d->bus->name);
		return top("devices", name);
	}
	return top("devices", NULL);
}

int device_show(struct device *d)
{
	struct sysfs_node *p = parent_dir(d), *n = p ? sysfs_mkdir(p, d->name) : NULL, *l;
	char number[24];

	d->sysfs = n;
	if (n) {
		sysfs_create_file(n, "uevent", 0644, show_uevent, store_uevent, d);
		device_show_attrs(d, d->attrs);
		if (d->class && d->class->sysfs) {
			sysfs_create_link(n, "subsystem", d->class->sysfs);
			sysfs_create_link(d->class->sysfs, d->name, n);
			if (d->parent && d->parent->sysfs && !d->parent->is_block)
				sysfs_create_link(n, "device", d->parent->sysfs);
		} else if (d->bus && d->bus->sysfs_devices) {
			sysfs_create_link(n, "subsystem", d->bus->sysfs);
			sysfs_create_link(d->bus->sysfs_devices, d->name, n);
		}
	}
	if (!d->devt)
		return 0;
	if (n) {
		sysfs_create_file(n, "dev", 0444, show_dev, NULL, d);
		snprintf(number, sizeof(number), "%u:%u", MAJOR(d->devt), MINOR(d->devt));
		l = top("dev", d->is_block ? "block" : "char");
		if (l)
			sysfs_create_link(l, number, n);
		if (d->is_block && !(d->parent && d->parent->is_block) && (l = top("block", NULL)))
			sysfs_create_link(l, d->name, n);
	}
	return devtmpfs_create(d->name, d->is_block, d->devt, d->mode ? d->mode : 0600);
}

void device_hide(struct device *d)
{
	struct sysfs_node *l;
	char number[24];

	if (d->devt) {
		devtmpfs_remove(d->name);
		snprintf(number, sizeof(number), "%u:%u", MAJOR(d->devt), MINOR(d->devt));
		l = top("dev", d->is_block ? "block" : "char");
		if (l)
			sysfs_remove_file(l, number);
		if (d->is_block && !(d->parent && d->parent->is_block) && (l = top("block", NULL)))
			sysfs_remove_file(l, d->name);
	}
	if (d->class && d->class->sysfs)
		sysfs_remove_file(d->class->sysfs, d->name);
	else if (d->bus && d->bus->sysfs_devices)
		sysfs_remove_file(d->bus->sysfs_devices, d->name);
	if (d->sysfs)
		sysfs_remove(d->sysfs); /* the attributes' contexts stay: a reader may still be inside */
	d->sysfs = NULL;
}
