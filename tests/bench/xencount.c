/* SPDX-License-Identifier: MIT */
/*
 * In dom0: "cpu DOMID NS" for each domain, its time on CPUs so far (instructions on the emulators at 1 GHz, idle time not
 * among them), and where the hypervisor was built to count "counts EXITS VMCS TLB IPIS LOCKED COPIED".
 */
#include <fcntl.h>
#include <stdio.h>
#include "privcmd.h"

int main(void)
{
	uint64_t c[NR_COUNTS];

	for (unsigned id = 0; id < 100; id++) {
		static struct xen_domctl dc;

		dc.cmd = XEN_DOMCTL_getdomaininfo;
		dc.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
		dc.domain = (domid_t)id;
		if (hypercall(__HYPERVISOR_domctl, (uint64_t)&dc, 0))
			continue;
		printf("cpu %u %llu\n", dc.u.getdomaininfo.domain, (unsigned long long)dc.u.getdomaininfo.cpu_time);
	}
	if (counters(c))
		printf("counts %llu %llu %llu %llu %llu %llu\n", (unsigned long long)c[0], (unsigned long long)c[1],
		       (unsigned long long)c[2], (unsigned long long)c[3], (unsigned long long)c[4], (unsigned long long)c[5]);
	printf("counted\n");
	return 0;
}
