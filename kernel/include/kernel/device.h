/* SPDX-License-Identifier: MIT */
/* Device model: buses match devices with drivers; classes name devices for user space. Each shows in /sys.
 * Lock: device_mutex (all lists, binding). A device is referenced by get_device/put_device; release frees it. */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H

#include <kernel/kernel.h>

struct device;
struct device_driver;
struct sysfs_node; /* k-vfs: a directory of /sys; opaque here */

struct bus_type {
	const char *name;
	bool (*match)(struct device *d, struct device_driver *drv);
	int (*probe)(struct device *d);   /* NULL: the driver's */
	void (*remove)(struct device *d);
	struct list_head devices, drivers, node;
	void *sysfs, *sysfs_devices;
};

struct device_driver {
	const char *name;
	struct bus_type *bus;
	int (*probe)(struct device *d);
	void (*remove)(struct device *d);
	void (*shutdown)(struct device *d); /* before power-off and reboot */
	struct list_head node;
};

struct class {
	const char *name; /* /sys/class/NAME, or /sys/block for "block" */
	struct list_head devices, node;
	void *sysfs;
};

struct device {
	char name[32];
	struct device *parent;
	struct bus_type *bus;
	struct device_driver *driver;
	struct class *class;
	dev_t devt;              /* 0: no node in /dev */
	bool is_block;
	mode_t mode;             /* of the node; 0: 0600 */
	u64 dma_mask;            /* highest bus address it reaches; 0: no DMA */
	u64 dma_boundary;        /* segments must not cross a multiple of this + 1; 0: none */
	void *driver_data;
	void *sysfs;             /* its directory */
	refcount_t refs;
	void (*release)(struct device *d);
	const struct device_attr *const *attrs; /* NULL-terminated; shown when it is added */
	struct list_head bus_node, class_node, node;
};

/* A text file of a device's directory. show: bytes written; store: bytes taken or -errno. */
struct device_attr {
	const char *name;
	ssize_t (*show)(struct device *d, char *buf, size_t n);
	ssize_t (*store)(struct device *d, const char *buf, size_t n);
};

void bus_register(struct bus_type *b);
void class_register(struct class *c);
int driver_register(struct device_driver *drv); /* probes devices that are there */
void driver_unregister(struct device_driver *drv);
void device_init(struct device *d);
/* More files for a device that is there already. */
void device_show_attrs(struct device *d, const struct device_attr *const *attrs);
int device_add(struct device *d);               /* visible, node made, probed */
void device_del(struct device *d);
static inline struct device *get_device(struct device *d) { refcount_inc(&d->refs); return d; }
void put_device(struct device *d);
static inline void *dev_get_drvdata(const struct device *d) { return d->driver_data; }
static inline void dev_set_drvdata(struct device *d, void *p) { d->driver_data = p; }
/* A device with no hardware of its own, made for a class: misc, mem, tty, block. */
struct device *device_create(struct class *c, struct device *parent, dev_t devt, bool block, mode_t mode,
			     const char *fmt, ...) __printf(6, 7);
void device_destroy(struct device *d);
/* device_mutex from outside, recursive: taken before any lock of a subsystem that adds devices. */
void device_model_lock(void);
void device_model_unlock(void);
void devices_shutdown(void); /* every driver's shutdown, last added first */

#define dev_info(d, f, ...) pr_info("%s: " f, (d)->name, ##__VA_ARGS__)
#define dev_warn(d, f, ...) pr_warn("%s: " f, (d)->name, ##__VA_ARGS__)
#define dev_err(d, f, ...) pr_err("%s: " f, (d)->name, ##__VA_ARGS__)

#endif
