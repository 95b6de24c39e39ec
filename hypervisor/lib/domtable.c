/* SPDX-License-Identifier: MIT */
/*
 * Domain id to domain. Two levels of 256 x 128 so that few domains cost one page. Writers hold domtable_lock
 * (RANK_LEAF); a lookup with a reference takes it too, so that an entry cannot go away between find and count.
 */
#include <hv/domain.h>
#include <hv/mm.h>

#define L2 128
static struct domain **table[DOMID_FIRST_RESERVED_ID / L2 + 1];
static DEFINE_SPINLOCK(domtable_lock, RANK_LEAF);
void (*domain_free_hook)(struct domain *d);

int domtable_insert(domid_t id, struct domain *d)
{
	struct domain **fresh = NULL;
	unsigned long flags;
	int rc = 0;

	if (id >= DOMID_FIRST_RESERVED_ID)
		return -EINVAL;
	if (!READ_ONCE(table[id / L2])) {
		fresh = xzalloc_array(struct domain *, L2);
		if (!fresh)
			return -ENOMEM;
	}
	spin_lock_irqsave(&domtable_lock, flags);
	if (!table[id / L2]) {
		table[id / L2] = fresh;
		fresh = NULL;
	}
	if (table[id / L2][id % L2])
		rc = -EEXIST;
	else
		WRITE_ONCE(table[id / L2][id % L2], d);
	spin_unlock_irqrestore(&domtable_lock, flags);
	xfree(fresh);
	return rc;
}

void domtable_remove(domid_t id)
{
	unsigned long flags;

	spin_lock_irqsave(&domtable_lock, flags);
	if (id < DOMID_FIRST_RESERVED_ID && table[id / L2])
		WRITE_ONCE(table[id / L2][id % L2], NULL);
	spin_unlock_irqrestore(&domtable_lock, flags);
}

struct domain *domtable_peek(domid_t id)
{
	struct domain **l2;

	if (id >= DOMID_FIRST_RESERVED_ID)
		return NULL;
	l2 = READ_ONCE(table[id / L2]);
	return l2 ? READ_ONCE(l2[id % L2]) : NULL;
}

struct domain *domain_get(domid_t id)
{
	unsigned long flags;
	struct domain *d;

	spin_lock_irqsave(&domtable_lock, flags);
	d = domtable_peek(id);
	if (d && !atomic_inc_not_zero(&d->refcnt))
		d = NULL;
	spin_unlock_irqrestore(&domtable_lock, flags);
	return d;
}

void domain_put(struct domain *d)
{
	if (atomic_dec_and_test(&d->refcnt) && domain_free_hook)
		domain_free_hook(d);
}
