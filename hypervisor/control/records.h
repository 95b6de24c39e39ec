/* SPDX-License-Identifier: MIT */
/* records.c for context.c. v is off its CPU. */
#ifndef CONTROL_RECORDS_H
#define CONTROL_RECORDS_H

#include <hv/domain.h>

enum { ES, CS, SS, DS, FS, GS, LDT, TR }; /* struct guest_state's segments */
#define ALL_GPRS(X) X(rax) X(rbx) X(rcx) X(rdx) X(rbp) X(rsi) X(rdi) X(rsp) \
	X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15) X(rip) X(rflags)

struct state_record {
	uint16_t code;
	unsigned (*save)(struct vcpu *v, void *body);                   /* bytes written into a zeroed body; 0: no such state */
	int (*load)(struct vcpu *v, const void *body, unsigned len);    /* -EINVAL */
};

#define NR_STATE_RECORDS 5
extern const struct state_record state_records[NR_STATE_RECORDS];
const struct state_record *state_record_find(unsigned code);
unsigned state_record_max(void); /* bytes that any body may need */

#endif
