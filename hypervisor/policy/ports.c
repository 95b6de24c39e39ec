/* SPDX-License-Identifier: MIT */
/*
 * I/O ports. The privileged domain has them all but those in the table (the hypervisor's own: they read as if nobody
 * were there); it reaches the rest without exits, by the I/O bitmap. For others nothing is there: reads give ones,
 * except the PIT, which reads 0 so that Linux's calibration gives up after 4 reads instead of 100,004.
 * Port 0xe9 is Xen's debug console for unprivileged domains: lines of text into the log.
 */
#include <hv/log.h>
#include "../vcpu/hvm.h"

static const struct { uint16_t first, last; } own[] = {
	{ 0x020, 0x021 }, { 0x0a0, 0x0a1 }, /* PICs: masked for good */
	{ 0x040, 0x043 },                   /* PIT */
	{ 0x3f8, 0x3ff },                   /* COM1 */
};

bool policy_dom0_port(unsigned port)
{
	for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
		if (port >= own[i].first && port <= own[i].last)
			return false;
	return true;
}

uint32_t policy_port_read(struct vcpu *v, unsigned port, unsigned size)
{
	(void)v;
	if (port >= 0x40 && port <= 0x42)
		return 0;
	return size == 4 ? ~0u : (1u << (8 * size)) - 1;
}

void policy_port_write(struct vcpu *v, unsigned port, unsigned size, uint32_t val)
{
	char c = val;

	if (port == 0xe9 && size == 1 && !v->domain->is_privileged)
		console_guest_write(v->domain, &c, 1);
}
