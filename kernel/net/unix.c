/* SPDX-License-Identifier: MIT */
/* Unix sockets: life, names, connections. See unix.h for the locks. */
#include "unix.h"

DEFINE_MUTEX(unix_mutex);
static LIST_HEAD(bound_list); /* (unix_mutex) */

void ucred_current(struct ucred *c)
{
	*c = (struct ucred){ current->tgid, current_euid(), current_egid() };
}

struct usock *usock_new(int type)
{
	struct usock *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	refcount_set(&s->ref, 1);
	s->type = type;
	spin_lock_init(&s->lock);
	mutex_init(&s->rmutex);
	init_waitqueue_head(&s->wait);
	INIT_LIST_HEAD(&s->queue);
	INIT_LIST_HEAD(&s->bound);
	INIT_LIST_HEAD(&s->backlog);
	INIT_LIST_HEAD(&s->pending);
	INIT_LIST_HEAD(&s->gc_node);
	INIT_LIST_HEAD(&s->senders);
	INIT_LIST_HEAD(&s->sender_node);
	s->sndbuf = s->rcvbuf = SNDBUF;
	s->peercred = (struct ucred){ 0, ~0u, ~0u };
	return s;
}

void uaddr_put(struct uaddr *a)
{
	if (a && refcount_dec_and_test(&a->ref))
		kfree(a);
}

/* Frees what nobody will read. The last descriptor is closed: no receiver is at work. */
static void drop_queue(struct usock *s)
{
	LIST_HEAD(old);

	spin_lock(&s->lock);
	list_splice_init(&s->queue, &old);
	s->qlen = 0;
	s->oob = NULL;
	spin_unlock(&s->lock);
	while (!list_empty(&old)) {
		struct umsg *m = list_first_entry(&old, struct umsg, node);

		list_del(&m->node);
		umsg_free(m);
	}
}

void usock_put(struct usock *s)
{
	if (!s || !refcount_dec_and_test(&s->ref))
		return;
	drop_queue(s);
	uaddr_put(s->addr);
	if (s->inode)
		iput(s->inode);
	kfree(s);
}

struct usock *usock_peer(struct usock *s)
{
	struct usock *p;

	spin_lock(&s->lock);
	p = s->peer ? usock_get(s->peer) : NULL;
	spin_unlock(&s->lock);
	return p;
}

/* unix_mutex held for datagram sockets: sender_node moves with the peer. */
static void set_peer(struct usock *s, struct usock *p)
{
	struct usock *old;

	spin_lock(&s->lock);
	old = s->peer;
	s->peer = p ? usock_get(p) : NULL;
	spin_unlock(&s->lock);
	if (s->type == SOCK_DGRAM) {
		if (old) {
			spin_lock(&old->lock);
			list_del_init(&s->sender_node);
			spin_unlock(&old->lock);
		}
		if (p) {
			spin_lock(&p->lock);
			list_add(&s->sender_node, &p->senders);
			spin_unlock(&p->lock);
		}
	}
	usock_put(old);
}

void usock_set_peer(struct usock *s, struct usock *p)
{
	mutex_lock(&unix_mutex);
	if (s->state != U_CLOSED)
		set_peer(s, p);
	mutex_unlock(&unix_mutex);
}

void usock_name(struct uaddr *a, struct sockaddr_un *sun, unsigned *len)
{
	memset(sun, 0, sizeof(*sun));
	sun->family = AF_UNIX;
	*len = 2;
	if (a) {
		*sun = a->sun;
		*len = a->len;
	}
}

static struct inode *socket_inode(const struct sockaddr_un *sun, unsigned len, int *err)
{
	char path[UNIX_PATH_MAX + 1] = { 0 };
	struct inode *i = NULL;
	struct path p;

	memcpy(path, sun->path, min_t(size_t, len - 2, UNIX_PATH_MAX));
	*err = kern_path(path, LOOKUP_FOLLOW, &p);
	if (*err)
		return NULL;
	*err = inode_permission(p.dentry->inode, MAY_WRITE);
	if (!*err && !S_ISSOCK(p.dentry->inode->mode))
		*err = -ECONNREFUSED;
	if (!*err) {
		i = p.dentry->inode;
		ihold(i);
	}
	path_put(&p);
	return i;
}

/* The socket bound to an address, referenced. */
int usock_find(const struct sockaddr_un *sun, unsigned len, int type, struct usock **out)
{
	struct inode *i = NULL;
	struct usock *s;
	int err = -ECONNREFUSED;

	if (sun->family != AF_UNIX || len <= 2)
		return -EINVAL;
	if (sun->path[0]) {
		i = socket_inode(sun, len, &err);
		if (!i)
			return err;
		err = -ECONNREFUSED;
	}
	mutex_lock(&unix_mutex);
	list_for_each_entry(s, &bound_list, bound) {
		if (i ? s->inode != i : s->inode || s->addr->len != len || memcmp(s->addr->sun.path, sun->path, len - 2))
			continue;
		err = s->type == type ? 0 : -EPROTOTYPE;
		if (!err)
			*out = usock_get(s);
		break;
	}
	mutex_unlock(&unix_mutex);
	if (i)
		iput(i);
	return err;
}

/* An unused abstract name of five hex digits, as Linux makes them. unix_mutex held. */
static bool abstract_taken(const struct uaddr *a)
{
	struct usock *s;

	list_for_each_entry(s, &bound_list, bound)
		if (!s->inode && s->addr->len == a->len && !memcmp(s->addr->sun.path, a->sun.path, a->len - 2))
			return true;
	return false;
}

static void autoname(struct uaddr *a)
{
	static unsigned next;

	do {
		a->sun.path[0] = 0;
		snprintf(a->sun.path + 1, 8, "%05x", next++ & 0xfffff);
		a->len = 2 + 6;
	} while (abstract_taken(a));
}

static bool name_in_use(const struct sockaddr_un *sun, unsigned len)
{
	char path[UNIX_PATH_MAX + 1] = { 0 };
	struct path p;

	memcpy(path, sun->path, len - 2);
	if (kern_path(path, 0, &p))
		return false;
	path_put(&p);
	return true;
}

int usock_bind(struct usock *s, const struct sockaddr_un *sun, unsigned len)
{
	struct uaddr *a;
	struct inode *i = NULL;
	int err = 0;

	if (len < 2 || len > sizeof(*sun) || sun->family != AF_UNIX)
		return -EINVAL;
	a = kzalloc(sizeof(*a) + 1, GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	refcount_set(&a->ref, 1);
	a->len = len;
	memcpy(&a->sun, sun, len);
	if (READ_ONCE(s->addr)) {
		/* A name in use is told first. */
		err = len > 2 && sun->path[0] && name_in_use(sun, len) ? -EADDRINUSE : -EINVAL;
		uaddr_put(a);
		return err;
	}
	if (len > 2 && sun->path[0]) {
		char path[UNIX_PATH_MAX + 1] = { 0 };

		memcpy(path, sun->path, len - 2);
		a->len = 2 + (unsigned)strlen(path) + 1;
		err = vfs_mknod_at(AT_FDCWD, path, S_IFSOCK | 0777, 0);
		if (err == -EEXIST)
			err = -EADDRINUSE;
		if (!err)
			i = socket_inode(sun, len, &err);
		if (!i) {
			uaddr_put(a);
			return err;
		}
	}
	mutex_lock(&unix_mutex);
	if (s->addr)
		err = -EINVAL;
	else if (len == 2)
		autoname(a);
	else if (!i && abstract_taken(a))
		err = -EADDRINUSE;
	if (!err) {
		s->addr = a;
		s->inode = i;
		list_add(&s->bound, &bound_list);
	}
	mutex_unlock(&unix_mutex);
	if (err) {
		uaddr_put(a);
		if (i)
			iput(i);
	}
	return err;
}

int usock_listen(struct usock *s, int backlog)
{
	int err = 0;

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	mutex_lock(&unix_mutex);
	if (!s->addr || (s->state != U_IDLE && s->state != U_LISTEN)) {
		err = -EINVAL;
	} else {
		s->state = U_LISTEN;
		s->maxbacklog = (unsigned)clamp(backlog, 0, 4096) + 1;
		ucred_current(&s->peercred);
	}
	mutex_unlock(&unix_mutex);
	return err;
}

void usock_pair(struct usock *a, struct usock *b)
{
	ucred_current(&a->peercred);
	b->peercred = a->peercred;
	usock_set_peer(a, b);
	usock_set_peer(b, a);
	if (a->type != SOCK_DGRAM)
		a->state = b->state = U_CONNECTED;
}

/* unix_mutex held. -EAGAIN: the backlog is full. */
static int connect_locked(struct usock *s, struct usock *srv, struct usock *mate)
{
	if (s->state == U_CONNECTED)
		return -EISCONN;
	if (s->state != U_IDLE)
		return -EINVAL;
	if (srv->state != U_LISTEN || (srv->shut & SHUT_RCV))
		return -ECONNREFUSED;
	if (srv->nbacklog >= srv->maxbacklog)
		return -EAGAIN;
	set_peer(s, mate);
	set_peer(mate, s);
	s->state = mate->state = U_CONNECTED;
	s->peercred = srv->peercred;
	ucred_current(&mate->peercred);
	mate->addr = srv->addr;
	refcount_inc(&mate->addr->ref);
	list_add_tail(&mate->pending, &srv->backlog); /* the list holds mate's first reference */
	srv->nbacklog++;
	return 0;
}

int usock_connect(struct usock *s, const struct sockaddr_un *sun, unsigned len, bool nonblock)
{
	ktime_t left = s->sndtimeo ? s->sndtimeo : KTIME_MAX;
	struct usock *srv, *mate;
	int err;

	if (s->type == SOCK_DGRAM && sun->family == 0) {
		usock_set_peer(s, NULL);
		return 0;
	}
	err = usock_find(sun, len, s->type, &srv);
	if (err)
		return err;
	if (s->type == SOCK_DGRAM) {
		struct usock *its = usock_peer(srv);

		/* Who is connected takes messages of its peer only. */
		err = its && its != s ? -EPERM : 0;
		usock_put(its);
		if (!err)
			usock_set_peer(s, srv);
		usock_put(srv);
		return err;
	}
	mate = usock_new(s->type);
	if (!mate) {
		usock_put(srv);
		return -ENOMEM;
	}
	for (;;) {
		mutex_lock(&unix_mutex);
		err = connect_locked(s, srv, mate);
		mutex_unlock(&unix_mutex);
		if (err != -EAGAIN || nonblock)
			break;
		left = wait_event_interruptible_timeout(srv->wait, srv->nbacklog < srv->maxbacklog || srv->state != U_LISTEN || srv->shut,
							    left);
		err = left > 0 ? 0 : left ? sock_intr(s->sndtimeo, (int)left) : -EAGAIN;
		if (err)
			break;
	}
	if (err)
		usock_put(mate);
	else
		wake_up_all_poll(&srv->wait, POLLIN | POLLRDNORM);
	usock_put(srv);
	return err;
}

int usock_accept(struct usock *s, bool nonblock, struct usock **out)
{
	ktime_t left = s->rcvtimeo ? s->rcvtimeo : KTIME_MAX;

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	for (;;) {
		struct usock *c;

		mutex_lock(&unix_mutex);
		if (s->state != U_LISTEN || (s->shut & SHUT_RCV)) {
			mutex_unlock(&unix_mutex);
			return -EINVAL;
		}
		c = list_first_entry_or_null(&s->backlog, struct usock, pending);
		if (c) {
			list_del_init(&c->pending);
			s->nbacklog--;
		}
		mutex_unlock(&unix_mutex);
		if (c) {
			wake_up_all(&s->wait);
			*out = c;
			return 0;
		}
		if (nonblock)
			return -EAGAIN;
		left = wait_event_interruptible_timeout(s->wait, !list_empty(&s->backlog) || s->state != U_LISTEN || s->shut, left);
		if (left <= 0)
			return left ? sock_intr(s->rcvtimeo, (int)left) : -EAGAIN;
	}
}

/* There is room in the queue of s again, or it is gone. */
void wake_senders(struct usock *s)
{
	struct usock *x;

	spin_lock(&s->lock);
	list_for_each_entry(x, &s->senders, sender_node)
		wake_up_all_poll(&x->wait, POLLOUT | POLLWRNORM);
	spin_unlock(&s->lock);
}

static void mark_shut(struct usock *s, unsigned how, int error)
{
	spin_lock(&s->lock);
	s->shut |= how;
	if (error)
		s->error = error;
	spin_unlock(&s->lock);
	wake_up_all(&s->wait);
}

int usock_shutdown(struct usock *s, unsigned how)
{
	struct usock *p = usock_peer(s);
	unsigned mirrored = (how & SHUT_RCV ? SHUT_SND : 0) | (how & SHUT_SND ? SHUT_RCV : 0);

	mark_shut(s, how, 0);
	if (p && s->type != SOCK_DGRAM)
		mark_shut(p, mirrored, 0);
	usock_put(p);
	return 0;
}

/* The last descriptor is closed, or (embryo) the listener before anybody accepted. */
static void release(struct usock *s, bool embryo)
{
	struct usock *p = usock_peer(s);
	LIST_HEAD(orphans);
	bool unread;

	mutex_lock(&unix_mutex);
	s->state = U_CLOSED;
	list_del_init(&s->bound);
	while (!list_empty(&s->backlog)) {
		struct usock *c = list_first_entry(&s->backlog, struct usock, pending);

		list_del(&c->pending);
		list_add_tail(&c->pending, &orphans);
	}
	mutex_unlock(&unix_mutex);
	while (!list_empty(&orphans)) {
		struct usock *c = list_first_entry(&orphans, struct usock, pending);

		list_del_init(&c->pending);
		release(c, true); /* never listening: one level deep */
	}
	spin_lock(&s->lock);
	unread = !list_empty(&s->queue);
	spin_unlock(&s->lock);
	mark_shut(s, SHUT_RCV | SHUT_SND, 0);
	if (p && s->type != SOCK_DGRAM)
		mark_shut(p, SHUT_RCV | SHUT_SND, unread || embryo ? ECONNRESET : 0);
	mutex_lock(&unix_mutex);
	set_peer(s, NULL);
	mutex_unlock(&unix_mutex);
	drop_queue(s);
	wake_senders(s);
	usock_put(p);
	usock_put(s);
}

void usock_release(struct usock *s)
{
	release(s, false);
	unix_gc();
}
