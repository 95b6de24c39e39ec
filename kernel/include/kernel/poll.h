/* SPDX-License-Identifier: MIT */
/* What a file's poll operation needs. Event bits are Linux's. */
#ifndef KERNEL_POLL_H
#define KERNEL_POLL_H

#include <kernel/wait.h>

#define POLLIN 0x0001
#define POLLPRI 0x0002
#define POLLOUT 0x0004
#define POLLERR 0x0008
#define POLLHUP 0x0010
#define POLLNVAL 0x0020
#define POLLRDNORM 0x0040
#define POLLRDBAND 0x0080
#define POLLWRNORM 0x0100
#define POLLWRBAND 0x0200
#define POLLMSG 0x0400
#define POLLRDHUP 0x2000

struct file;
struct poll_table {
	void (*queue)(struct file *f, wait_queue_head_t *q, struct poll_table *pt);
	unsigned key; /* events asked for */
};
typedef struct poll_table poll_table;
/* The VFS calls this when the last reference to a file goes, before its release operation. */
void eventpoll_release(struct file *f);
static inline void poll_wait(struct file *f, wait_queue_head_t *q, struct poll_table *pt)
{
	if (pt && pt->queue && q)
		pt->queue(f, q, pt);
}

#endif
