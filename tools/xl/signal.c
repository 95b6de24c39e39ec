/* SPDX-License-Identifier: MIT */
/* xl sysrq and trigger: a key for the guest's kernel, an NMI for one of its vCPUs. */
#include "xl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int xl_sysrq(int argc, char **argv)
{
	int first = XL_NO_FLAGS(argc, argv), r;
	const char *key;
	uint32_t domid;
	char *path;

	if (first < 0)
		return 2;
	if (argc != first + 2)
		return xl_usage(argv[0]);
	key = argv[first + 1];
	if (strlen(key) != 1 || key[0] <= ' ' || key[0] > '~')
		return xl_error("%s: a sysrq is one letter", key);
	domid = xl_domain(argv[first]);
	if (domid == DOMID_NONE)
		return 1;
	if (!domid)
		return xl_error("dom0 has no sysrq");
	path = zx_asprintf("/local/domain/%u/control/sysrq", domid);
	r = xs_put(xl_xs(), 0, path, "%s", key);
	free(path);
	return r ? xl_error("%s: %s", argv[first], strerror(-r)) : 0;
}

static int send_trigger(uint32_t domid, uint32_t trigger, uint32_t vcpu)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_sendtrigger, .domain = (domid_t)domid };

	op.u.sendtrigger.trigger = trigger;
	op.u.sendtrigger.vcpu = vcpu;
	return xc_domctl(xl_xc(), &op);
}

int xl_trigger(int argc, char **argv)
{
	static const struct { const char *name; uint32_t code; } triggers[] = {
		{ "nmi", XEN_DOMCTL_SENDTRIGGER_NMI }, { "reset", XEN_DOMCTL_SENDTRIGGER_RESET },
		{ "init", XEN_DOMCTL_SENDTRIGGER_INIT }, { "power", XEN_DOMCTL_SENDTRIGGER_POWER },
		{ "sleep", XEN_DOMCTL_SENDTRIGGER_SLEEP },
	};
	int first = XL_NO_FLAGS(argc, argv), r;
	uint32_t domid, vcpu = 0;
	size_t i = 0;

	if (first < 0)
		return 2;
	argv += first - 1;
	argc -= first - 1;
	if (argc < 3 || argc > 4)
		return xl_usage("trigger");
	while (i < ZX_ARRAY_SIZE(triggers) && strcmp(argv[2], triggers[i].name) != 0)
		i++;
	if (i == ZX_ARRAY_SIZE(triggers))
		return xl_error("%s: no such trigger; nmi, reset, init, power or sleep", argv[2]);
	if (argc == 4 && !zx_parse_u32(argv[3], &vcpu))
		return xl_error("%s: not the number of a vCPU", argv[3]);
	domid = xl_domain(argv[1]);
	if (domid == DOMID_NONE)
		return 1;
	r = send_trigger(domid, triggers[i].code, vcpu);
	if (r == -ENOSYS || r == -EOPNOTSUPP)
		return xl_error("%s: a PVH guest has no %s trigger; only nmi", argv[1], argv[2]);
	if (r == -ESRCH)
		return xl_error("%s: has no vCPU %u", argv[1], vcpu);
	return r ? xl_error("%s: %s", argv[1], strerror(-r)) : 0;
}
