/* SPDX-License-Identifier: MIT */
/* vmx_dump(): every field of the VMCS by the field list, four to a line. v is current. */
#include <hv/domain.h>
#include <hv/log.h>
#include "vmcs.h"

static const struct { const char *name; uint16_t enc; char kind; } fields[] = {
#define F(name, enc, width, kind, cap) { #name, enc, #kind[0] },
	VMCS_FIELDS(F)
#undef F
};

/* A field the CPU does not have: VMREAD fails and leaves flags ZF or CF (30.3). */
static bool try_read(uint64_t field, uint64_t *val)
{
	bool bad;

	__asm__ volatile("vmread %2, %1" : "=@ccbe"(bad), "=r"(*val) : "r"(field));
	return !bad;
}

void vmx_dump(struct vcpu *v)
{
	printk(LOG_ERR "VMCS of d%dv%d, controls pin %#x cpu %#x/%#x exit %#x entry %#x\n", v->domain->id, v->id,
	       vmread(PIN_CTL), vmread(CPU_CTL), vmread(CPU_CTL2), vmread(EXIT_CTL), vmread(ENTRY_CTL));
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t val;

		if (try_read(fields[i].enc, &val))
			printk(LOG_ERR "  %c %04x %-22s %016lx\n", fields[i].kind, fields[i].enc, fields[i].name, val);
	}
}
