/* SPDX-License-Identifier: MIT */
/* CONTROL requests (xenstore-control) and the trace file. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "xenstored.h"

FILE *trace;

static const char *const type_names[XS_TYPE_COUNT] = {
	[XS_CONTROL] = "CONTROL", [XS_DIRECTORY] = "DIRECTORY", [XS_READ] = "READ", [XS_GET_PERMS] = "GET_PERMS",
	[XS_WATCH] = "WATCH", [XS_UNWATCH] = "UNWATCH", [XS_TRANSACTION_START] = "TRANSACTION_START",
	[XS_TRANSACTION_END] = "TRANSACTION_END", [XS_INTRODUCE] = "INTRODUCE", [XS_RELEASE] = "RELEASE",
	[XS_GET_DOMAIN_PATH] = "GET_DOMAIN_PATH", [XS_WRITE] = "WRITE", [XS_MKDIR] = "MKDIR", [XS_RM] = "RM",
	[XS_SET_PERMS] = "SET_PERMS", [XS_WATCH_EVENT] = "WATCH_EVENT", [XS_ERROR] = "ERROR",
	[XS_IS_DOMAIN_INTRODUCED] = "IS_DOMAIN_INTRODUCED", [XS_RESUME] = "RESUME", [XS_SET_TARGET] = "SET_TARGET",
	[XS_RESET_WATCHES] = "RESET_WATCHES", [XS_DIRECTORY_PART] = "DIRECTORY_PART",
};

void trace_message(const struct conn *c, bool out, const struct xsd_sockmsg *h, const char *body)
{
	struct timespec t;
	const char *name = h->type < XS_TYPE_COUNT && type_names[h->type] ? type_names[h->type] : "?";

	if (!trace)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	fprintf(trace, "%lld.%06ld %s %s%d tx %u %s (", (long long)t.tv_sec, t.tv_nsec / 1000, out ? "OUT" : "IN ",
		c->fd >= 0 ? "fd" : "dom", c->fd >= 0 ? c->fd : (int)c->domid, h->tx_id, name);
	/* Bytes come from guests: print what is printable, strings separated by a blank. */
	for (uint32_t i = 0; i < h->len; i++)
		fputc(body[i] >= ' ' && body[i] < 127 ? body[i] : body[i] == '\0' ? ' ' : '.', trace);
	fputs(")\n", trace);
	fflush(trace);
}

static int control_help(struct req *r, const char *arg);

static int control_log(struct req *r, const char *arg)
{
	static FILE *stopped;

	if (!arg || (strcmp(arg, "on") != 0 && strcmp(arg, "off") != 0))
		return EINVAL;
	if (strcmp(arg, "off") == 0 && trace) {
		stopped = trace;
		trace = NULL;
	} else if (strcmp(arg, "on") == 0 && !trace) {
		trace = stopped;
	}
	zx_buf_addf(&r->reply, strcmp(arg, "on") == 0 && !trace ? "no trace file (start with --trace-file)" : "OK");
	return 0;
}

static int control_memreport(struct req *r, const char *arg)
{
	(void)arg;
	zx_buf_addf(&r->reply, "nodes %zu, generation %llu\n", store.count, (unsigned long long)generation);
	for (struct conn *c = conns; c; c = c->next)
		zx_buf_addf(&r->reply, "%s %d: transactions %u, output %u messages %zu bytes\n",
			    c->fd >= 0 ? "socket" : "domain", c->fd >= 0 ? c->fd : (int)c->domid, c->ntx, c->out_count,
			    c->out_bytes);
	for (struct domain *d = domains; d; d = d->next)
		zx_buf_addf(&r->reply, "domain %u: %s, nodes %u, watches %u, bytes %zu\n", d->domid,
			    d->introduced ? "introduced" : "known", d->nodes, d->watches, d->memory);
	if (r->reply.len > XENSTORE_PAYLOAD_MAX - 1)
		r->reply.len = XENSTORE_PAYLOAD_MAX - 1;
	return 0;
}

static int control_quota(struct req *r, const char *arg)
{
	(void)arg;
	zx_buf_addf(&r->reply, "nodes %u\nwatches %u\nnode-size %u\ntransactions %u\npermissions %u\noutstanding %u\n"
		    "transaction-nodes %u\nmemory %u\n", quota.nodes, quota.watches, quota.node_bytes,
		    quota.transactions, quota.perms, quota.outstanding, quota.tx_nodes, quota.memory);
	return 0;
}

static const struct {
	const char *name, *usage;
	int (*run)(struct req *r, const char *arg);
} commands[] = {
	{ "help", "", control_help },
	{ "log", "on|off", control_log },
	{ "memreport", "", control_memreport },
	{ "quota", "", control_quota },
};

static int control_help(struct req *r, const char *arg)
{
	(void)arg;
	for (size_t i = 0; i < ZX_ARRAY_SIZE(commands); i++)
		zx_buf_addf(&r->reply, "%-12s %s\n", commands[i].name, commands[i].usage);
	return 0;
}

int op_control(struct req *r)
{
	const char *argv[2] = { NULL, NULL };

	if (request_strings(r, argv, 2) < 1)
		return EINVAL;
	for (size_t i = 0; i < ZX_ARRAY_SIZE(commands); i++)
		if (strcmp(argv[0], commands[i].name) == 0) {
			int rc = commands[i].run(r, argv[1]);

			if (!rc)
				zx_buf_add(&r->reply, "", 1);
			return rc;
		}
	return EINVAL;
}
