/* SPDX-License-Identifier: MIT */
/*
 * xl: the toolstack's command. One table of verbs (verbs.c) makes dispatch, help, completion. A verb gets its own
 * arguments (argv[0] is the verb) and returns an exit status: 0, 1 (it failed, said why), 2 (used wrongly).
 */
#ifndef XL_H
#define XL_H

#include <stdbool.h>
#include <stdint.h>

#include <zx/util.h>
#include <zx/xc.h>
#include <zx/xs.h>

#define XL_VERSION "0.1"
#define XL_RUN_DIR "/run/xen/xl"
#define DOMID_NONE 0xffffffffu

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;      /* after the verb */
	const char *summary;
	const char *options;    /* a line each: "  -c  what it does\n"; NULL: none */
	bool takes_domain;      /* for completion */
};
extern const struct verb xl_verbs[];
const struct verb *xl_find_verb(const char *name);

/* Prints "xl: text" and returns 1. */
int xl_error(const char *fmt, ...) ZX_PRINTF(1, 2);
/* Prints the verb's usage to stderr and returns 2. */
int xl_usage(const char *verb);
void xl_print_help(const struct verb *v);

/* An option of a verb: letter and word (either may be absent), and where it goes: a switch, or the text that follows it. */
struct xl_flag {
	char letter;
	const char *word;
	bool *on;
	const char **arg;
};
#define XL_FLAGS(argc, argv, ...) xl_flags(argc, argv, (const struct xl_flag[]){ __VA_ARGS__, { 0 } })
#define XL_NO_FLAGS(argc, argv)   xl_flags(argc, argv, (const struct xl_flag[]){ { 0 } })
/* Reads options wherever they stand; the index of the first operand (they are moved to the end), or -1 after the usage. */
int xl_flags(int argc, char **argv, const struct xl_flag *flags);

/* Connections of this run, opened at first use; end the program with a message when they cannot be had. */
struct xc *xl_xc(void);
struct xs *xl_xs(void);
/* xenstored may have been restarted: a new connection (one try). Watches are gone. */
bool xl_xs_reopen(void);

/* "name", "12" or a UUID's domain; DOMID_NONE with a message when there is none. */
uint32_t xl_domain(const char *text);
/* Its name, malloc'ed; "Domain-0" for 0, "(null)" when the store has none. */
char *xl_domain_name(uint32_t domid);
/* The domain of that exact name, DOMID_NONE if none (no message). */
uint32_t xl_domain_by_name(const char *name);

/* Memory sizes: plain numbers are MiB; b, k, m, g, t suffixes. KiB, or false. */
bool xl_parse_memory(const char *text, uint64_t *kib);

#define XL_LIST_MAX 512
struct xl_domains {
	struct xen_domctl_getdomaininfo info[XL_LIST_MAX];
	int n;
};
/* The named domains, or all. False with a message. */
bool xl_gather(struct xl_domains *d, char **names, int count);
/* "rbpscd" with '-' for what does not hold. */
void xl_state_letters(uint32_t flags, char s[7]);

/* Growing JSON text on stdout. */
void json_string(const char *s);
void uuid_text(const uint8_t uuid[16], char out[37]);

/* Serialises toolstack runs that create, rename or destroy (a lock file); released at exit or before. */
int xl_lock(void);
void xl_unlock(void);
/* In a forked child: the parent's connections and lock are not ours. */
void xl_forked(void);

/* Between these a Ctrl-C, SIGTERM or SIGHUP waits; xl_stopped() tells of one: -EINTR with its text in e, or 0. */
void xl_defer_stop(bool on);
int xl_stopped(struct zx_err *e);

/* teardown.c: destroys a domain with all it has; waits for domains to end (gone: until removed, too) */
int store_destroy_domain(uint32_t domid);
int store_wait_shutdown(const uint32_t *domids, unsigned n, int timeout_s, bool gone);

#define VERB(name) int xl_##name(int argc, char **argv)
VERB(create); VERB(list); VERB(console); VERB(pause); VERB(unpause); VERB(shutdown); VERB(reboot); VERB(destroy);
VERB(rename); VERB(domid); VERB(domname); VERB(uptime); VERB(mem_set); VERB(mem_max); VERB(vcpu_list);
VERB(sched_credit2); VERB(vcpu_pin); VERB(vcpu_set); VERB(block_attach); VERB(block_detach); VERB(block_list);
VERB(sysrq); VERB(trigger); VERB(dump_core); VERB(convert); VERB(info); VERB(dmesg); VERB(debug_keys); VERB(exits); VERB(top); VERB(save);
VERB(restore); VERB(help);

#endif
