/* SPDX-License-Identifier: MIT */
/* Grant tables as the other folders see them; hypervisor/grant owns struct grant_table. */
#ifndef HV_GRANT_H
#define HV_GRANT_H

#include <hv/types.h>

int grant_init_domain(struct domain *d, unsigned max_frames, unsigned max_maptrack_frames);
/* Unmaps all that d maps of others; -ERESTART until done. */
int grant_kill_domain(struct domain *d);
/* The table's pages; the domain is dying and nobody uses an entry through it any more. */
void grant_release_frames(struct domain *d);
void grant_free_domain(struct domain *d);

/* Frame idx of d's table, which grows as far as it may; -EINVAL beyond. gfn: where d sees it from now on. */
int grant_frame(struct domain *d, unsigned idx, mfn_t *mfn);
int grant_frame_placed(struct domain *d, unsigned idx, gfn_t gfn, gfn_t *old);
/* gfn shows no frame of the table any more. */
void grant_frame_forget(struct domain *d, gfn_t gfn);
unsigned grant_nr_frames(struct domain *d);
unsigned grant_max_frames(struct domain *d);

#endif
