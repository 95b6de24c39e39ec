/* SPDX-License-Identifier: MIT */
/* The hostile guest: start, output by the console ring, small tools, the list of attacks. See attack.h. */
#include "attack.h"
#include <stdarg.h>

const char *command_line;
volatile struct grant_entry_v1 *grants;
evtchn_port_t console_port, store_port;
volatile struct xencons_interface *console_ring;
volatile struct xenstore_domain_interface *store_ring;
static uint64_t rng;

uint64_t random64(void)
{
	/* splitmix64 */
	uint64_t z = rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

unsigned random_below(unsigned n) { return (unsigned)(random64() % n); }

size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

char *put_number(char *to, unsigned long n)
{
	char b[24];
	unsigned i = 0;

	do
		b[i++] = (char)('0' + n % 10);
	while (n /= 10);
	while (i)
		*to++ = b[--i];
	*to = 0;
	return to;
}

static size_t vformat(char *to, const char *fmt, va_list ap)
{
	char *start = to;

	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			*to++ = *fmt;
		} else if (*++fmt == 'u') {
			to = put_number(to, va_arg(ap, unsigned));
		} else {
			for (const char *s = va_arg(ap, const char *); *s; s++)
				*to++ = *s;
		}
	}
	*to = 0;
	return (size_t)(to - start);
}

size_t format(char *to, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = vformat(to, fmt, ap);
	va_end(ap);
	return n;
}

long send_event(evtchn_port_t port)
{
	struct evtchn_send s = { port };

	return HC(event_channel_op, EVTCHNOP_send, &s, 0);
}

void wait_port(evtchn_port_t port, unsigned ms)
{
	struct sched_poll p = { .nr_ports = 1 };

	shared->vcpu_info[0].evtchn_upcall_pending = 0; /* a pending upcall ends a poll at once */
	p.ports.p = &port;
	p.timeout = system_time() + ms * 1000000ull;
	HC(sched_op, SCHEDOP_poll, &p, 0);
	__atomic_fetch_and(&shared->evtchn_pending[port / 64], ~(1ul << port % 64), __ATOMIC_SEQ_CST);
}

evtchn_port_t offer_port(domid_t to)
{
	struct evtchn_alloc_unbound au = { .dom = DOMID_SELF, .remote_dom = to };

	return HC(event_channel_op, EVTCHNOP_alloc_unbound, &au, 0) ? 0 : au.port;
}

long get_param(unsigned index, uint64_t *value)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = index };
	long rc = HC(hvm_op, HVMOP_get_param, &p, 0);

	*value = p.value;
	return rc;
}

static long reservation(unsigned op, uint64_t gfn)
{
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	r.extent_start.p = (xen_pfn_t *)&gfn;
	return HC(memory_op, op, &r, 0);
}

long give_up_page(uint64_t gfn) { return reservation(XENMEM_decrease_reservation, gfn); }
long fetch_page(uint64_t gfn) { return reservation(XENMEM_populate_physmap, gfn); }

void grant(grant_ref_t ref, domid_t to, uint64_t gfn, uint16_t flags)
{
	grants[ref].flags = 0;
	grants[ref].domid = to;
	grants[ref].frame = (uint32_t)gfn;
	xen_wmb();
	grants[ref].flags = flags;
}

/* What the guest says goes where a guest's words go: the ring of its console. */
void console_say(const char *s, size_t n)
{
	uint64_t end = system_time() + 5000000000ull;

	while (n && system_time() < end) {
		uint32_t prod = console_ring->out_prod, used = prod - console_ring->out_cons;

		if (used >= sizeof(console_ring->out)) {
			send_event(console_port);
			wait_port(console_port, 20);
			continue;
		}
		console_ring->out[MASK_XENCONS_IDX(prod, console_ring->out)] = *s++;
		xen_wmb();
		console_ring->out_prod = prod + 1;
		n--;
	}
	send_event(console_port);
}

void say(const char *fmt, ...)
{
	static char line[1024];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = vformat(line, fmt, ap);
	va_end(ap);
	console_say(line, n);
}

void end_of_guest(unsigned reason)
{
	struct sched_shutdown sd = { reason };

	/* The last words must be read before the domain is gone. */
	for (unsigned i = 0; i < 200 && console_ring->out_cons != console_ring->out_prod; i++) {
		send_event(console_port);
		wait_port(console_port, 10);
	}
	HC(sched_op, SCHEDOP_shutdown, &sd, 0);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* The value of NAME= on the command line, up to a space. */
static bool option(const char *name, char *value, size_t room)
{
	const char *s = command_line;
	size_t n = length(name);

	for (; *s; s++) {
		size_t i = 0;

		while (i < n && s[i] == name[i])
			i++;
		if (i < n || (s != command_line && s[-1] != ' '))
			continue;
		s += n;
		for (i = 0; i + 1 < room && s[i] && s[i] != ' '; i++)
			value[i] = s[i];
		value[i] = 0;
		return true;
	}
	return false;
}

static void set_up(void)
{
	static uint8_t shared_page[4096] __attribute__((aligned(4096)));
	struct xen_add_to_physmap a = { .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = gfn_of(shared_page) };
	uint64_t gfn = 0, port = 0;

	HC(memory_op, XENMEM_add_to_physmap, &a, 0);
	shared = (struct shared_info *)shared_page;
	for (unsigned i = 0; i < 64; i++)
		shared->evtchn_mask[i] = ~0ul;  /* everything by poll */
	a.space = XENMAPSPACE_grant_table;
	a.gpfn = 0xd0000;
	HC(memory_op, XENMEM_add_to_physmap, &a, 0);
	grants = (void *)(a.gpfn << 12);
	get_param(HVM_PARAM_CONSOLE_PFN, &gfn);
	get_param(HVM_PARAM_CONSOLE_EVTCHN, &port);
	console_ring = (void *)(gfn << 12);
	console_port = (evtchn_port_t)port;
	get_param(HVM_PARAM_STORE_PFN, &gfn);
	get_param(HVM_PARAM_STORE_EVTCHN, &port);
	store_ring = (void *)(gfn << 12);
	store_port = (evtchn_port_t)port;
}

static const struct { const char *name; void (*run)(void); } attacks[] = {
	{ "store", attack_store }, { "store-flood", attack_store_flood }, { "console", attack_console },
	{ "blk", attack_blk }, { "blk-vanish", attack_blk_vanish }, { "blk-states", attack_blk_states },
	{ "calls", attack_calls }, { "msrs", attack_msrs }, { "storm", attack_storm }, { "deaf", attack_deaf },
	{ "loop", attack_loop }, { "triple", attack_triple }, { "hole", attack_hole }, { "owned", attack_owned },
	{ "lost", attack_lost },
};

bool attack(const char *line)
{
	char name[32], seed[24];

	command_line = line;
	if (!option("attack=", name, sizeof(name)))
		return false;
	set_up();
	if (option("seed=", seed, sizeof(seed)))
		for (const char *s = seed; *s; s++)
			rng = rng * 10 + (unsigned)(*s - '0');
	say("attack %s seed %s\n", name, seed);
	for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (same(attacks[i].name, name)) {
			attacks[i].run();
			say("attack %s done: %u passed, %u failed\n", name, checks_passed(), checks_failed());
			end_of_guest(SHUTDOWN_poweroff);
		}
	say("FAIL no such attack\n");
	end_of_guest(SHUTDOWN_crash);
	return true;
}
