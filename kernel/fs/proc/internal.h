/* SPDX-License-Identifier: MIT */
/* Shared by the files of procfs. */
#ifndef PROC_INTERNAL_H
#define PROC_INTERNAL_H

#include <kernel/proc_fs.h>
#include <kernel/pseudo.h>
#include <kernel/proc.h>

struct dentry *proc_pid_lookup(struct super_block *sb, struct dentry *d);
int proc_pid_iterate(struct dir_context *c); /* positions from PROC_PID_POS on */
#define PROC_PID_POS 0x10000
char *proc_self_link(void);
char *proc_thread_self_link(void);
int proc_show_mounts(struct seq_file *m, void *arg);
int proc_show_mountinfo(struct seq_file *m, void *arg);
extern const struct file_operations proc_mounts_fops, proc_mountinfo_fops;
int proc_sysctl_init(void);
int proc_system_init(void);
int proc_stats_init(void);

#endif
