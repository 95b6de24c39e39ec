/* SPDX-License-Identifier: MIT */
/*
 * The debug key 'q': every domain and every vCPU, with what one needs to see why a guest does not go on: where it is, what
 * waits for it, its timer against the clock, its exits. A vCPU that runs elsewhere is asked through its CPU, which answers
 * in softirq context (so its VMCS is never touched from here); one that does not answer within ANSWER_MS is told so.
 * snapshot[cpu] is written by that CPU; `asked` goes back to false when it is complete. No locks.
 */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/init.h>
#include <hv/log.h>
#include <hv/smp.h>
#include <hv/time.h>
#include <xen/xen.h>

#define ANSWER_MS 50

static struct snapshot {
	const struct vcpu *v;
	uint64_t rip, rflags;
	unsigned cpl;
	bool asked;
} snapshots[NR_CPUS];

static void take(struct snapshot *s, struct vcpu *v)
{
	s->v = v;
	s->rip = vcpu_get_rip(v);
	s->rflags = vcpu_get_rflags(v);
	s->cpl = vcpu_get_cpl(v);
}

static void snapshot_softirq(void)
{
	struct snapshot *s = &snapshots[smp_processor_id()];

	if (!READ_ONCE(s->asked))
		return;
	s->v = NULL;
	if (this_cpu()->loaded)
		take(s, this_cpu()->loaded);
	__atomic_store_n(&s->asked, false, __ATOMIC_RELEASE);
}

/* v's registers, from whoever may look at them. */
static bool look(struct vcpu *v, struct snapshot *out)
{
	unsigned cpu = READ_ONCE(v->sched.cpu);
	struct snapshot *s = &snapshots[cpu];

	out->v = NULL;
	if (v == current) {
		take(out, v);
	} else if (!READ_ONCE(v->sched.on_cpu)) {
		/* It stays off its CPU meanwhile: the vendor code borrows its state with interrupts off. */
		unsigned long flags = local_irq_save();

		if (!READ_ONCE(v->sched.on_cpu))
			take(out, v);
		local_irq_restore(flags);
	} else if (cpu != smp_processor_id()) {
		WRITE_ONCE(s->asked, true);
		softirq_raise_on(cpu, SOFTIRQ_SNAPSHOT);
		for (unsigned i = 0; i < ANSWER_MS * 10 && __atomic_load_n(&s->asked, __ATOMIC_ACQUIRE); i++)
			udelay(100);
		if (!__atomic_load_n(&s->asked, __ATOMIC_ACQUIRE))
			*out = *s;
	}
	return out->v == v;
}

static void show_events(const struct vcpu *v)
{
	const struct vcpu_info *vi = READ_ONCE(v->vcpu_info);
	const struct fifo_vcpu *f = v->events->fifo;

	printk(LOG_ERR "    upcall %d mask %d selector %lx, polls %d", vi ? vi->evtchn_upcall_pending : -1,
	       vi ? vi->evtchn_upcall_mask : -1, vi ? (unsigned long)vi->evtchn_pending_sel : 0, v->events->poll_port);
	if (f && f->block) {
		printk(LOG_ERR ", FIFO ready %x heads", f->block->ready);
		for (unsigned i = 0; i <= EVTCHN_FIFO_PRIORITY_MIN; i++)
			printk(LOG_ERR " %u", f->block->head[i]);
	}
	printk(LOG_ERR "%s\n", vlapic_has_pending((struct vcpu *)v) ? ", local APIC has one" : "");
}

static void show_timer(const char *name, const struct timer *t)
{
	if (timer_active(t))
		printk(LOG_ERR " %s CPU%u in %ld us", name, t->cpu, (long)(t->expires - now_ns()) / 1000);
}

static void show_exits(const struct vcpu *v)
{
	struct exit_stat st;

	printk(LOG_ERR "    exits:");
	for (unsigned r = 0; r < stats_nr_reasons(); r++) {
		stats_read(v, r, &st);
		if (st.count)
			printk(LOG_ERR " %s %lu", stats_reason_name(r), st.count);
	}
	printk(LOG_ERR "\n");
}

static void show_vcpu(struct vcpu *v)
{
	static const char *const states[] = { "running", "runnable", "blocked", "offline" };
	struct snapshot s = { 0 };
	struct runstate rs;

	vcpu_runstate_get(v, &rs);
	printk(LOG_ERR "  v%u: CPU%u flags %x%s%s, %s for %ld ms; work %x switches %lu migrations %lu\n", v->id, v->sched.cpu,
	       v->sched.pause_flags, v->sched.on_cpu ? " on" : "", v->sched.queued ? " queued" : "", states[rs.state & 3],
	       (long)((now_ns() - rs.entry) / 1000000), v->arch.work, v->sched.switches, v->sched.migrations);
	printk(LOG_ERR "    run %lu wait %lu blocked %lu offline %lu ms;", rs.time[0] / 1000000, rs.time[1] / 1000000,
	       rs.time[2] / 1000000, rs.time[3] / 1000000);
	if (!v->is_initialised)
		printk(LOG_ERR " never started");
	else if (look(v, &s))
		printk(LOG_ERR " rip %016lx rflags %08lx cpl %u", s.rip, s.rflags, s.cpl);
	else
		printk(LOG_ERR " (it moves)");
	show_timer("single-shot", &v->singleshot_timer);
	show_timer("periodic", &v->periodic_timer);
	show_timer("poll", &v->poll_timer);
	printk(LOG_ERR "\n");
	show_events(v);
	show_exits(v);
}

static void key_domains(char c)
{
	(void)c;
	printk(LOG_ERR "now %ld us\n", (long)now_ns() / 1000);
	for (domid_t id = 0; id < DOMID_FIRST_RESERVED_ID; id++) {
		struct domain *d = domain_get(id);
		struct vcpu *v;

		if (!d)
			continue;
		printk(LOG_ERR "d%u: pages %u of %u, refs %d, pauses %d, dying %d, shut down %d (%u), weight %u cap %u\n", id,
		       d->tot_pages, d->max_pages, atomic_read(&d->refcnt), d->pause_count, d->dying, d->is_shut_down,
		       d->shutdown_code, d->weight, d->cap);
		for_each_vcpu(d, v)
			show_vcpu(v);
		domain_put(d);
	}
}

static int vcpus_init(void)
{
	softirq_open(SOFTIRQ_SNAPSHOT, snapshot_softirq);
	debug_key_register('q', "dump domains and vCPUs", key_domains);
	return 0;
}
initcall(vcpus_init);
