/* SPDX-License-Identifier: MIT */
/* The root file system of the command line: root=DEVICE [ro|rw] [rootfstype=T] [rootflags=OPTIONS] [rootwait]
 * [rootdelay=N]. An initramfs with /init (or rdinit=) mounts the root itself. Entry point: the initcall. */
#include "block.h"
#include <kernel/fs.h>
#include <kernel/init.h>

static char root_dev[64], root_type[32], root_data[128];
static bool root_rw, root_wait;
static unsigned long root_delay;

static int set_root(const char *v) { return strscpy(root_dev, v, sizeof(root_dev)) < 0; }
static int set_type(const char *v) { return strscpy(root_type, v, sizeof(root_type)) < 0; }
static int set_data(const char *v) { return strscpy(root_data, v, sizeof(root_data)) < 0; }
static int set_rw(const char *v) { (void)v; root_rw = true; return 0; }
static int set_ro(const char *v) { (void)v; root_rw = false; return 0; }
static int set_wait(const char *v) { (void)v; root_wait = true; return 0; }
static int set_delay(const char *v) { return kstrtoul(v, 10, &root_delay); }
kernel_param("root", set_root);
kernel_param("rootfstype", set_type);
kernel_param("rootflags", set_data);
kernel_param("rw", set_rw);
kernel_param("ro", set_ro);
kernel_param("rootwait", set_wait);
kernel_param("rootdelay", set_delay);

static bool initramfs_has_init(void)
{
	struct path p;
	if (kern_path("/init", LOOKUP_FOLLOW, &p))
		return false;
	path_put(&p);
	return true;
}

static int mount_root(void)
{
	static const char *const guesses[] = { "ext2", "ext4" };
	int e = -EINVAL;

	if (!root_dev[0] || initramfs_has_init())
		return 0;
	if (root_delay)
		msleep(root_delay * 1000);
	/* Drivers that find their disks later (a guest's) get ten seconds, or for ever with rootwait. */
	for (unsigned i = 0; !name_to_dev(root_dev) && (root_wait || i < 100); i++)
		msleep(100);
	unsigned flags = root_rw ? 0 : MS_RDONLY;
	if (root_type[0]) {
		e = mount_root_fs(root_type, root_dev, flags, root_data[0] ? root_data : NULL);
	} else {
		for (unsigned i = 0; i < ARRAY_SIZE(guesses) && e; i++)
			e = mount_root_fs(guesses[i], root_dev, flags, root_data[0] ? root_data : NULL);
	}
	if (e)
		panic("cannot mount root=%s: error %d", root_dev, e);
	pr_info("root: %s mounted %s\n", root_dev, root_rw ? "read-write" : "read-only");
	e = do_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	if (e)
		pr_warn("root: no devtmpfs on /dev: %d\n", e);
	return 0;
}
late_initcall(mount_root);
