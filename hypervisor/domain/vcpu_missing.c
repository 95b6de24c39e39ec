/* SPDX-License-Identifier: MIT */
/*
 * Weak stand-ins for the vCPU module, so that the image links before it lands: whoever calls one stops the
 * machine with a message. Its real functions replace them; this file goes then.
 */
#include <hv/domain.h>
#include <hv/p2m.h>
#include <hv/vcpu_state.h>

#define MISSING(proto) __attribute__((weak)) proto { panic("%s: no vCPU module in this image", __func__); }

#pragma GCC diagnostic ignored "-Wunused-parameter"
MISSING(int arch_domain_init(struct domain *d))
MISSING(void arch_domain_destroy(struct domain *d))
MISSING(int arch_vcpu_create(struct vcpu *v))
MISSING(void arch_vcpu_destroy(struct vcpu *v))
MISSING(void arch_vcpu_reset_pvh(struct vcpu *v, uint32_t entry, uint32_t start_info))
MISSING(int arch_vcpu_set_context(struct vcpu *v, const void *ctx))
MISSING(void vcpu_inject_nmi(struct vcpu *v))
MISSING(uint64_t vcpu_get_cr0(struct vcpu *v))
MISSING(uint64_t vcpu_get_cr3(struct vcpu *v))
MISSING(uint64_t vcpu_get_cr4(struct vcpu *v))
MISSING(uint64_t vcpu_get_efer(struct vcpu *v))
MISSING(unsigned vcpu_get_cpl(struct vcpu *v))
MISSING(bool vcpu_in_long_mode(struct vcpu *v))
MISSING(int64_t vcpu_tsc_offset(const struct vcpu *v))
MISSING(void vcpu_skip_instruction(struct vcpu *v))
MISSING(void vcpu_get_state(struct vcpu *v, struct guest_state *s))
MISSING(int vcpu_set_state(struct vcpu *v, const struct guest_state *s))
MISSING(void vlapic_set_irq(struct vcpu *v, uint8_t vector))
MISSING(bool vlapic_has_pending(struct vcpu *v))
MISSING(int policy_init_domain(struct domain *d))
MISSING(void policy_destroy_domain(struct domain *d))
MISSING(unsigned stats_nr_reasons(void))
MISSING(const char *stats_reason_name(unsigned r))
MISSING(void stats_clear(struct vcpu *v))
MISSING(void stats_read(const struct vcpu *v, unsigned reason, struct exit_stat *out))
MISSING(uint64_t stats_guest_cycles(const struct vcpu *v))
MISSING(int p2m_create(struct domain *d))
MISSING(void p2m_destroy(struct domain *d))
MISSING(int p2m_relinquish(struct domain *d, unsigned *budget))
MISSING(int p2m_map(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned order, enum p2m_type type, unsigned perm))
MISSING(int p2m_map_range(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned long nr, enum p2m_type type, unsigned perm,
			  unsigned long budget, unsigned long *done))
MISSING(int p2m_unmap(struct domain *d, gfn_t gfn, unsigned order))
MISSING(mfn_t p2m_lookup(struct domain *d, gfn_t gfn, enum p2m_type *type, unsigned *order, unsigned *perm))
MISSING(struct page *p2m_get_page(struct domain *d, gfn_t gfn, bool write))
MISSING(void p2m_defer_begin(struct domain *d))
MISSING(void p2m_defer_end(struct domain *d))
MISSING(void p2m_flush(struct domain *d))
MISSING(void p2m_mark_dirty(struct domain *d, gfn_t gfn))
MISSING(gfn_t p2m_max_gfn(const struct domain *d))
MISSING(unsigned long p2m_table_pages(const struct domain *d))
