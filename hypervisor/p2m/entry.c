/* SPDX-License-Identifier: MIT */
/*
 * EPT and NPT entries: ent_make_leaf(), ent_make_table(), ent_perm(). Pure.
 * Memory types: RAM is write-back, devices uncacheable unless the guest's PAT asks for write combining (EPT: type UC
 * without "ignore PAT", SDM vol. 3 28.3.7.2; NPT: our PAT's entry 2 is UC-, APM vol. 2 15.25.8).
 */
#include "p2m.h"

#define MT_UC 0UL
#define MT_WB 6UL

uint64_t ent_make_leaf(const struct p2m *p, mfn_t mfn, unsigned level, enum p2m_type type, unsigned perm)
{
	uint64_t e = (uint64_t)type << ENT_TYPE_SHIFT | (uint64_t)mfn << PAGE_SHIFT;

	if (type == P2M_POPULATE || type == P2M_INVALID)
		return (uint64_t)type << ENT_TYPE_SHIFT;
	if (level)
		e |= ENT_PS;
	if (p->npt) {
		e |= NPT_P | NPT_US;
		e |= perm & P2M_W ? NPT_RW : 0;
		e |= perm & P2M_X ? 0 : NPT_NX;
		e |= type == P2M_MMIO ? NPT_PCD : 0;
	} else {
		e |= (perm & P2M_R ? EPT_R : 0) | (perm & P2M_W ? EPT_W : 0) | (perm & P2M_X ? EPT_X : 0);
		/* Write without read is a misconfiguration (28.3.3.1). */
		e |= e & EPT_W ? EPT_R : 0;
		e |= (type == P2M_MMIO ? MT_UC : MT_WB) << EPT_MT_SHIFT;
	}
	return e;
}

uint64_t ent_make_table(const struct p2m *p, mfn_t mfn)
{
	return (uint64_t)mfn << PAGE_SHIFT | (p->npt ? NPT_P | NPT_RW | NPT_US : EPT_R | EPT_W | EPT_X);
}

unsigned ent_perm(const struct p2m *p, uint64_t e)
{
	if (!ent_present(p, e))
		return 0;
	if (p->npt)
		return P2M_R | (e & (NPT_RW | ENT_LOGGED) ? P2M_W : 0) | (e & NPT_NX ? 0 : P2M_X);
	return (e & EPT_R ? P2M_R : 0) | (e & (EPT_W | ENT_LOGGED) ? P2M_W : 0) | (e & EPT_X ? P2M_X : 0);
}
