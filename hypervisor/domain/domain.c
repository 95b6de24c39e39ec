/* SPDX-License-Identifier: MIT */
/*
 * Domains: creation, the list, and the end. Entry points: domain_create, domain_kill, domain_next.
 *
 * Locks: domlist_lock (RANK_DOMLIST) protects the list; d->lock (RANK_DOMAIN) the life-cycle fields.
 * References: one while the domain lives (dropped at the end of domain_kill), one while any page has it as
 * its owner, one per holder of a pointer. At zero the domain is freed by a tasklet.
 */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/init.h>
#include <hv/log.h>
#include <hv/mm.h>
#include <hv/p2m.h>
#include <hv/physdev.h>
#include <xen/domctl.h>
#include "domain.h"

struct domain *hardware_domain;

static struct list_head domain_list = LIST_HEAD_INIT(domain_list);
static DEFINE_SPINLOCK(domlist_lock, RANK_DOMLIST);

/* Domains whose last reference went, on their way to the tasklet. */
static struct list_head dead_list = LIST_HEAD_INIT(dead_list);
static DEFINE_SPINLOCK(dead_lock, RANK_LEAF);
static struct tasklet reaper;

static void list_add_sorted(struct domain *d)
{
	struct list_head *pos;

	spin_lock(&domlist_lock);
	for (pos = domain_list.next; pos != &domain_list; pos = pos->next)
		if (list_entry(pos, struct domain, list)->id > d->id)
			break;
	list_add_tail(&d->list, pos);
	spin_unlock(&domlist_lock);
}

struct domain *domain_next(domid_t from)
{
	struct list_head *pos;
	struct domain *found = NULL;

	spin_lock(&domlist_lock);
	for (pos = domain_list.next; pos != &domain_list; pos = pos->next) {
		struct domain *d = list_entry(pos, struct domain, list);

		if (d->id >= from && atomic_inc_not_zero(&d->refcnt)) {
			found = d;
			break;
		}
	}
	spin_unlock(&domlist_lock);
	return found;
}

/* Undoes what domain_create did, in any half-made state. Nobody else knows the domain any more. */
static void destroy(struct domain *d)
{
	sched_destroy_domain(d);
	for (unsigned i = 0; d->vcpu && i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_free(d->vcpu[i]);
	physdev_free_domain(d);
	grant_free_domain(d);
	event_free_domain(d);
	if (d->policy)
		policy_destroy_domain(d);
	if (d->p2m)
		p2m_destroy(d);
	arch_domain_destroy(d);
	if (d->shared_info_page)
		page_put(d->shared_info_page);
	if (d->builder)
		xfree(domain_extra(d)->e820);
	xfree(d->vcpu);
	xfree(d->builder);
	domtable_remove(d->id);
	xfree(d);
}

static void reap(void *unused ZZ_UNUSED)
{
	for (;;) {
		struct domain *d = NULL;
		unsigned long flags;

		spin_lock_irqsave(&dead_lock, flags);
		if (!list_empty(&dead_list)) {
			d = list_entry(dead_list.next, struct domain, list);
			list_del(&d->list);
		}
		spin_unlock_irqrestore(&dead_lock, flags);
		if (!d)
			return;
		destroy(d);
		/* The tools learn by it that the number is free again. */
		send_global_virq(VIRQ_DOM_EXC);
	}
}

/* The last reference is gone. Any context. */
static void domain_free(struct domain *d)
{
	unsigned long flags;

	spin_lock_irqsave(&dead_lock, flags);
	list_add_tail(&d->list, &dead_list);
	spin_unlock_irqrestore(&dead_lock, flags);
	tasklet_schedule_on(&reaper, smp_processor_id());
}

static int domain_init(void)
{
	tasklet_init(&reaper, reap, NULL);
	domain_free_hook = domain_free;
	return 0;
}
presmp_initcall(domain_init);

static int make_parts(struct domain *d, const struct domain_config *c)
{
	int rc;

	d->vcpu = xzalloc_array(struct vcpu *, d->max_vcpus);
	d->builder = xzalloc(struct domain_extra);
	if (!d->vcpu || !d->builder)
		return -ENOMEM;
	if ((rc = arch_domain_init(d)) || (rc = p2m_create(d)) || (rc = policy_init_domain(d)) ||
	    (rc = event_init_domain(d, c->max_evtchn_port)) ||
	    (rc = grant_init_domain(d, c->max_grant_frames, c->max_maptrack_frames)))
		return rc;
	if (d->is_privileged && (rc = physdev_init_domain(d)))
		return rc;
	d->shared_info_page = alloc_shared_page(d);
	if (!d->shared_info_page)
		return -ENOMEM;
	d->shared_info = page_to_virt(d->shared_info_page);
	return 0;
}

struct domain *domain_create_config(domid_t id, const struct domain_config *c)
{
	struct domain *d = xzalloc(struct domain);
	int rc;

	if (!d)
		return ERR_PTR(-ENOMEM);
	d->id = id;
	d->is_privileged = c->privileged;
	d->create_flags = c->flags;
	d->max_vcpus = c->max_vcpus;
	d->max_pages = ~0u;
	d->weight = SCHED_DEFAULT_WEIGHT;
	sched_init_domain(d);
	d->tsc_khz = tsc_khz;
	atomic_set(&d->refcnt, 1);
	spin_lock_init(&d->lock, RANK_DOMAIN, "domain");
	spin_lock_init(&d->page_lock, RANK_PAGES, "pages");
	d->page_list = PAGE_LIST_END;
	/* Born paused, by its maker. */
	d->pause_count = 1;
	d->controller_pause_count = 1;
	rc = domtable_insert(id, d);
	if (rc) {
		xfree(d);
		return ERR_PTR(rc);
	}
	rc = make_parts(d, c);
	if (rc) {
		destroy(d);
		return ERR_PTR(rc);
	}
	time_init_domain(d);
	list_add_sorted(d);
	return d;
}

struct domain *domain_create(domid_t id, unsigned max_vcpus, uint32_t flags, bool privileged)
{
	struct domain_config c = {
		.max_vcpus = max_vcpus, .flags = flags, .privileged = privileged,
		.max_evtchn_port = DEFAULT_MAX_EVTCHN_PORT, .max_grant_frames = DEFAULT_GRANT_FRAMES,
		.max_maptrack_frames = DEFAULT_MAPTRACK_FRAMES,
	};

	return domain_create_config(id, &c);
}

/* Gives the domain's memory back a budget at a time. Pages that others map stay until they let go. */
static int relinquish_memory(struct domain *d)
{
	unsigned budget = HC_BUDGET * 4;
	struct page *pg;

	while ((pg = domain_page_pop(d))) {
		page_release(pg);
		if (!--budget) {
			budget = HC_BUDGET * 4;
			if (hypercall_preempt())
				return -ERESTART;
		}
	}
	return 0;
}

/* The hypervisor's pages that the domain saw: its reference to itself through them ends here. */
static void release_shared(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu(d, v) {
		vcpu_release_areas(v);
		WRITE_ONCE(v->vcpu_info, NULL);
	}
	grant_release_frames(d);
	if (d->shared_info_page)
		page_put(d->shared_info_page);
	d->shared_info_page = NULL;
	d->shared_info = NULL;
}

int domain_kill(struct domain *d)
{
	struct vcpu *v;
	unsigned budget = HC_BUDGET * 8;
	int rc;

	if (d == current->domain || d == hardware_domain)
		return -EINVAL;
	spin_lock(&d->lock);
	if (d->dying == DOMDYING_DEAD) {
		spin_unlock(&d->lock);
		return -EINVAL;
	}
	if (d->dying == DOMDYING_ALIVE) {
		d->dying = DOMDYING_DYING;
		spin_unlock(&d->lock);
		domain_pause(d);        /* for good: never unpaused */
		domain_stop_watchdogs(d);
		for_each_vcpu(d, v)
			vcpu_stop_timers(v);
	} else {
		spin_unlock(&d->lock);
	}
	/* Each step can be repeated: what is done already is found done. */
	if ((rc = event_kill_domain(d)) || (rc = grant_kill_domain(d)))
		return rc;
	release_shared(d);
	if ((rc = p2m_relinquish(d, &budget)) || (rc = relinquish_memory(d)))
		return rc;
	spin_lock(&d->lock);
	d->dying = DOMDYING_DEAD;
	spin_unlock(&d->lock);
	spin_lock(&domlist_lock);
	list_del(&d->list);
	spin_unlock(&domlist_lock);
	send_global_virq(VIRQ_DOM_EXC);
	domain_put(d);
	return 0;
}

int target_domain(domid_t domid, struct domain **out)
{
	struct domain *me = current->domain;
	struct domain *d = domain_get(domid == DOMID_SELF ? me->id : domid);

	if (!d)
		return -ESRCH;
	if (d != me && !me->is_privileged) {
		domain_put(d);
		return -EPERM;
	}
	*out = d;
	return 0;
}
