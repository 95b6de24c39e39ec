/* SPDX-License-Identifier: MIT */
/* Texts of /proc/PID that come from its address space: cmdline, environ, auxv, maps. */
#include "pid.h"
#include <kernel/mm.h>

/* [start, end) of the process, at most 1 MiB, into m. */
static void put_memory(struct seq_file *m, struct mm *mm, unsigned long start, unsigned long end)
{
	char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);

	if (!buf)
		return;
	end = min(end, start + (1UL << 20));
	while (start < end && !m->overflow) {
		long n = access_process_vm(mm, start, buf, min_t(size_t, end - start, PAGE_SIZE), false);

		if (n <= 0)
			break;
		seq_write(m, buf, (size_t)n);
		start += (unsigned long)n;
	}
	kfree(buf);
}

int proc_pid_cmdline(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	struct mm *mm = get_task_mm(t);

	(void)r;
	if (!mm)
		return 0;
	if (mm->arg_start && mm->arg_end > mm->arg_start)
		put_memory(m, mm, mm->arg_start, mm->arg_end);
	mmput(mm);
	return 0;
}

int proc_pid_environ(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	struct mm *mm = get_task_mm(t);

	(void)r;
	if (!mm)
		return 0;
	if (mm->env_start && mm->env_end > mm->env_start)
		put_memory(m, mm, mm->env_start, mm->env_end);
	mmput(mm);
	return 0;
}

int proc_pid_auxv(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	struct mm *mm = get_task_mm(t);
	unsigned n = 0;

	(void)r;
	if (!mm)
		return 0;
	while (n + 1 < ARRAY_SIZE(mm->auxv) && mm->auxv[n])
		n += 2;
	seq_write(m, mm->auxv, min_t(size_t, n + 2, ARRAY_SIZE(mm->auxv)) * sizeof(u64));
	mmput(mm);
	return 0;
}

/* What a range is called when no file backs it. */
static const char *range_name(struct mm *mm, struct vma *v)
{
	if (v->ops && v->ops->name)
		return v->ops->name(v);
	if (v->start <= mm->brk && v->end >= mm->start_brk && mm->start_brk < mm->brk)
		return "[heap]";
	if (v->start <= mm->start_stack && v->end >= mm->start_stack)
		return "[stack]";
	return mm->vdso && (unsigned long)mm->vdso == v->start ? "[vdso]" : NULL;
}

/* Facts of one range, copied under mmap_lock. */
struct range {
	unsigned long start, end, flags, pgoff;
	struct file *file; /* referenced */
	const char *name;
};

static bool next_range(struct mm *mm, unsigned long from, struct range *out)
{
	struct vma *v;

	down_read(&mm->mmap_lock);
	v = find_vma(mm, from);
	if (v) {
		*out = (struct range){ v->start, v->end, v->flags, v->pgoff, v->file ? get_file(v->file) : NULL,
				       v->file ? NULL : range_name(mm, v) };
	}
	up_read(&mm->mmap_lock);
	return v != NULL;
}

/* The line of the first range that ends above *at, which moves to its end. */
static bool maps_line(struct seq_file *m, struct mm *mm, unsigned long *at)
{
	char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	struct range g;
	dev_t dev;
	size_t line = m->count;

	if (!buf || !next_range(mm, *at, &g)) {
		kfree(buf);
		return false;
	}
	dev = g.file && g.file->inode->sb ? g.file->inode->sb->dev : 0;
	seq_printf(m, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", g.start, g.end, g.flags & VM_READ ? 'r' : '-',
		   g.flags & VM_WRITE ? 'w' : '-', g.flags & VM_EXEC ? 'x' : '-', g.flags & VM_SHARED ? 's' : 'p',
		   g.file ? g.pgoff << PAGE_SHIFT : 0, MAJOR(dev), MINOR(dev), g.file ? g.file->inode->ino : 0UL);
	if (g.file || g.name) {
		const char *name = g.file ? d_path(&g.file->path, buf, PAGE_SIZE) : g.name;

		while (m->count - line < 73 && !m->overflow)
			seq_putc(m, ' ');
		seq_puts(m, IS_ERR(name) ? "?" : name);
	}
	seq_putc(m, '\n');
	if (g.file)
		fput(g.file);
	*at = g.end;
	kfree(buf);
	return true;
}

bool proc_maps_line(struct seq_file *m, struct mm *mm, unsigned long at)
{
	return maps_line(m, mm, &at);
}

int proc_pid_maps(struct seq_file *m, struct task *t, struct pid_ref *r)
{
	struct mm *mm = get_task_mm(t);
	unsigned long at = 0;

	(void)r;
	while (mm && !m->overflow && maps_line(m, mm, &at))
		;
	if (mm)
		mmput(mm);
	return 0;
}
