/* SPDX-License-Identifier: MIT */
/*
 * /dev/xen/xenbus: the store's wire protocol for programs, over the kernel's one connection. Each open file is a client of
 * its own: its watches and transactions end with it.
 *
 * Locks: client.mutex, one request at a time, over the buffer, watches and transactions; client.lock (spin) over the
 * queue of bytes to read. Watch callbacks (xenwatch) take only client.lock.
 */
#include <kernel/xen/xen.h>
#include <kernel/xen/xenbus.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/mutex.h>
#include <kernel/poll.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#define MINOR_XENBUS 59
#define MAX_QUEUED (256u << 10) /* bytes a client may leave unread before its watch events are dropped */

struct message { /* to be read */
	struct list_head node;
	size_t len, done;
	char data[];
};
struct client_watch {
	struct list_head node;
	struct xenbus_watch watch;
	struct client *client;
	char *token;
};
struct client_transaction {
	struct list_head node;
	u32 id;
};
struct client {
	struct mutex mutex;
	struct list_head watches, transactions; /* (mutex) */
	size_t have;                            /* (mutex) bytes of the request so far */
	union {
		struct xsd_sockmsg header;
		char bytes[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
	} in;                                   /* (mutex) */
	spinlock_t lock;
	struct list_head queue;                 /* (lock) */
	size_t queued;                          /* (lock) bytes */
	wait_queue_head_t wait;
};

static struct message *message_new(const struct xsd_sockmsg *h)
{
	struct message *m = kmalloc(sizeof(*m) + sizeof(*h) + h->len, GFP_KERNEL);

	if (!m)
		return NULL;
	m->len = sizeof(*h) + h->len;
	m->done = 0;
	memcpy(m->data, h, sizeof(*h));
	return m;
}

static void enqueue(struct client *c, struct message *m)
{
	spin_lock(&c->lock);
	list_add_tail(&m->node, &c->queue);
	c->queued += m->len;
	spin_unlock(&c->lock);
	wake_up_poll(&c->wait, POLLIN | POLLRDNORM);
}

static int reply(struct client *c, const struct xsd_sockmsg *request, u32 type, const void *body, size_t len)
{
	struct xsd_sockmsg h = { .type = type, .req_id = request->req_id, .tx_id = request->tx_id, .len = (u32)len };
	struct message *m = message_new(&h);

	if (!m)
		return -ENOMEM;
	memcpy(m->data + sizeof(h), body, len);
	enqueue(c, m);
	return 0;
}

static int reply_error(struct client *c, const char *name)
{
	return reply(c, &c->in.header, XS_ERROR, name, strlen(name) + 1);
}

/* --- watches --------------------------------------------------------------------------------------------------------------- */

static void fired(struct xenbus_watch *watch, const char *path)
{
	struct client_watch *w = watch->data;
	struct client *c = w->client;
	size_t path_len = strlen(path) + 1, token_len = strlen(w->token) + 1;
	struct xsd_sockmsg h = { .type = XS_WATCH_EVENT, .len = (u32)(path_len + token_len) };
	struct message *m;

	if (READ_ONCE(c->queued) > MAX_QUEUED)
		return; /* it has not read for long: it will find the newest state when it does */
	m = message_new(&h);
	if (!m)
		return;
	memcpy(m->data + sizeof(h), path, path_len);
	memcpy(m->data + sizeof(h) + path_len, w->token, token_len);
	enqueue(c, m);
}

static void watch_free(struct client_watch *w)
{
	kfree(w->watch.path);
	kfree(w->token);
	kfree(w);
}

static struct client_watch *find_watch(struct client *c, const char *path, const char *token)
{
	struct client_watch *w;

	list_for_each_entry(w, &c->watches, node)
		if (!strcmp(w->watch.path, path) && !strcmp(w->token, token))
			return w;
	return NULL;
}

static int watch_request(struct client *c, bool add)
{
	char *path = c->in.bytes + sizeof(struct xsd_sockmsg);
	size_t len = c->in.header.len, path_len = strnlen(path, len);
	char *token = path + path_len + 1;
	struct client_watch *w;
	int e;

	if (path_len + 1 >= len || strnlen(token, len - path_len - 1) == len - path_len - 1)
		return reply_error(c, "EINVAL");
	w = find_watch(c, path, token);
	if (!add) {
		if (!w)
			return reply_error(c, "ENOENT");
		unregister_xenbus_watch(&w->watch);
		list_del(&w->node);
		watch_free(w);
		return reply(c, &c->in.header, XS_UNWATCH, "OK", 3);
	}
	if (w)
		return reply_error(c, "EEXIST");
	w = kzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	w->client = c;
	w->watch = (struct xenbus_watch){ .path = kstrdup(path, GFP_KERNEL), .callback = fired, .data = w,
					.each_path = true };
	w->token = kstrdup(token, GFP_KERNEL);
	e = w->watch.path && w->token ? register_xenbus_watch(&w->watch) : -ENOMEM;
	if (e) {
		watch_free(w);
		return e == -ENOMEM ? e : reply_error(c, e == -EACCES ? "EACCES" : e == -E2BIG ? "E2BIG" : "EINVAL");
	}
	list_add(&w->node, &c->watches);
	return reply(c, &c->in.header, XS_WATCH, "OK", 3);
}

/* --- other requests ---------------------------------------------------------------------------------------------------------- */

static struct client_transaction *find_transaction(struct client *c, u32 id)
{
	struct client_transaction *t;

	list_for_each_entry(t, &c->transactions, node)
		if (t->id == id)
			return t;
	return NULL;
}

static void note_transaction(struct client *c, u32 request, u32 id, const char *body, u32 type)
{
	struct client_transaction *t;
	unsigned long value;

	if (request == XS_TRANSACTION_START && type == XS_TRANSACTION_START && !kstrtoul(body, 10, &value)) {
		t = kmalloc(sizeof(*t), GFP_KERNEL | __GFP_NOFAIL);
		t->id = (u32)value;
		list_add(&t->node, &c->transactions);
	} else if (request == XS_TRANSACTION_END && (t = find_transaction(c, id))) {
		list_del(&t->node);
		kfree(t);
	}
}

static int pass_on(struct client *c)
{
	struct xsd_sockmsg h = c->in.header;
	void *body;
	int e;

	if (h.tx_id && !find_transaction(c, h.tx_id))
		return reply_error(c, "ENOENT"); /* another client's, or long gone */
	e = xenbus_raw_request(&h, c->in.bytes + sizeof(h), &body);
	if (e)
		return e;
	note_transaction(c, c->in.header.type, c->in.header.tx_id, body, h.type);
	e = reply(c, &c->in.header, h.type, body, h.len);
	kfree(body);
	return e;
}

static int handle_request(struct client *c)
{
	switch (c->in.header.type) {
	case XS_WATCH: return watch_request(c, true);
	case XS_UNWATCH: return watch_request(c, false);
	case XS_RESET_WATCHES: return reply_error(c, "ENOSYS"); /* it would end the kernel's own */
	default: return pass_on(c);
	}
}

/* --- file operations ------------------------------------------------------------------------------------------------------------ */

static ssize_t xenbus_dev_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct client *c = f->private;
	ssize_t done = 0;
	int e = 0;

	(void)pos;
	mutex_lock(&c->mutex);
	while (from->count && !e) {
		size_t need = c->have < sizeof(struct xsd_sockmsg) ? sizeof(struct xsd_sockmsg)
								   : sizeof(struct xsd_sockmsg) + c->in.header.len;
		size_t n = min_t(size_t, need - c->have, from->count);

		if (copy_from_iter(c->in.bytes + c->have, n, from) != n) {
			e = -EFAULT;
			break;
		}
		c->have += n;
		done += (ssize_t)n;
		if (c->have < sizeof(struct xsd_sockmsg))
			break;
		if (c->in.header.len > XENSTORE_PAYLOAD_MAX) {
			c->have = 0;
			e = -EINVAL;
			break;
		}
		if (c->have < sizeof(struct xsd_sockmsg) + c->in.header.len)
			continue;
		c->in.bytes[c->have] = 0;
		c->have = 0;
		e = handle_request(c);
	}
	mutex_unlock(&c->mutex);
	return e ? e : done;
}

static ssize_t xenbus_dev_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct client *c = f->private;
	ssize_t done = 0;

	(void)pos;
	while (to->count) {
		struct message *m = NULL;
		size_t n, moved;

		spin_lock(&c->lock);
		if (!list_empty(&c->queue)) {
			m = list_first_entry(&c->queue, struct message, node);
			list_del(&m->node);
		}
		spin_unlock(&c->lock);
		if (!m) {
			if (done)
				break;
			if (f->flags & O_NONBLOCK)
				return -EAGAIN;
			if (wait_event_interruptible(c->wait, !list_empty(&c->queue)))
				return -ERESTARTSYS;
			continue;
		}
		n = min_t(size_t, m->len - m->done, to->count);
		moved = copy_to_iter(m->data + m->done, n, to);
		m->done += moved;
		done += (ssize_t)moved;
		spin_lock(&c->lock);
		if (m->done < m->len)
			list_add(&m->node, &c->queue);
		else
			c->queued -= m->len;
		spin_unlock(&c->lock);
		if (moved < n)
			return done ? done : -EFAULT;
		if (m->done == m->len)
			kfree(m);
	}
	return done;
}

static unsigned xenbus_dev_poll(struct file *f, poll_table *pt)
{
	struct client *c = f->private;

	poll_wait(f, &c->wait, pt);
	return POLLOUT | POLLWRNORM | (list_empty(&c->queue) ? 0 : POLLIN | POLLRDNORM);
}

static int xenbus_dev_open(struct inode *inode, struct file *f)
{
	struct client *c;

	if (!xenstore_port)
		return -ENOENT;
	c = kvmalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	mutex_init(&c->mutex);
	spin_lock_init(&c->lock);
	INIT_LIST_HEAD(&c->watches);
	INIT_LIST_HEAD(&c->transactions);
	INIT_LIST_HEAD(&c->queue);
	init_waitqueue_head(&c->wait);
	f->private = c;
	return stream_open(inode, f);
}

static int xenbus_dev_release(struct inode *inode, struct file *f)
{
	struct client *c = f->private;

	(void)inode;
	while (!list_empty(&c->transactions)) {
		struct client_transaction *t = list_first_entry(&c->transactions, struct client_transaction, node);

		xenbus_transaction_end((struct xenbus_transaction){ t->id }, true);
		list_del(&t->node);
		kfree(t);
	}
	while (!list_empty(&c->watches)) {
		struct client_watch *w = list_first_entry(&c->watches, struct client_watch, node);

		unregister_xenbus_watch(&w->watch);
		list_del(&w->node);
		watch_free(w);
	}
	while (!list_empty(&c->queue)) {
		struct message *m = list_first_entry(&c->queue, struct message, node);

		list_del(&m->node);
		kfree(m);
	}
	kvfree(c);
	return 0;
}

const struct file_operations xenbus_dev_fops = {
	.open = xenbus_dev_open, .release = xenbus_dev_release, .read = xenbus_dev_read, .write = xenbus_dev_write,
	.poll = xenbus_dev_poll,
};

static int xenbus_dev_init(void)
{
	return running_on_xen() ? misc_register(MINOR_XENBUS, "xen/xenbus", 0600, &xenbus_dev_fops) : 0;
}
device_initcall(xenbus_dev_init);
