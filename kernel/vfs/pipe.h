/* SPDX-License-Identifier: MIT */
/* Pipes and FIFOs, for fcntl, special files and splice. */
#ifndef VFS_PIPE_H
#define VFS_PIPE_H

#include <kernel/fs.h>
#include <kernel/mutex.h>
#include <kernel/wait.h>

struct pipe_buf {
	struct page *page; /* referenced */
	unsigned off, len;
	bool merge;        /* writes may go on behind it: nobody else has the page */
	bool packet;
};

struct pipe {
	struct mutex mutex;
	wait_queue_head_t rd_wait, wr_wait;
	struct pipe_buf *bufs;         /* slots of them, a power of two; used ones from head on */
	unsigned slots, head, used;
	struct page *spare;
	unsigned readers, writers;     /* open ends */
	unsigned r_counter, w_counter; /* opens ever, for FIFO opening */
	unsigned users;                /* files; inode->lock */
};

extern const struct file_operations fifo_fops;
struct pipe *file_pipe(struct file *f); /* NULL: not a pipe */
/* F_GETPIPE_SZ, F_SETPIPE_SZ; -EBADF for what is no pipe. */
long pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg);

/* All with p->mutex held; the waits drop and take it. */
int pipe_wait_data(struct pipe *p, bool nonblock); /* 1 there is some, 0 end of file, or an error */
int pipe_wait_room(struct pipe *p, bool nonblock); /* 0 a slot is free, or an error (SIGPIPE was sent) */
struct pipe_buf *pipe_first(struct pipe *p);
void pipe_drop_first(struct pipe *p);
void pipe_push(struct pipe *p, struct page *page, unsigned off, unsigned len, bool merge); /* takes the reference */
struct page *pipe_page(struct pipe *p);
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);

#endif
