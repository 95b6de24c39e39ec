/* SPDX-License-Identifier: MIT */
/*
 * Disks of a domain: a block device is used as it is, a file through a loop device that is detached with the domain.
 * The lock of xl_lock() keeps two runs from taking the same image.
 */
#include "create.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SECTOR 512
#define ATTACH_TRIES 8          /* another program may take the free loop device first */
#define NODE_WAIT_MS 2000       /* until the kernel's node of a new loop device is there */

int disk_check(const struct domain_disk *d, struct zx_err *e)
{
	struct stat st;

	if (stat(d->source, &st))
		return zx_fail(e, errno, "disk %s: %s: %s", d->target, d->source, strerror(errno));
	if (d->block && !S_ISBLK(st.st_mode))
		return zx_fail(e, ENOTBLK, "disk %s: %s is not a block device; <disk type='file'> takes files", d->target, d->source);
	if (!d->block && !S_ISREG(st.st_mode))
		return zx_fail(e, EINVAL, "disk %s: %s is not a file%s", d->target, d->source,
			       S_ISBLK(st.st_mode) ? "; <disk type='block'> with <source dev=...> takes block devices" : "");
	if (!d->block && st.st_size < SECTOR)
		return zx_fail(e, EINVAL, "disk %s: %s holds no sector (%lld bytes)", d->target, d->source, (long long)st.st_size);
	if (access(d->source, d->readonly ? R_OK : R_OK | W_OK))
		return zx_fail(e, errno, "disk %s: %s: %s", d->target, d->source, strerror(errno));
	return 0;
}

/* One disk in the store, against the one wanted. */
static bool conflicts(uint32_t domid, const char *vdev, const char *path, bool writes)
{
	char *have = xs_getf(xl_xs(), 0, "/libxl/%u/device/vbd/%s/params", domid, vdev);
	char *mode = xs_getf(xl_xs(), 0, "/libxl/%u/device/vbd/%s/mode", domid, vdev);
	bool bad = have && !strcmp(have, path) && (writes || (mode && !strcmp(mode, "w")));

	free(have);
	free(mode);
	return bad;
}

int disk_check_sharing(const struct domain_disk *d, struct zx_err *e)
{
	struct xen_domctl_getdomaininfo list[256];
	int n = xc_domain_list(xl_xc(), 1, list, ZX_ARRAY_SIZE(list)), r = 0;
	char *path = realpath(d->source, NULL);

	for (int i = 0; path && !r && i < n; i++) {
		char *dir = zx_asprintf("/libxl/%u/device/vbd", list[i].domain), **vdevs = NULL;
		int have = xs_directory(xl_xs(), 0, dir, &vdevs);

		for (int j = 0; !r && j < have; j++)
			if (conflicts(list[i].domain, vdevs[j], path, !d->readonly)) {
				char *name = xl_domain_name(list[i].domain);

				r = zx_fail(e, EBUSY, "disk %s: %s is in use by %s; two domains share a disk only if both have it <readonly/>",
					    d->target, d->source, name);
				free(name);
			}
		if (have > 0)
			free(vdevs);
		free(dir);
	}
	free(path);
	return r;
}

static int open_node(const char *path, int flags)
{
	int fd;

	for (int waited = 0; (fd = open(path, flags | O_CLOEXEC)) < 0 && (errno == ENOENT || errno == ENXIO); waited += 20) {
		if (waited >= NODE_WAIT_MS)
			break;
		usleep(20000);
	}
	return fd < 0 ? -errno : fd;
}

/* Binds file to a free loop device. */
static int loop_bind(int file, bool readonly, const char *name, char out[32])
{
	struct loop_config c;
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), r = -EBUSY;

	if (control < 0)
		return -errno;
	for (int try = 0; r == -EBUSY && try < ATTACH_TRIES; try++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE), fd;

		if (n < 0) {
			r = -errno;
			break;
		}
		snprintf(out, 32, "/dev/loop%d", n);
		fd = open_node(out, readonly ? O_RDONLY : O_RDWR);
		if (fd < 0) {
			r = fd;
			break;
		}
		memset(&c, 0, sizeof(c));
		c.fd = (unsigned int)file;
		/* Direct: the guest's flush means the disk, and its data is not cached twice. */
		c.info.lo_flags = LO_FLAGS_DIRECT_IO | (readonly ? LO_FLAGS_READ_ONLY : 0);
		snprintf((char *)c.info.lo_file_name, LO_NAME_SIZE, "%s", name);
		r = ioctl(fd, LOOP_CONFIGURE, &c) ? -errno : 0;
		close(fd);
	}
	close(control);
	if (r)
		out[0] = 0;
	return r;
}

int disk_attach(const struct domain_disk *d, struct disk_dev *dev, struct zx_err *e)
{
	const char *node;
	struct stat st;
	int r;

	memset(dev, 0, sizeof(*dev));
	r = disk_check(d, e);
	if (r)
		return r;
	dev->params = realpath(d->source, NULL);
	if (!dev->params)
		return zx_fail(e, errno, "disk %s: %s: %s", d->target, d->source, strerror(errno));
	node = dev->params;
	if (!d->block) {
		int file = open(dev->params, (d->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);

		r = file < 0 ? -errno : loop_bind(file, d->readonly, dev->params, dev->loop);
		if (file >= 0)
			close(file);
		node = dev->loop;
	}
	if (!r && stat(node, &st))
		r = -errno;
	if (r) {
		zx_fail(e, -r, "disk %s: %s: attaching a loop device: %s", d->target, d->source, strerror(-r));
		disk_detach(dev);
		return r;
	}
	dev->major = major(st.st_rdev);
	dev->minor = minor(st.st_rdev);
	return 0;
}

int disk_detach_loop(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	/* While the back end has it open the kernel detaches it at the last close. ENXIO: detached already. */
	if (ioctl(fd, LOOP_CLR_FD) && errno != ENXIO)
		r = -errno;
	close(fd);
	return r;
}

void disk_detach(struct disk_dev *dev)
{
	if (dev->loop[0])
		disk_detach_loop(dev->loop);
	free(dev->params);
	memset(dev, 0, sizeof(*dev));
}
