/* SPDX-License-Identifier: MIT */
/*
 * Exit accounting: per vCPU and reason a count, total and maximum cycles, and a log2 histogram. Written only by the vCPU
 * itself after each exit (stats_account in vcpu/hvm.h), without locks; readers may see one exit half counted.
 */
#include <hv/domain.h>
#include "../vcpu/hvm.h"

#if COUNTERS
unsigned long hv_counts[COUNT_NR];
#endif

unsigned stats_nr_reasons(void) { return NR_EXIT_REASONS; }
const char *stats_reason_name(unsigned r) { return r < NR_EXIT_REASONS ? exit_names[r] : "?"; }

void stats_clear(struct vcpu *v) { memset(v->stats, 0, sizeof(*v->stats)); }

void stats_read(const struct vcpu *v, unsigned reason, struct exit_stat *out)
{
	memset(out, 0, sizeof(*out));
	if (reason < NR_EXIT_REASONS)
		*out = v->stats->exit[reason];
}

uint64_t stats_guest_cycles(const struct vcpu *v) { return READ_ONCE(v->stats->guest_cycles); }
