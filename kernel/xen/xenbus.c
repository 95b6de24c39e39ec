/* SPDX-License-Identifier: MIT */
/*
 * Split-driver devices. Two trees of the store are watched, "device/TYPE/ID" (front ends: ours everywhere) and
 * "backend/TYPE/DOMID/ID" (back ends: where a driver for them is linked). A directory that appears becomes a device of
 * the driver of its type; one that vanishes is removed.
 *
 * Lock: bus_mutex over drivers and devices; watch callbacks (xenwatch) and driver registration take it.
 */
#include <kernel/xen/suspend.h>
#include <kernel/xen/xen.h>
#include <kernel/xen/xenbus.h>
#include <kernel/errno.h>
#include <kernel/kernel.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define MAX_DEPTH_NAMES 256 /* entries of one directory that are looked at */

static DEFINE_MUTEX(bus_mutex);
static LIST_HEAD(drivers);
static LIST_HEAD(devices);
static volatile bool scanned;

enum xenbus_state xenbus_read_state(const char *path)
{
	u64 state = xenbus_read_u64(path, "state", XenbusStateUnknown);

	return state > XenbusStateReconfigured ? XenbusStateUnknown : (enum xenbus_state)state;
}

int xenbus_switch_state(struct xenbus_device *d, enum xenbus_state state)
{
	char *old;
	int e;

	if (d->state == state)
		return 0;
	d->state = state;
	/* a device whose directory is gone must not come to life again by our write */
	e = xenbus_read(XBT_NIL, d->path, "state", &old, NULL);
	if (e)
		return e;
	kfree(old);
	e = xenbus_printf(XBT_NIL, d->path, "state", "%d", (int)state);
	if (e)
		pr_err("xenbus: %s: cannot switch to state %d: %d\n", d->path, (int)state, e);
	return e;
}

void xenbus_dev_fatal(struct xenbus_device *d, int err, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_err("xenbus: %s: %s: error %d\n", d->path, text, err);
	xenbus_printf(XBT_NIL, d->path, "error", "%d %s", -err, text);
	xenbus_switch_state(d, XenbusStateClosing);
}

static void otherend_changed(struct xenbus_watch *w, const char *path)
{
	struct xenbus_device *d = w->data;

	(void)path;
	if (d->driver)
		d->driver->otherend_changed(d, xenbus_read_state(d->otherend));
}

static void free_device(struct xenbus_device *d)
{
	kfree(d->type);
	kfree(d->path);
	kfree(d->otherend);
	kfree(d->otherend_watch.path);
	kfree(d);
}

static void remove_device(struct xenbus_device *d)
{
	list_del(&d->node);
	if (d->otherend_watch_set)
		unregister_xenbus_watch(&d->otherend_watch);
	if (d->driver && d->driver->remove)
		d->driver->remove(d);
	free_device(d);
}

static struct xenbus_device *find_device(const char *path)
{
	struct xenbus_device *d;

	list_for_each_entry(d, &devices, node)
		if (!strcmp(d->path, path))
			return d;
	return NULL;
}

/* Reads who the peer is, probes, and then listens to the peer's state. */
static int start_device(struct xenbus_device *d, const struct xenbus_driver *drv)
{
	int e = xenbus_read(XBT_NIL, d->path, drv->backend ? "frontend" : "backend", &d->otherend, NULL);
	size_t n;

	if (e)
		return e;
	d->otherend_id = (domid_t)xenbus_read_u64(d->path, drv->backend ? "frontend-id" : "backend-id", DOMID_INVALID);
	d->state = xenbus_read_state(d->path);
	n = strlen(d->otherend) + sizeof("/state");
	d->otherend_watch.path = kmalloc(n, GFP_KERNEL);
	if (!d->otherend_watch.path)
		return -ENOMEM;
	snprintf(d->otherend_watch.path, n, "%s/state", d->otherend);
	d->otherend_watch.callback = otherend_changed;
	d->otherend_watch.data = d;
	d->driver = drv;
	e = drv->probe(d);
	if (e) {
		if (drv->remove && d->data)
			drv->remove(d);
		d->driver = NULL;
		return e;
	}
	e = register_xenbus_watch(&d->otherend_watch);
	d->otherend_watch_set = !e;
	return e;
}

/* --- suspend --- */

void xenbus_suspend_devices(void)
{
	struct xenbus_device *d;

	mutex_lock(&bus_mutex);
	list_for_each_entry(d, &devices, node)
		if (d->driver && d->driver->suspend)
			d->driver->suspend(d);
	mutex_unlock(&bus_mutex);
}

/* The peer is another one after a restore: its path has our new number in it. The store has forgotten our watch. */
static int new_otherend(struct xenbus_device *d)
{
	char *end, *path;
	size_t n;
	int e = xenbus_read(XBT_NIL, d->path, "backend", &end, NULL);

	if (e)
		return e;
	n = strlen(end) + sizeof("/state");
	path = kmalloc(n, GFP_KERNEL);
	if (!path) {
		kfree(end);
		return -ENOMEM;
	}
	snprintf(path, n, "%s/state", end);
	kfree(d->otherend);
	kfree(d->otherend_watch.path);
	d->otherend = end;
	d->otherend_watch.path = path;
	d->otherend_id = (domid_t)xenbus_read_u64(d->path, "backend-id", DOMID_INVALID);
	d->state = xenbus_read_state(d->path);
	return 0;
}

/* In the xenwatch thread, before the watches are set again: nothing else happens to devices. */
void xenbus_resume_devices(bool fresh)
{
	struct xenbus_device *d;

	mutex_lock(&bus_mutex);
	list_for_each_entry(d, &devices, node) {
		if (!d->driver || d->driver->backend)
			continue;
		/* One that was not given to the new domain is removed when the tree's watch fires. */
		if (fresh && new_otherend(d))
			pr_warn("xenbus: %s is not there any more\n", d->path);
		if (d->driver->resume)
			d->driver->resume(d, fresh);
	}
	mutex_unlock(&bus_mutex);
}

static void add_device(const struct xenbus_driver *drv, const char *path)
{
	struct xenbus_device *d;
	int e;

	if (find_device(path) || xenbus_read_state(path) == XenbusStateUnknown)
		return;
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return;
	d->type = kstrdup(drv->type, GFP_KERNEL);
	d->path = kstrdup(path, GFP_KERNEL);
	list_add_tail(&d->node, &devices);
	e = d->type && d->path ? start_device(d, drv) : -ENOMEM;
	if (e) {
		pr_err("xenbus: %s: not started: %d\n", path, e);
		remove_device(d);
	}
}

/* Calls fn for each name in a directory. */
static void for_each_name(const char *dir, void (*fn)(const struct xenbus_driver *drv, const char *path),
			  const struct xenbus_driver *drv)
{
	char *names, *p, *path;
	unsigned n;

	if (xenbus_directory(XBT_NIL, dir, "", &names, &n))
		return;
	p = names;
	for (unsigned i = 0; i < n && i < MAX_DEPTH_NAMES; i++, p += strlen(p) + 1) {
		path = kmalloc(strlen(dir) + strlen(p) + 2, GFP_KERNEL);
		if (!path)
			break;
		snprintf(path, strlen(dir) + strlen(p) + 2, "%s/%s", dir, p);
		fn(drv, path);
		kfree(path);
	}
	kfree(names);
}

static void scan_below(const struct xenbus_driver *drv, const char *dir)
{
	for_each_name(dir, add_device, drv);
}

static void scan(const struct xenbus_driver *drv)
{
	char dir[64];

	snprintf(dir, sizeof(dir), "%s/%s", drv->backend ? "backend" : "device", drv->type);
	if (drv->backend) /* one directory a domain in between */
		for_each_name(dir, scan_below, drv);
	else
		scan_below(drv, dir);
}

static void tree_changed(struct xenbus_watch *w, const char *path)
{
	bool backend = w->data != NULL;
	struct xenbus_device *d, *next;
	const struct xenbus_driver *drv;

	(void)path;
	mutex_lock(&bus_mutex);
	list_for_each_entry_safe(d, next, &devices, node)
		if (d->driver && d->driver->backend == backend && xenbus_read_state(d->path) == XenbusStateUnknown)
			remove_device(d);
	list_for_each_entry(drv, &drivers, node)
		if (drv->backend == backend)
			scan(drv);
	scanned = true;
	mutex_unlock(&bus_mutex);
}

static struct xenbus_watch device_watch = { .path = "device", .callback = tree_changed };
static struct xenbus_watch backend_watch = { .path = "backend", .callback = tree_changed, .data = &backend_watch };

void xenbus_register_driver(struct xenbus_driver *drv)
{
	mutex_lock(&bus_mutex);
	list_add_tail(&drv->node, &drivers);
	if (scanned) /* its devices were seen already, and left alone */
		scan(drv);
	mutex_unlock(&bus_mutex);
}

bool xenbus_settled(void)
{
	struct xenbus_device *d;
	bool settled = scanned || !xenstore_ready();

	mutex_lock(&bus_mutex);
	list_for_each_entry(d, &devices, node)
		if (d->driver && !d->driver->backend && d->state < XenbusStateConnected)
			settled = false;
	mutex_unlock(&bus_mutex);
	return settled;
}

static int probe_thread(void *arg)
{
	int e;

	(void)arg;
	xenstore_wait_ready();
	e = register_xenbus_watch(&device_watch);
	if (!e)
		e = register_xenbus_watch(&backend_watch);
	if (e)
		pr_err("xenbus: cannot watch the device trees: %d\n", e);
	return 0;
}

static int xenbus_init(void)
{
	if (running_on_xen() && xenstore_port)
		kthread_run(probe_thread, NULL, "xenbus_probe");
	return 0;
}
device_initcall(xenbus_init); /* the root's mount, a late one, waits for a disk */
