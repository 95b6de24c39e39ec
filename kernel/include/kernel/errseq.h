/* SPDX-License-Identifier: MIT */
/*
 * A write-back error that every interested party sees once: the sequence holds the last error, a counter and the mark
 * "somebody has seen it". Who opens a file takes a sample; fsync compares its sample with the sequence. An error that
 * nobody has seen yet is also reported to those who come later. Any context; no lock.
 */
#ifndef KERNEL_ERRSEQ_H
#define KERNEL_ERRSEQ_H

#include <kernel/atomic.h>
#include <kernel/types.h>

typedef u32 errseq_t;
#define ERRSEQ_ERRNO 0xfffu /* the error, as a positive number */
#define ERRSEQ_SEEN 0x1000u
#define ERRSEQ_STEP 0x2000u

static inline void errseq_set(errseq_t *s, int err)
{
	errseq_t old = READ_ONCE(*s), new, was;

	for (;; old = was) {
		new = (old & ~(ERRSEQ_ERRNO | ERRSEQ_SEEN)) | (u32)-err;
		if (old & ERRSEQ_SEEN) /* only then must it look different */
			new += ERRSEQ_STEP;
		was = cmpxchg(s, old, new);
		if (was == old)
			return;
	}
}

static inline errseq_t errseq_sample(errseq_t *s)
{
	errseq_t v = READ_ONCE(*s);

	return v & ERRSEQ_SEEN ? v : 0;
}

/* The error since *since, which moves up to now; 0: none. */
static inline int errseq_check(errseq_t *s, errseq_t *since)
{
	errseq_t v = READ_ONCE(*s), was;

	if (v == *since)
		return 0;
	while (!(v & ERRSEQ_SEEN)) {
		was = cmpxchg(s, v, v | ERRSEQ_SEEN);
		if (was == v) {
			v |= ERRSEQ_SEEN;
			break;
		}
		v = was;
	}
	*since = v;
	return -(int)(v & ERRSEQ_ERRNO);
}

#endif
