/* SPDX-License-Identifier: MIT */
/* The tree of /sys: directories, text attributes, links. A node pins nothing of the caller: remove it before its data
 * goes away (sysfs_remove waits for running show and store calls). */
#ifndef KERNEL_SYSFS_H
#define KERNEL_SYSFS_H

#include <kernel/types.h>


struct sysfs_node;
typedef ssize_t (*sysfs_show_t)(void *ctx, char *buf, size_t n);        /* at most PAGE_SIZE */
typedef ssize_t (*sysfs_store_t)(void *ctx, const char *buf, size_t n); /* buf is NUL-terminated */
/* parent NULL: /sys itself. An existing directory of that name is returned. NULL: no memory. */
struct sysfs_node *sysfs_mkdir(struct sysfs_node *parent, const char *name);
int sysfs_create_file(struct sysfs_node *dir, const char *name, umode_t mode, sysfs_show_t show, sysfs_store_t store, void *ctx);
/* Binary contents (e.g. PCI config): read at offset. */
int sysfs_create_bin(struct sysfs_node *dir, const char *name, umode_t mode, size_t size,
		     ssize_t (*read)(void *ctx, char *buf, loff_t off, size_t n),
		     ssize_t (*write)(void *ctx, const char *buf, loff_t off, size_t n), void *ctx);
int sysfs_create_link(struct sysfs_node *dir, const char *name, struct sysfs_node *target); /* relative link */
void sysfs_remove(struct sysfs_node *node);                  /* with everything below */
void sysfs_remove_file(struct sysfs_node *dir, const char *name);

#endif
