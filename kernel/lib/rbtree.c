/* SPDX-License-Identifier: MIT */
/* Red-black tree: insertion and removal fix-up, ordered walk. Invariants: a red node has black children; every
 * path from a node to a leaf passes the same number of black nodes. The caller locks. */
#include <kernel/rbtree.h>

static void set_child(struct rb_root *root, struct rb_node *parent, struct rb_node *old, struct rb_node *new)
{
	if (!parent)
		root->node = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
}

static void rotate_left(struct rb_node *n, struct rb_root *root)
{
	struct rb_node *r = n->right;
	n->right = r->left;
	if (r->left)
		r->left->parent = n;
	r->parent = n->parent;
	set_child(root, n->parent, n, r);
	r->left = n;
	n->parent = r;
}

static void rotate_right(struct rb_node *n, struct rb_root *root)
{
	struct rb_node *l = n->left;
	n->left = l->right;
	if (l->right)
		l->right->parent = n;
	l->parent = n->parent;
	set_child(root, n->parent, n, l);
	l->right = n;
	n->parent = l;
}

void rb_insert_color(struct rb_node *n, struct rb_root *root)
{
	struct rb_node *p, *g, *u;
	while ((p = n->parent) && p->red) {
		g = p->parent;
		bool left = p == g->left;
		u = left ? g->right : g->left;
		if (u && u->red) {
			p->red = u->red = false;
			g->red = true;
			n = g;
			continue;
		}
		if (n == (left ? p->right : p->left)) {
			if (left)
				rotate_left(p, root);
			else
				rotate_right(p, root);
			swap(n, p);
		}
		p->red = false;
		g->red = true;
		if (left)
			rotate_right(g, root);
		else
			rotate_left(g, root);
	}
	root->node->red = false;
}

static bool is_black(const struct rb_node *n) { return !n || !n->red; }

/* n (maybe NULL) below parent is one black node short. */
static void erase_fixup(struct rb_node *n, struct rb_node *parent, struct rb_root *root)
{
	while (n != root->node && is_black(n)) {
		bool left = n == parent->left;
		struct rb_node *s = left ? parent->right : parent->left;
		if (s->red) {
			s->red = false;
			parent->red = true;
			if (left)
				rotate_left(parent, root);
			else
				rotate_right(parent, root);
			s = left ? parent->right : parent->left;
		}
		if (is_black(s->left) && is_black(s->right)) {
			s->red = true;
			n = parent;
			parent = n->parent;
			continue;
		}
		struct rb_node *far = left ? s->right : s->left;
		if (is_black(far)) {
			(left ? s->left : s->right)->red = false;
			s->red = true;
			if (left)
				rotate_right(s, root);
			else
				rotate_left(s, root);
			s = left ? parent->right : parent->left;
			far = left ? s->right : s->left;
		}
		s->red = parent->red;
		parent->red = false;
		far->red = false;
		if (left)
			rotate_left(parent, root);
		else
			rotate_right(parent, root);
		n = root->node;
		break;
	}
	if (n)
		n->red = false;
}

void rb_erase(struct rb_node *n, struct rb_root *root)
{
	struct rb_node *child, *parent;
	bool black;
	if (n->left && n->right) {
		struct rb_node *s = n->right;
		while (s->left)
			s = s->left;
		child = s->right;
		parent = s->parent;
		black = !s->red;
		if (parent == n) {
			parent = s;
		} else {
			parent->left = child;
			if (child)
				child->parent = parent;
			s->right = n->right;
			s->right->parent = s;
		}
		s->left = n->left;
		s->left->parent = s;
		s->red = n->red;
		s->parent = n->parent;
		set_child(root, n->parent, n, s);
	} else {
		child = n->left ? n->left : n->right;
		parent = n->parent;
		black = !n->red;
		if (child)
			child->parent = parent;
		set_child(root, parent, n, child);
	}
	if (black && root->node)
		erase_fixup(child, parent, root);
}

void rb_replace_node(struct rb_node *old, struct rb_node *new, struct rb_root *root)
{
	*new = *old;
	set_child(root, old->parent, old, new);
	if (new->left)
		new->left->parent = new;
	if (new->right)
		new->right->parent = new;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->node;
	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->node;
	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	if (n->right) {
		n = n->right;
		while (n->left)
			n = n->left;
		return (struct rb_node *)n;
	}
	while (n->parent && n == n->parent->right)
		n = n->parent;
	return n->parent;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	if (n->left) {
		n = n->left;
		while (n->right)
			n = n->right;
		return (struct rb_node *)n;
	}
	while (n->parent && n == n->parent->left)
		n = n->parent;
	return n->parent;
}
