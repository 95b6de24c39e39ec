/* SPDX-License-Identifier: MIT */
/*
 * The state behind a domain's grant table. Invariants:
 *   an entry's active.reads + active.writes > 0  <=>  its page is referenced once, GTF_reading is set in the
 *       shared entry, and active.domid is the one domain that uses it;
 *   active.writes > 0  <=>  GTF_writing is set;
 *   a used maptrack entry of the mapping domain stands for exactly one count in the granting one's active entry.
 * The shared entry is the guest's: it is read once, and what was read is checked and used.
 */
#ifndef GRANT_TABLE_H
#define GRANT_TABLE_H

#include <hv/spinlock.h>
#include <hv/types.h>
#include <xen/grant_table.h>

#define GRANTS_PER_FRAME   (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define MAPTRACK_PER_PAGE  (PAGE_SIZE / sizeof(struct maptrack))
#define GRANT_FRAMES_LIMIT 256
#define PIN_MAX            0xffffu

struct active {
	uint16_t reads, writes;
	domid_t domid;
	mfn_t mfn;
	gfn_t gfn;
};

#define MT_USED     1u
#define MT_READONLY 2u
#define MT_BUSY     4u /* being unmapped */
struct maptrack {
	uint32_t ref;          /* unused: next free handle */
	domid_t domid;
	uint16_t flags;
	uint64_t gfn;
};
BUILD_BUG_ON(sizeof(struct maptrack) != 16);

#define MAPTRACK_END (~0u)

struct grant_frame_state {
	struct grant_entry_v1 *shared;
	struct page *page;
	struct active *active;
	gfn_t gfn;             /* where the owner sees it; INVALID_GFN */
};

struct grant_table {
	spinlock_t lock;       /* RANK_GRANT: frames, active entries, flags we set in shared entries */
	unsigned nr_frames, max_frames;
	struct grant_frame_state *frame;

	spinlock_t maptrack_lock; /* RANK_MAPTRACK: the handles */
	struct maptrack **track;
	unsigned nr_track_pages, max_track_pages;
	uint32_t free_handle;
	uint32_t kill_at;      /* where a restarted grant_kill_domain goes on */
};

/* What an acquired grant gives access to. */
struct grant_hold {
	struct domain *owner;
	uint32_t ref;
	bool readonly;
	mfn_t mfn;
	gfn_t gfn;
};

/* GNTST_*. rd is the granting domain, by is who asks. */
int16_t grant_acquire(struct domain *rd, uint32_t ref, domid_t by, bool readonly, struct grant_hold *out);
void grant_release(struct domain *rd, uint32_t ref, bool readonly);

/* One of a batch of mappings to be made. The steps look only at those whose status is 0. */
#define GRANT_BATCH 64
struct grant_item {
	uint32_t ref, handle;
	gfn_t gfn;             /* where it is to be mapped */
	mfn_t mfn;
	struct maptrack *m;    /* NULL: no handle */
	int16_t status;
	bool readonly;
};
/* Under one lock. Sets mfn. */
void grant_acquire_many(struct domain *rd, domid_t by, struct grant_item *it, unsigned n);
/* What these handles stand for, as far as they follow each other as rd's grants; how many those are. */
unsigned grant_release_many(struct domain *rd, struct maptrack *const *m, unsigned n);

/* At most GRANT_BATCH; each operation's status tells how it went. Unmaps: one flush before the pages are let go. */
void grant_map_batch(struct domain *ld, struct gnttab_map_grant_ref *op, unsigned n);
void grant_unmap_batch(struct domain *ld, struct gnttab_unmap_grant_ref *op, unsigned n);
int16_t grant_copy_one(struct gnttab_copy *op);

#endif
