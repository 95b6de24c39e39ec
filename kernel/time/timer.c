/* SPDX-License-Identifier: MIT */
/* Timers: a tree per CPU by expiry, driven by the one-shot event device. The scheduler tick is one of them and runs
 * only while the CPU is busy. Lock: base->lock (RANK_TIMER, irq-safe); functions run without it, irqs off. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/sched_internal.h>
#include <kernel/time.h>

struct timer_base {
	spinlock_t lock;
	int cpu;
	struct rb_root root;
	struct rb_node *first;
	struct timer *running;
	ktime_t programmed;
	struct timer tick;
	bool tick_wanted;
};
static DEFINE_PER_CPU(struct timer_base, bases);
static LIST_HEAD(events);
static struct clockevent *event;
static DEFINE_SPINLOCK(event_lock);

void timer_setup(struct timer *t, void (*fn)(struct timer *))
{
	memset(t, 0, sizeof(*t));
	t->fn = fn;
}

static void insert(struct timer_base *b, struct timer *t)
{
	struct rb_node **l = &b->root.node, *p = NULL;
	bool first = true;
	while (*l) {
		p = *l;
		if (t->expires < rb_entry(p, struct timer, node)->expires) {
			l = &p->left;
		} else {
			l = &p->right;
			first = false;
		}
	}
	rb_link_node(&t->node, p, l);
	rb_insert_color(&t->node, &b->root);
	if (first)
		b->first = &t->node;
	t->queued = true;
}

static void removal(struct timer_base *b, struct timer *t)
{
	if (b->first == &t->node)
		b->first = rb_next(&t->node);
	rb_erase(&t->node, &b->root);
	t->queued = false;
}

/* (base, own CPU) */
static void reprogram(struct timer_base *b)
{
	if (!b->first || !event)
		return;
	ktime_t e = rb_entry(b->first, struct timer, node)->expires;
	if (e == b->programmed)
		return;
	b->programmed = e;
	event->set_next(e);
}

/* Locks the base the timer belongs to; NULL: none yet. */
static struct timer_base *lock_base(struct timer *t, unsigned long *f)
{
	for (;;) {
		struct timer_base *b = READ_ONCE(t->base);
		if (!b)
			return NULL;
		spin_lock_irqsave(&b->lock, *f);
		if (t->base == b)
			return b;
		spin_unlock_irqrestore(&b->lock, *f);
	}
}

static bool take_off(struct timer *t)
{
	unsigned long f;
	struct timer_base *b = lock_base(t, &f);
	if (!b)
		return false;
	bool was = t->queued;
	if (was)
		removal(b, t);
	spin_unlock_irqrestore(&b->lock, f);
	return was;
}

bool del_timer(struct timer *t)
{
	return take_off(t);
}

bool del_timer_sync(struct timer *t)
{
	bool was = take_off(t);
	struct timer_base *b = READ_ONCE(t->base);
	while (b && READ_ONCE(b->running) == t && b->cpu != smp_processor_id()) {
		cpu_relax();
		was |= take_off(t); /* it re-armed itself */
		b = READ_ONCE(t->base);
	}
	return was;
}

bool mod_timer(struct timer *t, ktime_t expires)
{
	unsigned long f;
	bool was = take_off(t);
	local_irq_save(f);
	struct timer_base *b = this_cpu_ptr(&bases), *old;
	spin_lock(&b->lock);
	/* Another CPU may have queued it meanwhile: theirs wins the place, ours the time. */
	old = t->base;
	if (old && old != b) {
		spin_unlock_no_resched(&b->lock);
		spin_lock(&old->lock);
		if (t->base == old && (t->queued || old->running == t)) {
			if (t->queued)
				removal(old, t);
			t->expires = expires;
			insert(old, t);
			bool kick = old->first == &t->node;
			spin_unlock_no_resched(&old->lock);
			if (kick)
				smp_ops->send_resched(old->cpu);
			local_irq_restore(f);
			return was;
		}
		t->base = b;
		spin_unlock_no_resched(&old->lock);
		spin_lock(&b->lock);
	}
	t->base = b;
	if (t->queued)
		removal(b, t);
	t->expires = expires;
	insert(b, t);
	reprogram(b);
	spin_unlock_no_resched(&b->lock);
	local_irq_restore(f);
	return was;
}

u64 timer_forward(struct timer *t, ktime_t now, ktime_t period)
{
	if (now < t->expires)
		return 0;
	u64 n = (u64)((now - t->expires) / period) + 1;
	t->expires += (ktime_t)n * period;
	return n;
}

void timer_interrupt(void)
{
	struct timer_base *b = this_cpu_ptr(&bases);
	spin_lock(&b->lock);
	b->programmed = 0;
	for (;;) {
		struct timer *t = b->first ? rb_entry(b->first, struct timer, node) : NULL;
		if (!t || t->expires > ktime_get())
			break;
		removal(b, t);
		b->running = t;
		void (*fn)(struct timer *) = t->fn;
		spin_unlock_no_resched(&b->lock);
		fn(t);
		spin_lock(&b->lock);
		b->running = NULL;
	}
	reprogram(b);
	spin_unlock_no_resched(&b->lock);
}

static void tick_fn(struct timer *t)
{
	struct timer_base *b = this_cpu_ptr(&bases);
	struct pt_regs *r = this_cpu_read(irq_regs);
	ktime_t now;
	sched_tick(r && user_mode(r));
	now = ktime_get();
	timer_forward(t, now, TICK_NSEC);
	/* Late ticks are not made up for, and after a late one there is time for something else. */
	if (t->expires - now < TICK_NSEC / 4)
		t->expires += TICK_NSEC;
	if (b->tick_wanted)
		mod_timer(t, t->expires);
}

/* From the scheduler, irqs off. */
void tick_start(void)
{
	struct timer_base *b = this_cpu_ptr(&bases);
	if (b->tick_wanted || !event)
		return;
	b->tick_wanted = true;
	mod_timer(&b->tick, ktime_get() + TICK_NSEC);
}

void tick_stop(void)
{
	struct timer_base *b = this_cpu_ptr(&bases);
	b->tick_wanted = false;
	del_timer(&b->tick);
}

void timer_init_cpus(void);
void timer_init_cpus(void)
{
	int c;
	for_each_possible_cpu(c) {
		struct timer_base *b = per_cpu_ptr(&bases, c);
		spin_lock_init_rank(&b->lock, RANK_TIMER);
		b->cpu = c;
		b->root = RB_ROOT;
		timer_setup(&b->tick, tick_fn);
	}
}

static void switch_event(void *arg)
{
	struct clockevent *old = arg;
	struct timer_base *b = this_cpu_ptr(&bases);
	if (old && old->shutdown_cpu)
		old->shutdown_cpu();
	if (event->setup_cpu)
		event->setup_cpu();
	spin_lock(&b->lock);
	b->programmed = 0;
	reprogram(b);
	spin_unlock_no_resched(&b->lock);
}

void register_clockevent(struct clockevent *c)
{
	unsigned long f;
	spin_lock_irqsave(&event_lock, f);
	list_add(&c->node, &events);
	struct clockevent *old = event;
	bool better = !event || c->rating > event->rating;
	if (better)
		event = c;
	spin_unlock_irqrestore(&event_lock, f);
	if (!better)
		return;
	if (num_online_cpus() > 1) {
		on_each_cpu(switch_event, old, true);
	} else {
		local_irq_save(f);
		switch_event(old);
		local_irq_restore(f);
	}
	pr_info("clock event device: %s\n", c->name);
}

/* On a CPU that goes, irqs off. */
void time_stop_cpu(void)
{
	struct timer_base *b = this_cpu_ptr(&bases);
	tick_stop();
	if (event && event->shutdown_cpu)
		event->shutdown_cpu();
	b->programmed = 0;
}

/* cpu has stopped: its timers go on here. */
void timers_evacuate(int cpu)
{
	struct timer_base *from = per_cpu_ptr(&bases, cpu), *b;
	unsigned long f;
	local_irq_save(f);
	b = this_cpu_ptr(&bases);
	spin_lock(&from->lock);
	spin_lock(&b->lock); /* the one place that holds two: one CPU goes at a time */
	while (from->first) {
		struct timer *t = rb_entry(from->first, struct timer, node);
		removal(from, t);
		t->base = b;
		insert(b, t);
	}
	reprogram(b);
	spin_unlock_no_resched(&b->lock);
	spin_unlock_no_resched(&from->lock);
	local_irq_restore(f);
}

/* On a CPU that comes up, irqs off. */
void time_init_ap(void)
{
	if (event && event->setup_cpu)
		event->setup_cpu();
}

/* A resched IPI also asks to look at the timers again (remote mod_timer). */
void timer_recheck(void);
void timer_recheck(void)
{
	struct timer_base *b = this_cpu_ptr(&bases);
	spin_lock(&b->lock);
	reprogram(b);
	spin_unlock_no_resched(&b->lock);
}
