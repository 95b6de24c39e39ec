/* SPDX-License-Identifier: MIT */
/* Other CPUs: per-CPU areas, start by INIT/SIPI, cross calls. Lock: call_lock serialises cross calls; a caller spins
 * with interrupts on until all targets are done, and targets answer with interrupts on or while they spin. */
#include <kernel/kernel.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/init.h>
#include <kernel/io.h>
#include <kernel/mm.h>
#include <kernel/sched_internal.h>
#include <kernel/spinlock.h>

unsigned long per_cpu_offset[NR_CPUS];
u64 ap_boot_stack, ap_boot_cr3, ap_boot_gs;
static struct task *ap_idle;
static volatile int ap_alive;
extern char trampoline_start[], trampoline_end[], trampoline_cr3[], boot_pml4[];
void ap_main(void) __noreturn;
void timer_recheck(void);
#define TRAMPOLINE 0x8000UL

/* Also moves CPU 0 from the linked area to its copy, so that every kernel GS base is a negative number. */
void setup_per_cpu_areas(void)
{
	size_t size = (size_t)(__percpu_end - __percpu_start);
	int c;
	for_each_possible_cpu(c) {
		void *area = phys_to_virt(early_alloc(size, PAGE_SIZE));
		memcpy(area, __percpu_start, size);
		per_cpu_offset[c] = (unsigned long)area - (unsigned long)__percpu_start;
	}
	for_each_possible_cpu(c) {
		per_cpu(this_cpu_off, c) = per_cpu_offset[c];
		per_cpu(cpu_number, c) = c;
	}
	wrmsr(MSR_GS_BASE, per_cpu_offset[0]);
}

static void apic_resched(int cpu) { apic_send(cpu_apic_ids[cpu], VECTOR_RESCHED); }
static void apic_call(cpumask_t m)
{
	int c;
	for_each_cpu(c, m)
		apic_send(cpu_apic_ids[c], VECTOR_CALL);
}
static void apic_nmi(int cpu) { apic_send_nmi_id(cpu_apic_ids[cpu]); }
static const struct smp_ops apic_smp_ops = { .send_resched = apic_resched, .send_call = apic_call, .send_nmi = apic_nmi };
const struct smp_ops *smp_ops = &apic_smp_ops;

void smp_resched_interrupt(void)
{
	timer_recheck();
}

static void resched_vector(struct pt_regs *r)
{
	(void)r;
	apic_eoi();
	smp_resched_interrupt();
}

static void call_vector(struct pt_regs *r)
{
	(void)r;
	apic_eoi();
	smp_call_interrupt();
}

static struct {
	spinlock_t lock;
	void (*fn)(void *);
	void *arg;
	volatile cpumask_t todo; /* targets that have not run fn yet */
} call;

void smp_call_interrupt(void)
{
	cpumask_t me = BIT(smp_processor_id());
	if (!(__atomic_load_n(&call.todo, __ATOMIC_ACQUIRE) & me))
		return;
	call.fn(call.arg);
	__atomic_fetch_and(&call.todo, ~me, __ATOMIC_RELEASE);
}

/* All calls wait: the request lives in one static place. A CPU that wants to call while it is a target of another
 * call answers that one while it waits for the lock. */
void smp_call_function_many(cpumask_t mask, void (*fn)(void *), void *arg, bool wait)
{
	(void)wait;
	preempt_disable();
	mask &= cpu_online_mask & ~BIT(smp_processor_id());
	if (mask) {
		unsigned long f;
		local_irq_save(f);
		while (!spin_trylock(&call.lock)) {
			smp_call_interrupt();
			cpu_relax();
		}
		mask &= cpu_online_mask; /* one may have gone while we waited */
		call.fn = fn;
		call.arg = arg;
		__atomic_store_n(&call.todo, mask, __ATOMIC_RELEASE);
		if (mask)
			smp_ops->send_call(mask);
		while (__atomic_load_n(&call.todo, __ATOMIC_ACQUIRE))
			cpu_relax();
		spin_unlock_no_resched(&call.lock);
		local_irq_restore(f);
	}
	preempt_enable();
}

void smp_call_barrier(void)
{
	unsigned long f;

	local_irq_save(f);
	while (!spin_trylock(&call.lock)) {
		smp_call_interrupt();
		cpu_relax();
	}
	spin_unlock_no_resched(&call.lock);
	local_irq_restore(f);
}

void smp_call_function_single(int cpu, void (*fn)(void *), void *arg, bool wait)
{
	unsigned long f;
	preempt_disable();
	if (cpu == smp_processor_id()) {
		local_irq_save(f);
		fn(arg);
		local_irq_restore(f);
	} else {
		smp_call_function_many(BIT(cpu), fn, arg, wait);
	}
	preempt_enable();
}

void on_each_cpu(void (*fn)(void *), void *arg, bool wait)
{
	unsigned long f;
	preempt_disable();
	smp_call_function_many(cpu_online_mask, fn, arg, wait);
	local_irq_save(f);
	fn(arg);
	local_irq_restore(f);
	preempt_enable();
}

static struct {
	atomic_t parked;
	volatile bool go;
} stopm;

static int park_thread(void *arg)
{
	(void)arg;
	local_irq_disable();
	atomic_inc(&stopm.parked);
	while (!stopm.go)
		cpu_relax();
	local_irq_enable();
	atomic_dec(&stopm.parked);
	return 0;
}

int stop_machine(int (*fn)(void *), void *arg)
{
	int c, self, others = 0, r;
	cpumask_t was = current->cpus_allowed;
	stopm.go = false;
	atomic_set(&stopm.parked, 0);
	self = get_cpu();
	put_cpu();
	set_cpus_allowed(current, BIT(self));
	for_each_online_cpu(c) {
		if (c == self)
			continue;
		struct task *t = kthread_create(park_thread, NULL, "stopper/%d", c);
		if (IS_ERR(t))
			panic("stop_machine: no memory");
		t->cpus_allowed = BIT(c);
		sched_setscheduler(t, SCHED_FIFO, 99);
		wake_up_new_task(t);
		others++;
	}
	while (atomic_read(&stopm.parked) < others)
		cond_resched();
	local_irq_disable();
	r = fn(arg);
	stopm.go = true;
	local_irq_enable();
	while (atomic_read(&stopm.parked))
		cond_resched();
	set_cpus_allowed(current, was);
	return r;
}

/* First C code of another CPU; irqs off, on its idle task's stack. */
void ap_main(void)
{
	sched_init_ap(ap_idle);
	cpu_init_this();
	sched_init_ap(ap_idle); /* the TSS was made anew */
	apic_init_this();
	if (smp_ops->setup_cpu)
		smp_ops->setup_cpu();
	time_init_ap();
	__atomic_fetch_or(&cpu_online_mask, BIT(smp_processor_id()), __ATOMIC_SEQ_CST);
	ap_alive = 1;
	local_irq_enable();
	cpu_idle_loop();
}

int cpu_up(int cpu)
{
	if (cpu_online(cpu))
		return 0;
	/* one that was here before has its idle task still */
	struct task *idle = cpu_rq(cpu)->idle ? cpu_rq(cpu)->idle : sched_make_idle(cpu);
	if (!idle)
		return -ENOMEM;
	if (smp_ops->prepare_cpu) {
		int e = smp_ops->prepare_cpu(cpu);
		if (e)
			return e;
	}
	size_t size = (size_t)(trampoline_end - trampoline_start);
	char *t = phys_to_virt(TRAMPOLINE);
	memcpy(t, trampoline_start, size);
	*(u32 *)(t + (trampoline_cr3 - trampoline_start)) = (u32)virt_to_phys(boot_pml4);
	ap_boot_cr3 = virt_to_phys(init_mm.pgd);
	ap_boot_gs = per_cpu_offset[cpu];
	ap_boot_stack = (u64)idle->stack + THREAD_SIZE - 64;
	ap_idle = idle;
	ap_alive = 0;
	mb();
	apic_send_init(cpu_apic_ids[cpu]);
	udelay(10000);
	for (int i = 0; i < 2 && !ap_alive; i++) {
		apic_send_startup(cpu_apic_ids[cpu], TRAMPOLINE >> 12);
		for (int n = 0; n < 200 && !ap_alive; n++)
			udelay(i ? 10000 : 1000);
	}
	if (!ap_alive) {
		pr_err("CPU %d does not start\n", cpu);
		return -EIO;
	}
	cpu_present_mask |= BIT(cpu);
	return 0;
}

void smp_boot_cpus(void)
{
	int c;
	set_vector_handler(VECTOR_RESCHED, resched_vector);
	set_vector_handler(VECTOR_CALL, call_vector);
	for_each_cpu(c, cpu_possible_mask & ~1UL)
		cpu_up(c);
	pr_info("%d CPUs online\n", num_online_cpus());
}

static void stop_cpu(void *arg)
{
	(void)arg;
	local_irq_disable();
	for (;;)
		halt();
}

void smp_stop_others(void)
{
	cpumask_t others = cpu_online_mask & ~BIT(smp_processor_id());
	if (!others)
		return;
	/* Without the lock: its holder may be what broke. */
	call.fn = stop_cpu;
	call.todo = others;
	smp_ops->send_call(others);
	udelay(1000);
	cpu_online_mask = BIT(smp_processor_id());
}
