; SPDX-License-Identifier: MIT
; Switch of host stacks. Entry points: switch_stacks, vcpu_first_entry.

section .text
extern vcpu_first_run

; struct vcpu *switch_stacks(uint64_t *save_rsp, uint64_t new_rsp, struct vcpu *prev): returns prev on the new stack.
global switch_stacks
switch_stacks:
	push rbp
	push rbx
	push r12
	push r13
	push r14
	push r15
	mov [rdi], rsp
	mov rsp, rsi
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbx
	pop rbp
	mov rax, rdx
	ret

; Where a new stack "returns" to: RAX is prev.
global vcpu_first_entry
vcpu_first_entry:
	mov rdi, rax
	xor ebp, ebp
	call vcpu_first_run
	ud2

; void stack_switch_call(void *stack_top, void (*fn)(void)): leaves the boot stack for good.
global stack_switch_call
stack_switch_call:
	mov rsp, rdi
	xor ebp, ebp
	call rsi
	ud2
