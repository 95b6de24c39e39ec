/* SPDX-License-Identifier: MIT */
/*
 * privcmd handle, hypercall buffers, raw hypercalls, foreign mappings (see zx/xc.h). The operations on
 * domains and on the host are in xc_domain.c and xc_host.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <zx/xc.h>
#include <zx/xendev.h>

struct xc {
	int fd;
};

/* Hypercall numbers of Xen's ABI (public/xen.h). */
enum {
	HC_MEMORY_OP = 12, HC_XEN_VERSION = 17, HC_SCHED_OP = 29, HC_EVENT_CHANNEL_OP = 32,
	HC_HVM_OP = 34, HC_SYSCTL = 35, HC_DOMCTL = 36,
};

struct xc *xc_open(struct zx_err *e)
{
	struct xc *xc = calloc(1, sizeof(*xc));

	if (!xc) {
		zx_fail(e, ENOMEM, "out of memory");
		return NULL;
	}
	xc->fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (xc->fd < 0) {
		int code = errno;

		zx_fail(e, code, "/dev/xen/privcmd: %s%s", strerror(code),
			code == ENOENT ? " (this machine does not run as dom0)" :
			code == EACCES || code == EPERM ? " (are you root?)" : "");
		free(xc);
		errno = code;
		return NULL;
	}
	return xc;
}

void xc_close(struct xc *xc)
{
	if (!xc)
		return;
	close(xc->fd);
	free(xc);
}

static size_t page_up(size_t n)
{
	return (n + XC_PAGE_SIZE - 1) & ~(size_t)(XC_PAGE_SIZE - 1);
}

void *xc_buf_alloc(size_t n)
{
	size_t size = page_up(n ? n : 1);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* Locking may be refused by a limit; the pages are populated all the same. Writing makes them private. */
	(void)!mlock(p, size);
	memset(p, 0, size);
	return p;
}

void xc_buf_free(void *p, size_t n)
{
	if (p)
		munmap(p, page_up(n ? n : 1));
}

long xc_hypercall(struct xc *xc, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	struct privcmd_hypercall call = { .op = nr, .arg = { a1, a2, a3, a4, a5 } };
	int rc = ioctl(xc->fd, PRIVCMD_HYPERCALL, &call);

	return rc < 0 ? -errno : rc;
}

/* Calls nr(cmd, copy of arg), or nr(copy of arg) when cmd is negative. */
static long call_with_copy(struct xc *xc, unsigned int nr, int cmd, void *arg, size_t size)
{
	void *p = xc_buf_alloc(size);
	long rc;

	if (!p)
		return -ENOMEM;
	if (size)
		memcpy(p, arg, size);
	rc = cmd < 0 ? xc_hypercall(xc, nr, (uintptr_t)p, 0, 0, 0, 0)
		     : xc_hypercall(xc, nr, (unsigned int)cmd, (uintptr_t)p, 0, 0, 0);
	if (size)
		memcpy(arg, p, size);
	xc_buf_free(p, size);
	return rc;
}

long xc_memory_op(struct xc *xc, unsigned int cmd, void *arg, size_t size)
{
	return call_with_copy(xc, HC_MEMORY_OP, (int)cmd, arg, size);
}

long xc_evtchn_op(struct xc *xc, unsigned int cmd, void *arg, size_t size)
{
	return call_with_copy(xc, HC_EVENT_CHANNEL_OP, (int)cmd, arg, size);
}

long xc_hvm_op(struct xc *xc, unsigned int cmd, void *arg, size_t size)
{
	return call_with_copy(xc, HC_HVM_OP, (int)cmd, arg, size);
}

long xc_sched_op(struct xc *xc, unsigned int cmd, void *arg, size_t size)
{
	return call_with_copy(xc, HC_SCHED_OP, (int)cmd, arg, size);
}

long xc_version_op(struct xc *xc, unsigned int cmd, void *arg, size_t size)
{
	return call_with_copy(xc, HC_XEN_VERSION, (int)cmd, arg, size);
}

int xc_domctl(struct xc *xc, struct xen_domctl *op)
{
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return (int)call_with_copy(xc, HC_DOMCTL, -1, op, sizeof(*op));
}

int xc_sysctl(struct xc *xc, struct xen_sysctl *op)
{
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return (int)call_with_copy(xc, HC_SYSCTL, -1, op, sizeof(*op));
}

void *xc_map_foreign(struct xc *xc, uint32_t domid, int prot, const uint64_t *gfns, size_t n, int *errs)
{
	struct privcmd_mmapbatch_v2 batch = { .num = (uint32_t)n, .dom = (uint16_t)domid, .arr = gfns };
	int *own = NULL, bad = 0;
	void *p;

	if (n == 0 || n > UINT32_MAX / XC_PAGE_SIZE) {
		errno = EINVAL;
		return NULL;
	}
	if (!errs) {
		own = calloc(n, sizeof(*own));
		if (!own)
			return NULL;
	}
	batch.err = errs ? errs : own;
	p = mmap(NULL, n * XC_PAGE_SIZE, prot, MAP_SHARED, xc->fd, 0);
	if (p == MAP_FAILED) {
		free(own);
		return NULL;
	}
	batch.addr = (uintptr_t)p;
	if (ioctl(xc->fd, PRIVCMD_MMAPBATCH_V2, &batch) < 0)
		bad = errno;
	for (size_t i = 0; own && !bad && i < n; i++)
		if (own[i])
			bad = own[i] < 0 ? -own[i] : EINVAL;
	free(own);
	/* ENOENT means "some frame is paged out": its error is in errs. */
	if (bad && !(errs && bad == ENOENT)) {
		munmap(p, n * XC_PAGE_SIZE);
		errno = bad;
		return NULL;
	}
	return p;
}

void *xc_map_resource(struct xc *xc, uint32_t domid, uint32_t type, uint32_t id, uint32_t first, size_t n, int prot)
{
	struct privcmd_mmap_resource r = {
		.dom = (uint16_t)domid, .type = type, .id = id, .idx = first, .num = n,
	};
	void *p = mmap(NULL, n * XC_PAGE_SIZE, prot, MAP_SHARED, xc->fd, 0);

	if (p == MAP_FAILED)
		return NULL;
	r.addr = (uintptr_t)p;
	if (ioctl(xc->fd, PRIVCMD_MMAP_RESOURCE, &r) < 0) {
		int saved = errno;

		munmap(p, n * XC_PAGE_SIZE);
		errno = saved;
		return NULL;
	}
	return p;
}

void xc_unmap(void *p, size_t pages)
{
	if (p)
		munmap(p, pages * XC_PAGE_SIZE);
}
