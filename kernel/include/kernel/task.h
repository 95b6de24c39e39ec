/* SPDX-License-Identifier: MIT */
/* struct task: one schedulable thread. The lock letters: (r) run-queue lock of its CPU, (t) tasklist lock of
 * k-proc, (!) only the task itself, (p) k-proc's rules, (c) set at creation. Owners may add fields to their group. */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include <kernel/sched.h>
#include <kernel/ptregs.h>
#include <kernel/atomic.h>
#include <kernel/spinlock.h>
#include <kernel/wait.h>

#define THREAD_SIZE 16384UL
#define TASK_COMM_LEN 16

/* Machine state of a task that does not run. */
struct thread {
	u64 sp;             /* kernel stack pointer at the switch */
	u64 fs_base, gs_base; /* user's; live in the MSRs while it runs */
	void *fpu;          /* XSAVE area, 64-byte aligned, fpu_size bytes; NULL for kernel threads */
	u64 fault_addr, trap_nr, error_code; /* of the last exception, for signal frames */
	u64 debugreg[8];
	bool fpu_in_kernel;
};

/* task->work bits: looked at before every return to user mode (k-core calls the hook of k-proc). */
#define TIF_SIGPENDING 0   /* a signal to deliver */
#define TIF_NOTIFY 1       /* other work of k-proc */
#define TIF_SYSCALL_TRACE 2 /* strace-like or ptrace stop at system calls */
#define TIF_RESTORE_SIGMASK 3
#define TIF_SINGLESTEP 4
#define TIF_SECCOMP 5

/* task->flags */
#define PF_KTHREAD 0x1u
#define PF_EXITING 0x2u
#define PF_MEMALLOC 0x4u    /* reclaiming: may use the reserve, must not reclaim again */
#define PF_NOIO 0x8u
#define PF_IDLE 0x10u
#define PF_VFORK 0x20u
#define PF_SIGNALED 0x40u
#define PF_FORKNOEXEC 0x80u
#define PF_SUPERPRIV 0x100u
#define PF_FROZEN 0x200u

struct mm;
struct files;
struct fs_struct;
struct cred;
struct signal_struct;
struct sighand;
struct nsproxy;

struct task {
	/* scheduler (k-core) */
	volatile unsigned state;  /* TASK_*; wakers use try_to_wake_up */
	volatile int on_cpu;      /* being run or switched away from */
	int cpu;                  /* (r) */
	unsigned flags;           /* (!) PF_* */
	unsigned long work;       /* TIF_*, atomic bits */
	refcount_t usage;         /* get_task/put_task */
	void *stack;              /* (c) lowest address, THREAD_SIZE long */
	struct thread thread;     /* (!) */
	struct sched_entity se;   /* (r) */
	cpumask_t cpus_allowed;   /* (r) */
	unsigned in_iowait;       /* (!) */
	struct mm *mm;            /* (!) user address space; NULL for kernel threads */
	struct mm *active_mm;     /* (r) whose page tables are loaded */
	unsigned long min_flt, maj_flt;
	int pagefault_disabled;   /* (!) uaccess fails at once instead of sleeping */
	struct kthread *kthread;  /* (c) */
	bool pi_blocked;

	/* processes (k-proc) */
	pid_t pid, tgid;          /* (c) */
	char comm[TASK_COMM_LEN];
	int exit_state, exit_code, exit_signal; /* (t) */
	struct task *parent, *real_parent; /* (t) */
	struct list_head children, sibling; /* (t) */
	struct task *group_leader;          /* (t) */
	struct list_head thread_group;      /* (t) */
	struct list_head tasks;             /* (t) all group leaders */
	struct hlist_node pid_node;         /* (t) */
	struct signal_struct *signal;       /* (p) shared by the thread group */
	struct sighand *sighand;            /* (p) */
	struct cred *cred;                  /* (!) effective credentials; replaced whole */
	struct task_proc *proc;             /* (p) everything else k-proc keeps per thread (own header) */
	u64 start_time, start_boottime;

	/* files (k-vfs) */
	struct files *files;      /* (p) */
	struct fs_struct *fs;     /* (p) */
	struct nsproxy *nsproxy;
	int link_count;
	void *journal_info;
	struct blk_plug *plug;    /* (!) bios gathered by blk_start_plug */

	/* Xen (k-xen) */
	void *xen_private;
};

static inline struct pt_regs *task_pt_regs(const struct task *t)
{
	return (struct pt_regs *)((char *)t->stack + THREAD_SIZE) - 1;
}
#define current_pt_regs() task_pt_regs(current)
static inline struct task *get_task(struct task *t) { refcount_inc(&t->usage); return t; }
void put_task(struct task *t); /* frees stack, FPU area and the structure at zero; first calls k-proc's release hook */

static inline bool test_tsk_work(const struct task *t, int b) { return test_bit(b, &t->work); }
static inline void set_tsk_work(struct task *t, int b) { set_bit(b, &t->work); }
static inline void clear_tsk_work(struct task *t, int b) { clear_bit(b, &t->work); }
static inline bool signal_pending(const struct task *t) { return test_bit(TIF_SIGPENDING, &t->work); }
/* k-proc: is SIGKILL among them? */
bool fatal_signal_pending(struct task *t);

/* Making tasks. alloc_task gives a zeroed task with stack and (user) FPU area, usage 1, state NEW. k-proc's fork:
 *   t = alloc_task(); copy its own fields; copy_thread(t, regs, usp, tls); sched_fork(t); ... wake_up_new_task(t).
 * copy_thread: the child returns to user mode with the registers of `regs`, ax = 0, sp = usp if nonzero. */
struct task *alloc_task(void);
int copy_thread(struct task *t, const struct pt_regs *regs, unsigned long usp, bool set_tls, unsigned long tls);
/* The new task runs fn(arg); if fn returns, it enters user mode with its pt_regs (exec), else it exits. */
void copy_kthread(struct task *t, int (*fn)(void *), void *arg);
/* exec: registers for a fresh program; resets FPU, segments, fs/gs base. */
void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp);
void flush_thread(void);

/* FPU image of current for signal frames and ptrace: standard XSAVE format, fpu_size bytes. */
extern unsigned fpu_size;
extern u64 fpu_xfeatures;
void fpu_save_current(void);              /* registers -> current->thread.fpu */
void fpu_restore_current(void);           /* and back; call after changing the image */
bool fpu_image_sanitize(void *image, size_t n);     /* makes a user-supplied image loadable; false when hopeless */
long arch_prctl(struct task *t, int op, unsigned long addr);

/* Hooks that k-proc provides (kernel/proc). */
void force_sig_fault(int sig, int code, unsigned long addr); /* to current, cannot be ignored */
void do_exit(long code) __noreturn;
/* Before the return to user mode with irqs on, while work bits are set: deliver signals, notify. */
void exit_to_user_work(struct pt_regs *regs);
/* System call tracing: return value -1 skips the call (ax is set already). */
long syscall_trace_enter(struct pt_regs *regs);
void syscall_trace_exit(struct pt_regs *regs);
/* Every task made for the kernel itself (kthread_create, idle tasks with pid 0) passes through this before it runs:
 * pid, empty signal state, root's credentials. 0 or -errno. pid 1 is the first one made with idle == false. */
int proc_init_kernel_task(struct task *t, bool idle);
/* Last reference to a task: free what k-proc, k-vfs hang on it. */
void release_task_fields(struct task *t);
/* First user process: kernel_init (pid 1) calls this after all initcalls; returns only on failure. */
int run_init_process(void);
/* Out of memory: choose and kill one task; false when there is none. */
bool oom_kill(void);

#endif
