/* SPDX-License-Identifier: MIT */
/* vcpu_op: a domain's own vCPUs. */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/vcpu.h>
#include "../domain/domain.h"
#include "calls.h"

/* Xen's lower bound: more often is asking for trouble. */
#define MIN_PERIOD MILLISECS(1)

static bool is_down(const struct vcpu *v) { return READ_ONCE(v->sched.pause_flags) & VPF_DOWN; }

static long up(struct vcpu *v)
{
	long rc = 0;

	spin_lock(&v->domain->lock);
	if (!v->is_initialised)
		rc = -EINVAL;
	else
		vcpu_clear_flags(v, VPF_DOWN);
	spin_unlock(&v->domain->lock);
	return rc;
}

static long down(struct vcpu *v)
{
	if (is_down(v))
		return 0;
	vcpu_take_down(v);
	return 0;
}

static long set_periodic(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_periodic_timer set;
	int rc = copy_from_guest(&set, arg, sizeof(set));

	if (rc)
		return rc;
	if (set.period_ns < MIN_PERIOD || set.period_ns > STIME_MAX)
		return -EINVAL;
	v->periodic_period = set.period_ns;
	timer_set(&v->periodic_timer, now_ns() + v->periodic_period);
	return 0;
}

static long set_singleshot(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_singleshot_timer set;
	int rc;

	if (v != current)
		return -EINVAL;
	rc = copy_from_guest(&set, arg, sizeof(set));
	if (rc)
		return rc;
	/* A deadline in the past fires at once, whatever the flag says (as 4.17 does). */
	/* where the vCPU runs now: the timer's interrupt then finds it there, without an IPI each way */
	timer_migrate(&v->singleshot_timer, smp_processor_id());
	timer_set(&v->singleshot_timer, (s_time_t)set.timeout_abs_ns - v->domain->time_offset_ns);
	return 0;
}

static long get_runstate(struct vcpu *v, uint64_t arg)
{
	struct vcpu_runstate_info info;
	struct runstate rs;

	vcpu_runstate_get(v, &rs);
	memset(&info, 0, sizeof(info));
	info.state = rs.state;
	info.state_entry_time = rs.entry + v->domain->time_offset_ns;
	memcpy(info.time, rs.time, sizeof(info.time));
	return copy_to_guest(arg, &info, sizeof(info));
}

static long register_info(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_vcpu_info op;
	int rc = copy_from_guest(&op, arg, sizeof(op));

	return rc ? rc : vcpu_register_info(v, op.mfn, op.offset);
}

/* Both area structures hold one guest-virtual address. */
static long register_area(struct vcpu *v, uint64_t arg, int (*fn)(struct vcpu *, uint64_t))
{
	uint64_t va;
	int rc = copy_from_guest(&va, arg, sizeof(va));

	return rc ? rc : fn(v, va);
}

static long initialise(struct vcpu *v, uint64_t arg)
{
	struct vcpu_hvm_context ctx;
	int rc;

	if (v == current || !is_down(v))
		return -EINVAL;
	rc = copy_from_guest(&ctx, arg, sizeof(ctx));
	if (rc)
		return rc;
	if (v->is_initialised)
		return -EEXIST;
	rc = arch_vcpu_set_context(v, &ctx);
	if (!rc)
		v->is_initialised = true;
	return rc;
}

long do_vcpu_op(struct vcpu *self, uint64_t *a)
{
	struct vcpu *v = a[1] < MAX_VCPUS ? domain_vcpu(self->domain, a[1]) : NULL;

	if (!v)
		return -ENOENT;
	switch (a[0]) {
	case VCPUOP_initialise: return initialise(v, a[2]);
	case VCPUOP_up: return up(v);
	case VCPUOP_down: return down(v);
	case VCPUOP_is_up: return !is_down(v);
	case VCPUOP_get_runstate_info: return get_runstate(v, a[2]);
	case VCPUOP_register_runstate_memory_area: return register_area(v, a[2], vcpu_register_runstate);
	case VCPUOP_set_periodic_timer: return set_periodic(v, a[2]);
	case VCPUOP_stop_periodic_timer:
		v->periodic_period = 0;
		timer_stop(&v->periodic_timer);
		return 0;
	case VCPUOP_set_singleshot_timer: return set_singleshot(v, a[2]);
	case VCPUOP_stop_singleshot_timer:
		if (v != current)
			return -EINVAL;
		timer_stop(&v->singleshot_timer);
		return 0;
	case VCPUOP_register_vcpu_info: return register_info(v, a[2]);
	case VCPUOP_register_vcpu_time_memory_area: return register_area(v, a[2], vcpu_register_time);
	case VCPUOP_send_nmi:
		vcpu_inject_nmi(v);
		return 0;
	default:
		return -ENOSYS;
	}
}
