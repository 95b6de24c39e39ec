/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor side: rings mapped by grant (reference 1 is the store ring) or as a foreign page,
 * event channels, VIRQ_DOM_EXC (a domain changed state), and dom0's own kernel, whose ring is shown in
 * /proc/xen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zx/evtchn.h>
#include <zx/xc.h>

#include "xenstored.h"

#define GRANT_REF_STORE 1u      /* GNTTAB_RESERVED_XENSTORE */
#define MAPPED_FOREIGN  UINT64_MAX
#define MAPPED_KERNEL   (UINT64_MAX - 1)

static struct xc *xc;
static int evtchn = -1, gnttab = -1;
static uint32_t dom_exc_port;

static void *map_ring(struct domain *d, uint64_t gfn)
{
	void *p = NULL;

	if (gnttab >= 0)
		p = zx_gnttab_map(gnttab, d->domid, GRANT_REF_STORE, PROT_READ | PROT_WRITE, &d->ring_cookie);
	if (!p) {
		p = xc_map_foreign(xc, d->domid, PROT_READ | PROT_WRITE, &gfn, 1, NULL);
		d->ring_cookie = MAPPED_FOREIGN;
	}
	return p;
}

static void unmap_ring(struct domain *d)
{
	if (d->ring_cookie == MAPPED_FOREIGN || d->ring_cookie == MAPPED_KERNEL)
		xc_unmap(d->ring, 1);
	else
		zx_gnttab_unmap(gnttab, d->ring, d->ring_cookie);
	d->ring = NULL;
}

static int attach(struct domain *d, uint64_t gfn, uint32_t remote_port)
{
	int port = zx_evtchn_bind_interdomain(evtchn, d->domid, remote_port);

	if (port < 0)
		return port;
	if (!d->ring)
		d->ring = map_ring(d, gfn);
	if (!d->ring) {
		int code = errno;

		zx_evtchn_unbind(evtchn, (uint32_t)port);
		return -code;
	}
	d->port = (uint32_t)port;
	return 0;
}

static void detach(struct domain *d)
{
	zx_evtchn_unbind(evtchn, d->port);
	unmap_ring(d);
}

static void notify(struct domain *d)
{
	zx_evtchn_notify(evtchn, d->port);
}

static int state(uint32_t domid, bool *shutdown, bool *dying)
{
	struct xen_domctl_getdomaininfo info;
	int rc = xc_domain_info(xc, domid, &info);

	if (rc)
		return rc;
	*shutdown = info.flags & XEN_DOMINF_shutdown;
	*dying = info.flags & XEN_DOMINF_dying;
	return 0;
}

static const struct xen_backend real = {
	.attach = attach, .detach = detach, .notify = notify, .state = state,
};

/* dom0's kernel made its ring page and an unbound port before we started. */
static int attach_dom0(struct zx_err *e)
{
	struct domain *d = domain_get(DOM0);
	char text[32] = "";
	uint32_t port;
	int fd, rc;
	ssize_t n;

	fd = open("/proc/xen/xsd_port", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return zx_fail(e, errno, "/proc/xen/xsd_port: %s", strerror(errno));
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, " \n")] = '\0';
	if (!zx_parse_u32(text, &port))
		return zx_fail(e, EINVAL, "/proc/xen/xsd_port: not a number: '%s'", text);
	fd = open("/proc/xen/xsd_kva", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return zx_fail(e, errno, "/proc/xen/xsd_kva: %s", strerror(errno));
	d->ring = mmap(NULL, XC_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (d->ring == MAP_FAILED) {
		d->ring = NULL;
		return zx_fail(e, errno, "/proc/xen/xsd_kva: mmap: %s", strerror(errno));
	}
	d->ring_cookie = MAPPED_KERNEL;
	if (d->introduced && d->remote_port == port)
		return domain_restore(d) ? 0 : zx_fail(e, EIO, "dom0's kernel: cannot attach to its ring again");
	rc = domain_introduce(DOM0, 0, port);
	return rc ? zx_fail(e, rc, "dom0's kernel: event channel %u: %s", port, strerror(rc)) : 0;
}

int xen_init(bool dom0_ring, struct zx_err *e)
{
	int rc;

	xc = xc_open(e);
	if (!xc)
		return e ? -e->code : -errno;
	evtchn = zx_evtchn_open(e);
	if (evtchn < 0)
		return evtchn;
	gnttab = zx_gnttab_open(NULL);
	xen = &real;
	rc = zx_evtchn_bind_virq(evtchn, VIRQ_DOM_EXC);
	if (rc < 0)
		return zx_fail(e, -rc, "VIRQ_DOM_EXC: %s (is another xenstored running?)", strerror(-rc));
	dom_exc_port = (uint32_t)rc;
	rc = dom0_ring ? attach_dom0(e) : 0;
	return rc ? rc : evtchn;
}

void xen_events(void)
{
	int port;

	while ((port = zx_evtchn_next(evtchn)) >= 0) {
		if ((uint32_t)port == dom_exc_port)
			domain_check_all();
		/* Rings are looked at after every wait: a port only has to be unmasked. */
		zx_evtchn_unmask(evtchn, (uint32_t)port);
	}
}
