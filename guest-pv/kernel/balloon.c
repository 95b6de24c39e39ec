/* SPDX-License-Identifier: MIT */
/*
 * The balloon: brings the domain's memory to the target that the toolstack writes to memory/target (KiB). Inflating
 * takes pages from our allocator and gives their frames to the hypervisor; deflating asks for frames at the same
 * addresses and gives the pages back. Allocation for inflating may reclaim caches but never kills a process: when nothing
 * more can be had it tries again later, more and more slowly.
 * Lock: balloon_mutex over the list and counters; only the balloon thread changes them.
 */
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/kernel.h>
#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/sched.h>
#include <kernel/wait.h>
#include <kernel/xen/hypercall.h>
#include <kernel/xen/xen.h>
#include <kernel/xen/xenbus.h>
#include <xen/memory.h>

#define BATCH 512u /* frames a hypercall, as many fit one page of frame numbers */
#define FIRST_RETRY NSEC_PER_SEC
#define LAST_RETRY (32 * NSEC_PER_SEC)
/* What the kernel keeps for itself however small the target: 1/8 of RAM at boot, at least 16 MiB. */
#define FLOOR_DIVISOR 8
#define FLOOR_MIN_PAGES (16UL << (20 - PAGE_SHIFT))

static DEFINE_MUTEX(balloon_mutex);
static LIST_HEAD(ballooned);             /* pages by lru, without a frame */
static unsigned long nr_ballooned;       /* pages */
static unsigned long boot_pages;         /* what we started with */
static s64 target_offset;                /* pages: what the tools count and we do not see */
static volatile unsigned long target;    /* pages, in our own count */
static volatile bool target_changed;
static DECLARE_WAIT_QUEUE_HEAD(balloon_wait);
static xen_pfn_t frame_list[BATCH];      /* balloon_mutex */

static unsigned long current_pages(void)
{
	return boot_pages - nr_ballooned;
}

/* Gives n <= BATCH pages away. How many were got; fewer than asked: memory is short. */
static unsigned inflate(unsigned n)
{
	struct xen_memory_reservation op = { .domid = DOMID_SELF, .extent_order = 0 };
	struct page *pages[64];
	unsigned got = 0;

	while (got < n) {
		unsigned batch = 0;
		long r;

		while (batch < ARRAY_SIZE(pages) && got + batch < n) {
			struct page *p = alloc_page(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);

			if (!p)
				break;
			pages[batch] = p;
			frame_list[batch++] = page_to_pfn(p);
		}
		if (!batch)
			break;
		set_xen_guest_handle(op.extent_start, frame_list);
		op.nr_extents = batch;
		r = HYPERVISOR_memory_op(XENMEM_decrease_reservation, &op);
		if (r < 0)
			r = 0;
		for (unsigned i = 0; i < batch; i++) {
			if (i >= (unsigned)r) {
				put_page(pages[i]);
				continue;
			}
			SetPageOffline(pages[i]);
			adjust_managed_pages(pages[i], -1);
			list_add(&pages[i]->lru, &ballooned);
			nr_ballooned++;
		}
		got += (unsigned)r;
		if ((unsigned)r < batch)
			break;
		cond_resched();
	}
	return got;
}

/* Takes n <= BATCH frames back. How many were got. */
static unsigned deflate(unsigned n)
{
	struct xen_memory_reservation op = { .domid = DOMID_SELF, .extent_order = 0 };
	struct page *p;
	unsigned want = 0;
	long r;

	list_for_each_entry(p, &ballooned, lru) {
		if (want == n)
			break;
		frame_list[want++] = page_to_pfn(p);
	}
	if (!want)
		return 0;
	set_xen_guest_handle(op.extent_start, frame_list);
	op.nr_extents = want;
	r = HYPERVISOR_memory_op(XENMEM_populate_physmap, &op);
	for (long i = 0; i < r; i++) {
		p = list_first_entry(&ballooned, struct page, lru);
		list_del_init(&p->lru);
		nr_ballooned--;
		ClearPageOffline(p);
		adjust_managed_pages(p, 1);
		put_page(p);
	}
	return r > 0 ? (unsigned)r : 0;
}

static int balloon_thread(void *arg)
{
	ktime_t retry = FIRST_RETRY;

	(void)arg;
	for (;;) {
		unsigned long now;
		unsigned done = 1;

		if (current_pages() == target)
			wait_event(balloon_wait, target_changed);
		target_changed = false;
		mutex_lock(&balloon_mutex);
		now = current_pages();
		if (now > target)
			done = inflate((unsigned)min_t(unsigned long, now - target, BATCH));
		else if (now < target && nr_ballooned)
			done = deflate((unsigned)min_t(unsigned long, target - now, BATCH));
		mutex_unlock(&balloon_mutex);
		if (done) {
			retry = FIRST_RETRY;
			cond_resched();
			continue;
		}
		(void)wait_event_timeout(balloon_wait, target_changed, retry);
		retry = min_t(ktime_t, retry * 2, LAST_RETRY);
	}
	return 0;
}

static void target_written(struct xenbus_watch *w, const char *path)
{
	u64 kib = xenbus_read_u64("memory", "target", 0);
	unsigned long floor = max_t(unsigned long, boot_pages / FLOOR_DIVISOR, FLOOR_MIN_PAGES);
	s64 pages;

	(void)w, (void)path;
	if (!kib)
		return;
	pages = (s64)(kib >> (PAGE_SHIFT - 10)) - target_offset;
	if (pages < (s64)floor) {
		pr_warn("balloon: target of %lu KiB is below what the kernel needs; %lu KiB it is\n", kib,
			(unsigned long)(floor << (PAGE_SHIFT - 10)));
		pages = (s64)floor;
	}
	if (pages > (s64)boot_pages)
		pages = (s64)boot_pages;
	target = (unsigned long)pages;
	target_changed = true;
	wake_up(&balloon_wait);
}

static struct xenbus_watch target_watch = { .path = "memory/target", .callback = target_written };

static int balloon_start(void *arg)
{
	u64 kib;

	(void)arg;
	xenstore_wait_ready();
	/* the tools' static-max includes what never was ours to allocate: special pages, the kernel's own reservations */
	kib = xenbus_read_u64("memory", "static-max", 0);
	target_offset = kib ? (s64)(kib >> (PAGE_SHIFT - 10)) - (s64)boot_pages : 0;
	if (register_xenbus_watch(&target_watch))
		pr_err("balloon: cannot watch memory/target\n");
	return balloon_thread(NULL);
}

static int balloon_init(void)
{
	if (!running_on_xen() || xen_initial_domain()) /* dom0's memory is fixed: it is mapped 1:1 */
		return 0;
	boot_pages = totalram_pages();
	target = boot_pages;
	kthread_run(balloon_start, NULL, "xen-balloon");
	return 0;
}
late_initcall(balloon_init);
