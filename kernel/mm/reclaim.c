/* SPDX-License-Identifier: MIT */
/* Memory pressure (shrinkers), statistics, and the page lock. Lock: shrinker_lock (mutex). Page waits hash into a
 * few wait queues; a waiter re-checks its own bit. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/mem_internal.h>
#include <kernel/mutex.h>
#include <kernel/task.h>

static LIST_HEAD(shrinkers);
static DEFINE_MUTEX(shrinker_lock);
atomic64_t nr_kernel_stacks, nr_anon_pages, nr_shmem_pages, nr_file_mapped;

void register_shrinker(struct shrinker *s)
{
	mutex_lock(&shrinker_lock);
	list_add_tail(&s->node, &shrinkers);
	mutex_unlock(&shrinker_lock);
}

void unregister_shrinker(struct shrinker *s)
{
	mutex_lock(&shrinker_lock);
	list_del(&s->node);
	mutex_unlock(&shrinker_lock);
}

unsigned long run_shrinkers(unsigned long target, gfp_t gfp)
{
	struct shrinker *s;
	unsigned long got = 0;
	/* The holder may be waiting for I/O that needs memory: never wait for it without the right to do I/O. */
	if (!mutex_trylock(&shrinker_lock))
		return 0;
	list_for_each_entry(s, &shrinkers, node) {
		got += s->scan(target, gfp);
		if (got >= target)
			break;
	}
	mutex_unlock(&shrinker_lock);
	return got;
}

unsigned long low_watermark_pages(void);
void mem_stats(struct mem_stats *s)
{
	memset(s, 0, sizeof(*s));
	s->total = totalram_pages();
	s->free = nr_free_pages();
	s->slab = (unsigned long)atomic64_read(&nr_slab_pages);
	s->vmalloc = (unsigned long)atomic64_read(&nr_vmalloc_pages);
	s->page_tables = (unsigned long)atomic64_read(&nr_page_tables);
	s->kernel_stacks = (unsigned long)atomic64_read(&nr_kernel_stacks);
	s->anon = (unsigned long)atomic64_read(&nr_anon_pages);
	s->shmem = (unsigned long)atomic64_read(&nr_shmem_pages);
	s->mapped_file = (unsigned long)atomic64_read(&nr_file_mapped);
	s->low_watermark = low_watermark_pages();
}

#define WAIT_TABLE 64
static wait_queue_head_t page_waits[WAIT_TABLE];

static wait_queue_head_t *page_wq(struct page *p)
{
	return &page_waits[(page_to_pfn(p) * 0x9e3779b97f4a7c15UL) >> 58];
}

void page_wait_init(void);
void page_wait_init(void)
{
	for (int i = 0; i < WAIT_TABLE; i++)
		init_waitqueue_head(&page_waits[i]);
}

void wait_on_page_bit(struct page *p, int bit)
{
	wait_event(*page_wq(p), !test_bit((unsigned long)bit, &p->flags));
}

void wake_up_page(struct page *p, int bit)
{
	(void)bit;
	wait_queue_head_t *q = page_wq(p);
	if (waitqueue_active(q))
		wake_up_all(q);
}

bool trylock_page(struct page *p)
{
	return !TestSetPageLocked(p);
}

void lock_page(struct page *p)
{
	wait_event(*page_wq(p), trylock_page(p));
}

int lock_page_killable(struct page *p)
{
	return wait_event_killable(*page_wq(p), trylock_page(p)) ? -EINTR : 0;
}

void unlock_page(struct page *p)
{
	ASSERT(PageLocked(p));
	ClearPageLocked(p);
	wake_up_page(p, PG_locked);
}

void clear_page(void *p)
{
	unsigned long n = PAGE_SIZE / 8;
	__asm__ volatile("rep stosq" : "+D"(p), "+c"(n) : "a"(0UL) : "memory");
}

void copy_page(void *d, const void *s)
{
	unsigned long n = PAGE_SIZE / 8;
	__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(n) :: "memory");
}
