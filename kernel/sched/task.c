/* SPDX-License-Identifier: MIT */
/* Making and ending tasks: memory, first register frames, kernel threads, idle tasks. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/init.h>
#include <kernel/mem_internal.h>
#include <kernel/pgtable.h>
#include <kernel/sched_internal.h>

void kthread_return(long code);
static struct kmem_cache *task_cache;

/* What switch_stacks pops, then the return address. */
struct switch_frame {
	u64 r15, r14, r13, r12, bx, bp, ret;
};

/* A few stacks of the dead are kept for the next born: mapping and unmapping one costs a TLB shoot-down of all CPUs. */
#define SPARE_STACKS 16
static DEFINE_SPINLOCK(spare_lock);
static void *spare[SPARE_STACKS];
static unsigned spares;

/* vmalloc leaves a guard page below: an overflow faults (and the double-fault stack reports it). */
static void *stack_alloc(void)
{
	void *s = NULL;
	unsigned long f;

	spin_lock_irqsave(&spare_lock, f);
	if (spares)
		s = spare[--spares];
	spin_unlock_irqrestore(&spare_lock, f);
	return s ? s : vmalloc(THREAD_SIZE);
}

static void stack_free(void *s)
{
	unsigned long f;

	spin_lock_irqsave(&spare_lock, f);
	if (s && spares < SPARE_STACKS) {
		spare[spares++] = s;
		s = NULL;
	}
	spin_unlock_irqrestore(&spare_lock, f);
	vfree(s);
}

struct task *alloc_task(void)
{
	if (!task_cache)
		task_cache = kmem_cache_create("task", sizeof(struct task), 64, SLAB_PANIC, NULL);
	struct task *t = kmem_cache_zalloc(task_cache, GFP_KERNEL);
	if (!t)
		return NULL;
	t->stack = stack_alloc();
	t->thread.fpu = kmalloc(max(fpu_size, 1024u), GFP_KERNEL);
	if (!t->stack || !t->thread.fpu) {
		stack_free(t->stack);
		kfree(t->thread.fpu);
		kmem_cache_free(task_cache, t);
		return NULL;
	}
	atomic64_add(THREAD_SIZE / PAGE_SIZE, &nr_kernel_stacks);
	fpu_init_image(t->thread.fpu);
	memset(task_pt_regs(t), 0, sizeof(struct pt_regs));
	refcount_set(&t->usage, 1);
	t->state = TASK_NEW;
	t->cpus_allowed = ~0UL;
	t->se.weight = 1024;
	INIT_LIST_HEAD(&t->se.rt_node);
	INIT_LIST_HEAD(&t->children);
	INIT_LIST_HEAD(&t->sibling);
	INIT_LIST_HEAD(&t->thread_group);
	INIT_LIST_HEAD(&t->tasks);
	return t;
}

void put_task(struct task *t)
{
	if (!refcount_dec_and_test(&t->usage))
		return;
	ASSERT(!t->on_cpu && !t->se.on_rq && t != current);
	release_task_fields(t);
	atomic64_sub(THREAD_SIZE / PAGE_SIZE, &nr_kernel_stacks);
	stack_free(t->stack);
	kfree(t->thread.fpu);
	kfree(t->kthread);
	kmem_cache_free(task_cache, t);
}

static void first_frame(struct task *t, int (*fn)(void *), void *arg)
{
	struct switch_frame *f = (struct switch_frame *)task_pt_regs(t) - 1;
	*f = (struct switch_frame){ .bx = (u64)fn, .r12 = (u64)arg, .ret = (u64)ret_from_fork };
	t->thread.sp = (u64)f;
}

int copy_thread(struct task *t, const struct pt_regs *regs, unsigned long usp, bool set_tls, unsigned long tls)
{
	struct pt_regs *r = task_pt_regs(t);
	*r = *regs;
	r->ax = 0;
	if (usp)
		r->sp = usp;
	preempt_disable();
	t->thread.fs_base = rdmsr(MSR_FS_BASE);
	t->thread.gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	preempt_enable();
	if (set_tls) {
		if (tls >= TASK_SIZE)
			return -EPERM;
		t->thread.fs_base = tls;
	}
	fpu_save_current();
	memcpy(t->thread.fpu, current->thread.fpu, fpu_size);
	first_frame(t, NULL, NULL);
	return 0;
}

void copy_kthread(struct task *t, int (*fn)(void *), void *arg)
{
	first_frame(t, fn, arg);
}

/* A kernel thread's function returned: to user mode if exec made it a process, else the end. */
void kthread_return(long code)
{
	if (!(current->flags & PF_KTHREAD) && user_mode(current_pt_regs()))
		return;
	struct kthread *k = current->kthread;
	if (k) {
		k->result = (int)code;
		k->exited = true;
		wake_up_all(&k->done);
	}
	do_exit(0);
}

void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->ip = ip;
	regs->sp = sp;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->flags = X86_FLAGS_IF | 2;
	regs->orig_ax = (u64)-1;
}

/* exec: nothing of the old program's machine state stays. Also turns a kernel thread into a user task. */
void flush_thread(void)
{
	preempt_disable();
	current->flags &= ~PF_KTHREAD;
	fpu_init_image(current->thread.fpu);
	fpu_restore_current();
	current->thread.fs_base = current->thread.gs_base = 0;
	__asm__ volatile("movl %0, %%fs; movl %0, %%ds; movl %0, %%es" :: "r"(0));
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	preempt_enable();
}

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004
long arch_prctl(struct task *t, int op, unsigned long addr)
{
	long r = 0;
	if (t != current)
		return -EINVAL;
	if ((op == ARCH_SET_FS || op == ARCH_SET_GS) && addr >= TASK_SIZE)
		return -EPERM;
	preempt_disable();
	switch (op) {
	case ARCH_SET_FS:
		t->thread.fs_base = addr;
		wrmsr(MSR_FS_BASE, addr);
		break;
	case ARCH_SET_GS:
		t->thread.gs_base = addr;
		wrmsr(MSR_KERNEL_GS_BASE, addr);
		break;
	case ARCH_GET_FS: r = (long)rdmsr(MSR_FS_BASE); break;
	case ARCH_GET_GS: r = (long)rdmsr(MSR_KERNEL_GS_BASE); break;
	default: r = -EINVAL;
	}
	preempt_enable();
	return r;
}

static struct task *make_kernel_task(int (*fn)(void *), void *arg, const char *name, bool idle)
{
	struct task *t = alloc_task();
	if (!t)
		return ERR_PTR(-ENOMEM);
	t->flags = PF_KTHREAD | (idle ? PF_IDLE : 0);
	strscpy(t->comm, name, sizeof(t->comm));
	int e = proc_init_kernel_task(t, idle);
	if (e) {
		put_task(t);
		return ERR_PTR(e);
	}
	copy_kthread(t, fn, arg);
	sched_fork(t);
	t->se.policy = SCHED_NORMAL;
	t->se.nice = 0;
	t->se.weight = 1024;
	t->cpus_allowed = ~0UL;
	return t;
}

static struct task *vkthread_create(int (*fn)(void *), void *arg, const char *fmt, va_list ap)
{
	char name[TASK_COMM_LEN];
	vscnprintf(name, sizeof(name), fmt, ap);
	struct kthread *k = kzalloc(sizeof(*k), GFP_KERNEL);
	if (!k)
		return ERR_PTR(-ENOMEM);
	k->fn = fn;
	k->arg = arg;
	init_waitqueue_head(&k->done);
	struct task *t = make_kernel_task(fn, arg, name, false);
	if (IS_ERR(t))
		kfree(k);
	else
		t->kthread = k;
	return t;
}

struct task *kthread_create(int (*fn)(void *), void *arg, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct task *t = vkthread_create(fn, arg, fmt, ap);
	va_end(ap);
	return t;
}

struct task *kthread_run(int (*fn)(void *), void *arg, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct task *t = vkthread_create(fn, arg, fmt, ap);
	va_end(ap);
	if (!IS_ERR(t))
		wake_up_new_task(t);
	return t;
}

bool kthread_should_stop(void)
{
	return current->kthread && READ_ONCE(current->kthread->should_stop);
}

int kthread_stop(struct task *t)
{
	struct kthread *k = t->kthread;
	get_task(t);
	WRITE_ONCE(k->should_stop, true);
	if (t->state == TASK_NEW)
		wake_up_new_task(t);
	wake_up_process(t);
	wait_event(k->done, READ_ONCE(k->exited));
	int r = k->result;
	put_task(t);
	return r;
}

struct task *sched_make_idle(int cpu)
{
	char name[TASK_COMM_LEN];
	snprintf(name, sizeof(name), "swapper/%d", cpu);
	struct task *t = make_kernel_task(NULL, NULL, name, true);
	if (IS_ERR(t))
		return NULL;
	t->cpu = cpu;
	t->state = TASK_RUNNING;
	t->active_mm = &init_mm;
	return t;
}
