/* SPDX-License-Identifier: MIT */
/* In place of our xenstored's xen.c: the same make-believe as fake_libs.c gives to Debian's. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../tools/xenstored/xenstored.h"

static int kick = -1;

static int attach(struct domain *d, uint64_t gfn, uint32_t remote_port)
{
	char *path = zx_asprintf("%s/ring-%u", getenv("FAKE_XEN"), d->domid);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)gfn, (void)remote_port;
	free(path);
	if (fd >= 0)
		close(fd);
	if (p == MAP_FAILED)
		return -ESRCH;
	d->ring = p;
	return 0;
}

static void detach(struct domain *d)
{
	munmap(d->ring, 4096);
	d->ring = NULL;
}

static void notify(struct domain *d)
{
	(void)d;
}

static int state(uint32_t domid, bool *shutdown, bool *dying)
{
	char *path = zx_asprintf("%s/ring-%u", getenv("FAKE_XEN"), domid);
	int r = access(path, F_OK) ? -ESRCH : 0;

	free(path);
	*shutdown = *dying = false;
	return r;
}

static const struct xen_backend fake = { attach, detach, notify, state };

int xen_init(bool dom0_ring, struct zx_err *e)
{
	char *path = zx_asprintf("%s/kick", getenv("FAKE_XEN"));

	(void)dom0_ring, (void)e;
	xen = &fake;
	kick = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	free(path);
	return kick;
}

void xen_events(void)
{
	char c[64];

	while (read(kick, c, sizeof(c)) > 0)
		;
}
