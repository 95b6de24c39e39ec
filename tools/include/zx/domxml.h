/* SPDX-License-Identifier: MIT */
/*
 * A domain's configuration, and libvirt's domain XML as its text form. What the reader does with an
 * element is one of three: honoured, harmless (virt-install and dumpxml write it; one note line names
 * them), or refused with file, line and what to write instead. No network, no external entities, no DTD.
 */
#ifndef ZX_DOMXML_H
#define ZX_DOMXML_H

#include <zx/util.h>

#define DOMXML_FILE_MAX (1u << 20)
#define DOMAIN_NAME_MAX 64u
#define DOMAIN_DISKS_MAX 64u
#define DOMAIN_VCPUS_MAX 128u

enum domain_action { ACTION_DESTROY, ACTION_RESTART, ACTION_PRESERVE, ACTION_RENAME_RESTART,
		     ACTION_COREDUMP_DESTROY, ACTION_COREDUMP_RESTART };
extern const char *const domain_action_names[];         /* libvirt's words, indexed by the enum */

struct domain_disk {
	char *source;           /* absolute path */
	char *target;           /* "xvda" */
	uint32_t vdev;          /* xenstore's number of it: 51712 */
	bool block;             /* a block device, not a file */
	bool readonly, cdrom;
};

struct domain_config {
	char *name;
	uint8_t uuid[16];
	bool has_uuid;
	char *title, *description;              /* may be NULL; kept for printing */
	uint64_t memory_kib, current_kib;       /* maximum, and what the balloon aims at */
	unsigned int vcpus_max, vcpus;
	uint8_t cpuset[DOMAIN_VCPUS_MAX / 8];   /* physical CPUs allowed; has_cpuset false: all */
	bool has_cpuset;
	bool pinned[DOMAIN_VCPUS_MAX];          /* vCPUs with a set of their own */
	uint8_t pin[DOMAIN_VCPUS_MAX][DOMAIN_VCPUS_MAX / 8];
	uint16_t weight;                        /* <shares>, 0: not given */
	uint32_t period_us;                     /* 0: not given */
	int64_t quota_us;                       /* <= 0: unlimited */
	char *kernel, *initrd, *cmdline;        /* kernel always set */
	enum domain_action on_poweroff, on_reboot, on_crash;
	bool console;
	bool balloon;
	unsigned int ndisks;
	struct domain_disk disk[DOMAIN_DISKS_MAX];
};

/* Defaults of a configuration without anything. */
void domain_config_init(struct domain_config *c);
void domain_config_free(struct domain_config *c);
/* Cap in per cent of one CPU, as the credit2 scheduler takes it; 0 unlimited. */
unsigned int domain_config_cap(const struct domain_config *c);

/*
 * errors gets one "FILE:LINE: message" line per problem, notes one line about ignored elements; both are
 * NUL-terminated when not empty. 0, or -EINVAL with errors filled and *c empty.
 */
int domxml_parse(const char *file, const char *text, size_t len, struct domain_config *c,
		 struct zx_buf *errors, struct zx_buf *notes);
int domxml_load(const char *file, struct domain_config *c, struct zx_buf *errors, struct zx_buf *notes);
/* XML that domxml_parse takes back. domid < 0: not running. */
int domxml_write(const struct domain_config *c, int domid, struct zx_buf *out);

/* Values, for xl's own options. */
bool domain_name_valid(const char *s);
bool domain_uuid_parse(const char *s, uint8_t uuid[16]);
void domain_uuid_print(const uint8_t uuid[16], char out[37]);
bool domain_memory_parse(const char *value, const char *unit, uint64_t *kib);   /* unit NULL: KiB */
bool domain_vdev_parse(const char *target, uint32_t *vdev);                     /* "xvda" */
bool domain_cpuset_parse(const char *s, uint8_t *set, size_t bytes);            /* "0-3,^2" */

#endif
