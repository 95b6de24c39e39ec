/* SPDX-License-Identifier: MIT */
/*
 * execve: arguments into a new address space, scripts, credentials, and the change itself. Until exec_commit
 * nothing of the caller is touched; after it a failure kills.
 * Entry points: sys_execve, sys_execveat, do_execve_kernel, run_init_process.
 */
#include "exec.h"
#include <kernel/random.h>
#include <kernel/fs.h>

#define MAX_SCRIPTS 5

/* argv or envp: of user space, or the kernel's own (init). */
struct strings {
	const char *const *v;
	bool kernel;
};

static long nth(const struct strings *s, int i, const char **out)
{
	if (s->kernel) {
		*out = s->v[i];
		return 0;
	}
	return get_user(*out, (const char **)(unsigned long)(s->v + i));
}

static int count(const struct strings *s)
{
	const char *p;
	int n = 0;

	if (!s->v)
		return 0;
	for (;; n++) {
		if (nth(s, n, &p))
			return -EFAULT;
		if (!p)
			return n;
		if (n >= 0x7fffff)
			return -E2BIG;
		if (!(n % 1024) && fatal_signal_pending(current))
			return -EINTR;
	}
}

/* Copies len bytes (with the NUL) below x->p. */
static int push_bytes(struct exec *x, const char *s, size_t len, bool kernel, char *bounce)
{
	if (len > x->p - x->min_p)
		return -E2BIG;
	x->p -= len;
	for (size_t done = 0; done < len;) {
		size_t n = min(len - done, (size_t)PAGE_SIZE);

		if (kernel)
			memcpy(bounce, s + done, n);
		else if (copy_from_user(bounce, (const char __user *)s + done, n))
			return -EFAULT;
		/* Another thread may have changed the string; the terminator is ours. */
		if (done + n == len)
			bounce[n - 1] = 0;
		if (access_process_vm(x->mm, x->p + done, bounce, n, true) != (long)n)
			return -ENOMEM;
		done += n;
	}
	return 0;
}

static int push_strings(struct exec *x, const struct strings *s, int n, int first, char *bounce)
{
	while (n-- > first) {
		const char *p;
		long len;
		int r;

		if (nth(s, n, &p))
			return -EFAULT;
		len = s->kernel ? (long)strlen(p) + 1 : strnlen_user(p, ARG_MAX_STRLEN);
		if (!len)
			return -EFAULT;
		if (len > (long)ARG_MAX_STRLEN)
			return -E2BIG;
		r = push_bytes(x, p, (size_t)len, s->kernel, bounce);
		if (r)
			return r;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static int push_kernel_string(struct exec *x, const char *s, char *bounce)
{
	return push_bytes(x, s, strlen(s) + 1, true, bounce);
}

static int read_head(struct exec *x)
{
	ssize_t n;

	memset(x->head, 0, sizeof(x->head));
	n = exec_read(x->file, x->head, sizeof(x->head), 0);
	return n < 0 ? (int)n : 0;
}

/*
 * "#! interpreter [one argument]": the line must end within the head read. On success the strings are
 * interpreter, argument if any, and x->interp_path (the script), which replaces argv[0].
 */
static int parse_script(struct exec *x, char **interp, char **arg)
{
	char *line = (char *)x->head + 2, *end = (char *)x->head + EXEC_HEAD, *nl, *e;

	for (nl = line; nl < end && *nl != '\n' && *nl; nl++)
		;
	if (nl == end) {
		/* Cut off: acceptable only if the interpreter's path is surely whole. */
		for (e = line; e < end && (*e == ' ' || *e == '\t'); e++)
			;
		while (e < end && *e != ' ' && *e != '\t')
			e++;
		if (e == end)
			return -ENOEXEC;
		nl = end - 1;
	}
	*nl = 0;
	while (nl > line && (nl[-1] == ' ' || nl[-1] == '\t' || nl[-1] == '\r'))
		*--nl = 0;
	while (*line == ' ' || *line == '\t')
		line++;
	if (!*line)
		return -ENOEXEC;
	*interp = line;
	*arg = NULL;
	e = strpbrk(line, " \t");
	if (e) {
		*e++ = 0;
		while (*e == ' ' || *e == '\t')
			e++;
		if (*e)
			*arg = e;
	}
	return 0;
}

/* Follows #! lines; the argument strings of the scripts go in front of argv[1..]. */
static int resolve_scripts(struct exec *x, char *bounce)
{
	for (int depth = 0;; depth++) {
		char *interp, *arg, *path;
		struct file *f;
		int r = read_head(x);

		if (r)
			return r;
		if (x->head[0] != '#' || x->head[1] != '!')
			return 0;
		if (depth == MAX_SCRIPTS)
			return -ELOOP;
		r = parse_script(x, &interp, &arg);
		if (r)
			return r;
		r = push_kernel_string(x, x->interp_path, bounce);
		if (!r && arg)
			r = push_kernel_string(x, arg, bounce);
		/* argv[0] of the next round; dropped again if that is a script itself */
		if (r)
			return r;
		x->argc += 1 + (arg != NULL);
		path = kstrdup(interp, GFP_KERNEL);
		if (!path)
			return -ENOMEM;
		f = exec_open(-100, path, 0);
		if (IS_ERR(f)) {
			kfree(path);
			return (int)PTR_ERR(f);
		}
		exec_close(x->file);
		kfree(x->interp_path);
		x->file = f;
		x->interp_path = path;
	}
}

static int build_mm(struct exec *x)
{
	u64 limit = rlimit(RLIMIT_STACK), args = max_t(u64, min_t(u64, limit / 4, 6UL << 20), 32 * PAGE_SIZE);
	unsigned long gap, rnd = current->proc->personality & ADDR_NO_RANDOMIZE ? 0 : random_pages(22);
	int r;

	x->mm = mm_alloc();
	if (!x->mm)
		return -ENOMEM;
	x->stack_top = TASK_SIZE - PAGE_SIZE - rnd;
	r = setup_stack_vma(x->mm, x->stack_top, 132 * 1024 + args, x->prog.exec_stack);
	if (r)
		return r;
	x->p = x->stack_top - 8;
	x->min_p = x->stack_top - args;
	gap = clamp(limit, (u64)(128UL << 20), (u64)(TASK_SIZE / 6 * 5)) + (1UL << 20);
	x->mm->mmap_base = (x->stack_top - gap - (current->proc->personality & ADDR_NO_RANDOMIZE ? 0 : random_pages(28))) & PAGE_MASK;
	return 0;
}

static int copy_arguments(struct exec *x, const struct strings *argv, const struct strings *envp)
{
	static const char *const empty[] = { "", NULL };
	struct strings none = { empty, true };
	char *bounce = kmalloc(PAGE_SIZE, GFP_KERNEL);
	bool script;
	int r;

	if (!bounce)
		return -ENOMEM;
	x->argc = count(argv);
	x->envc = count(envp);
	r = x->argc < 0 ? x->argc : x->envc < 0 ? x->envc : 0;
	if (r)
		goto out;
	if ((u64)(x->argc + x->envc) * 16 > x->p - x->min_p) {
		r = -E2BIG;
		goto out;
	}
	/* The pointers take their part of the limit, too. */
	x->min_p += (u64)(x->argc + x->envc) * 8;
	r = push_kernel_string(x, x->filename, bounce);
	x->execfn = x->p;
	x->mm->env_end = x->p;
	if (!r)
		r = push_strings(x, envp, x->envc, 0, bounce);
	x->mm->env_start = x->mm->arg_end = x->p;
	if (r)
		goto out;
	r = read_head(x);
	script = !r && x->head[0] == '#' && x->head[1] == '!';
	if (!r && x->argc == 0) {
		/* Programs rely on argv[0]. */
		argv = &none;
		x->argc = 1;
	}
	if (!r)
		r = push_strings(x, argv, x->argc, script ? 1 : 0, bounce);
	if (!r && script) {
		x->argc--;
		r = resolve_scripts(x, bounce);
		if (!r) {
			r = push_kernel_string(x, x->interp_path, bounce);
			x->argc++;
		}
	}
	x->mm->arg_start = x->p;
out:
	kfree(bounce);
	return r;
}

/* Credentials after the change (credentials(7), capabilities(7) "Transformation of capabilities during execve"). */
static int new_credentials(struct exec *x)
{
	struct cred *c = prepare_creds(), *old = current->cred;
	uid_t uid;
	gid_t gid;
	int set;

	if (!c)
		return -ENOMEM;
	set = current->proc->no_new_privs || current->proc->ptrace ? 0 : exec_setid(x->file, &uid, &gid);
	if (set & 1)
		c->euid = uid;
	if (set & 2)
		c->egid = gid;
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	if (c->euid == 0 || c->uid == 0) {
		c->cap_permitted = c->cap_bset | c->cap_inheritable;
		c->cap_effective = c->euid == 0 ? c->cap_permitted : c->cap_ambient;
	} else {
		if (set)
			c->cap_ambient = 0;
		c->cap_permitted = c->cap_effective = c->cap_ambient;
	}
	x->secure = c->euid != c->uid || c->egid != c->gid || (c->uid != 0 && (c->cap_permitted & ~old->cap_permitted));
	x->cred = c;
	return 0;
}

static void reset_signals(void)
{
	struct sighand *h = current->sighand;

	spin_lock_irq(&h->siglock);
	for (int i = 0; i < NSIG; i++) {
		if (h->action[i].handler != SIG_IGN)
			h->action[i].handler = SIG_DFL;
		h->action[i].flags = 0;
		h->action[i].restorer = 0;
		h->action[i].mask = 0;
	}
	spin_unlock_irq(&h->siglock);
	current->proc->sas_sp = current->proc->sas_size = 0;
	current->proc->sas_flags = 0;
}

static void drop_exec(struct exec *x)
{
	if (x->mm)
		mmput(x->mm);
	if (x->cred)
		put_cred(x->cred);
	if (x->file)
		exec_close(x->file);
	if (x->ld_file)
		exec_close(x->ld_file);
	kfree(x->filename);
	kfree(x->interp_path);
	kfree(x);
}

static int commit(struct exec *x)
{
	struct mm *old;
	const char *base;
	struct pt_regs *regs = current_pt_regs();
	unsigned long ip, sp;
	bool changed;
	int r = de_thread(current);

	if (r)
		return r;
	/* From here on there is no way back. */
	exit_mm_release(current);
	spin_lock_irq(&current->proc->alloc_lock); /* against get_task_mm */
	old = switch_current_mm(x->mm);
	spin_unlock_irq(&current->proc->alloc_lock);
	x->mm->owner = current;
	x->mm = NULL;
	if (old) {
		current->signal->dead.maxrss = max(current->signal->dead.maxrss, mm_max_rss(old));
		mmput(old);
	}
	if (unshare_files())
		pr_warn("%s: descriptor table stays shared: no memory\n", x->filename);
	close_on_exec_files();
	reset_signals();
	delete_posix_timers(current->signal); /* alarm and setitimer go on (execve(2)) */
	flush_thread();
	current->flags &= ~(PF_FORKNOEXEC | PF_KTHREAD | PF_SUPERPRIV);
	current->proc->robust_list = NULL;
	base = strrchr(x->filename, '/');
	set_task_comm(current, base ? base + 1 : x->filename);
	strace_exec();
	changed = x->cred->euid != current->cred->euid || x->cred->egid != current->cred->egid;
	current->mm->dumpable = !x->secure;
	if (changed || x->secure)
		current->proc->pdeath_signal = 0;
	current->proc->keepcaps = false;
	commit_creds(x->cred);
	x->cred = NULL;
	r = elf_load(x, &ip, &sp);
	if (r) {
		pr_warn("%s: cannot load (%d) after the old program was gone\n", x->filename, r);
		drop_exec(x);
		do_group_exit(SIGKILL);
	}
	start_thread(regs, ip, sp);
	return 0;
}

static int do_exec(int dirfd, char *filename, const struct strings *argv, const struct strings *envp, int flags)
{
	struct exec *x = kzalloc(sizeof(*x), GFP_KERNEL);
	int r = -ENOMEM;

	if (!x) {
		kfree(filename);
		return -ENOMEM;
	}
	x->filename = filename;
	x->interp_path = kstrdup(filename, GFP_KERNEL);
	if (!x->interp_path)
		goto out;
	x->file = exec_open(dirfd, filename, flags);
	if (IS_ERR(x->file)) {
		r = (int)PTR_ERR(x->file);
		x->file = NULL;
		goto out;
	}
	if (filename[0] != '/' && dirfd != -100) {
		char *via = filename[0] ? kasprintf(GFP_KERNEL, "/dev/fd/%d/%s", dirfd, filename) : kasprintf(GFP_KERNEL, "/dev/fd/%d", dirfd);

		if (!via)
			goto out;
		kfree(x->filename);
		kfree(x->interp_path);
		x->filename = via;
		x->interp_path = kstrdup(via, GFP_KERNEL);
	}
	r = build_mm(x);
	if (!r)
		r = copy_arguments(x, argv, envp);
	if (!r)
		r = elf_prepare(x);
	if (!r)
		r = new_credentials(x);
	if (!r)
		r = commit(x);
out:
	drop_exec(x);
	return r;
}

static char *get_path(const char __user *u, bool empty_ok)
{
	char *s = kmalloc(PATH_MAX, GFP_KERNEL);
	long n;

	if (!s)
		return ERR_PTR(-ENOMEM);
	n = strncpy_from_user(s, u, PATH_MAX);
	if (n <= 0 || n >= PATH_MAX) {
		if (n == 0 && empty_ok)
			return s;
		kfree(s);
		return ERR_PTR(n == 0 ? -ENOENT : n < 0 ? n : -ENAMETOOLONG);
	}
	return s;
}


long sys_execveat(int dirfd, const char __user *path, const char *const __user *argv, const char *const __user *envp, int flags)
{
	struct strings a = { argv, false }, e = { envp, false };
	char *name;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	name = get_path(path, flags & AT_EMPTY_PATH);
	if (IS_ERR(name))
		return PTR_ERR(name);
	return do_exec(dirfd, name, &a, &e, flags);
}

long sys_execve(const char __user *path, const char *const __user *argv, const char *const __user *envp)
{
	return sys_execveat(-100, path, argv, envp, 0);
}

int do_execve_kernel(const char *path, const char *const *argv, const char *const *envp)
{
	struct strings a = { argv, true }, e = { envp, true };
	char *name = kstrdup(path, GFP_KERNEL);

	return name ? do_exec(-100, name, &a, &e, 0) : -ENOMEM;
}
