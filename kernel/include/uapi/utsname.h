/* SPDX-License-Identifier: MIT */
/* uname(2) and sysinfo(2). */
#ifndef _UAPI_UTSNAME_H
#define _UAPI_UTSNAME_H

#include <stdint.h>

#define UTS_LEN 64
struct utsname {
	char sysname[UTS_LEN + 1], nodename[UTS_LEN + 1], release[UTS_LEN + 1], version[UTS_LEN + 1];
	char machine[UTS_LEN + 1], domainname[UTS_LEN + 1];
};

struct sysinfo {
	int64_t uptime;
	uint64_t loads[3];
	uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit;
};
_Static_assert(sizeof(struct sysinfo) == 112, "struct sysinfo is 112 bytes");

#endif
