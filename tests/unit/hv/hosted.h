/* SPDX-License-Identifier: MIT */
/* What a piece of the hypervisor needs around it when it runs as a program: locks that do nothing, panic that aborts. */
#ifndef HOSTED_H
#define HOSTED_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <hv/panic.h>
#include <hv/insn.h>
#include <hv/log.h>
#include <hv/percpu.h>
#include <hv/spinlock.h>
struct percpu percpu[NR_CPUS];
void spin_lock(spinlock_t *l) { l->head++; }
void spin_unlock(spinlock_t *l) { l->head--; }
bool spin_trylock(spinlock_t *l) { l->head++; return true; }
bool spin_held(const spinlock_t *l) { return l->head; }
void printk(const char *fmt, ...) { (void)fmt; }
void panic(const char *fmt, ...) { va_list ap; va_start(ap, fmt); vfprintf(stderr, fmt, ap); abort(); }
void bug_at(const char *e, const char *f, int l) { fprintf(stderr, "%s %s:%d\n", e, f, l); abort(); }
#endif
