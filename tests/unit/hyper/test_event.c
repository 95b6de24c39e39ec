/* SPDX-License-Identifier: MIT */
/*
 * Event channels: every operation, and random sequences against a model in both ABIs. The guest's side (taking
 * events from its words and queues) is played here as a Linux kernel plays it.
 */
#include "world.h"
#include <xen/hvm/params.h>
#include "hypervisor/event/twolevel.c"
#include "hypervisor/event/fifo.c"
#include "hypervisor/event/fifo_setup.c"
#include "hypervisor/event/channel.c"
#include "hypervisor/event/virq.c"
#include "hypervisor/event/life.c"
#include "hypervisor/event/poll.c"

int guest_page_get(struct domain *d, uint64_t gfn, struct guest_page *out)
{
	struct page *pg = p2m_get_page(d, gfn, true);

	if (!pg)
		return -EINVAL;
	*out = (struct guest_page){ page_to_virt(pg), pg - frames, gfn };
	return 0;
}
void guest_page_put(struct domain *d, struct guest_page *p)
{
	(void)d;
	if (p->va)
		page_put(&frames[p->mfn]);
	p->va = NULL;
}
static uint32_t unbound_pirq;
void pirq_unbind(struct domain *d, uint32_t n) { (void)d; unbound_pirq = n; }

static unsigned frames_before, objects_before;
static int setup(void **s)
{
	(void)s;
	seed = 4711;
	world_init(40);
	frames_before = live_frames();
	objects_before = live_objects;
	for (unsigned i = 0; i < NR_DOMS; i++) {
		assert_int_equal(event_init_domain(&doms[i], 2000), 0);
		for (unsigned v = 0; v < 4; v++)
			assert_int_equal(event_init_vcpu(&vcpus[i][v]), 0);
	}
	return 0;
}
static int teardown(void **s)
{
	(void)s;
	for (unsigned i = 0; i < NR_DOMS; i++) {
		assert_int_equal(event_kill_domain(&doms[i]), 0);
		assert_int_equal(doms[i].evtchn->active, 0);
		for (unsigned v = 0; v < 4; v++)
			event_free_vcpu(&vcpus[i][v]);
		event_free_domain(&doms[i]);
	}
	assert_int_equal(live_frames(), frames_before);
	assert_int_equal(live_objects, objects_before);
	world_end();
	return 0;
}

static void pair(unsigned a, unsigned b, uint32_t *pa, uint32_t *pb)
{
	assert_int_equal(evtchn_alloc_unbound(&doms[a], b, pa), 0);
	assert_int_equal(evtchn_bind_interdomain(&doms[b], &doms[a], *pa, pb), 0);
}

static void binding(void **s)
{
	uint32_t p, q, r;
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = 2 };
	struct evtchn_bind_ipi ipi = { .vcpu = 1 };
	struct evtchn_status st;

	(void)s;
	assert_int_equal(evtchn_alloc_unbound(&doms[1], 2, &p), 0);
	assert_int_equal(p, 1);
	assert_int_equal(evtchn_send(&doms[1], p), 0);          /* nobody there: silent */
	assert_int_equal(evtchn_bind_interdomain(&doms[3], &doms[1], p, &q), -EINVAL); /* not for 3 */
	assert_int_equal(evtchn_bind_interdomain(&doms[2], &doms[1], 77, &q), -EINVAL);
	assert_int_equal(evtchn_bind_interdomain(&doms[2], &doms[1], p, &q), 0);
	assert_true(evtchn_port_is_pending(&doms[2], q));       /* told to look once */
	assert_int_equal(evtchn_bind_interdomain(&doms[2], &doms[1], p, &r), -EINVAL); /* taken */
	assert_int_equal(evtchn_send(&doms[2], q), 0);
	assert_true(evtchn_port_is_pending(&doms[1], p));
	st.port = q;
	assert_int_equal(evtchn_get_status(&doms[2], &st), 0);
	assert_int_equal(st.status, EVTCHNSTAT_interdomain);
	assert_int_equal(st.u.interdomain.dom, 1);
	assert_int_equal(evtchn_close(&doms[2], q), 0);
	st.port = p;
	assert_int_equal(evtchn_get_status(&doms[1], &st), 0);
	assert_int_equal(st.status, EVTCHNSTAT_unbound);        /* waits for domain 2 again */
	assert_int_equal(st.u.unbound.dom, 2);
	assert_int_equal(evtchn_close(&doms[2], q), -EINVAL);
	assert_int_equal(evtchn_close(&doms[2], 0), -EINVAL);
	assert_int_equal(evtchn_send(&doms[1], 0), -EINVAL);
	assert_int_equal(evtchn_send(&doms[1], 5000), -EINVAL);

	assert_int_equal(evtchn_bind_virq(&doms[1], &virq), 0);
	assert_int_equal(evtchn_send(&doms[1], virq.port), -EINVAL);    /* not the guest's to raise */
	assert_int_equal(evtchn_bind_vcpu(&doms[1], virq.port, 1), -EINVAL);
	assert_int_equal(evtchn_bind_virq(&doms[1], &virq), -EEXIST);
	send_guest_vcpu_virq(&vcpus[1][2], VIRQ_TIMER);
	assert_true(evtchn_port_is_pending(&doms[1], virq.port));
	virq.virq = NR_VIRQS;
	assert_int_equal(evtchn_bind_virq(&doms[1], &virq), -EINVAL);
	virq.virq = VIRQ_DOM_EXC;
	assert_int_equal(evtchn_bind_virq(&doms[1], &virq), -EINVAL);   /* global: vCPU 0 only */
	virq.virq = VIRQ_TIMER;
	virq.vcpu = 9;
	assert_int_equal(evtchn_bind_virq(&doms[1], &virq), -ENOENT);
	virq.vcpu = 0;
	virq.virq = VIRQ_DOM_EXC;
	assert_int_equal(evtchn_bind_virq(&doms[0], &virq), 0);
	assert_int_equal(evtchn_bind_vcpu(&doms[0], virq.port, 3), 0);
	send_global_virq(VIRQ_DOM_EXC);
	assert_true(((struct vcpu_info *)vcpus[0][3].vcpu_info)->evtchn_upcall_pending);
	assert_int_equal(evtchn_close(&doms[0], virq.port), 0);
	assert_int_equal(evtchn_bind_virq(&doms[0], &virq), 0);         /* free again */

	assert_int_equal(evtchn_bind_ipi(&doms[1], &ipi), 0);
	assert_int_equal(evtchn_bind_vcpu(&doms[1], ipi.port, 0), -EINVAL);
	assert_int_equal(evtchn_send(&doms[1], ipi.port), 0);
	assert_true(((struct vcpu_info *)vcpus[1][1].vcpu_info)->evtchn_upcall_pending);
	/* With itself. */
	pair(3, 3, &p, &q);
	assert_int_equal(evtchn_send(&doms[3], p), 0);
	assert_true(evtchn_port_is_pending(&doms[3], q));
	assert_int_equal(evtchn_close(&doms[3], p), 0);
}

static void limits(void **s)
{
	uint32_t p, n = 0;

	(void)s;
	while (!evtchn_alloc_unbound(&doms[1], 0, &p))
		n++;
	assert_int_equal(n, 2000);
	assert_int_equal(evtchn_close(&doms[1], 1234), 0);
	assert_int_equal(evtchn_alloc_unbound(&doms[1], 0, &p), 0);
	assert_int_equal(p, 1234);
	assert_int_equal(evtchn_reset(&doms[1]), 0);
	assert_int_equal(evtchn_alloc_unbound(&doms[1], 0, &p), 0);
	assert_int_equal(p, 1);
}

static void mask_and_selector(void **s)
{
	struct shared_info *si = doms[1].shared_info;
	struct vcpu_info *vi = vcpus[1][0].vcpu_info;
	uint32_t p, q;

	(void)s;
	for (unsigned i = 0; i < 70; i++)
		assert_int_equal(evtchn_alloc_unbound(&doms[1], 2, &p), 0);
	assert_int_equal(evtchn_bind_interdomain(&doms[2], &doms[1], p, &q), 0);
	si->evtchn_mask[p / 64] = ~0ul;
	assert_int_equal(evtchn_send(&doms[2], q), 0);
	assert_false(vi->evtchn_upcall_pending);
	evtchn_2l_unmask(&doms[1], evtchn_of(&doms[1], p));
	assert_true(vi->evtchn_upcall_pending);
	assert_int_equal(vi->evtchn_pending_sel, 1ul << p / 64);
	/* By the callback vector while pending, none when the guest has looked. */
	doms[1].hvm_params[HVM_PARAM_CALLBACK_IRQ] = 2ull << 56 | 0xf3;
	assert_int_equal(vcpu_pending_upcall(&vcpus[1][0]), 0xf3);
	vi->evtchn_upcall_pending = 0;
	assert_int_equal(vcpu_pending_upcall(&vcpus[1][0]), -1);
	/* By the vCPU's own vector: once per rise. */
	vcpus[1][0].callback_vector = 0xf4;
	irqs = 0;
	vi->evtchn_pending_sel = 0;
	si->evtchn_pending[p / 64] = 0;
	evtchn_send(&doms[2], q);
	evtchn_send(&doms[2], q);
	assert_int_equal(irqs, 1);
	assert_int_equal(vcpu_pending_upcall(&vcpus[1][0]), -1);
}

static void polling(void **s)
{
	uint32_t p, q, ports[2];

	(void)s;
	pair(1, 2, &p, &q);
	be(1, 0);
	((struct shared_info *)doms[1].shared_info)->evtchn_mask[0] = ~0ul;
	ports[0] = p;
	assert_int_equal(event_poll(&vcpus[1][0], (uint64_t)ports, 1, 0), 0);
	assert_int_equal(vcpus[1][0].events->poll_port, p);
	wakes = 0;
	evtchn_send(&doms[2], q);       /* masked, and wakes the poller all the same */
	assert_int_equal(wakes, 1);
	assert_int_equal(event_poll(&vcpus[1][0], (uint64_t)ports, 1, 0), 0);
	assert_int_equal(vcpus[1][0].events->poll_port, 0);     /* pending: did not sleep */
	ports[0] = 999;
	assert_int_equal(event_poll(&vcpus[1][0], (uint64_t)ports, 1, 0), -EINVAL);
	assert_int_equal(event_poll(&vcpus[1][0], (uint64_t)ports, 129, 0), -EINVAL);
	assert_int_equal(event_poll(&vcpus[1][0], 1, 1, 0), -EFAULT);
}

/* ---- FIFO: the guest's side ---- */
#define CONTROL_GFN(v) (20 + (v))
#define ARRAY_GFN(i)   (30 + (i))
static event_word_t *gword(uint32_t port) { return (event_word_t *)gfn_va(1, ARRAY_GFN(port / 1024)) + port % 1024; }
static uint32_t ghead[4][16];
static bool taken[4096];
static unsigned nr_taken;

static void guest_take_queue(unsigned v, unsigned prio)
{
	struct evtchn_fifo_control_block *cb = gfn_va(1, CONTROL_GFN(v));
	uint32_t port = ghead[v][prio] ? ghead[v][prio] : cb->head[prio];

	while (port) {
		event_word_t w = *gword(port);
		uint32_t next = w & EVTCHN_FIFO_LINK_MASK;

		assert_true(w & 1u << EVTCHN_FIFO_LINKED);
		*gword(port) = w & ~(1u << EVTCHN_FIFO_LINKED | EVTCHN_FIFO_LINK_MASK);
		if ((w & 1u << EVTCHN_FIFO_PENDING) && !(w & 1u << EVTCHN_FIFO_MASKED)) {
			*gword(port) &= ~(1u << EVTCHN_FIFO_PENDING);
			taken[port] = true;
			nr_taken++;
		}
		port = next;
	}
	ghead[v][prio] = 0;
}

static void guest_take(unsigned v)
{
	struct evtchn_fifo_control_block *cb = gfn_va(1, CONTROL_GFN(v));

	((struct vcpu_info *)vcpus[1][v].vcpu_info)->evtchn_upcall_pending = 0;
	while (cb->ready) {
		unsigned prio = __builtin_ctz(cb->ready);

		cb->ready &= ~(1u << prio);
		guest_take_queue(v, prio);
	}
}

static void fifo_on(void)
{
	for (unsigned v = 0; v < 4; v++) {
		struct evtchn_init_control ic = { .control_gfn = CONTROL_GFN(v), .offset = 0, .vcpu = v };

		assert_int_equal(evtchn_fifo_init_control(&doms[1], &ic), 0);
		assert_int_equal(ic.link_bits, 17);
		assert_int_equal(evtchn_fifo_init_control(&doms[1], &ic), -EINVAL);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(evtchn_fifo_expand_array(&doms[1], ARRAY_GFN(i)), 0);
	assert_int_equal(evtchn_fifo_expand_array(&doms[1], ARRAY_GFN(2)), -ENOSPC);
}

static void fifo_setup(void **s)
{
	struct evtchn_init_control ic = { .control_gfn = 200, .offset = 4, .vcpu = 0 };
	uint32_t p, q;

	(void)s;
	pair(1, 2, &p, &q);
	evtchn_send(&doms[2], q);       /* before the switch: must not be lost */
	assert_int_equal(evtchn_fifo_expand_array(&doms[1], ARRAY_GFN(0)), -ENOSYS);
	assert_int_equal(evtchn_fifo_init_control(&doms[1], &ic), -EINVAL);
	ic.offset = 4096 - 64;
	assert_int_equal(evtchn_fifo_init_control(&doms[1], &ic), -EINVAL);
	ic.offset = 0;
	assert_int_equal(evtchn_fifo_init_control(&doms[1], &ic), -EINVAL);     /* no such frame */
	ic.vcpu = 17;
	assert_int_equal(evtchn_fifo_init_control(&doms[1], &ic), -ENOENT);
	fifo_on();
	nr_taken = 0;
	guest_take(0);
	assert_int_equal(nr_taken, 1);
	assert_true(taken[p]);
}

/* Sends, masks, priorities, vCPU changes, closes and a guest that takes: nothing sent stays untaken. */
static void fifo_random(void **s)
{
	static uint32_t port[600], peer[600];
	static bool want[4096];
	unsigned n = 600;

	(void)s;
	fifo_on();
	memset(want, 0, sizeof(want));
	memset(taken, 0, sizeof(taken));
	for (unsigned i = 0; i < n; i++)
		pair(1, 2, &port[i], &peer[i]);
	for (unsigned v = 0; v < 4; v++)
		guest_take(v);
	memset(taken, 0, sizeof(taken));
	for (unsigned round = 0; round < 300000; round++) {
		unsigned i = rnd(n);
		struct evtchn *e = evtchn_of(&doms[1], port[i]);

		switch (rnd(12)) {
		default:
			evtchn_send(&doms[2], peer[i]);
			want[port[i]] = true;
			break;
		case 0:
			e->priority = rnd(16);
			break;
		case 1:
			evtchn_bind_vcpu(&doms[1], port[i], rnd(4));
			break;
		case 2:
			*gword(port[i]) |= 1u << EVTCHN_FIFO_MASKED;
			break;
		case 3:
			evtchn_fifo_unmask(&doms[1], e);
			break;
		case 4: {
			unsigned v = rnd(4);
			unsigned before = nr_taken;

			guest_take(v);
			if (nr_taken != before)
				for (unsigned k = 0; k < n; k++)
					if (taken[port[k]])
						want[port[k]] = taken[port[k]] = false;
			break;
		}
		}
	}
	for (unsigned i = 0; i < n; i++)
		evtchn_fifo_unmask(&doms[1], evtchn_of(&doms[1], port[i]));
	for (unsigned v = 0; v < 4; v++)
		guest_take(v);
	for (unsigned i = 0; i < n; i++) {
		if (want[port[i]] && !taken[port[i]])
			fail_msg("port %u: sent and never taken, word %#x", port[i], *gword(port[i]));
		assert_false(*gword(port[i]) & 1u << EVTCHN_FIFO_LINKED);
	}
}

/* A guest that scribbles over its words and control blocks harms nobody but itself. */
static void fifo_hostile(void **s)
{
	uint32_t p, q;

	(void)s;
	fifo_on();
	for (unsigned i = 0; i < 50; i++)
		pair(1, 2, &p, &q);
	for (unsigned round = 0; round < 200000; round++) {
		*gword(rnd(2048)) = seed;
		((uint32_t *)gfn_va(1, CONTROL_GFN(rnd(4))))[rnd(18)] = seed;
		evtchn_send(&doms[2], 1 + rnd(50));
		evtchn_fifo_unmask(&doms[1], evtchn_of(&doms[1], 1 + rnd(50)));
		if (!rnd(100)) {
			evtchn_close(&doms[1], 1 + rnd(60));
			evtchn_alloc_unbound(&doms[1], 2, &p);
		}
	}
}

/* Random operations by three domains against what the states must be. */
static void random_ops(void **s)
{
	(void)s;
	for (unsigned round = 0; round < 100000; round++) {
		unsigned a = rnd(4), b = rnd(4);
		uint32_t p = rnd(80), out = 0;
		struct evtchn_status st = { .port = p };
		struct evtchn_bind_virq bv = { .virq = rnd(26), .vcpu = rnd(5) };
		struct evtchn_bind_ipi bi = { .vcpu = rnd(5) };

		switch (rnd(9)) {
		case 0: evtchn_alloc_unbound(&doms[a], b, &out); break;
		case 1: evtchn_bind_interdomain(&doms[a], &doms[b], p, &out); break;
		case 2: evtchn_bind_virq(&doms[a], &bv); break;
		case 3: evtchn_bind_ipi(&doms[a], &bi); break;
		case 4: evtchn_send(&doms[a], p); break;
		case 5: evtchn_bind_vcpu(&doms[a], p, rnd(5)); break;
		case 6: send_guest_vcpu_virq(&vcpus[a][rnd(4)], rnd(NR_VIRQS)); break;
		default: evtchn_close(&doms[a], p); break;
		}
		if (!evtchn_get_status(&doms[a], &st) && st.status == EVTCHNSTAT_interdomain) {
			/* The other end points back. */
			struct evtchn_status other = { .port = st.u.interdomain.port };

			assert_int_equal(evtchn_get_status(&doms[st.u.interdomain.dom], &other), 0);
			assert_int_equal(other.status, EVTCHNSTAT_interdomain);
			assert_int_equal(other.u.interdomain.dom, a);
			assert_int_equal(other.u.interdomain.port, p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test_setup_teardown(binding, setup, teardown),
		cmocka_unit_test_setup_teardown(limits, setup, teardown),
		cmocka_unit_test_setup_teardown(mask_and_selector, setup, teardown),
		cmocka_unit_test_setup_teardown(polling, setup, teardown),
		cmocka_unit_test_setup_teardown(fifo_setup, setup, teardown),
		cmocka_unit_test_setup_teardown(fifo_random, setup, teardown),
		cmocka_unit_test_setup_teardown(fifo_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(random_ops, setup, teardown),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
