/* SPDX-License-Identifier: MIT */
/* The choice of the hypercall instruction, and hvm_op parameters. No locks. */
#include <kernel/xen/hypercall.h>
#include <xen/hvm/params.h>

static inline void cpuid_vendor(u32 *b, u32 *c, u32 *d)
{
	u32 a = 0;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(*b), "=c"(*c), "=d"(*d));
}

void xen_hypercall_init(void)
{
	u32 b, c, d;

	cpuid_vendor(&b, &c, &d);
	/* "AuthenticAMD" or "HygonGenuine": APM vol. 3, CPUID Fn0 */
	xen_use_vmmcall = (b == 0x68747541 && d == 0x69746e65 && c == 0x444d4163) ||
			  (b == 0x6f677948 && d == 0x6e65476e && c == 0x656e6975);
}

int xen_get_param(unsigned index, u64 *value)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = index };
	long r = HYPERVISOR_hvm_op(HVMOP_get_param, &p);

	*value = p.value;
	return (int)r;
}

int xen_set_param(unsigned index, u64 value)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = index, .value = value };

	return (int)HYPERVISOR_hvm_op(HVMOP_set_param, &p);
}
