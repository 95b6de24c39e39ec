/* SPDX-License-Identifier: MIT */
/* The soft-off sleep type from a DSDT: Name(_S5_, Package{...}) with integer constants (ACPI 6.4, 7.4.2 and 20.2).
 * Pure code, fuzzed on the host. */
#ifdef __ZAZEN_KERNEL__
#include <kernel/acpi.h>
#include <kernel/string.h>
#else
#include "host.h"
bool acpi_find_s5(const u8 *aml, size_t n, u8 *a, u8 *b);
#endif

#define AML_NAME 0x08
#define AML_PACKAGE 0x12

static bool integer(const u8 **p, const u8 *end, u8 *v)
{
	if (*p >= end)
		return false;
	u8 op = *(*p)++;
	unsigned n = op == 0x0a ? 1 : op == 0x0b ? 2 : op == 0x0c ? 4 : op == 0x0e ? 8 : 0;
	if (!n) {
		*v = op == 0xff ? 0xff : op;
		return op == 0x00 || op == 0x01 || op == 0xff; /* Zero, One, Ones */
	}
	if ((size_t)(end - *p) < n)
		return false;
	*v = **p;
	*p += n;
	return true;
}

bool acpi_find_s5(const u8 *aml, size_t n, u8 *a, u8 *b)
{
	const u8 *end = aml + n;

	for (size_t i = 1; i + 8 < n; i++) {
		if (memcmp(aml + i, "_S5_", 4) || aml[i + 4] != AML_PACKAGE)
			continue;
		if (aml[i - 1] != AML_NAME && !(aml[i - 1] == '\\' && i > 1 && aml[i - 2] == AML_NAME))
			continue;
		const u8 *p = aml + i + 5;
		p += 1 + (*p >> 6); /* PkgLength: 1 to 4 bytes */
		if (p >= end)
			return false;
		unsigned elements = *p++;
		if (elements < 1 || !integer(&p, end, a))
			return false;
		*b = *a;
		if (elements >= 2 && !integer(&p, end, b))
			return false;
		*a &= 7;
		*b &= 7;
		return true;
	}
	return false;
}
