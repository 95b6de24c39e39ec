/* SPDX-License-Identifier: MIT */
/* Hypercalls from dom0's user space for the measurements: hypercall(), counters(). */
#ifndef BENCH_PRIVCMD_H
#define BENCH_PRIVCMD_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <xen/xen.h>
#include <xen/domctl.h>
#include <uapi/zazen_hypercall.h>

#define NR_COUNTS 6     /* exits, VMCS accesses, TLB invalidations, IPIs, locked operations, bytes copied */

static inline long hypercall(uint64_t nr, uint64_t a, uint64_t b)
{
	struct { uint64_t op, arg[5]; } h = { nr, { a, b } };
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	return ioctl(fd, _IOC(_IOC_NONE, 'P', 0, sizeof(h)), &h);
}

/* False: not in dom0, or the hypervisor was not built to count. */
static inline bool counters(uint64_t *v)
{
	static struct zazen_counters c;

	c.interface_version = ZAZEN_INTERFACE_VERSION;
	if (hypercall(__HYPERVISOR_arch_0, ZAZEN_OP_counters, (uint64_t)&c))
		return false;
	memcpy(v, &c.exits, NR_COUNTS * sizeof(*v));
	return true;
}

#endif
