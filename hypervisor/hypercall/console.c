/* SPDX-License-Identifier: MIT */
/* console_io: dom0's console, and a trace for the boot domain. Guests are refused: they have their own console. */
#include <hv/domain.h>
#include <hv/event.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/init.h>
#include <hv/log.h>
#include <xen/xen.h>
#include "../domain/domain.h"
#include "calls.h"

#define CHUNK 256

static long console_write(struct vcpu *v, uint64_t *a)
{
	bool first = true;

	/* a[1] counts down, a[2] moves on: a restart writes the rest. */
	while (a[1]) {
		char buf[CHUNK];
		size_t n = min_t(uint64_t, a[1], sizeof(buf));
		int rc;

		if (!first && hypercall_preempt())
			return -ERESTART;
		first = false;
		rc = copy_from_guest(buf, a[2], n);
		if (rc)
			return rc;
		console_guest_write(v->domain, buf, n);
		a[2] += n;
		a[1] -= n;
	}
	return 0;
}

static long console_read(uint64_t len, uint64_t to)
{
	char buf[CHUNK];
	size_t n = console_guest_read(buf, min_t(uint64_t, len, sizeof(buf)));
	int rc = n ? copy_to_guest(to, buf, n) : 0;

	return rc ? rc : (long)n;
}

long do_console_io(struct vcpu *v, uint64_t *a)
{
	if (!v->domain->is_privileged && !domain_extra(v->domain)->console_ok)
		return -EPERM;
	a[1] = (uint32_t)a[1];
	if ((int32_t)a[1] < 0)
		return -EINVAL;
	switch (a[0]) {
	case CONSOLEIO_write:
		return console_write(v, a);
	case CONSOLEIO_read:
		return v == domain_vcpu(hardware_domain, v->id) ? console_read(a[1], a[2]) : 0;
	default:
		return -ENOSYS;
	}
}

static void console_input(void)
{
	send_global_virq(VIRQ_CONSOLE);
}

static int console_init(void)
{
	console_input_hook(console_input);
	return 0;
}
initcall(console_init);
