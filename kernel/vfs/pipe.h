/* SPDX-License-Identifier: MIT */
/* Pipes and FIFOs. */
#ifndef VFS_PIPE_H
#define VFS_PIPE_H

#include <kernel/fs.h>

extern const struct file_operations fifo_fops;
/* F_GETPIPE_SZ, F_SETPIPE_SZ; -EBADF for what is no pipe. */
long pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg);

#endif
