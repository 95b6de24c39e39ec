/* SPDX-License-Identifier: MIT */
/* The hypervisor that xenconsoled sees in console-daemon.py: $FAKE_XEN holds console-N (the page of domain N) and events (a FIFO). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zx/evtchn.h>
#include <zx/xc.h>

#define DOMAINS 8u

static int events = -1;

static char *file(const char *name, unsigned int n)
{
	return n ? zx_asprintf("%s/%s%u", getenv("FAKE_XEN"), name, n) : zx_asprintf("%s/%s", getenv("FAKE_XEN"), name);
}

int zx_evtchn_open(struct zx_err *e)
{
	char *path = file("events", 0);

	(void)e;
	events = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	free(path);
	return events;
}

int zx_evtchn_bind_virq(int fd, uint32_t virq)
{
	(void)fd, (void)virq;
	return 99;
}

int zx_evtchn_bind_interdomain(int fd, uint32_t domid, uint32_t port)
{
	(void)fd, (void)port;
	return 100 + (int)domid;
}

int zx_evtchn_unbind(int fd, uint32_t port)
{
	(void)fd, (void)port;
	return 0;
}

int zx_evtchn_notify(int fd, uint32_t port)
{
	(void)fd, (void)port;
	return 0;
}

int zx_evtchn_next(int fd)
{
	char domid;

	return read(fd, &domid, 1) == 1 ? 100 + domid : -EAGAIN;
}

int zx_evtchn_unmask(int fd, uint32_t port)
{
	(void)fd, (void)port;
	return 0;
}

int zx_gnttab_open(struct zx_err *e)
{
	(void)e;
	return 5;
}

void *zx_gnttab_map(int fd, uint32_t domid, uint32_t ref, int prot, uint64_t *index)
{
	char *path = file("console-", domid);
	int page = open(path, O_RDWR | O_CLOEXEC);
	void *p = page < 0 ? MAP_FAILED : mmap(NULL, XC_PAGE_SIZE, prot, MAP_SHARED, page, 0);

	(void)fd, (void)ref;
	free(path);
	if (page >= 0)
		close(page);
	*index = 0;
	return p == MAP_FAILED ? NULL : p;
}

void zx_gnttab_unmap(int fd, void *addr, uint64_t index)
{
	(void)fd, (void)index;
	munmap(addr, XC_PAGE_SIZE);
}

struct xc *xc_open(struct zx_err *e)
{
	(void)e;
	return (struct xc *)&events;
}

void xc_close(struct xc *xc)
{
	(void)xc;
}

int xc_domain_list(struct xc *xc, uint32_t first, struct xen_domctl_getdomaininfo *list, size_t max)
{
	int n = 0;

	(void)xc;
	for (uint32_t d = first; d < DOMAINS && (size_t)n < max; d++) {
		char *path = file("console-", d);

		if (d && !access(path, F_OK)) {
			memset(&list[n], 0, sizeof(list[n]));
			list[n++].domain = (domid_t)d;
		}
		free(path);
	}
	return n;
}

void *xc_map_foreign(struct xc *xc, uint32_t domid, int prot, const uint64_t *gfns, size_t n, int *errs)
{
	(void)xc, (void)domid, (void)prot, (void)gfns, (void)n, (void)errs;
	errno = EPERM;
	return NULL;
}

void xc_unmap(void *p, size_t pages)
{
	munmap(p, pages * XC_PAGE_SIZE);
}

int xc_read_console(struct xc *xc, char *buf, size_t size, bool clear, uint32_t *index)
{
	(void)xc, (void)buf, (void)size, (void)clear, (void)index;
	return 0;
}
