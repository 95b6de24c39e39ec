/* SPDX-License-Identifier: MIT */
/*
 * Sockets that only messages still hold, in a circle: nobody can ever receive them. unix_gc finds and frees them; it is called
 * when a socket is closed. Entry points: gc_inflight, gc_landed, unix_gc.
 * Lock: gc_lock (spin) over the list of sockets in flight and their counts; a socket's own lock is taken inside it. A socket
 * in the list lives: a message has a reference to its file, and leaves the list before it gives that back.
 * Not walked: sockets that wait in a listener's backlog. What they hold in a circle stays.
 */
#include "unix.h"

static DEFINE_SPINLOCK(gc_lock);
static LIST_HEAD(inflight); /* by gc_node */

static struct usock *socket_of(struct file *f) { return f->op == &unix_fops ? f->private : NULL; }

/* A reference to f is now in a message. */
void gc_inflight(struct file *f)
{
	struct usock *s = socket_of(f);

	if (!s)
		return;
	spin_lock(&gc_lock);
	s->gc_file = f;
	if (!s->inflight++)
		list_add_tail(&s->gc_node, &inflight);
	spin_unlock(&gc_lock);
}

/* It is not any more; the reference still is. */
void gc_landed(struct file *f)
{
	struct usock *s = socket_of(f);

	if (!s)
		return;
	spin_lock(&gc_lock);
	if (!--s->inflight)
		list_del_init(&s->gc_node);
	spin_unlock(&gc_lock);
}

/* gc_lock held: adds n to gc_refs of each candidate that a message in the queue of s holds; those that come back from
 * garbage to life are put on `live`. */
static void count_children(struct usock *s, int n, struct list_head *live)
{
	struct umsg *m;

	spin_lock(&s->lock);
	list_for_each_entry(m, &s->queue, node)
		for (unsigned i = 0; i < m->nfiles; i++) {
			struct usock *x = socket_of(m->files[i]);

			if (!x || !x->gc_candidate)
				continue;
			x->gc_refs += n;
			if (live && x->gc_refs == n)
				list_move_tail(&x->gc_node, live);
		}
	spin_unlock(&s->lock);
}

/* gc_lock held: the messages with descriptors leave the queue. */
static void take_messages(struct usock *s, struct list_head *out)
{
	struct umsg *m, *n;

	spin_lock(&s->lock);
	list_for_each_entry_safe(m, n, &s->queue, node)
		if (m->nfiles) {
			list_move_tail(&m->node, out);
			s->qlen--;
			if (s->oob == m)
				s->oob = NULL;
		}
	spin_unlock(&s->lock);
}

/* gc_lock held. What is held by nothing but the queues of candidates, and by those only in circles, is garbage. */
static void find_garbage(struct list_head *out)
{
	LIST_HEAD(candidates);
	LIST_HEAD(live);
	struct usock *s, *n;

	list_for_each_entry_safe(s, n, &inflight, gc_node) {
		s->gc_candidate = atomic64_read(&s->gc_file->count) == s->inflight;
		s->gc_refs = s->inflight;
		if (s->gc_candidate)
			list_move_tail(&s->gc_node, &candidates);
	}
	list_for_each_entry(s, &candidates, gc_node)
		count_children(s, -1, NULL);
	list_for_each_entry_safe(s, n, &candidates, gc_node)
		if (s->gc_refs > 0)
			list_move_tail(&s->gc_node, &live);
	/* Whatever a live one holds lives; the list grows while it is walked. */
	list_for_each_entry(s, &live, gc_node) {
		s->gc_candidate = false;
		count_children(s, 1, &live);
	}
	list_for_each_entry(s, &candidates, gc_node)
		take_messages(s, out);
	list_splice_init(&candidates, &inflight);
	list_splice_init(&live, &inflight);
}

void unix_gc(void)
{
	LIST_HEAD(garbage);

	if (list_empty(&inflight))
		return;
	spin_lock(&gc_lock);
	find_garbage(&garbage);
	spin_unlock(&gc_lock);
	/* Freeing closes sockets, which comes here again: what was found is out of the queues already. */
	while (!list_empty(&garbage)) {
		struct umsg *m = list_first_entry(&garbage, struct umsg, node);

		list_del(&m->node);
		umsg_free(m);
	}
}
