/* SPDX-License-Identifier: MIT */
/* Work queues: a list of works and worker threads. A work is pending from queueing until its function starts, and
 * never runs on two workers at once. Lock: wq->lock (irq-safe). */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/irq.h>
#include <kernel/task.h>

#define MAX_WORKERS 4
struct workqueue {
	spinlock_t lock;
	const char *name;
	struct list_head works;
	struct work *running[MAX_WORKERS];
	unsigned nworkers;
	struct task *worker[MAX_WORKERS];
	wait_queue_head_t more, done;
};
static struct workqueue *system_wq;
static struct workqueue early_wq; /* takes works queued before the threads exist */

struct worker_arg {
	struct workqueue *wq;
	unsigned n;
};

static bool runs(struct workqueue *wq, struct work *w)
{
	for (unsigned i = 0; i < wq->nworkers; i++)
		if (wq->running[i] == w)
			return true;
	return false;
}

/* (lock) The first work that no worker runs at the moment. */
static struct work *next_work(struct workqueue *wq)
{
	struct work *w;
	list_for_each_entry(w, &wq->works, node)
		if (!runs(wq, w))
			return w;
	return NULL;
}

static struct work *take_work(struct workqueue *wq, unsigned n)
{
	unsigned long f;
	spin_lock_irqsave(&wq->lock, f);
	struct work *w = next_work(wq);
	if (w) {
		list_del_init(&w->node);
		wq->running[n] = w;
		clear_bit(0, &w->pending);
	}
	spin_unlock_irqrestore(&wq->lock, f);
	return w;
}

static int worker_thread(void *p)
{
	struct worker_arg a = *(struct worker_arg *)p;
	kfree(p);
	struct work *w;
	while (!kthread_should_stop()) {
		wait_event_interruptible_exclusive(a.wq->more, (w = take_work(a.wq, a.n)) || kthread_should_stop());
		if (!w)
			continue;
		w->fn(w); /* may free w */
		unsigned long f;
		spin_lock_irqsave(&a.wq->lock, f);
		a.wq->running[a.n] = NULL;
		spin_unlock_irqrestore(&a.wq->lock, f);
		wake_up_all(&a.wq->done);
		cond_resched();
	}
	return 0;
}

static void wq_setup(struct workqueue *wq, const char *name)
{
	spin_lock_init(&wq->lock);
	wq->name = name;
	INIT_LIST_HEAD(&wq->works);
	init_waitqueue_head(&wq->more);
	init_waitqueue_head(&wq->done);
}

static int start_workers(struct workqueue *wq, unsigned threads)
{
	for (unsigned i = 0; i < min(threads ? threads : 1, MAX_WORKERS + 0u); i++) {
		struct worker_arg *a = kmalloc(sizeof(*a), GFP_KERNEL);
		if (!a)
			return -ENOMEM;
		*a = (struct worker_arg){ wq, i };
		struct task *t = kthread_create(worker_thread, a, "kw/%s%u", wq->name, i);
		if (IS_ERR(t)) {
			kfree(a);
			return -ENOMEM;
		}
		wq->worker[wq->nworkers++] = t;
		wake_up_new_task(t);
	}
	return 0;
}

struct workqueue *alloc_workqueue(const char *name, unsigned threads)
{
	struct workqueue *wq = kzalloc(sizeof(*wq), GFP_KERNEL);
	if (!wq)
		return NULL;
	wq_setup(wq, name);
	if (start_workers(wq, threads) && !wq->nworkers) {
		kfree(wq);
		return NULL;
	}
	return wq;
}

void destroy_workqueue(struct workqueue *wq)
{
	flush_workqueue(wq);
	for (unsigned i = 0; i < wq->nworkers; i++)
		kthread_stop(wq->worker[i]);
	kfree(wq);
}

void INIT_WORK(struct work *w, void (*fn)(struct work *))
{
	*w = (struct work){ .fn = fn };
	INIT_LIST_HEAD(&w->node);
}

bool queue_work(struct workqueue *wq, struct work *w)
{
	unsigned long f;
	if (test_and_set_bit(0, &w->pending))
		return false;
	if (!wq)
		wq = &early_wq;
	spin_lock_irqsave(&wq->lock, f);
	w->wq = wq;
	list_add_tail(&w->node, &wq->works);
	spin_unlock_irqrestore(&wq->lock, f);
	wake_up(&wq->more);
	return true;
}

bool schedule_work(struct work *w)
{
	return queue_work(system_wq, w);
}

static void delayed_fire(struct timer *t)
{
	struct delayed_work *d = container_of(t, struct delayed_work, timer);
	clear_bit(0, &d->work.pending);
	queue_work(d->wq ? d->wq : system_wq, &d->work);
}

void INIT_DELAYED_WORK(struct delayed_work *d, void (*fn)(struct work *))
{
	INIT_WORK(&d->work, fn);
	timer_setup(&d->timer, delayed_fire);
	d->wq = NULL;
}

bool queue_delayed_work(struct workqueue *wq, struct delayed_work *d, ktime_t ns)
{
	if (test_and_set_bit(0, &d->work.pending))
		return false;
	d->wq = wq;
	mod_timer(&d->timer, ktime_get() + max_t(ktime_t, ns, 0));
	return true;
}

bool schedule_delayed_work(struct delayed_work *d, ktime_t ns)
{
	return queue_delayed_work(system_wq, d, ns);
}

static bool busy(struct workqueue *wq, struct work *w)
{
	unsigned long f;
	spin_lock_irqsave(&wq->lock, f);
	bool b = runs(wq, w) || (w->pending && !list_empty(&w->node));
	spin_unlock_irqrestore(&wq->lock, f);
	return b;
}

void flush_work(struct work *w)
{
	struct workqueue *wq = READ_ONCE(w->wq);
	if (wq)
		wait_event(wq->done, !busy(wq, w));
}

static bool idle(struct workqueue *wq)
{
	unsigned long f;
	spin_lock_irqsave(&wq->lock, f);
	bool i = list_empty(&wq->works);
	for (unsigned n = 0; n < wq->nworkers; n++)
		i &= !wq->running[n];
	spin_unlock_irqrestore(&wq->lock, f);
	return i;
}

void flush_workqueue(struct workqueue *wq)
{
	wait_event(wq->done, idle(wq));
}

bool cancel_work_sync(struct work *w)
{
	unsigned long f;
	bool was = false;
	struct workqueue *wq = READ_ONCE(w->wq);
	if (!wq)
		return false;
	spin_lock_irqsave(&wq->lock, f);
	if (w->pending && !list_empty(&w->node)) {
		list_del_init(&w->node);
		clear_bit(0, &w->pending);
		was = true;
	}
	spin_unlock_irqrestore(&wq->lock, f);
	flush_work(w);
	return was;
}

bool cancel_delayed_work_sync(struct delayed_work *d)
{
	bool was = del_timer_sync(&d->timer);
	if (was)
		clear_bit(0, &d->work.pending);
	return cancel_work_sync(&d->work) || was;
}

void workqueue_init(void)
{
	wq_setup(&early_wq, "events");
	system_wq = &early_wq;
	if (start_workers(system_wq, MAX_WORKERS))
		panic("no system work queue");
}
