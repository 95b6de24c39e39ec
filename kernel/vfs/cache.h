/* SPDX-License-Identifier: MIT */
/* Between the files of the page cache. */
#ifndef VFS_CACHE_H
#define VFS_CACHE_H

#include <kernel/fs.h>

void lru_add(struct page *p); /* takes no reference: the tree's keeps the page */
void lru_del(struct page *p);
unsigned long lru_pages(void);
void wakeup_flusher(void);    /* sync.c */
void mark_inode_pages_dirty(struct inode *inode); /* inode.c */

#endif
