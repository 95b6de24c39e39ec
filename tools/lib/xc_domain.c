/* SPDX-License-Identifier: MIT */
/* Operations on one domain: domctls, HVM parameters, memory population (see zx/xc.h). */
#include <errno.h>
#include <stdlib.h>

#include <zx/xc.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>
#include <xen/sched.h>

/* A domctl without arguments. */
static int simple(struct xc *xc, uint32_t cmd, uint32_t domid)
{
	struct xen_domctl op = { .cmd = cmd, .domain = (domid_t)domid };

	return xc_domctl(xc, &op);
}

int xc_domain_info(struct xc *xc, uint32_t domid, struct xen_domctl_getdomaininfo *info)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = (domid_t)domid };
	int rc = xc_domctl(xc, &op);

	if (rc < 0)
		return rc;
	/* The call answers with the first domain whose id is >= the one asked for. */
	if (op.u.getdomaininfo.domain != domid)
		return -ESRCH;
	*info = op.u.getdomaininfo;
	return 0;
}

int xc_domain_list(struct xc *xc, uint32_t first, struct xen_domctl_getdomaininfo *list, size_t max)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_getdomaininfolist };
	size_t size = max * sizeof(*list);
	void *buf = xc_buf_alloc(size);
	int rc;

	if (!buf)
		return -ENOMEM;
	op.u.getdomaininfolist.first_domain = (domid_t)first;
	op.u.getdomaininfolist.max_domains = (uint32_t)max;
	XC_SET_HANDLE(op.u.getdomaininfolist.buffer, buf);
	rc = xc_sysctl(xc, &op);
	if (rc >= 0) {
		uint32_t n = op.u.getdomaininfolist.num_domains;

		rc = (int)(n < max ? n : max);
		memcpy(list, buf, (size_t)rc * sizeof(*list));
	}
	xc_buf_free(buf, size);
	return rc;
}

int xc_domain_pause(struct xc *xc, uint32_t domid)
{
	return simple(xc, XEN_DOMCTL_pausedomain, domid);
}

int xc_domain_unpause(struct xc *xc, uint32_t domid)
{
	return simple(xc, XEN_DOMCTL_unpausedomain, domid);
}

int xc_domain_destroy(struct xc *xc, uint32_t domid)
{
	int rc;

	do {
		rc = simple(xc, XEN_DOMCTL_destroydomain, domid);
		/* 85 is ERESTART: Xen hands the remaining work back; EAGAIN is what some kernels make of it. */
	} while (rc == -85 || rc == -EAGAIN || rc == -EINTR);
	return rc;
}

int xc_domain_resume(struct xc *xc, uint32_t domid)
{
	return simple(xc, XEN_DOMCTL_resumedomain, domid);
}

int xc_domain_shutdown(struct xc *xc, uint32_t domid, uint32_t reason)
{
	struct sched_remote_shutdown arg = { .domain_id = (domid_t)domid, .reason = reason };

	return (int)xc_sched_op(xc, SCHEDOP_remote_shutdown, &arg, sizeof(arg));
}

int xc_domain_max_vcpus(struct xc *xc, uint32_t domid, uint32_t n)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_max_vcpus, .domain = (domid_t)domid };

	op.u.max_vcpus.max = n;
	return xc_domctl(xc, &op);
}

int xc_domain_max_mem(struct xc *xc, uint32_t domid, uint64_t kib)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_max_mem, .domain = (domid_t)domid };

	op.u.max_mem.max_memkb = kib;
	return xc_domctl(xc, &op);
}

int xc_domain_set_handle(struct xc *xc, uint32_t domid, const uint8_t uuid[16])
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_setdomainhandle, .domain = (domid_t)domid };

	memcpy(op.u.setdomainhandle.handle, uuid, 16);
	return xc_domctl(xc, &op);
}

int xc_vcpu_info(struct xc *xc, uint32_t domid, uint32_t vcpu, struct xen_domctl_getvcpuinfo *info)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_getvcpuinfo, .domain = (domid_t)domid };
	int rc;

	op.u.getvcpuinfo.vcpu = vcpu;
	rc = xc_domctl(xc, &op);
	if (rc >= 0)
		*info = op.u.getvcpuinfo;
	return rc;
}

static int affinity(struct xc *xc, uint32_t cmd, uint32_t domid, uint32_t vcpu, uint8_t *hard, size_t bytes)
{
	struct xen_domctl op = { .cmd = cmd, .domain = (domid_t)domid };
	void *buf = xc_buf_alloc(bytes);
	int rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, hard, bytes);
	op.u.vcpuaffinity.vcpu = vcpu;
	op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	op.u.vcpuaffinity.cpumap_hard.nr_bits = (uint32_t)bytes * 8;
	XC_SET_HANDLE(op.u.vcpuaffinity.cpumap_hard.bitmap, buf);
	rc = xc_domctl(xc, &op);
	memcpy(hard, buf, bytes);
	xc_buf_free(buf, bytes);
	return rc;
}

int xc_vcpu_set_affinity(struct xc *xc, uint32_t domid, uint32_t vcpu, const uint8_t *hard, size_t bytes)
{
	uint8_t copy[512];

	if (bytes > sizeof(copy))
		return -E2BIG;
	memcpy(copy, hard, bytes);
	return affinity(xc, XEN_DOMCTL_setvcpuaffinity, domid, vcpu, copy, bytes);
}

int xc_vcpu_get_affinity(struct xc *xc, uint32_t domid, uint32_t vcpu, uint8_t *hard, size_t bytes)
{
	memset(hard, 0, bytes);
	return affinity(xc, XEN_DOMCTL_getvcpuaffinity, domid, vcpu, hard, bytes);
}

static int credit2(struct xc *xc, uint32_t domid, uint32_t cmd, uint16_t *weight, uint16_t *cap)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_scheduler_op, .domain = (domid_t)domid };
	int rc;

	op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	op.u.scheduler_op.cmd = cmd;
	op.u.scheduler_op.u.credit2.weight = *weight;
	op.u.scheduler_op.u.credit2.cap = *cap;
	rc = xc_domctl(xc, &op);
	if (rc >= 0) {
		*weight = op.u.scheduler_op.u.credit2.weight;
		*cap = op.u.scheduler_op.u.credit2.cap;
	}
	return rc;
}

int xc_credit2_get(struct xc *xc, uint32_t domid, uint16_t *weight, uint16_t *cap)
{
	*weight = *cap = 0;
	return credit2(xc, domid, XEN_DOMCTL_SCHEDOP_getinfo, weight, cap);
}

int xc_credit2_set(struct xc *xc, uint32_t domid, uint16_t weight, uint16_t cap)
{
	return credit2(xc, domid, XEN_DOMCTL_SCHEDOP_putinfo, &weight, &cap);
}

int xc_hvm_param_set(struct xc *xc, uint32_t domid, uint32_t index, uint64_t value)
{
	struct xen_hvm_param p = { .domid = (domid_t)domid, .index = index, .value = value };

	return (int)xc_hvm_op(xc, HVMOP_set_param, &p, sizeof(p));
}

int xc_hvm_param_get(struct xc *xc, uint32_t domid, uint32_t index, uint64_t *value)
{
	struct xen_hvm_param p = { .domid = (domid_t)domid, .index = index };
	int rc = (int)xc_hvm_op(xc, HVMOP_get_param, &p, sizeof(p));

	*value = p.value;
	return rc;
}

int xc_hvm_context_get(struct xc *xc, uint32_t domid, void *out, size_t size)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_gethvmcontext, .domain = (domid_t)domid };
	void *buf = NULL;
	int rc;

	if (out) {
		buf = xc_buf_alloc(size);
		if (!buf)
			return -ENOMEM;
		op.u.hvmcontext.size = (uint32_t)size;
		XC_SET_HANDLE(op.u.hvmcontext.buffer, buf);
	}
	rc = xc_domctl(xc, &op);
	if (rc >= 0) {
		rc = (int)op.u.hvmcontext.size;
		if (out)
			memcpy(out, buf, (size_t)rc < size ? (size_t)rc : size);
	}
	xc_buf_free(buf, size);
	return rc;
}

int xc_hvm_context_set(struct xc *xc, uint32_t domid, const void *in, size_t size)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_sethvmcontext, .domain = (domid_t)domid };
	void *buf = xc_buf_alloc(size);
	int rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, in, size);
	op.u.hvmcontext.size = (uint32_t)size;
	XC_SET_HANDLE(op.u.hvmcontext.buffer, buf);
	rc = xc_domctl(xc, &op);
	xc_buf_free(buf, size);
	return rc;
}

long xc_populate(struct xc *xc, uint32_t domid, const uint64_t *gfns, size_t n, unsigned int order)
{
	struct xen_memory_reservation r = {
		.nr_extents = n, .extent_order = order, .domid = (domid_t)domid,
	};
	size_t size = n * sizeof(*gfns);
	void *buf = xc_buf_alloc(size);
	long rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, gfns, size);
	XC_SET_HANDLE(r.extent_start, buf);
	rc = xc_memory_op(xc, XENMEM_populate_physmap, &r, sizeof(r));
	xc_buf_free(buf, size);
	return rc;
}

int xc_evtchn_alloc_unbound(struct xc *xc, uint32_t domid, uint32_t remote)
{
	struct evtchn_alloc_unbound a = { .dom = (domid_t)domid, .remote_dom = (domid_t)remote };
	int rc = (int)xc_evtchn_op(xc, EVTCHNOP_alloc_unbound, &a, sizeof(a));

	return rc < 0 ? rc : (int)a.port;
}
