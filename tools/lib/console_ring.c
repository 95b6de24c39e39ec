/* SPDX-License-Identifier: MIT */
/* The two byte rings of a console page (see zx/console.h). */
#include <string.h>

#include <zx/console.h>

size_t console_ring_get(struct xencons_interface *ring, char *buf, size_t max, bool *bad)
{
	uint32_t cons = __atomic_load_n(&ring->out_cons, __ATOMIC_RELAXED);
	uint32_t prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);
	uint32_t n = prod - cons;

	*bad = n > sizeof(ring->out);
	if (*bad)
		return 0;
	if (n > max)
		n = (uint32_t)max;
	for (uint32_t i = 0; i < n; i++)
		buf[i] = ring->out[MASK_XENCONS_IDX(cons + i, ring->out)];
	__atomic_store_n(&ring->out_cons, cons + n, __ATOMIC_RELEASE);
	return n;
}

size_t console_ring_room(const struct xencons_interface *ring)
{
	uint32_t used = __atomic_load_n(&ring->in_prod, __ATOMIC_RELAXED) -
			__atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);

	return used > sizeof(ring->in) ? 0 : sizeof(ring->in) - used;
}

size_t console_ring_put(struct xencons_interface *ring, const char *buf, size_t n, bool *bad)
{
	uint32_t cons = __atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);
	uint32_t prod = __atomic_load_n(&ring->in_prod, __ATOMIC_RELAXED);
	uint32_t used = prod - cons;

	*bad = used > sizeof(ring->in);
	if (*bad)
		return 0;
	if (n > sizeof(ring->in) - used)
		n = sizeof(ring->in) - used;
	for (size_t i = 0; i < n; i++)
		ring->in[MASK_XENCONS_IDX(prod + i, ring->in)] = buf[i];
	__atomic_store_n(&ring->in_prod, prod + (uint32_t)n, __ATOMIC_RELEASE);
	return n;
}
