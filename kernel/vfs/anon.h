/* SPDX-License-Identifier: MIT */
/* Files of no directory, for the rest of kernel/vfs and for sockets. */
#ifndef VFS_ANON_H
#define VFS_ANON_H

#include <kernel/fs.h>

/* A fresh inode with a number, owned by current. NULL: no memory. */
struct inode *new_anon_inode(mode_t mode);
/* A file on it; takes the inode's reference in any case. name as in /proc/PID/fd ("pipe:[": the number is added). */
struct file *anon_file(const char *name, struct inode *inode, const struct file_operations *op, unsigned flags);

#endif
