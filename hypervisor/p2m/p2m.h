/* SPDX-License-Identifier: MIT */
/* Inside p2m/: the table's structure and the two entry formats behind one set of functions. */
#ifndef P2M_P2M_H
#define P2M_P2M_H

#include <hv/p2m.h>
#include <hv/smp.h>
#include <hv/spinlock.h>

#define P2M_LEVELS  4           /* 48 bits of guest-physical address */
#define P2M_ENTRIES 512

struct p2m {
	spinlock_t lock;        /* RANK_P2M: the one writer */
	struct domain *domain;
	uint64_t *root;
	bool npt;               /* entry format */
	bool page_1g;           /* leaves of order 18 allowed */
	unsigned long tables;   /* lock */
	uint32_t removed;       /* lock: numbers the removals and restrictions */
	uint32_t flushed;       /* atomic: all up to this number are forgotten by every CPU */
	uint32_t stale;         /* lock: replaced tables waiting for the flush (frame numbers), PAGE_LIST_END */
	uint32_t gen;           /* atomic: flushes so far */
	unsigned long cpus;     /* atomic: CPUs with a vCPU of the domain loaded */
	uint32_t cpu_gen[NR_CPUS]; /* own CPU only: flush that CPU has done */
	gfn_t max_gfn;
	uint64_t foreign;
	bool logging;           /* lock; read without */
	uint64_t log_faults;    /* lock */
};

/* EPT: SDM vol. 3 28.3.2. NPT: APM vol. 2 15.25, 5.3. Bits 52-55 hold our type in both (ignored by both). */
#define EPT_R   (1UL << 0)
#define EPT_W   (1UL << 1)
#define EPT_X   (1UL << 2)
#define EPT_MT_SHIFT 3
#define ENT_PS  (1UL << 7)
#define NPT_P   (1UL << 0)
#define NPT_RW  (1UL << 1)
#define NPT_US  (1UL << 2)
#define NPT_PCD (1UL << 4)
#define NPT_NX  (1UL << 63)
#define ENT_ADDR 0x000ffffffffff000UL
#define ENT_TYPE_SHIFT 52
#define ENT_LOGGED P2M_GONE     /* log.c; ignored by the hardware in entries of all kinds */
#define ENT_ACCESSED (1UL << 5 | 1UL << 8)  /* NPT, EPT */
#define ENT_DIRTY    (1UL << 6 | 1UL << 9)

static inline enum p2m_type ent_type(uint64_t e) { return (enum p2m_type)(e >> ENT_TYPE_SHIFT & 0xf); }
static inline bool ent_present(const struct p2m *p, uint64_t e) { return e & (p->npt ? NPT_P : EPT_R | EPT_W | EPT_X); }
static inline bool ent_leaf(uint64_t e, unsigned level) { return level == 0 || (e & ENT_PS); }
static inline mfn_t ent_mfn(uint64_t e) { return (e & ENT_ADDR) >> PAGE_SHIFT; }
uint64_t ent_make_leaf(const struct p2m *p, mfn_t mfn, unsigned level, enum p2m_type type, unsigned perm);
uint64_t ent_make_table(const struct p2m *p, mfn_t mfn);
unsigned ent_perm(const struct p2m *p, uint64_t e);

static inline unsigned gfn_index(gfn_t g, unsigned level) { return g >> (9 * level) & (P2M_ENTRIES - 1); }

/* p2m/p2m.c, for log.c; lock held. -ENOMEM, or -EAGAIN when the superpage has changed meanwhile. */
int p2m_split(struct p2m *p, uint64_t *slot, unsigned level);
void p2m_merge(struct p2m *p, uint64_t *slot, uint64_t leaf);

/* p2m/flush.c */
/* For the vendors: when a vCPU of d is loaded on or leaves this CPU; interrupts off. True: flush this CPU now. */
bool p2m_cpu_enter(struct domain *d);
void p2m_cpu_leave(struct domain *d);
paddr_t p2m_root_paddr(const struct domain *d);

#endif
