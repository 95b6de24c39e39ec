/* SPDX-License-Identifier: MIT */
/* Entries of /proc made by other subsystems. Names are relative paths; directories come into being. */
#ifndef KERNEL_PROC_FS_H
#define KERNEL_PROC_FS_H

#include <kernel/fs.h>

int proc_mkdir(const char *path);
/* fop->open finds data by proc_data(inode). */
int proc_create(const char *path, mode_t mode, const struct file_operations *fop, void *data);
void *proc_data(const struct inode *i);
int proc_create_single(const char *path, mode_t mode, int (*show)(struct seq_file *m, void *arg), void *arg);
int proc_symlink(const char *path, const char *target);
void proc_remove(const char *path);
/* A sysctl, /proc/sys/PATH: show prints the value, store takes the text (NUL-terminated; NULL: read only). */
int proc_sysctl(const char *path, void (*show)(struct seq_file *m), int (*store)(const char *s));
int proc_sysctl_ulong(const char *path, unsigned long *v, unsigned long min, unsigned long max);

#endif
