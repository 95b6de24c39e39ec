/* SPDX-License-Identifier: MIT */
/* A domain's clocks: the wallclock in shared_info, and the system time it counts from. No locks: wc_version. */
#include <hv/domain.h>
#include <hv/mm.h>
#include <xen/xen.h>
#include "domain.h"

s_time_t domain_time(const struct domain *d)
{
	return now_ns() + d->time_offset_ns;
}

void time_update_wallclock(struct domain *d)
{
	struct shared_info *si = d->shared_info;
	/* UTC when the domain's system time was 0. */
	uint64_t ns = wallclock_base() - d->time_offset_ns + d->wallclock_offset_s * 1000000000;
	uint64_t sec = ns / 1000000000;

	WRITE_ONCE(si->wc_version, si->wc_version | 1);
	smp_wmb();
	si->wc_sec = (uint32_t)sec;
	si->wc_sec_hi = sec >> 32;
	si->wc_nsec = ns % 1000000000;
	smp_wmb();
	WRITE_ONCE(si->wc_version, si->wc_version + 1);
}

void time_init_domain(struct domain *d)
{
	/* A new domain's system time starts at 0. dom0's is the machine's. */
	d->time_offset_ns = d->is_privileged ? 0 : -now_ns();
	time_update_wallclock(d);
}
