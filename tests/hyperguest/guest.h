/* SPDX-License-Identifier: MIT */
/* The bare test guest: output, hypercalls, and the list of tests. No interrupts but the event upcall, one vCPU. */
#ifndef HYPERGUEST_H
#define HYPERGUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/errno.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/hvm/params.h>
#include <xen/hvm/hvm_op.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <uapi/zazen_hypercall.h>

extern bool use_vmmcall, privileged;
long hypercall(unsigned nr, uint64_t a1, uint64_t a2, uint64_t a3);
#define HC(nr, a, b, c) hypercall(__HYPERVISOR_##nr, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c))

void *memset(void *d, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);
void fatal_exception(uint64_t vector, uint64_t rip, uint64_t error);
void on_upcall(void);
void main(struct hvm_start_info *info);
void print(const char *s);
void print_num(long n);
/* One line "ok NAME" or "FAIL NAME: got X". */
void check(const char *name, bool ok, long got);
#define EXPECT(name, expr, want) do { long got_ = (long)(expr); check(name, got_ == (long)(want), got_); } while (0)
#define TRUE(name, expr) check(name, !!(expr), 0)

struct regs { uint32_t a, b, c, d; };
struct regs cpuid(uint32_t leaf, uint32_t sub);
uint64_t rdtsc(void);
uint64_t system_time(void);

long try_rdmsr(uint32_t msr, uint64_t *value);
long try_wrmsr(uint32_t msr, uint64_t value);
long try_ud(const void *code);

extern struct shared_info *shared;
extern volatile unsigned upcalls;
extern uint64_t free_page;       /* a page of RAM nobody uses; take_page() gives more */
void *take_page(void);
uint64_t gfn_of(const void *p);
/* A frame with nothing at it, fit for mappings. */
uint64_t hole_gfn(unsigned n);

void test_version(void);
void test_memory(void);
void test_events(void);
void test_fifo(void);
void test_grants(void);
void test_vcpu(void);
void test_misc(void);
void test_cpu(void);
void test_control(void);
void test_child(void);
void test_state(void);
void bench(void);

/* child.c: a domain made by hand, for the tests of it. 256 frames from 0 on; the context starts at CODE_GFN, 32-bit, no paging. */
#define CODE_GFN 0x10
#define DATA_GFN 0x20
extern domid_t child;
bool child_create(void);
long child_domctl(struct xen_domctl *dc, unsigned cmd);
long child_map(uint64_t from, uint64_t at);
long child_unmap(uint64_t gfn);
long child_set_context(void);

/* The hostile guest (attack.h): true if the command line asked for it, and then it does not return. */
bool attack(const char *line);
void console_say(const char *s, size_t n);
unsigned checks_passed(void);
unsigned checks_failed(void);

#endif
