/* SPDX-License-Identifier: MIT */
/*
 * The FIFO event ABI: a word per port in pages that the guest gives, a queue per vCPU and priority,
 * linked through the words. The guest takes from a queue's head, we add at its tail.
 *
 * Locks: queue->lock protects tail and adding to that queue. A port's lastq (the queue it was last
 * linked to) changes only under the lock of the queue that lastq names. The words are the guest's
 * too: whatever it writes there can lose its own events, never index outside our tables.
 */
#include <hv/evtchn.h>
#include <hv/domain.h>

static inline bool word_test_set(uint32_t *w, unsigned bit)
{
	return __atomic_fetch_or(w, 1u << bit, __ATOMIC_SEQ_CST) >> bit & 1;
}

static inline bool word_test_clear(uint32_t *w, unsigned bit)
{
	return __atomic_fetch_and(w, ~(1u << bit), __ATOMIC_SEQ_CST) >> bit & 1;
}

static inline bool word_test(const uint32_t *w, unsigned bit)
{
	return __atomic_load_n(w, __ATOMIC_SEQ_CST) >> bit & 1;
}

#define LASTQ(vcpu, priority) ((uint32_t)(vcpu) << 8 | (priority))

static event_word_t *word_of(struct domain *d, uint32_t port)
{
	struct fifo_domain *f = d->evtchn->fifo;
	unsigned p = port / FIFO_WORDS_PER_PAGE;

	if (p >= __atomic_load_n(&f->nr_pages, __ATOMIC_ACQUIRE))
		return NULL;
	return (event_word_t *)f->page[p].va + port % FIFO_WORDS_PER_PAGE;
}

/* Make tail point at port. False: the guest has consumed tail already, the queue is empty. */
static bool link_to(event_word_t *tail, uint32_t port)
{
	/* BUSY tells the guest to stop changing the word; a guest that goes on loses the event. */
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 4; i++) {
			event_word_t w = __atomic_load_n(tail, __ATOMIC_SEQ_CST);
			event_word_t n = (w & ~((1u << EVTCHN_FIFO_BUSY) | EVTCHN_FIFO_LINK_MASK)) | port;

			if (!(w & 1u << EVTCHN_FIFO_LINKED)) {
				if (round)
					word_test_clear(tail, EVTCHN_FIFO_BUSY);
				return false;
			}
			if (__atomic_compare_exchange_n(tail, &w, n, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
				return true;
		}
		if (!round)
			word_test_set(tail, EVTCHN_FIFO_BUSY);
	}
	word_test_clear(tail, EVTCHN_FIFO_BUSY);
	return true;
}

static struct fifo_queue *queue_of(struct domain *d, uint32_t lastq)
{
	struct vcpu *v = domain_vcpu(d, lastq >> 8);

	return v && v->events->fifo ? &v->events->fifo->queue[lastq & 15] : NULL;
}

/* The queue the port was last on, locked. */
static struct fifo_queue *lock_last_queue(struct domain *d, struct evtchn *e, unsigned long *flags)
{
	for (;;) {
		uint32_t lastq = __atomic_load_n(&e->lastq, __ATOMIC_SEQ_CST);
		struct fifo_queue *q = queue_of(d, lastq);

		if (!q)
			return NULL;
		spin_lock_irqsave(&q->lock, *flags);
		if (__atomic_load_n(&e->lastq, __ATOMIC_SEQ_CST) == lastq)
			return q;
		spin_unlock_irqrestore(&q->lock, *flags);
	}
}

/* Add to the tail of q, whose lock is held; e is not linked anywhere. */
static void enqueue(struct vcpu *v, struct fifo_queue *q, unsigned priority, uint32_t port)
{
	struct evtchn_fifo_control_block *cb = v->events->fifo->block;
	event_word_t *tail = q->tail ? word_of(v->domain, q->tail) : NULL;
	bool linked = tail && link_to(tail, port);

	if (!linked)
		__atomic_store_n(&cb->head[priority], port, __ATOMIC_SEQ_CST);
	q->tail = port;
	if (!linked && !word_test_set(&cb->ready, priority))
		vcpu_mark_events_pending(v);
}

void evtchn_fifo_set_pending(struct vcpu *v, struct evtchn *e)
{
	struct domain *d = v->domain;
	event_word_t *word = word_of(d, e->port);
	struct fifo_queue *q, *last;
	unsigned priority = e->priority;
	unsigned long flags;

	/* No word yet: kept until expand_array brings its page. */
	if (!word) {
		e->pending = 1;
		return;
	}
	bool was_pending = word_test_set(word, EVTCHN_FIFO_PENDING);

	if (!word_test(word, EVTCHN_FIFO_MASKED) && !word_test(word, EVTCHN_FIFO_LINKED)) {
		if (!v->events->fifo || !v->events->fifo->block) {
			e->pending = 1;         /* replayed when this vCPU calls init_control */
			goto pollers;
		}
		q = &v->events->fifo->queue[priority];
		last = lock_last_queue(d, e, &flags);
		if (!last) {
			last = q;
			spin_lock_irqsave(&last->lock, flags);
		}
		if (word_test_set(word, EVTCHN_FIFO_LINKED)) {
			spin_unlock_irqrestore(&last->lock, flags);
			goto pollers;
		}
		if (last != q) {
			/* It moves: the old queue must not go on adding behind it. */
			if (last->tail == e->port)
				last->tail = 0;
			__atomic_store_n(&e->lastq, LASTQ(v->id, priority), __ATOMIC_SEQ_CST);
			spin_unlock_irqrestore(&last->lock, flags);
			spin_lock_irqsave(&q->lock, flags);
		} else {
			__atomic_store_n(&e->lastq, LASTQ(v->id, priority), __ATOMIC_SEQ_CST);
		}
		/* The word's own tail entry: consumed by the guest, so nothing links to it. */
		if (q->tail == e->port)
			q->tail = 0;
		enqueue(v, q, priority, e->port);
		spin_unlock_irqrestore(&q->lock, flags);
	}
pollers:
	if (!was_pending)
		evtchn_wake_pollers(d, e->port);
}

void evtchn_fifo_clear_pending(struct domain *d, struct evtchn *e)
{
	event_word_t *word = word_of(d, e->port);

	e->pending = 0;
	if (word)
		word_test_clear(word, EVTCHN_FIFO_PENDING);
}

void evtchn_fifo_unmask(struct domain *d, struct evtchn *e)
{
	event_word_t *word = word_of(d, e->port);

	if (!word)
		return;
	word_test_clear(word, EVTCHN_FIFO_MASKED);
	if (word_test(word, EVTCHN_FIFO_PENDING))
		evtchn_fifo_set_pending(domain_vcpu(d, e->vcpu), e);
}

bool evtchn_fifo_is_pending(struct domain *d, const struct evtchn *e)
{
	event_word_t *word = word_of(d, e->port);

	return word ? word_test(word, EVTCHN_FIFO_PENDING) : e->pending;
}

bool evtchn_fifo_is_masked(struct domain *d, uint32_t port)
{
	event_word_t *word = word_of(d, port);

	return !word || word_test(word, EVTCHN_FIFO_MASKED);
}

bool evtchn_fifo_is_busy(struct domain *d, uint32_t port)
{
	event_word_t *word = word_of(d, port);

	return word && word_test(word, EVTCHN_FIFO_LINKED);
}
