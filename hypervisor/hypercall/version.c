/* SPDX-License-Identifier: MIT */
/* xen_version: who we say we are. Answers are Xen's, so that guests and tools find what they know. */
#include <hv/cmdline.h>
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/types.h>
#include <xen/version.h>
#include "../domain/domain.h"
#include "calls.h"

#define VERSION_MAJOR 4
#define VERSION_MINOR 17

static long put_string(uint64_t to, const char *text, size_t size)
{
	char buf[1024];

	memset(buf, 0, sizeof(buf));
	strlcpy(buf, text, size);
	return copy_to_guest(to, buf, size);
}

static long get_features(struct vcpu *v, uint64_t arg)
{
	struct xen_feature_info fi;
	int rc = copy_from_guest(&fi, arg, sizeof(fi));

	if (rc)
		return rc;
	if (fi.submap_idx >= XENFEAT_NR_SUBMAPS)
		return -EINVAL;
	fi.submap = 1u << XENFEAT_writable_page_tables | 1u << XENFEAT_auto_translated_physmap |
		    1u << XENFEAT_hvm_callback_vector | 1u << XENFEAT_hvm_safe_pvclock |
		    1u << XENFEAT_memory_op_vnode_supported;
	fi.submap |= 1u << (domain_extra(v->domain)->direct_mapped ? XENFEAT_direct_mapped
								    : XENFEAT_not_direct_mapped);
	if (v->domain->is_privileged)
		fi.submap |= 1u << XENFEAT_dom0;
	return copy_to_guest(arg, &fi, sizeof(fi));
}

long do_xen_version(struct vcpu *v, uint64_t *a)
{
	switch (a[0]) {
	case XENVER_version:
		return VERSION_MAJOR << 16 | VERSION_MINOR;
	case XENVER_extraversion:
		return put_string(a[1], ".0-zazen", sizeof(xen_extraversion_t));
	case XENVER_compile_info: {
		struct xen_compile_info ci;

		memset(&ci, 0, sizeof(ci));
		strlcpy(ci.compiler, "gcc " __VERSION__, sizeof(ci.compiler));
		strlcpy(ci.compile_by, "zazen", sizeof(ci.compile_by));
		strlcpy(ci.compile_domain, "", sizeof(ci.compile_domain));
		strlcpy(ci.compile_date, "reproducible", sizeof(ci.compile_date));
		return copy_to_guest(a[1], &ci, sizeof(ci));
	}
	case XENVER_capabilities:
		return put_string(a[1], "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ",
				  sizeof(xen_capabilities_info_t));
	case XENVER_changeset:
		return put_string(a[1], "zazen", sizeof(xen_changeset_info_t));
	case XENVER_platform_parameters: {
		struct xen_platform_parameters pp = { .virt_start = __HYPERVISOR_VIRT_START };

		return copy_to_guest(a[1], &pp, sizeof(pp));
	}
	case XENVER_get_features:
		return get_features(v, a[1]);
	case XENVER_pagesize:
		return PAGE_SIZE;
	case XENVER_guest_handle:
		return copy_to_guest(a[1], v->domain->handle, sizeof(v->domain->handle));
	case XENVER_commandline:
		/* Others need not know how the machine is run. */
		return put_string(a[1], v->domain->is_privileged ? saved_cmdline : "<denied>", sizeof(xen_commandline_t));
	case XENVER_build_id:
		return -ENODATA;
	default:
		return -ENOSYS;
	}
}
