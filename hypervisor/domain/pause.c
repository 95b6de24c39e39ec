/* SPDX-License-Identifier: MIT */
/*
 * Pausing, shutting down, crashing and resuming a domain; its watchdogs.
 * Lock: d->lock protects the counts and flags. VPF_DOMAIN is set on all vCPUs while the domain is paused or
 * shut down.
 */
#include <stdarg.h>
#include <hv/domain.h>
#include <hv/event.h>
#include <hv/evtchn.h>
#include <hv/init.h>
#include <hv/log.h>
#include <xen/sched.h>
#include <xen/xen.h>
#include "domain.h"

static void stop_all(struct domain *d)
{
	struct vcpu *v;

	assert_held(&d->lock);
	for_each_vcpu(d, v)
		vcpu_sleep_nosync(v, VPF_DOMAIN);
}

static void start_all(struct domain *d)
{
	struct vcpu *v;

	assert_held(&d->lock);
	if (d->pause_count == 0 && !d->is_shut_down)
		for_each_vcpu(d, v)
			vcpu_clear_flags(v, VPF_DOMAIN);
}

void domain_pause_nosync(struct domain *d)
{
	spin_lock(&d->lock);
	d->pause_count++;
	stop_all(d);
	spin_unlock(&d->lock);
}

void domain_pause(struct domain *d)
{
	struct vcpu *v;

	domain_pause_nosync(d);
	for_each_vcpu(d, v)
		vcpu_sleep_sync(v, VPF_DOMAIN);
}

void domain_unpause(struct domain *d)
{
	spin_lock(&d->lock);
	if (d->pause_count > 0)
		d->pause_count--;
	start_all(d);
	spin_unlock(&d->lock);
}

static void ZZ_NORETURN end_of_machine(struct domain *d, uint8_t code)
{
	static const char *const what[] = { "powers off", "reboots", "suspends", "crashed", "watchdog fired", "resets" };

	pr_err("domain %u %s: the machine follows\n", d->id, code < ARRAY_SIZE(what) ? what[code] : "shut down");
	if (code == SHUTDOWN_reboot || code == SHUTDOWN_soft_reset || code == SHUTDOWN_watchdog)
		machine_restart();
	machine_poweroff();
}

void domain_shutdown(struct domain *d, uint8_t code)
{
	if (d == hardware_domain)
		end_of_machine(d, code);
	spin_lock(&d->lock);
	if (d->is_shut_down || d->dying) {
		spin_unlock(&d->lock);
		return;
	}
	d->is_shut_down = true;
	d->shutdown_code = code;
	stop_all(d);
	spin_unlock(&d->lock);
	/* The toolstack may have asked to hear about this domain on a port of its own. */
	if (domain_extra(d)->suspend_port)
		evtchn_notify_subscriber(d, domain_extra(d)->suspend_port);
	send_global_virq(VIRQ_DOM_EXC);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
	char msg[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	pr_err("domain %u crashed: %s\n", d->id, msg);
	if (!d->is_shut_down)
		domain_shutdown(d, SHUTDOWN_crash);
}

void domain_resume(struct domain *d)
{
	/* All its vCPUs are off their CPUs: nothing of the old shutdown is still under way. */
	domain_pause(d);
	spin_lock(&d->lock);
	d->is_shut_down = false;
	d->shutdown_code = 0;
	spin_unlock(&d->lock);
	domain_unpause(d);
}

static void watchdog_fired(void *data)
{
	struct watchdog *w = data;

	if (!w->d->is_shut_down)
		pr_err("domain %u: watchdog fired\n", w->d->id);
	domain_shutdown(w->d, SHUTDOWN_watchdog);
}

/* Xen's rule: id 0 starts a free one and returns its number, 1 and up restarts or (0 s) stops that one. */
long domain_watchdog(struct domain *d, uint32_t id, uint32_t timeout)
{
	struct domain_extra *x = domain_extra(d);
	struct watchdog *w = NULL;
	long rc = 0;

	if (id > NR_WATCHDOGS)
		return -EINVAL;
	spin_lock(&d->lock);
	if (id == 0) {
		rc = timeout ? -ENOSPC : -EINVAL;
		for (unsigned i = 0; timeout && i < NR_WATCHDOGS; i++) {
			if (x->watchdog[i].used)
				continue;
			w = &x->watchdog[i];
			w->used = true;
			rc = i + 1;
			break;
		}
	} else if (!x->watchdog[id - 1].used) {
		rc = -EINVAL;
	} else {
		w = &x->watchdog[id - 1];
	}
	if (w && !w->d) {
		w->d = d;
		timer_init(&w->timer, watchdog_fired, w, smp_processor_id());
	}
	if (w && timeout) {
		timer_set(&w->timer, now_ns() + SECONDS(timeout));
	} else if (w) {
		timer_stop(&w->timer);
		w->used = false;
	}
	spin_unlock(&d->lock);
	return rc;
}

void domain_stop_watchdogs(struct domain *d)
{
	for (unsigned i = 0; i < NR_WATCHDOGS; i++)
		if (domain_extra(d)->watchdog[i].d)
			timer_kill(&domain_extra(d)->watchdog[i].timer);
}
