/* SPDX-License-Identifier: MIT */
/*
 * Text files made on reading: the whole text is produced by show() at the first read (and again at offset 0) into a
 * buffer that grows until it fits. Entry points: single_open, seq_read, seq_lseek, single_release, seq_printf & co.
 * Lock: seq_lock (mutex, innermost) only for handing a file's buffer over.
 */
#include <kernel/fs.h>
#include <kernel/mutex.h>

#define SEQ_MAX (4UL << 20)

static DEFINE_MUTEX(seq_lock);

void seq_write(struct seq_file *s, const void *p, size_t n)
{
	if (s->count + n > s->size) {
		s->overflow = true;
		s->count = s->size;
		return;
	}
	memcpy(s->buf + s->count, p, n);
	s->count += n;
}

void seq_puts(struct seq_file *s, const char *t)
{
	seq_write(s, t, strlen(t));
}

void seq_putc(struct seq_file *s, char c)
{
	seq_write(s, &c, 1);
}

static void seq_vprintf(struct seq_file *s, const char *fmt, va_list ap)
{
	size_t room = s->size - s->count;
	int n = vsnprintf(s->buf + s->count, room, fmt, ap);

	if (n < 0)
		return;
	if ((size_t)n >= room) {
		s->overflow = true;
		s->count = s->size;
	} else {
		s->count += (size_t)n;
	}
}

void seq_printf(struct seq_file *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	seq_vprintf(s, fmt, ap);
	va_end(ap);
}

void seq_print_fn(void *seq, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	seq_vprintf(seq, fmt, ap);
	va_end(ap);
}

int single_open(struct file *f, int (*show)(struct seq_file *s, void *v), void *data)
{
	struct seq_file *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	s->show = show;
	s->private = data;
	s->file = f;
	f->private = s;
	return 0;
}

int single_release(struct inode *inode, struct file *f)
{
	struct seq_file *s = f->private;

	(void)inode;
	if (s) {
		kvfree(s->buf);
		kfree(s);
	}
	return 0;
}

/* Makes the text; the buffer doubles until it fits. */
static int seq_fill(struct seq_file *s)
{
	size_t size = s->size ? s->size : PAGE_SIZE;

	for (;; size *= 2) {
		int err;

		if (size > SEQ_MAX)
			return -ENOMEM;
		if (size != s->size) {
			kvfree(s->buf);
			s->size = 0;
			s->count = 0;
			s->buf = kvmalloc(size, GFP_KERNEL);
			if (!s->buf)
				return -ENOMEM;
			s->size = size;
		}
		s->count = 0;
		s->overflow = false;
		err = s->show(s, s->private);
		if (err)
			s->count = 0;
		if (err)
			return err;
		if (!s->overflow)
			return 0;
	}
}

ssize_t seq_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct seq_file *s = f->private;
	struct seq_file tmp;
	ssize_t ret = 0;

	if (*pos < 0)
		return -EINVAL;
	/* Take the text out of the file while we use it: a concurrent reader makes its own. */
	mutex_lock(&seq_lock);
	tmp = *s;
	s->buf = NULL;
	s->size = s->count = 0;
	mutex_unlock(&seq_lock);
	if (*pos == 0 || !tmp.buf)
		ret = seq_fill(&tmp);
	if (ret == 0 && (size_t)*pos < tmp.count) {
		size_t n = min_t(size_t, tmp.count - (size_t)*pos, to->count);
		size_t done = copy_to_iter(tmp.buf + *pos, n, to);

		ret = done || !n ? (ssize_t)done : -EFAULT;
		*pos += (loff_t)done;
	}
	mutex_lock(&seq_lock);
	swap(s->buf, tmp.buf);
	swap(s->size, tmp.size);
	swap(s->count, tmp.count);
	mutex_unlock(&seq_lock);
	kvfree(tmp.buf);
	return ret;
}

loff_t seq_lseek(struct file *f, loff_t off, int whence)
{
	loff_t to = whence == SEEK_SET ? off : whence == SEEK_CUR ? f->pos + off : -1;

	if (to < 0)
		return -EINVAL;
	f->pos = to;
	return to;
}
