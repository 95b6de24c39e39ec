/* SPDX-License-Identifier: MIT */
/* Advisory file locks, for fcntl.c. */
#ifndef VFS_LOCKS_H
#define VFS_LOCKS_H

#include <kernel/fs.h>

long fcntl_getlk(struct file *f, unsigned cmd, struct flock __user *arg);
long fcntl_setlk(struct file *f, unsigned cmd, struct flock __user *arg);

#endif
