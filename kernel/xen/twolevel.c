/* SPDX-License-Identifier: MIT */
/*
 * The 2-level event ABI: one pending and one mask bit per port in shared_info, and per vCPU a word that says which words
 * have news. The pending bits are common to all vCPUs, so each CPU keeps a mask of the ports that are bound to it.
 * Lock: none; bits are atomic. bind_to_cpu runs under evtchn_lock.
 */
#include <kernel/xen/xen.h>
#include <kernel/xen/events.h>
#include <kernel/xen/hypercall.h>
#include <kernel/atomic.h>
#include <kernel/errno.h>

#define WORD_BITS 64
#define NR_WORDS 64

struct port_set {
	unsigned long word[NR_WORDS];
};
static DEFINE_PER_CPU(struct port_set, cpu_ports);

static int twolevel_setup(evtchn_port_t port)
{
	return port < EVTCHN_2L_NR_CHANNELS ? 0 : -ENOSPC;
}

static void twolevel_bind_to_cpu(evtchn_port_t port, int cpu, int old)
{
	if (old >= 0)
		clear_bit(port % WORD_BITS, &per_cpu_ptr(&cpu_ports, old)->word[port / WORD_BITS]);
	if (cpu >= 0)
		set_bit(port % WORD_BITS, &per_cpu_ptr(&cpu_ports, cpu)->word[port / WORD_BITS]);
}

static void twolevel_clear_pending(evtchn_port_t port)
{
	clear_bit(port % WORD_BITS, &xen_shared_info->evtchn_pending[port / WORD_BITS]);
}

static void twolevel_mask(evtchn_port_t port)
{
	set_bit(port % WORD_BITS, &xen_shared_info->evtchn_mask[port / WORD_BITS]);
}

static void twolevel_unmask(evtchn_port_t port)
{
	struct evtchn_unmask op = { .port = port };

	clear_bit(port % WORD_BITS, &xen_shared_info->evtchn_mask[port / WORD_BITS]);
	/* an event that came meanwhile set no selector bit: only the hypervisor can raise it on the right vCPU */
	if (test_bit(port % WORD_BITS, &xen_shared_info->evtchn_pending[port / WORD_BITS]))
		HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &op);
}

static void twolevel_handle(int cpu)
{
	struct vcpu_info *v = per_cpu_ptr(&xen_vcpu_info, cpu);
	struct port_set *mine = per_cpu_ptr(&cpu_ports, cpu);
	unsigned long words = xchg(&v->evtchn_pending_sel, 0);

	while (words) {
		unsigned w = (unsigned)__builtin_ctzl(words);
		unsigned long ports;

		words &= words - 1;
		ports = READ_ONCE(xen_shared_info->evtchn_pending[w]) & ~READ_ONCE(xen_shared_info->evtchn_mask[w]) &
			mine->word[w];
		while (ports) {
			unsigned b = (unsigned)__builtin_ctzl(ports);

			ports &= ports - 1;
			evtchn_deliver(w * WORD_BITS + b);
		}
	}
}

const struct evtchn_ops evtchn_2l_ops = {
	.name = "2-level",
	.max_ports = EVTCHN_2L_NR_CHANNELS,
	.setup = twolevel_setup,
	.bind_to_cpu = twolevel_bind_to_cpu,
	.clear_pending = twolevel_clear_pending,
	.mask = twolevel_mask,
	.unmask = twolevel_unmask,
	.handle = twolevel_handle,
};
