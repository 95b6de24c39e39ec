/* SPDX-License-Identifier: MIT */
/*
 * The xenstore client: requests and replies over the ring page, watches. See <kernel/xen/xenbus.h>.
 *
 * Locks: ring_mutex, one writer at a time on the request ring; pending_lock (spin), requests that wait for a reply,
 * watch events to be delivered and registered watches; callback_mutex, held while a watch callback runs. Order:
 * callback_mutex, ring_mutex, pending_lock. The reader thread takes only pending_lock: it never waits for a callback.
 */
#include <kernel/xen/events.h>
#include <kernel/xen/hypercall.h>
#include <kernel/xen/suspend.h>
#include <kernel/xen/xen.h>
#include <kernel/xen/xenbus.h>
#include <kernel/errno.h>
#include <kernel/kernel.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <xen/hvm/params.h>

struct xenstore_domain_interface *xenstore_page;
evtchn_port_t xenstore_port;

struct request {
	struct list_head node;
	u32 id;
	struct completion done;
	struct xsd_sockmsg header; /* of the reply */
	void *body;                /* kmalloc'ed, len + 1 bytes, NUL-terminated */
	int error;
};
#define MAX_WAITING 256 /* events of one watch */
struct event {
	struct list_head node;
	struct xenbus_watch *watch; /* compared with the registered ones before use */
	char *path;
};

static DEFINE_MUTEX(ring_mutex);
static DEFINE_SPINLOCK(pending_lock);
static LIST_HEAD(pending);
static LIST_HEAD(events);
static LIST_HEAD(watches);
static DEFINE_MUTEX(callback_mutex);
static struct task *watcher_task;
static DECLARE_WAIT_QUEUE_HEAD(ring_wait);
static DECLARE_WAIT_QUEUE_HEAD(event_wait);
static DECLARE_WAIT_QUEUE_HEAD(ready_wait);
static u32 next_id = 1;
static volatile bool ready, broken;
static volatile bool mid_message; /* the reader has taken a part of one */
static int store_irq;

bool xenstore_ready(void)
{
	return ready;
}

void xenstore_wait_ready(void)
{
	wait_event(ready_wait, ready);
}

static irqreturn_t store_interrupt(int irq, void *dev)
{
	(void)irq, (void)dev;
	if (!ready) { /* the daemon's first sign of life */
		ready = true;
		wake_up_all(&ready_wait);
	}
	wake_up_all(&ring_wait);
	return IRQ_HANDLED;
}

/* --- the ring -------------------------------------------------------------------------------------------------- */

static u32 request_room(void)
{
	u32 used = xenstore_page->req_prod - READ_ONCE(xenstore_page->req_cons);

	return used > XENSTORE_RING_SIZE ? 0 : XENSTORE_RING_SIZE - used;
}

static void ring_write(const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		u32 at, chunk;

		wait_event(ring_wait, request_room() > 0);
		at = MASK_XENSTORE_IDX(xenstore_page->req_prod);
		chunk = min_t(u32, request_room(), XENSTORE_RING_SIZE - at);
		chunk = min_t(u32, chunk, (u32)n);
		smp_mb(); /* room was read before the bytes are written over */
		memcpy(xenstore_page->req + at, p, chunk);
		smp_wmb();
		xenstore_page->req_prod += chunk;
		notify_remote_via_evtchn(xenstore_port);
		p += chunk;
		n -= chunk;
	}
}

static u32 reply_bytes(void)
{
	return READ_ONCE(xenstore_page->rsp_prod) - xenstore_page->rsp_cons;
}

/* 0, or -EIO when the daemon's indexes make no sense. */
static int ring_read(void *data, size_t n)
{
	char *p = data;

	while (n) {
		u32 have, at, chunk;

		wait_event(ring_wait, reply_bytes() > 0);
		have = reply_bytes();
		if (have > XENSTORE_RING_SIZE)
			return -EIO;
		at = MASK_XENSTORE_IDX(xenstore_page->rsp_cons);
		chunk = min_t(u32, min_t(u32, have, XENSTORE_RING_SIZE - at), (u32)n);
		smp_rmb();
		mid_message = true;
		memcpy(p, xenstore_page->rsp + at, chunk);
		smp_mb();
		xenstore_page->rsp_cons += chunk;
		notify_remote_via_evtchn(xenstore_port);
		p += chunk;
		n -= chunk;
	}
	return 0;
}

/*
 * Whether an event must be kept (pending_lock held). A domain that changes a watched node faster than the callback runs
 * would else fill our memory: one event waiting for a watch says it all where the callback does not look at the path, the
 * same path never needs two, and there is a limit for the rest.
 */
static bool wanted(const struct event *e)
{
	struct xenbus_watch *w;
	struct event *old;
	bool known = false;

	list_for_each_entry(w, &watches, node_list)
		known |= w == e->watch;
	if (!known || e->watch->waiting >= MAX_WAITING)
		return false;
	if (e->watch->waiting)
		list_for_each_entry(old, &events, node)
			if (old->watch == e->watch && (!e->watch->each_path || !strcmp(old->path, e->path)))
				return false;
	e->watch->waiting++;
	return true;
}

static void deliver_event(char *body, u32 len)
{
	size_t path_len = strnlen(body, len);
	const char *token = body + path_len + 1;
	struct event *e;
	unsigned long value;

	if (path_len + 1 >= len || kstrtoul(token, 16, &value)) {
		kfree(body);
		return;
	}
	e = kmalloc(sizeof(*e), GFP_KERNEL);
	if (!e) {
		pr_err("xenbus: out of memory: a watch event is lost\n");
		kfree(body);
		return;
	}
	*e = (struct event){ .watch = (struct xenbus_watch *)value, .path = body };
	spin_lock(&pending_lock);
	if (wanted(e)) {
		list_add_tail(&e->node, &events);
		e = NULL;
	}
	spin_unlock(&pending_lock);
	if (e) {
		kfree(e);
		kfree(body);
	} else {
		wake_up_all(&event_wait);
	}
}

static void deliver_reply(const struct xsd_sockmsg *h, char *body)
{
	struct request *r, *found = NULL;

	spin_lock(&pending_lock);
	list_for_each_entry(r, &pending, node)
		if (r->id == h->req_id) {
			found = r;
			break;
		}
	if (found) {
		list_del_init(&found->node);
		found->header = *h;
		found->body = body;
		complete(&found->done);
	}
	spin_unlock(&pending_lock);
	if (!found)
		kfree(body);
}

/* What cannot be trusted any more is not used any more: all that wait get an error. */
static void fail_all(void)
{
	struct request *r, *next;

	spin_lock(&pending_lock);
	broken = true;
	list_for_each_entry_safe(r, next, &pending, node) {
		list_del_init(&r->node);
		r->error = -EIO;
		complete(&r->done);
	}
	spin_unlock(&pending_lock);
}

static int reader(void *arg)
{
	(void)arg;
	for (;;) {
		struct xsd_sockmsg h;
		char *body;

		if (ring_read(&h, sizeof(h)) || h.len > XENSTORE_PAYLOAD_MAX)
			break;
		body = kmalloc(h.len + 1, GFP_KERNEL | __GFP_NOFAIL);
		if (ring_read(body, h.len))
			break;
		body[h.len] = 0;
		mid_message = false;
		if (h.type == XS_WATCH_EVENT)
			deliver_event(body, h.len);
		else
			deliver_reply(&h, body);
	}
	pr_err("xenbus: the store daemon sent nonsense; the connection is given up\n");
	fail_all();
	return 0;
}

static int watcher(void *arg)
{
	(void)arg;
	for (;;) {
		struct event *e = NULL;
		struct xenbus_watch *w, *found;

		wait_event(event_wait, !list_empty(&events));
		mutex_lock(&callback_mutex);
		found = NULL;
		spin_lock(&pending_lock);
		if (!list_empty(&events)) {
			e = list_first_entry(&events, struct event, node);
			list_del(&e->node);
			list_for_each_entry(w, &watches, node_list)
				if (w == e->watch)
					found = w;
			if (found)
				found->waiting--;
		}
		spin_unlock(&pending_lock);
		if (found)
			found->callback(found, e->path);
		mutex_unlock(&callback_mutex);
		if (e) {
			kfree(e->path);
			kfree(e);
		}
	}
	return 0;
}

/* --- requests -------------------------------------------------------------------------------------------------- */

struct part {
	const void *p;
	size_t n;
};

static void send_request(struct request *r, u32 type, u32 tx, const struct part *parts, unsigned n)
{
	struct xsd_sockmsg h = { .type = type, .tx_id = tx };

	for (unsigned i = 0; i < n; i++)
		h.len += (u32)parts[i].n;
	init_completion(&r->done);
	mutex_lock(&ring_mutex);
	r->id = h.req_id = next_id++;
	spin_lock(&pending_lock);
	list_add_tail(&r->node, &pending);
	spin_unlock(&pending_lock);
	ring_write(&h, sizeof(h));
	for (unsigned i = 0; i < n; i++)
		ring_write(parts[i].p, parts[i].n);
	mutex_unlock(&ring_mutex);
}

/* Sends and waits. 0 with r->header and r->body, or -errno. */
static int transact(struct request *r, u32 type, u32 tx, const struct part *parts, unsigned n)
{
	size_t total = 0;

	for (unsigned i = 0; i < n; i++)
		total += parts[i].n;
	if (total > XENSTORE_PAYLOAD_MAX)
		return -E2BIG;
	if (!ready || broken)
		return -ENODEV;
	*r = (struct request){ 0 };
	send_request(r, type, tx, parts, n);
	wait_for_completion(&r->done);
	return r->error;
}

static const struct {
	const char *name;
	int error;
} errors[] = {
	{ "EINVAL", -EINVAL }, { "EACCES", -EACCES }, { "EEXIST", -EEXIST }, { "EISDIR", -EISDIR },
	{ "ENOENT", -ENOENT }, { "ENOMEM", -ENOMEM }, { "ENOSPC", -ENOSPC }, { "EIO", -EIO },
	{ "ENOTEMPTY", -ENOTEMPTY }, { "ENOSYS", -ENOSYS }, { "EROFS", -EROFS }, { "EBUSY", -EBUSY },
	{ "EAGAIN", -EAGAIN }, { "EISCONN", -EISCONN }, { "E2BIG", -E2BIG }, { "EPERM", -EPERM },
};

static int error_of(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(errors); i++)
		if (!strcmp(name, errors[i].name))
			return errors[i].error;
	return -EINVAL;
}

/* A request whose reply is wanted: *body is the caller's, len bytes and a NUL. */
static int request(u32 type, u32 tx, const struct part *parts, unsigned n, char **body, size_t *len)
{
	struct request r;
	int e = transact(&r, type, tx, parts, n);

	if (e)
		return e;
	if (r.header.type == XS_ERROR || r.header.type != type) {
		e = r.header.type == XS_ERROR ? error_of(r.body) : -EIO;
		kfree(r.body);
		return e;
	}
	if (len)
		*len = r.header.len;
	if (body)
		*body = r.body;
	else
		kfree(r.body);
	return 0;
}

int xenbus_raw_request(struct xsd_sockmsg *header, const void *body, void **reply)
{
	struct part part = { body, header->len };
	struct request r;
	int e = transact(&r, header->type, header->tx_id, &part, 1);

	if (e)
		return e;
	header->type = r.header.type;
	header->len = r.header.len;
	*reply = r.body;
	return 0;
}

static char *join(const char *dir, const char *node)
{
	size_t d = strlen(dir), n = strlen(node);
	char *path = kmalloc(d + n + 2, GFP_KERNEL);

	if (!path)
		return NULL;
	memcpy(path, dir, d);
	if (d && n)
		path[d++] = '/';
	memcpy(path + d, node, n + 1);
	return path;
}

static int path_request(u32 type, struct xenbus_transaction t, const char *dir, const char *node, const char *value,
			char **body, size_t *len)
{
	char *path = join(dir, node);
	struct part parts[2];
	int e;

	if (!path)
		return -ENOMEM;
	parts[0] = (struct part){ path, strlen(path) + 1 };
	if (value)
		parts[1] = (struct part){ value, strlen(value) };
	e = request(type, t.id, parts, value ? 2 : 1, body, len);
	kfree(path);
	return e;
}

int xenbus_read(struct xenbus_transaction t, const char *dir, const char *node, char **value, size_t *len)
{
	return path_request(XS_READ, t, dir, node, NULL, value, len);
}

int xenbus_write(struct xenbus_transaction t, const char *dir, const char *node, const char *value)
{
	return path_request(XS_WRITE, t, dir, node, value, NULL, NULL);
}

int xenbus_printf(struct xenbus_transaction t, const char *dir, const char *node, const char *fmt, ...)
{
	char value[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(value))
		return -E2BIG;
	return xenbus_write(t, dir, node, value);
}

int xenbus_mkdir(struct xenbus_transaction t, const char *dir, const char *node)
{
	return path_request(XS_MKDIR, t, dir, node, NULL, NULL, NULL);
}

int xenbus_rm(struct xenbus_transaction t, const char *dir, const char *node)
{
	return path_request(XS_RM, t, dir, node, NULL, NULL, NULL);
}

int xenbus_directory(struct xenbus_transaction t, const char *dir, const char *node, char **names, unsigned *n)
{
	size_t len;
	int e = path_request(XS_DIRECTORY, t, dir, node, NULL, names, &len);

	if (e)
		return e;
	*n = 0;
	for (size_t i = 0; i < len; i++)
		*n += (*names)[i] == 0;
	return 0;
}

u64 xenbus_read_u64(const char *dir, const char *node, u64 fallback)
{
	unsigned long value;
	char *text;

	if (xenbus_read(XBT_NIL, dir, node, &text, NULL))
		return fallback;
	if (kstrtoul(text, 10, &value))
		value = fallback;
	kfree(text);
	return value;
}

int xenbus_transaction_start(struct xenbus_transaction *t)
{
	struct part empty = { "", 1 };
	unsigned long id;
	char *text;
	int e = request(XS_TRANSACTION_START, 0, &empty, 1, &text, NULL);

	if (e)
		return e;
	e = kstrtoul(text, 10, &id);
	t->id = (u32)id;
	kfree(text);
	return e;
}

int xenbus_transaction_end(struct xenbus_transaction t, bool abort)
{
	struct part part = { abort ? "F" : "T", 2 };

	return request(XS_TRANSACTION_END, t.id, &part, 1, NULL, NULL);
}

/* No callback of w runs or will run after this, unless we are inside one. */
static void forget_watch(struct xenbus_watch *w)
{
	struct event *e, *next;

	spin_lock(&pending_lock);
	list_del(&w->node_list);
	list_for_each_entry_safe(e, next, &events, node)
		if (e->watch == w) {
			list_del(&e->node);
			kfree(e->path);
			kfree(e);
		}
	spin_unlock(&pending_lock);
	if (current != watcher_task) {
		mutex_lock(&callback_mutex);
		mutex_unlock(&callback_mutex);
	}
}

static int send_watch(struct xenbus_watch *w)
{
	char token[20];
	struct part parts[2] = { { w->path, strlen(w->path) + 1 }, { token, 0 } };
	int e;

	parts[1].n = (size_t)snprintf(token, sizeof(token), "%lx", (unsigned long)w) + 1;
	e = request(XS_WATCH, 0, parts, 2, NULL, NULL);
	return e == -EEXIST ? 0 : e;
}

int register_xenbus_watch(struct xenbus_watch *w)
{
	int e;

	/* listed first: the store fires it at once */
	spin_lock(&pending_lock);
	w->waiting = 0;
	list_add(&w->node_list, &watches);
	spin_unlock(&pending_lock);
	e = send_watch(w);
	if (e)
		forget_watch(w);
	return e;
}

void unregister_xenbus_watch(struct xenbus_watch *w)
{
	char token[20];
	struct part parts[2] = { { w->path, strlen(w->path) + 1 }, { token, 0 } };
	int e;

	parts[1].n = (size_t)snprintf(token, sizeof(token), "%lx", (unsigned long)w) + 1;
	e = request(XS_UNWATCH, 0, parts, 2, NULL, NULL);
	if (e)
		pr_warn("xenbus: unwatch %s: %d\n", w->path, e);
	forget_watch(w);
}

/* --- suspend ----------------------------------------------------------------------------------------------------- */

/* With ring_mutex nobody can send; what has been sent is answered. */
void xenstore_suspend(void)
{
	mutex_lock(&ring_mutex);
	while (!list_empty(&pending))
		msleep(1);
}

bool xenstore_quiet(void)
{
	return list_empty(&pending) && !mid_message && reply_bytes() == 0 &&
	       xenstore_page->req_prod == READ_ONCE(xenstore_page->req_cons);
}

/* fresh: a new domain's store, whose ring starts at 0 and which knows none of our watches. */
void xenstore_resume(bool fresh)
{
	u64 port;

	if (fresh) {
		if (xen_get_param(HVM_PARAM_STORE_EVTCHN, &port) || evtchn_rebind_irq(store_irq, (evtchn_port_t)port)) {
			pr_err("xenbus: no connection to xenstore after a restore\n");
			broken = true;
		} else {
			xenstore_port = (evtchn_port_t)port;
		}
	}
	mutex_unlock(&ring_mutex);
	wake_up_all(&ring_wait);
}

/* In the xenwatch thread: nobody takes a watch off the list meanwhile but this thread or with a request of its own. */
void xenstore_watch_again(void)
{
	struct xenbus_watch *w, **all;
	unsigned n = 0, i = 0;

	spin_lock(&pending_lock);
	list_for_each_entry(w, &watches, node_list)
		n++;
	spin_unlock(&pending_lock);
	all = kmalloc((n + 1) * sizeof(*all), GFP_KERNEL | __GFP_NOFAIL);
	spin_lock(&pending_lock);
	list_for_each_entry(w, &watches, node_list)
		if (i < n)
			all[i++] = w;
	spin_unlock(&pending_lock);
	while (i)
		if (send_watch(all[--i]))
			pr_err("xenbus: a watch is lost: %s\n", all[i]->path);
	kfree(all);
}

/* --- start-up -------------------------------------------------------------------------------------------------- */

/* dom0: the page and port are ours to make; the daemon finds them in /proc/xen. */
static int make_local_store(void)
{
	xenstore_page = (struct xenstore_domain_interface *)get_zeroed_page(GFP_KERNEL);
	if (!xenstore_page)
		return -ENOMEM;
	return evtchn_alloc_unbound(DOMID_SELF, &xenstore_port);
}

static int find_store(void)
{
	u64 pfn, port;
	int e = xen_get_param(HVM_PARAM_STORE_PFN, &pfn);

	if (!e)
		e = xen_get_param(HVM_PARAM_STORE_EVTCHN, &port);
	if (e || !pfn || pfn == ~0UL || !port)
		return -ENODEV;
	xenstore_port = (evtchn_port_t)port;
	if (!pfn_valid(pfn)) {
		e = memmap_add(pfn, 1, true); /* a special page outside RAM */
		if (e)
			return e;
	}
	xenstore_page = phys_to_virt(pfn << PAGE_SHIFT);
	return 0;
}

static int xenstore_init(void)
{
	int e, irq;

	if (!running_on_xen())
		return 0;
	e = xen_initial_domain() ? make_local_store() : find_store();
	if (e == -ENODEV) {
		pr_info("xenbus: this domain has no xenstore\n");
		return 0;
	}
	if (e) {
		pr_err("xenbus: no connection to xenstore: %d\n", e);
		return e;
	}
	irq = store_irq = bind_evtchn_to_irqhandler(xenstore_port, store_interrupt, "xenbus", NULL);
	if (irq < 0)
		return irq;
	/* A guest's daemon runs, or its requests wait in the ring until it does; dom0's has yet to start. */
	if (!xen_initial_domain())
		ready = true;
	kthread_run(reader, NULL, "xenbus");
	watcher_task = kthread_run(watcher, NULL, "xenwatch");
	return 0;
}
postcore_initcall(xenstore_init);
