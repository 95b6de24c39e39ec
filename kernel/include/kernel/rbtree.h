/* SPDX-License-Identifier: MIT */
/* Red-black trees, intrusive. The caller walks to the leaf, links with rb_link_node, then
 * rb_insert_color rebalances. No locks: the owner of the tree locks. */
#ifndef KERNEL_RBTREE_H
#define KERNEL_RBTREE_H

#include <kernel/compiler.h>

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};
struct rb_root {
	struct rb_node *node;
};
#define RB_ROOT (struct rb_root){ NULL }
#define rb_entry(p, t, m) container_of(p, t, m)
#define rb_entry_safe(p, t, m) ({ struct rb_node *__p = (p); __p ? container_of(__p, t, m) : NULL; })
#define RB_CLEAR_NODE(n) ((n)->parent = (n))
#define RB_EMPTY_NODE(n) ((n)->parent == (n))

static inline void rb_link_node(struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	n->parent = parent;
	n->left = n->right = NULL;
	n->red = true;
	*link = n;
}
void rb_insert_color(struct rb_node *n, struct rb_root *root);
void rb_erase(struct rb_node *n, struct rb_root *root);
void rb_replace_node(struct rb_node *old, struct rb_node *new, struct rb_root *root);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

#endif
