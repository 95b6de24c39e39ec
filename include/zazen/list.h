/* SPDX-License-Identifier: MIT */
/* Intrusive circular doubly linked list. The caller's lock protects it; nothing here is atomic. */
#ifndef ZAZEN_LIST_H
#define ZAZEN_LIST_H

#include <zazen/types.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	h->next = h;
	h->prev = h;
}

static inline void list_insert_between(struct list_head *n, struct list_head *before, struct list_head *after)
{
	n->prev = before;
	n->next = after;
	before->next = n;
	after->prev = n;
}

static inline void list_add(struct list_head *n, struct list_head *h)
{
	list_insert_between(n, h, h->next);
}

static inline void list_add_tail(struct list_head *n, struct list_head *h)
{
	list_insert_between(n, h->prev, h);
}

/* A removed entry points at itself: list_empty(entry) then says "on no list", and a second removal is harmless. */
static inline void list_del_init(struct list_head *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	INIT_LIST_HEAD(n);
}

static inline void list_del(struct list_head *n)
{
	list_del_init(n);
}

static inline bool list_empty(const struct list_head *h)
{
	return h->next == h;
}

static inline bool list_is_singular(const struct list_head *h)
{
	return h->next != h && h->next == h->prev;
}

static inline bool list_is_last(const struct list_head *n, const struct list_head *h)
{
	return n->next == h;
}

static inline void list_move(struct list_head *n, struct list_head *h)
{
	list_del_init(n);
	list_add(n, h);
}

static inline void list_move_tail(struct list_head *n, struct list_head *h)
{
	list_del_init(n);
	list_add_tail(n, h);
}

/* Moves all of src to the front of dst; src is empty afterwards. */
static inline void list_splice_init(struct list_head *src, struct list_head *dst)
{
	if (list_empty(src))
		return;
	src->next->prev = dst;
	src->prev->next = dst->next;
	dst->next->prev = src->prev;
	dst->next = src->next;
	INIT_LIST_HEAD(src);
}

static inline void list_splice_tail_init(struct list_head *src, struct list_head *dst)
{
	if (list_empty(src))
		return;
	src->next->prev = dst->prev;
	src->prev->next = dst;
	dst->prev->next = src->next;
	dst->prev = src->prev;
	INIT_LIST_HEAD(src);
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)
#define list_last_entry(h, type, member) list_entry((h)->prev, type, member)
#define list_next_entry(e, member) list_entry((e)->member.next, __typeof__(*(e)), member)
#define list_prev_entry(e, member) list_entry((e)->member.prev, __typeof__(*(e)), member)
#define list_first_entry_or_null(h, type, member) \
	(list_empty(h) ? NULL : list_first_entry(h, type, member))

#define list_for_each(pos, h) for (pos = (h)->next; pos != (h); pos = pos->next)
#define list_for_each_safe(pos, n, h) \
	for (pos = (h)->next, n = pos->next; pos != (h); pos = n, n = pos->next)
#define list_for_each_entry(e, h, member) \
	for (e = list_first_entry(h, __typeof__(*e), member); &e->member != (h); e = list_next_entry(e, member))
#define list_for_each_entry_reverse(e, h, member) \
	for (e = list_last_entry(h, __typeof__(*e), member); &e->member != (h); e = list_prev_entry(e, member))
#define list_for_each_entry_safe(e, n, h, member) \
	for (e = list_first_entry(h, __typeof__(*e), member), n = list_next_entry(e, member); \
	     &e->member != (h); e = n, n = list_next_entry(n, member))

#endif
