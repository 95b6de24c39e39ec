/* SPDX-License-Identifier: MIT */
/* Entries of /proc/PID: the table's type and the text makers (pidtext.c, pidmem.c). */
#ifndef PROC_PID_H
#define PROC_PID_H

#include "internal.h"

struct pid_ref;
struct pid_entry {
	const char *name;
	mode_t mode;
	int (*show)(struct seq_file *m, struct task *t, struct pid_ref *r);
	int (*store)(struct task *t, const char *s);
	int (*follow)(struct task *t, unsigned fd, struct path *p);
	const struct inode_operations *iop;
	const struct file_operations *fop;
	const struct pid_entry *child; /* of fd directories */
	bool leader_only, secret;
};
struct pid_ref {
	struct pid *pid; /* referenced */
	const struct pid_entry *entry;
	unsigned fd;
	bool is_fd, thread;
};
struct pid_ref *pid_ref_of(const struct inode *i);

#define PROC_TEXT(name) int proc_pid_##name(struct seq_file *m, struct task *t, struct pid_ref *r)
PROC_TEXT(stat);
PROC_TEXT(status);
PROC_TEXT(statm);
PROC_TEXT(cmdline);
PROC_TEXT(comm);
PROC_TEXT(maps);
PROC_TEXT(environ);
PROC_TEXT(auxv);
PROC_TEXT(limits);
PROC_TEXT(cgroup);
PROC_TEXT(io);
PROC_TEXT(oom_score);
PROC_TEXT(oom_adj);
PROC_TEXT(wchan);
PROC_TEXT(idmap);
PROC_TEXT(smaps);
PROC_TEXT(smaps_rollup);
int proc_pid_set_oom_adj(struct task *t, const char *s);

bool proc_maps_line(struct seq_file *m, struct mm *mm, unsigned long at); /* false: no range ends above at */
extern const struct file_operations proc_mem_fops, proc_pagemap_fops;

#endif
