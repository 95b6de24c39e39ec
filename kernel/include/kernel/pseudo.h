/* SPDX-License-Identifier: MIT */
/* A named tree in memory shown as a file system (procfs, sysfs): nodes exist apart from dentries and inodes, which are
 * made when somebody looks. Lock: pseudo_mutex (the trees of all instances). */
#ifndef KERNEL_PSEUDO_H
#define KERNEL_PSEUDO_H

#include <kernel/fs.h>

struct pnode {
	refcount_t ref;                /* the tree holds one, each inode one */
	char *name;
	mode_t mode;
	u64 ino;
	struct pnode *parent;
	struct list_head children, sibling;
	const struct file_operations *fop; /* regular files; NULL: show */
	int (*show)(struct seq_file *s, void *arg);
	void *data;
	char *target;                  /* symbolic link */
	char *(*get_link)(void);       /* or made when followed */
	const struct inode_operations *iop; /* NULL: the defaults */
	void (*free_data)(void *data);
	bool (*alive)(struct pnode *n); /* NULL: until removed */
	bool dead;
};
struct pnode *pnode_new(const char *name, mode_t mode);
/* parent's child of that name and n bytes, referenced; NULL. */
struct pnode *pnode_find(struct pnode *parent, const char *name, size_t n);
int pnode_add(struct pnode *parent, struct pnode *n);   /* the tree takes the reference; -EEXIST drops it */
void pnode_remove(struct pnode *n);                     /* with everything below */
void pnode_put(struct pnode *n);
/* Directory by relative path, made on the way; tail: where the last component starts. NULL: no memory. */
struct pnode *pnode_mkdirs(struct pnode *root, const char *path, const char **tail);
struct inode *pnode_inode(struct super_block *sb, struct pnode *n);
struct dentry *pnode_lookup(struct inode *dir, struct dentry *d, unsigned flags);
int pnode_iterate(struct file *f, struct dir_context *c); /* c->pos counted from 2 */
struct pnode *inode_pnode(const struct inode *i);
extern const struct super_operations pseudo_sops;
extern const struct dentry_operations pseudo_dops;
extern const struct inode_operations pseudo_dir_iops;
extern const struct file_operations pseudo_dir_fops;

#endif
