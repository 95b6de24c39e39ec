/* SPDX-License-Identifier: MIT */
/*
 * System-call tracing to the kernel log: option "strace" for everybody, "strace=NAME" for processes of that
 * command name; and one line per unknown system-call number. Entry points: syscall_trace_enter/exit.
 */
#include "internal.h"

static bool trace_all;
static char trace_comm[TASK_COMM_LEN];
static unsigned long reported[NR_SYSCALLS / 64];

/* Names of calls that have no handler, so that a trace says what was asked for. */
static const struct {
	u16 nr;
	const char *name;
} unknown_names[] = {
#define U(n, s) { n, #s },
	U(101, ptrace) U(134, uselib) U(136, ustat) U(139, sysfs) U(154, modify_ldt)
	U(156, _sysctl) U(163, acct) U(167, swapon) U(168, swapoff) U(172, iopl) U(173, ioperm) U(174, create_module) U(175, init_module)
	U(176, delete_module) U(177, get_kernel_syms) U(178, query_module) U(179, quotactl) U(180, nfsservctl) U(181, getpmsg)
	U(182, putpmsg) U(183, afs_syscall) U(184, tuxcall) U(185, security) U(205, set_thread_area) U(206, io_setup) U(207, io_destroy)
	U(208, io_getevents) U(209, io_submit) U(210, io_cancel) U(211, get_thread_area) U(212, lookup_dcookie) U(214, epoll_ctl_old)
	U(215, epoll_wait_old) U(216, remap_file_pages) U(236, vserver) U(237, mbind) U(238, set_mempolicy)
	U(239, get_mempolicy)
	U(246, kexec_load) U(248, add_key) U(249, request_key) U(250, keyctl) U(251, ioprio_set) U(252, ioprio_get)
	U(256, migrate_pages)
	U(279, move_pages)
	U(298, perf_event_open) U(300, fanotify_init)
	U(301, fanotify_mark) U(303, name_to_handle_at) U(304, open_by_handle_at) U(308, setns)
	U(312, kcmp) U(313, finit_module) U(317, seccomp) U(320, kexec_file_load) U(321, bpf)
	U(323, userfaultfd) U(329, pkey_mprotect) U(330, pkey_alloc) U(331, pkey_free) U(333, io_pgetevents) U(334, rseq)
	U(425, io_uring_setup) U(426, io_uring_enter) U(427, io_uring_register) U(428, open_tree)
	U(429, move_mount) U(430, fsopen) U(431, fsconfig) U(432, fsmount) U(433, fspick)
	U(440, process_madvise) U(442, mount_setattr) U(443, quotactl_fd) U(444, landlock_create_ruleset)
	U(445, landlock_add_rule) U(446, landlock_restrict_self) U(447, memfd_secret) U(448, process_mrelease) U(449, futex_waitv)
	U(450, set_mempolicy_home_node)
#undef U
};

static int set_strace(const char *v)
{
	if (*v)
		strscpy(trace_comm, v, sizeof(trace_comm));
	else
		trace_all = true;
	return 0;
}
kernel_param("strace", set_strace);

static bool traced(void)
{
	return trace_all || (trace_comm[0] && !strcmp(current->comm, trace_comm));
}

/* A new program starts: from now on its calls pass through the hooks, or no longer. */
void strace_exec(void)
{
	if (traced())
		set_tsk_work(current, TIF_SYSCALL_TRACE);
	else
		clear_tsk_work(current, TIF_SYSCALL_TRACE);
}

static const char *name_of(u64 nr)
{
	if (nr < NR_SYSCALLS && syscall_table[nr].name)
		return syscall_table[nr].name;
	for (unsigned i = 0; i < ARRAY_SIZE(unknown_names); i++)
		if (unknown_names[i].nr == nr)
			return unknown_names[i].name;
	return NULL;
}

void report_unknown_syscall(u64 nr)
{
	const char *name = name_of(nr);

	if (nr >= NR_SYSCALLS || test_and_set_bit(nr, reported))
		return;
	if (name)
		pr_info("%s[%d]: system call %lu (%s) is not there: ENOSYS\n", current->comm, current->pid, (unsigned long)nr, name);
	else
		pr_info("%s[%d]: system call %lu is unknown: ENOSYS\n", current->comm, current->pid, (unsigned long)nr);
}

static void put_string(char *buf, size_t size, size_t *at, u64 addr)
{
	char s[48];
	long n = strncpy_from_user(s, ptr_user(const char, addr), sizeof(s));

	if (n < 0) {
		*at += (size_t)scnprintf(buf + *at, size - *at, "0x%lx", (unsigned long)addr);
		return;
	}
	s[min_t(long, n, (long)sizeof(s) - 1)] = 0;
	for (char *c = s; *c; c++)
		if (!isprint(*c))
			*c = '.';
	*at += (size_t)scnprintf(buf + *at, size - *at, "\"%s\"", s);
}

static void print_call(const struct pt_regs *r, const char *tail, long ret)
{
	const u64 v[6] = { r->di, r->si, r->dx, r->r10, r->r8, r->r9 };
	u64 nr = r->orig_ax;
	const struct syscall_desc *d = nr < NR_SYSCALLS && syscall_table[nr].name ? &syscall_table[nr] : NULL;
	const char *name = name_of(nr);
	char buf[320];
	size_t at = 0;

	for (unsigned i = 0; i < (d ? d->nargs : 6); i++) {
		char f = d ? d->args[i] : 'x';

		if (i)
			at += (size_t)scnprintf(buf + at, sizeof(buf) - at, ", ");
		if (f == 's')
			put_string(buf, sizeof(buf), &at, v[i]);
		else
			at += (size_t)scnprintf(buf + at, sizeof(buf) - at, f == 'd' ? "%ld" : f == 'u' ? "%lu" : "0x%lx",
						f == 'd' ? (long)(int)v[i] : (long)v[i]);
	}
	buf[at] = 0;
	if (tail)
		printk(KERN_INFO "[%d %s] %s#%lu(%s)%s\n", current->pid, current->comm, name ? name : "?", (unsigned long)nr, buf, tail);
	else
		printk(KERN_INFO "[%d %s] %s#%lu(%s) = %ld\n", current->pid, current->comm, name ? name : "?", (unsigned long)nr, buf, ret);
}

long syscall_trace_enter(struct pt_regs *r)
{
	/* Calls that do not return, or replace what their arguments point to, are shown on the way in. */
	if (traced() && (r->orig_ax == 59 || r->orig_ax == 60 || r->orig_ax == 231 || r->orig_ax == 322))
		print_call(r, " ...", 0);
	return (long)r->orig_ax;
}

void syscall_trace_exit(struct pt_regs *r)
{
	if (traced())
		print_call(r, NULL, (long)r->ax);
}
