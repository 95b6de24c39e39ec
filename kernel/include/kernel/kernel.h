/* SPDX-License-Identifier: MIT */
/* The handful of headers that nearly every file needs: types, errors, lists, strings, messages, kmalloc. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <kernel/types.h>
#include <kernel/compiler.h>
#include <kernel/errno.h>
#include <kernel/list.h>
#include <kernel/string.h>
#include <kernel/printk.h>
#include <kernel/atomic.h>
#include <kernel/slab.h>

#endif
