/* SPDX-License-Identifier: MIT */
/* The device model: lists of buses, drivers, classes and devices; matching. What shows in /sys and /dev is made by
 * base/show.c. Entry points: see kernel/device.h. Lock: device_mutex; probe and remove run with it held. */
#include "base.h"
#include <kernel/init.h>

DEFINE_MUTEX(device_mutex);
static LIST_HEAD(all_devices); /* (device_mutex) in the order they were added */

/* device_mutex, taken again by the task that has it: probing a controller adds its disks. */
static struct task *holder;
static unsigned depth; /* (device_mutex) */

void device_model_lock(void)
{
	if (READ_ONCE(holder) != current) {
		mutex_lock(&device_mutex);
		holder = current;
	}
	depth++;
}

void device_model_unlock(void)
{
	if (--depth)
		return;
	holder = NULL;
	mutex_unlock(&device_mutex);
}

void bus_register(struct bus_type *b)
{
	INIT_LIST_HEAD(&b->devices);
	INIT_LIST_HEAD(&b->drivers);
	bus_show(b);
}

void class_register(struct class *c)
{
	INIT_LIST_HEAD(&c->devices);
	class_show(c);
}

/* device_mutex held. */
static bool try_bind(struct device *d, struct device_driver *drv)
{
	int e;

	if (d->driver || (d->bus->match && !d->bus->match(d, drv)))
		return false;
	d->driver = drv;
	e = d->bus->probe ? d->bus->probe(d) : drv->probe(d);
	if (e) {
		d->driver = NULL;
		if (e != -ENODEV)
			dev_warn(d, "%s: probe failed: %d\n", drv->name, e);
		return false;
	}
	driver_link(d);
	return true;
}

int driver_register(struct device_driver *drv)
{
	struct device *d;

	device_model_lock();
	list_add_tail(&drv->node, &drv->bus->drivers);
	driver_show(drv);
	list_for_each_entry(d, &drv->bus->devices, bus_node)
		try_bind(d, drv);
	device_model_unlock();
	return 0;
}

static void unbind(struct device *d)
{
	if (!d->driver)
		return;
	driver_unlink(d);
	if (d->bus->remove)
		d->bus->remove(d);
	else if (d->driver->remove)
		d->driver->remove(d);
	d->driver = NULL;
}

void driver_unregister(struct device_driver *drv)
{
	struct device *d;

	device_model_lock();
	list_for_each_entry(d, &drv->bus->devices, bus_node)
		if (d->driver == drv)
			unbind(d);
	list_del(&drv->node);
	device_model_unlock();
}

void device_init(struct device *d)
{
	refcount_set(&d->refs, 1);
	INIT_LIST_HEAD(&d->bus_node);
	INIT_LIST_HEAD(&d->class_node);
	INIT_LIST_HEAD(&d->node);
}

int device_add(struct device *d)
{
	struct device_driver *drv;
	int e;

	device_model_lock();
	e = device_show(d);
	if (!e) {
		get_device(d);
		list_add_tail(&d->node, &all_devices);
		if (d->class)
			list_add_tail(&d->class_node, &d->class->devices);
		if (d->bus) {
			list_add_tail(&d->bus_node, &d->bus->devices);
			list_for_each_entry(drv, &d->bus->drivers, node)
				if (try_bind(d, drv))
					break;
		}
	}
	device_model_unlock();
	return e;
}

void device_del(struct device *d)
{
	device_model_lock();
	if (list_empty(&d->node)) {
		device_model_unlock();
		return;
	}
	if (d->bus) {
		unbind(d);
		list_del_init(&d->bus_node);
	}
	if (d->class)
		list_del_init(&d->class_node);
	list_del_init(&d->node);
	device_hide(d);
	device_model_unlock();
	put_device(d);
}

void put_device(struct device *d)
{
	if (refcount_dec_and_test(&d->refs) && d->release)
		d->release(d);
}

static void free_created(struct device *d) { kfree(d); }

struct device *device_create(struct class *c, struct device *parent, dev_t devt, bool block, mode_t mode, const char *fmt, ...)
{
	struct device *d = kzalloc(sizeof(*d), GFP_KERNEL);
	va_list ap;
	int e;

	if (!d)
		return ERR_PTR(-ENOMEM);
	device_init(d);
	va_start(ap, fmt);
	vsnprintf(d->name, sizeof(d->name), fmt, ap);
	va_end(ap);
	d->class = c;
	d->parent = parent;
	d->devt = devt;
	d->is_block = block;
	d->mode = mode;
	d->release = free_created;
	e = device_add(d);
	if (e) {
		kfree(d);
		return ERR_PTR(e);
	}
	return d;
}

void device_destroy(struct device *d)
{
	device_del(d);
	put_device(d);
}

void devices_shutdown(void)
{
	struct device *d;

	list_for_each_entry_reverse(d, &all_devices, node)
		if (d->driver && d->driver->shutdown)
			d->driver->shutdown(d);
}
