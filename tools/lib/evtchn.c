/* SPDX-License-Identifier: MIT */
/* /dev/xen/evtchn and /dev/xen/gntdev (see zx/evtchn.h). No state of its own: no locks. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zx/evtchn.h>
#include <zx/xendev.h>

#define PAGE 4096u

static int result(int rc)
{
	return rc < 0 ? -errno : rc;
}

int zx_evtchn_open(struct zx_err *e)
{
	int fd = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return zx_fail(e, errno, "/dev/xen/evtchn: %s (is this dom0?)", strerror(errno));
	return fd;
}

int zx_evtchn_bind_virq(int fd, uint32_t virq)
{
	struct ioctl_evtchn_bind_virq b = { .virq = virq };

	return result(ioctl(fd, EVTCHN_BIND_VIRQ, &b));
}

int zx_evtchn_bind_interdomain(int fd, uint32_t domid, uint32_t port)
{
	struct ioctl_evtchn_bind_interdomain b = { .remote_domain = domid, .remote_port = port };

	return result(ioctl(fd, EVTCHN_BIND_INTERDOMAIN, &b));
}

int zx_evtchn_unbind(int fd, uint32_t port)
{
	struct ioctl_evtchn_port p = { .port = port };

	return result(ioctl(fd, EVTCHN_UNBIND, &p));
}

int zx_evtchn_notify(int fd, uint32_t port)
{
	struct ioctl_evtchn_port p = { .port = port };

	return result(ioctl(fd, EVTCHN_NOTIFY, &p));
}

int zx_evtchn_next(int fd)
{
	uint32_t port;
	ssize_t n = read(fd, &port, sizeof(port));

	if (n < 0)
		return -errno;
	return n == sizeof(port) ? (int)port : -EAGAIN;
}

int zx_evtchn_unmask(int fd, uint32_t port)
{
	return write(fd, &port, sizeof(port)) == sizeof(port) ? 0 : -errno;
}

int zx_gnttab_open(struct zx_err *e)
{
	int fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return zx_fail(e, errno, "/dev/xen/gntdev: %s", strerror(errno));
	return fd;
}

void *zx_gnttab_map(int fd, uint32_t domid, uint32_t ref, int prot, uint64_t *index)
{
	struct gntdev_map m = { .count = 1, .refs[0] = { .domid = domid, .ref = ref } };
	void *p;

	if (ioctl(fd, GNTDEV_MAP_GRANT_REF, &m) < 0)
		return NULL;
	p = mmap(NULL, PAGE, prot, MAP_SHARED, fd, (off_t)m.index);
	if (p == MAP_FAILED) {
		struct gntdev_unmap u = { .index = m.index, .count = 1 };
		int saved = errno;

		ioctl(fd, GNTDEV_UNMAP_GRANT_REF, &u);
		errno = saved;
		return NULL;
	}
	*index = m.index;
	return p;
}

void zx_gnttab_unmap(int fd, void *addr, uint64_t index)
{
	struct gntdev_unmap u = { .index = index, .count = 1 };

	munmap(addr, PAGE);
	ioctl(fd, GNTDEV_UNMAP_GRANT_REF, &u);
}
