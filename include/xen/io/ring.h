/* SPDX-License-Identifier: MIT */
/*
 * Request/response rings on a shared page. Indexes run free and are masked on use; each side keeps
 * its private copies in a front_ring or back_ring. The user supplies xen_mb(), xen_rmb(), xen_wmb()
 * and, for SHARED_RING_INIT, memset().
 *
 * Whoever reads entries that the other side wrote takes one copy (RING_COPY_*), checks that, and
 * never looks at the shared entry again.
 */
#ifndef XEN_IO_RING_H
#define XEN_IO_RING_H

#include <stdint.h>
#include <stddef.h>

typedef unsigned int RING_IDX;

/* Largest power of two not above x, for constants of up to 32 bits. */
#define __RING_FLOOR2_2(x)  (((x) & 0x2) ? 0x2 : ((x) & 0x1))
#define __RING_FLOOR2_4(x)  (((x) & 0xc) ? __RING_FLOOR2_2((x) >> 2) << 2 : __RING_FLOOR2_2(x))
#define __RING_FLOOR2_8(x)  (((x) & 0xf0) ? __RING_FLOOR2_4((x) >> 4) << 4 : __RING_FLOOR2_4(x))
#define __RING_FLOOR2_16(x) (((x) & 0xff00) ? __RING_FLOOR2_8((x) >> 8) << 8 : __RING_FLOOR2_8(x))
#define __RING_FLOOR2(x)    (((x) & 0xffff0000) ? __RING_FLOOR2_16((x) >> 16) << 16 : __RING_FLOOR2_16(x))

/* Entries that fit a shared area of sz bytes. */
#define __CONST_RING_SIZE(s, sz) \
    (__RING_FLOOR2(((sz) - offsetof(struct s##_sring, ring)) / sizeof(((struct s##_sring *)0)->ring[0])))
#define __RING_SIZE(s, sz) \
    (__RING_FLOOR2(((sz) - (size_t)((char *)(s)->ring - (char *)(s))) / sizeof((s)->ring[0])))

#define DEFINE_RING_TYPES(name, req_t, rsp_t)                     \
    union name##_sring_entry {                                    \
        req_t req;                                                \
        rsp_t rsp;                                                \
    };                                                            \
    struct name##_sring {                                         \
        RING_IDX req_prod, req_event;                             \
        RING_IDX rsp_prod, rsp_event;                             \
        union {                                                   \
            uint8_t pvt_pad[4];                                   \
        } pvt;                                                    \
        uint8_t __pad[44];                                        \
        union name##_sring_entry ring[1];                         \
    };                                                            \
    struct name##_front_ring {                                    \
        RING_IDX req_prod_pvt;                                    \
        RING_IDX rsp_cons;                                        \
        unsigned int nr_ents;                                     \
        struct name##_sring *sring;                               \
    };                                                            \
    struct name##_back_ring {                                     \
        RING_IDX rsp_prod_pvt;                                    \
        RING_IDX req_cons;                                        \
        unsigned int nr_ents;                                     \
        struct name##_sring *sring;                               \
    };                                                            \
    typedef struct name##_sring name##_sring_t;                   \
    typedef struct name##_front_ring name##_front_ring_t;         \
    typedef struct name##_back_ring name##_back_ring_t

#define SHARED_RING_INIT(s) do {                                  \
    (s)->req_prod = (s)->rsp_prod = 0;                            \
    (s)->req_event = (s)->rsp_event = 1;                          \
    (void)memset((s)->pvt.pvt_pad, 0, sizeof((s)->pvt.pvt_pad));  \
    (void)memset((s)->__pad, 0, sizeof((s)->__pad));              \
} while (0)

#define FRONT_RING_ATTACH(r, s, i, size) do {                     \
    (r)->req_prod_pvt = (i);                                      \
    (r)->rsp_cons = (i);                                          \
    (r)->nr_ents = __RING_SIZE(s, size);                          \
    (r)->sring = (s);                                             \
} while (0)
#define FRONT_RING_INIT(r, s, size) FRONT_RING_ATTACH(r, s, 0, size)
#define XEN_FRONT_RING_INIT(r, s, size) do { SHARED_RING_INIT(s); FRONT_RING_INIT(r, s, size); } while (0)

#define BACK_RING_ATTACH(r, s, i, size) do {                      \
    (r)->rsp_prod_pvt = (i);                                      \
    (r)->req_cons = (i);                                          \
    (r)->nr_ents = __RING_SIZE(s, size);                          \
    (r)->sring = (s);                                             \
} while (0)
#define BACK_RING_INIT(r, s, size) BACK_RING_ATTACH(r, s, 0, size)

#define RING_SIZE(r)          ((r)->nr_ents)
#define RING_FREE_REQUESTS(r) (RING_SIZE(r) - ((r)->req_prod_pvt - (r)->rsp_cons))
#define RING_FULL(r)          (RING_FREE_REQUESTS(r) == 0)

#define XEN_RING_NR_UNCONSUMED_RESPONSES(r) ((r)->sring->rsp_prod - (r)->rsp_cons)
/* Bounded by the room for responses, so that a front end cannot make a back end overrun the ring. */
#define XEN_RING_NR_UNCONSUMED_REQUESTS(r) ({                                         \
    unsigned int __req = (r)->sring->req_prod - (r)->req_cons;                        \
    unsigned int __rsp = RING_SIZE(r) - ((r)->req_cons - (r)->rsp_prod_pvt);          \
    __req < __rsp ? __req : __rsp;                                                    \
})
#define RING_HAS_UNCONSUMED_RESPONSES(r) XEN_RING_NR_UNCONSUMED_RESPONSES(r)
#define RING_HAS_UNCONSUMED_REQUESTS(r)  XEN_RING_NR_UNCONSUMED_REQUESTS(r)

#define RING_GET_REQUEST(r, i)  (&((r)->sring->ring[(i) & (RING_SIZE(r) - 1)].req))
#define RING_GET_RESPONSE(r, i) (&((r)->sring->ring[(i) & (RING_SIZE(r) - 1)].rsp))
#define RING_COPY_REQUEST(r, i, dst) \
    do { *(dst) = *(volatile __typeof__(dst))RING_GET_REQUEST(r, i); } while (0)
#define RING_COPY_RESPONSE(r, i, dst) \
    do { *(dst) = *(volatile __typeof__(dst))RING_GET_RESPONSE(r, i); } while (0)

/* The other side's index is nonsense: more produced than the ring holds. */
#define RING_REQUEST_CONS_OVERFLOW(r, cons)  (((cons) - (r)->rsp_prod_pvt) >= RING_SIZE(r))
#define RING_REQUEST_PROD_OVERFLOW(r, prod)  (((prod) - (r)->rsp_prod_pvt) > RING_SIZE(r))
#define RING_RESPONSE_PROD_OVERFLOW(r, prod) (((prod) - (r)->rsp_cons) > RING_SIZE(r))

#define RING_PUSH_REQUESTS(r)  do { xen_wmb(); (r)->sring->req_prod = (r)->req_prod_pvt; } while (0)
#define RING_PUSH_RESPONSES(r) do { xen_wmb(); (r)->sring->rsp_prod = (r)->rsp_prod_pvt; } while (0)

/* Publish, and say whether the other side asked to be told about an entry just published. */
#define __RING_PUSH_NOTIFY(r, which, notify) do {                                     \
    RING_IDX __old = (r)->sring->which##_prod, __new = (r)->which##_prod_pvt;         \
    xen_wmb();                                                                        \
    (r)->sring->which##_prod = __new;                                                 \
    xen_mb();                                                                         \
    (notify) = ((RING_IDX)(__new - (r)->sring->which##_event) < (RING_IDX)(__new - __old)); \
} while (0)
#define RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(r, notify)  __RING_PUSH_NOTIFY(r, req, notify)
#define RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(r, notify) __RING_PUSH_NOTIFY(r, rsp, notify)

/* Before sleeping: ask for a notification, then look once more. */
#define RING_FINAL_CHECK_FOR_REQUESTS(r, work) do {                                   \
    (work) = RING_HAS_UNCONSUMED_REQUESTS(r);                                         \
    if (work) break;                                                                  \
    (r)->sring->req_event = (r)->req_cons + 1;                                        \
    xen_mb();                                                                         \
    (work) = RING_HAS_UNCONSUMED_REQUESTS(r);                                         \
} while (0)
#define RING_FINAL_CHECK_FOR_RESPONSES(r, work) do {                                  \
    (work) = RING_HAS_UNCONSUMED_RESPONSES(r);                                        \
    if (work) break;                                                                  \
    (r)->sring->rsp_event = (r)->rsp_cons + 1;                                        \
    xen_mb();                                                                         \
    (work) = RING_HAS_UNCONSUMED_RESPONSES(r);                                        \
} while (0)

#endif
