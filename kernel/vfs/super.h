/* SPDX-License-Identifier: MIT */
/* super.c for the rest of kernel/vfs. */
#ifndef VFS_SUPER_H
#define VFS_SUPER_H

#include <kernel/fs.h>

struct file_system_type *get_fs_type(const char *name);
void deactivate_super(struct super_block *sb);
void iterate_supers(void (*fn)(struct super_block *sb, void *arg), void *arg);
void show_filesystems(struct seq_file *s);

#endif
