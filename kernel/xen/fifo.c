/* SPDX-License-Identifier: MIT */
/*
 * The FIFO event ABI: one word per port (PENDING, MASKED, LINKED and the next port of its queue), and per vCPU a
 * control block with the heads of 16 priority queues. The hypervisor appends, we take from the head.
 * Lock: the array of pages grows under evtchn_lock; words are atomic; heads belong to their CPU with irqs off.
 */
#include <kernel/xen/xen.h>
#include <kernel/xen/events.h>
#include <kernel/xen/hypercall.h>
#include <kernel/atomic.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/printk.h>

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define NR_ARRAY_PAGES (EVTCHN_FIFO_NR_CHANNELS / WORDS_PER_PAGE)

static event_word_t *word_page[NR_ARRAY_PAGES];
static DEFINE_PER_CPU(struct evtchn_fifo_control_block *, control_block);
static DEFINE_PER_CPU(bool, block_known); /* to the hypervisor */
struct queue_heads {
	u32 head[EVTCHN_FIFO_MAX_QUEUES];
};
static DEFINE_PER_CPU(struct queue_heads, queues);

static volatile event_word_t *word_of(evtchn_port_t port)
{
	return &word_page[port / WORDS_PER_PAGE][port % WORDS_PER_PAGE];
}

static bool word_test_and_clear(volatile event_word_t *w, unsigned bit)
{
	event_word_t old = __atomic_fetch_and(w, ~(1U << bit), __ATOMIC_SEQ_CST);

	return old >> bit & 1;
}

static int fifo_setup(evtchn_port_t port)
{
	unsigned index = port / WORDS_PER_PAGE;

	if (port >= EVTCHN_FIFO_NR_CHANNELS)
		return -ENOSPC;
	/* pages are added in order: the hypervisor knows only their number */
	for (unsigned i = 0; i <= index; i++) {
		struct evtchn_expand_array op;
		event_word_t *page;
		long r;

		if (word_page[i])
			continue;
		page = (event_word_t *)__get_free_page(GFP_ATOMIC);
		if (!page)
			return -ENOMEM;
		for (unsigned w = 0; w < WORDS_PER_PAGE; w++)
			page[w] = 1U << EVTCHN_FIFO_MASKED;
		word_page[i] = page;
		op.array_gfn = virt_to_phys(page) >> PAGE_SHIFT;
		r = HYPERVISOR_event_channel_op(EVTCHNOP_expand_array, &op);
		if (r) {
			word_page[i] = NULL;
			free_page((unsigned long)page);
			return (int)r;
		}
	}
	return 0;
}

static int fifo_setup_cpu(int cpu)
{
	struct evtchn_init_control op = { .offset = 0, .vcpu = xen_vcpu_nr(cpu) };
	struct evtchn_fifo_control_block *block = per_cpu(control_block, cpu);
	long r;

	if (per_cpu(block_known, cpu))
		return 0;
	if (!block)
		block = (struct evtchn_fifo_control_block *)get_zeroed_page(GFP_KERNEL);
	if (!block)
		return -ENOMEM;
	per_cpu(control_block, cpu) = block;
	op.control_gfn = virt_to_phys(block) >> PAGE_SHIFT;
	r = HYPERVISOR_event_channel_op(EVTCHNOP_init_control, &op);
	per_cpu(block_known, cpu) = !r;
	return (int)r;
}

/* Empty queues; the pages of words are told again in their order once the first control block is known. */
static void fifo_resume(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu(block_known, cpu) = false;
		*per_cpu_ptr(&queues, cpu) = (struct queue_heads){ 0 };
		if (per_cpu(control_block, cpu))
			*per_cpu(control_block, cpu) = (struct evtchn_fifo_control_block){ 0 };
	}
	if (fifo_setup_cpu(0))
		panic("xen: no event queues after a restore");
	for (unsigned i = 0; i < NR_ARRAY_PAGES && word_page[i]; i++) {
		struct evtchn_expand_array op = { .array_gfn = virt_to_phys(word_page[i]) >> PAGE_SHIFT };

		for (unsigned w = 0; w < WORDS_PER_PAGE; w++)
			word_page[i][w] = 1U << EVTCHN_FIFO_MASKED;
		if (HYPERVISOR_event_channel_op(EVTCHNOP_expand_array, &op))
			panic("xen: no event words after a restore");
	}
}

/* The hypervisor queues on the vCPU that it knows the port is bound to: nothing to keep here. */
static void fifo_bind_to_cpu(evtchn_port_t port, int cpu, int old)
{
	(void)port, (void)cpu, (void)old;
}

static void fifo_clear_pending(evtchn_port_t port)
{
	word_test_and_clear(word_of(port), EVTCHN_FIFO_PENDING);
}

static void fifo_mask(evtchn_port_t port)
{
	__atomic_fetch_or(word_of(port), 1U << EVTCHN_FIFO_MASKED, __ATOMIC_SEQ_CST);
}

static void fifo_unmask(evtchn_port_t port)
{
	struct evtchn_unmask op = { .port = port };
	event_word_t old = __atomic_fetch_and(word_of(port), ~(1U << EVTCHN_FIFO_MASKED), __ATOMIC_SEQ_CST);

	if (old >> EVTCHN_FIFO_PENDING & 1)
		HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &op);
}

/* Takes the port off its queue: clears LINKED and LINK together, unless the hypervisor is busy appending to it. */
static u32 clear_linked(volatile event_word_t *w)
{
	event_word_t old = *w;

	while (!__atomic_compare_exchange_n(w, &old, old & ~((1U << EVTCHN_FIFO_LINKED) | EVTCHN_FIFO_LINK_MASK), false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	return old & EVTCHN_FIFO_LINK_MASK;
}

static void consume_one(struct evtchn_fifo_control_block *block, struct queue_heads *q, unsigned priority, u32 *ready)
{
	u32 head = q->head[priority];
	volatile event_word_t *w;
	event_word_t now;

	/* an empty queue: the hypervisor wrote the head before it set the ready bit */
	if (head == 0) {
		smp_rmb();
		head = READ_ONCE(block->head[priority]);
	}
	if (head == 0 || head >= EVTCHN_FIFO_NR_CHANNELS || !word_page[head / WORDS_PER_PAGE]) {
		*ready &= ~(1U << priority);
		return;
	}
	w = word_of(head);
	q->head[priority] = clear_linked(w);
	if (q->head[priority] == 0)
		*ready &= ~(1U << priority);
	now = *w;
	if ((now >> EVTCHN_FIFO_PENDING & 1) && !(now >> EVTCHN_FIFO_MASKED & 1))
		evtchn_deliver(head);
}

static void fifo_handle(int cpu)
{
	struct evtchn_fifo_control_block *block = per_cpu(control_block, cpu);
	struct queue_heads *q = per_cpu_ptr(&queues, cpu);
	u32 ready = __atomic_exchange_n(&block->ready, 0, __ATOMIC_SEQ_CST);

	while (ready) {
		consume_one(block, q, (unsigned)__builtin_ctz(ready), &ready);
		ready |= __atomic_exchange_n(&block->ready, 0, __ATOMIC_SEQ_CST);
	}
}

const struct evtchn_ops evtchn_fifo_ops = {
	.name = "FIFO",
	.max_ports = EVTCHN_FIFO_NR_CHANNELS,
	.setup = fifo_setup,
	.setup_cpu = fifo_setup_cpu,
	.resume = fifo_resume,
	.bind_to_cpu = fifo_bind_to_cpu,
	.clear_pending = fifo_clear_pending,
	.mask = fifo_mask,
	.unmask = fifo_unmask,
	.handle = fifo_handle,
};
