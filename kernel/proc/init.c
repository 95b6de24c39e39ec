/* SPDX-License-Identifier: MIT */
/*
 * The first program (rdinit=, init= or the usual places) and the choice of a victim when memory runs out.
 * Entry points: run_init_process, oom_kill.
 */
#include "internal.h"
#include <kernel/fs.h>

static char init_path[128];

static int set_init(const char *v)
{
	strscpy(init_path, v, sizeof(init_path));
	return 0;
}
kernel_param("init", set_init);

static int set_rdinit(const char *v)
{
	return set_init(v);
}
kernel_param("rdinit", set_rdinit);

/* Descriptors 0 to 2 on /dev/console. */
static void open_console(void)
{
	struct file *f = filp_open("/dev/console", O_RDWR, 0);

	if (IS_ERR(f)) {
		pr_warn("init: no /dev/console (%ld)\n", PTR_ERR(f));
		return;
	}
	for (int i = 0; i < 3; i++) {
		int fd = get_unused_fd_flags(0);

		if (fd < 0)
			break;
		fd_install((unsigned)fd, get_file(f));
	}
	fput(f);
}

static int try_init(const char *path)
{
	static const char *env[34] = { "HOME=/", "TERM=linux" };
	int n = 2, r;

	for (int i = 0; i < 31 && init_envp[i]; i++)
		env[n++] = init_envp[i];
	env[n] = NULL;
	init_argv[0] = path;
	r = do_execve_kernel(path, init_argv, env);
	if (r && r != -ENOENT)
		pr_err("init: cannot run %s: error %d\n", path, r);
	return r;
}

int run_init_process(void)
{
	static const char *const places[] = { "/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
	struct task *t = current;

	init_process = t;
	open_console();
	if (init_path[0]) {
		if (try_init(init_path) == 0)
			return 0;
		pr_err("init: %s as given on the command line failed; trying the defaults\n", init_path);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		if (try_init(places[i]) == 0)
			return 0;
	return -ENOENT;
}

/* The largest process that is neither init nor protected nor dying already. */
bool oom_kill(void)
{
	struct task *t, *victim = NULL;
	long best = 0;
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	for_each_process(t) {
		struct mm *mm = t->mm;
		long pages = 0;

		if (!mm || t == init_process || (t->flags & PF_KTHREAD) || t->signal->oom_score_adj <= -1000)
			continue;
		if (t->signal->flags & SIGNAL_GROUP_EXIT) {
			/* One is dying: its memory is on its way. */
			spin_unlock_irqrestore(&tasklist_lock, f);
			return true;
		}
		for (int i = 0; i < NR_MM_COUNTERS; i++)
			pages += atomic64_read(&mm->rss[i]);
		pages += t->signal->oom_score_adj * (long)(totalram_pages() / 1000);
		if (pages > best) {
			best = pages;
			victim = t;
		}
	}
	if (victim)
		get_task(victim);
	spin_unlock_irqrestore(&tasklist_lock, f);
	if (!victim)
		return false;
	pr_err("out of memory: killing %s (pid %d, %ld pages)\n", victim->comm, victim->pid, best);
	group_send_sig(SIGKILL, SEND_SIG_PRIV, victim);
	put_task(victim);
	return true;
}
