/* SPDX-License-Identifier: MIT */
/* Interrupt descriptors: chips below, handlers above. Entry points: request_irq, handle_irq.
 * Lock: desc->lock (RANK_IRQ, irq-safe); handlers run without it, one CPU at a time per interrupt. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/irq.h>
#include <kernel/sched_internal.h>
#include <kernel/spinlock.h>

struct irq_action {
	irq_handler_t fn;
	void *dev;
	const char *name;
	unsigned flags;
	struct irq_action *next;
};

struct irq_desc {
	spinlock_t lock;
	const struct irq_chip *chip;
	void *chip_data;
	struct irq_action *actions;
	unsigned depth; /* disable count */
	bool running, pending, used;
	u32 count[NR_CPUS], unhandled;
};
static struct irq_desc *descs[NR_IRQS];
static DEFINE_SPINLOCK(descs_lock);
static const struct irq_chip *gsi_chip;
const struct msi_ops *msi_ops;

static struct irq_desc *get_desc(int irq)
{
	if (irq < 0 || irq >= NR_IRQS)
		return NULL;
	return READ_ONCE(descs[irq]);
}

static struct irq_desc *make_desc(int irq)
{
	unsigned long f;
	if (irq < 0 || irq >= NR_IRQS)
		return NULL;
	if (descs[irq])
		return descs[irq];
	struct irq_desc *d = kzalloc(sizeof(*d), GFP_ATOMIC);
	if (!d)
		return NULL;
	spin_lock_init_rank(&d->lock, RANK_IRQ);
	d->depth = 1;
	spin_lock_irqsave(&descs_lock, f);
	if (!descs[irq]) {
		descs[irq] = d;
		d = NULL;
	}
	spin_unlock_irqrestore(&descs_lock, f);
	kfree(d);
	return descs[irq];
}

void irq_enter(void)
{
	this_cpu_add(preempt_counter, HARDIRQ_OFFSET);
}

void irq_exit(void)
{
	this_cpu_add(preempt_counter, -HARDIRQ_OFFSET);
}

void set_gsi_chip(const struct irq_chip *chip)
{
	gsi_chip = chip;
}

void irq_set_chip(int irq, const struct irq_chip *chip, void *data)
{
	struct irq_desc *d = make_desc(irq);
	if (!d)
		return;
	d->chip = chip;
	d->chip_data = data;
}

void *irq_chip_data(int irq)
{
	struct irq_desc *d = get_desc(irq);
	return d ? d->chip_data : NULL;
}

int irq_alloc(const struct irq_chip *chip, void *data)
{
	unsigned long f;
	for (int i = NR_GSI; i < NR_IRQS; i++) {
		struct irq_desc *d = make_desc(i);
		if (!d)
			return -ENOMEM;
		spin_lock_irqsave(&descs_lock, f);
		bool mine = !d->used;
		if (mine)
			d->used = true;
		spin_unlock_irqrestore(&descs_lock, f);
		if (!mine)
			continue;
		d->chip = chip;
		d->chip_data = data;
		return i;
	}
	return -ENOSPC;
}

void irq_free(int irq)
{
	struct irq_desc *d = get_desc(irq);
	if (!d)
		return;
	WARN_ON(d->actions);
	d->chip = NULL;
	d->chip_data = NULL;
	d->depth = 1;
	d->used = false;
}

static void chip_call(void (*fn)(int), int irq)
{
	if (fn)
		fn(irq);
}

int request_irq(int irq, irq_handler_t fn, unsigned flags, const char *name, void *dev)
{
	unsigned long f;
	int e = 0;
	struct irq_desc *d = make_desc(irq);
	struct irq_action *a = kzalloc(sizeof(*a), GFP_KERNEL), **p;
	if (!d || !a) {
		kfree(a);
		return d ? -ENOMEM : -EINVAL;
	}
	*a = (struct irq_action){ fn, dev, name, flags, NULL };
	spin_lock_irqsave(&d->lock, f);
	if (!d->chip && irq < NR_GSI)
		d->chip = gsi_chip;
	if (!d->chip)
		e = -ENODEV;
	else if (d->actions && !(d->actions->flags & flags & IRQF_SHARED))
		e = -EBUSY;
	if (e) {
		spin_unlock_irqrestore(&d->lock, f);
		kfree(a);
		return e;
	}
	bool first = !d->actions;
	for (p = &d->actions; *p; p = &(*p)->next)
		;
	*p = a;
	if (first) {
		unsigned type = flags & (IRQF_TRIGGER_HIGH | IRQF_TRIGGER_LOW | IRQF_TRIGGER_RISING);
		if (type && d->chip->set_type)
			e = d->chip->set_type(irq, type);
		if (!e && d->chip->startup)
			e = d->chip->startup(irq);
		if (e) {
			d->actions = NULL;
		} else if (!(flags & IRQF_NOAUTOEN)) {
			d->depth = 0;
			chip_call(d->chip->unmask, irq);
		}
	}
	spin_unlock_irqrestore(&d->lock, f);
	if (e)
		kfree(a);
	return e;
}

void synchronize_irq(int irq)
{
	struct irq_desc *d = get_desc(irq);
	while (d && READ_ONCE(d->running))
		cpu_relax();
}

void free_irq(int irq, void *dev)
{
	unsigned long f;
	struct irq_desc *d = get_desc(irq);
	struct irq_action *a = NULL, **p;
	if (!d)
		return;
	spin_lock_irqsave(&d->lock, f);
	for (p = &d->actions; *p; p = &(*p)->next)
		if ((*p)->dev == dev) {
			a = *p;
			*p = a->next;
			break;
		}
	if (a && !d->actions && d->chip) {
		d->depth = 1;
		chip_call(d->chip->mask, irq);
		chip_call(d->chip->shutdown, irq);
	}
	spin_unlock_irqrestore(&d->lock, f);
	synchronize_irq(irq);
	kfree(a);
}

void disable_irq_nosync(int irq)
{
	unsigned long f;
	struct irq_desc *d = get_desc(irq);
	if (!d)
		return;
	spin_lock_irqsave(&d->lock, f);
	if (d->depth++ == 0 && d->chip)
		chip_call(d->chip->mask, irq);
	spin_unlock_irqrestore(&d->lock, f);
}

void disable_irq(int irq)
{
	disable_irq_nosync(irq);
	synchronize_irq(irq);
}

void enable_irq(int irq)
{
	unsigned long f;
	struct irq_desc *d = get_desc(irq);
	if (!d)
		return;
	spin_lock_irqsave(&d->lock, f);
	if (!WARN_ON(!d->depth) && --d->depth == 0 && d->chip)
		chip_call(d->chip->unmask, irq);
	spin_unlock_irqrestore(&d->lock, f);
}

int irq_set_affinity(int irq, cpumask_t mask)
{
	struct irq_desc *d = get_desc(irq);
	if (!d || !d->chip || !d->chip->set_affinity)
		return -EINVAL;
	return d->chip->set_affinity(irq, mask);
}

static void run_actions(struct irq_desc *d, int irq)
{
	bool any = false;
	for (struct irq_action *a = READ_ONCE(d->actions); a; a = READ_ONCE(a->next))
		any |= a->fn(irq, a->dev) != IRQ_NONE;
	if (!any && ++d->unhandled == 100000)
		pr_warn("irq %d: 100000 interrupts that no handler knows\n", irq);
}

void handle_irq(int irq)
{
	struct irq_desc *d = get_desc(irq);
	if (!d || !d->chip) {
		pr_err("interrupt %d without a descriptor\n", irq);
		return;
	}
	spin_lock(&d->lock);
	d->count[smp_processor_id()]++;
	chip_call(d->chip->ack, irq);
	if (d->running) {
		/* Another CPU is at it (edge came again): it will go round once more. */
		d->pending = true;
		spin_unlock_no_resched(&d->lock);
		return;
	}
	d->running = true;
	do {
		d->pending = false;
		spin_unlock_no_resched(&d->lock);
		if (!d->depth || d->actions)
			run_actions(d, irq);
		spin_lock(&d->lock);
	} while (d->pending);
	d->running = false;
	chip_call(d->chip->eoi, irq);
	spin_unlock_no_resched(&d->lock);
}

u64 irq_count(int irq, int cpu)
{
	struct irq_desc *d = get_desc(irq);
	return d ? d->count[cpu] : 0;
}

const char *irq_name(int irq)
{
	struct irq_desc *d = get_desc(irq);
	return d && d->actions ? d->actions->name : NULL;
}

int isa_irq_to_gsi(int isa)
{
	return isa >= 0 && isa < 16 && isa_overrides[isa].gsi >= 0 ? isa_overrides[isa].gsi : isa;
}
