/* SPDX-License-Identifier: MIT */
/*
 * Queues of pending signals: pure list and bit work, also built on the host by tests/unit/proc.
 * The caller holds sighand->siglock.
 */
#include <kernel/signal.h>

void sigpending_init(struct sigpending *p)
{
	p->set = 0;
	INIT_LIST_HEAD(&p->queue);
}

/* Faults of the task's own instruction first, then the lowest number (POSIX: real-time signals in this order). */
int sig_next(sigset_t pending, sigset_t blocked)
{
	sigset_t s = pending & ~blocked;

	if (!s)
		return 0;
	if (s & SIG_SYNC_MASK)
		s &= SIG_SYNC_MASK;
	return __builtin_ctzll(s) + 1;
}

void sigpending_take(struct sigpending *p, int sig, struct sigqueue **out)
{
	struct sigqueue *q, *first = NULL;
	bool more = false;

	list_for_each_entry(q, &p->queue, node) {
		if (q->info.si_signo != sig)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = q;
	}
	if (!more)
		p->set &= ~sigbit(sig);
	if (first)
		list_del_init(&first->node);
	*out = first;
}

bool sigpending_wants_entry(const struct sigpending *p, int sig)
{
	return sig >= SIGRTMIN_K || !sig_in(sig, p->set);
}

void sigpending_add(struct sigpending *p, int sig, struct sigqueue *q)
{
	p->set |= sigbit(sig);
	if (q)
		list_add_tail(&q->node, &p->queue);
}

void sigpending_remove(struct sigpending *p, sigset_t mask, struct list_head *freed)
{
	struct sigqueue *q, *n;

	if (!(p->set & mask))
		return;
	p->set &= ~mask;
	list_for_each_entry_safe(q, n, &p->queue, node)
		if (sig_in(q->info.si_signo, mask))
			list_move_tail(&q->node, freed);
}
