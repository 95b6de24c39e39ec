/* SPDX-License-Identifier: MIT */
/* What core.c asks of show.c: the device model's picture in /sys and /dev. */
#ifndef DRIVERS_BASE_H
#define DRIVERS_BASE_H

#include <kernel/device.h>
#include <kernel/mutex.h>

extern struct mutex device_mutex;
void bus_show(struct bus_type *b);
void class_show(struct class *c);
void driver_show(struct device_driver *d);
int device_show(struct device *d);
void device_hide(struct device *d);
void driver_link(struct device *d);
void driver_unlink(struct device *d);

#endif
