/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's command line: Xen's option syntax. An option is registered where its variable lives:
 *   integer_param("dom0_max_vcpus", opt_max);  boolean_param("noreboot", opt_noreboot);
 *   string_param("sched", opt_sched);          size_param("x", opt_x);      custom_param("dom0_mem", parse_dom0_mem);
 * "no-NAME" and NAME=0/no/off/false clear a boolean; an unknown option gives a warning.
 */
#ifndef HV_CMDLINE_H
#define HV_CMDLINE_H

#include <hv/types.h>

enum param_type { PARAM_INT, PARAM_BOOL, PARAM_STR, PARAM_SIZE, PARAM_CUSTOM };

struct param {
	const char *name;
	void *var;
	int (*fn)(const char *value); /* value "" when the option stands alone */
	uint32_t type, len;
} ZZ_ALIGNED(8);

#define PARAM_DEF(nm, t, v, l, f, id) \
	static const struct param param_##id ZZ_USED __attribute__((section(".params"), aligned(8))) = \
		{ .name = (nm), .var = (v), .fn = (f), .type = (t), .len = (l) }
#define integer_param(nm, v) PARAM_DEF(nm, PARAM_INT, &(v), sizeof(v), NULL, v)
#define boolean_param(nm, v) PARAM_DEF(nm, PARAM_BOOL, &(v), sizeof(v), NULL, v)
#define size_param(nm, v)    PARAM_DEF(nm, PARAM_SIZE, &(v), sizeof(v), NULL, v)
#define string_param(nm, v)  PARAM_DEF(nm, PARAM_STR, (v), sizeof(v), NULL, v)
#define custom_param(nm, f)  PARAM_DEF(nm, PARAM_CUSTOM, NULL, 0, f, f)

/* Parses line with the table [first, last); used by boot and by unit tests. Returns how many were unknown or bad. */
unsigned cmdline_parse_table(const char *line, const struct param *first, const struct param *last);
void cmdline_parse(const char *line);
/* The whole line, for xl info. */
extern char saved_cmdline[1024];

/* "512M", "1G", "4096" (bytes), "64K"; *end may be NULL. */
uint64_t parse_size(const char *s, const char **end);
/* 1, 0, or -1 when s is neither. */
int parse_bool(const char *s);

#endif
