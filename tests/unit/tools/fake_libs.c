/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into Debian's xenstored, so that it runs without Xen: the few functions of libxenevtchn, libxengnttab and
 * libxenctrl that it uses. $FAKE_XEN holds ring-N (the page shared with domain N), port, and kick (a FIFO: a domain's event).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

static int kick = -1;

static const char *file(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", getenv("FAKE_XEN"), name);
	return path;
}

int open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	if (!real)
		real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	if (!strcmp(path, "/proc/xen/xsd_port"))
		path = file("port");
	else if (!strcmp(path, "/proc/xen/xsd_kva"))
		path = file("ring-0");
	return real(path, flags, mode);
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger, (void)flags;
	kick = open(file("kick"), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
	return (xenevtchn_handle *)&kick;
}

xenevtchn_handle *xenevtchn_fdopen(struct xentoollog_logger *logger, int fd, unsigned int flags)
{
	(void)fd;
	return xenevtchn_open(logger, flags);
}

int xenevtchn_fd(xenevtchn_handle *x)
{
	(void)x;
	return kick;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *x)
{
	char c;

	(void)x;
	return read(kick, &c, 1) == 1 ? 100 : -1;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *x, uint32_t domid, evtchn_port_t remote)
{
	(void)x, (void)remote;
	return 100 + (int)domid;
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *x, unsigned int virq)
{
	(void)x, (void)virq;
	return 99;
}

int xenevtchn_notify(xenevtchn_handle *x, evtchn_port_t port)
{
	(void)x, (void)port;
	return 0;
}

int xenevtchn_unbind(xenevtchn_handle *x, evtchn_port_t port)
{
	(void)x, (void)port;
	return 0;
}

int xenevtchn_unmask(xenevtchn_handle *x, evtchn_port_t port)
{
	(void)x, (void)port;
	return 0;
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger, (void)flags;
	return (xengnttab_handle *)&kick;
}

int xengnttab_close(xengnttab_handle *x)
{
	(void)x;
	return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *x, uint32_t n)
{
	(void)x, (void)n;
	return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *x, uint32_t domid, uint32_t ref, int prot)
{
	char name[32];
	void *p;
	int fd;

	(void)x, (void)ref;
	snprintf(name, sizeof(name), "ring-%u", domid);
	fd = open(file(name), O_RDWR, 0);
	p = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, prot, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

int xengnttab_unmap(xengnttab_handle *x, void *p, uint32_t n)
{
	(void)x;
	return munmap(p, n * 4096ul);
}

xc_interface *xc_interface_open(struct xentoollog_logger *a, struct xentoollog_logger *b, unsigned int flags)
{
	(void)a, (void)b, (void)flags;
	return (xc_interface *)&kick;
}

int xc_interface_close(xc_interface *x)
{
	(void)x;
	return 0;
}

/* Every domain with a ring is there and runs. */
int xc_domain_getinfo(xc_interface *x, uint32_t first, unsigned int max, xc_dominfo_t *info)
{
	char name[32];

	(void)x, (void)max;
	memset(info, 0, sizeof(*info));
	info->domid = first;
	snprintf(name, sizeof(name), "ring-%u", first);
	return access(file(name), F_OK) ? -1 : 1;
}
