; SPDX-License-Identifier: MIT
; The one way into a VT-x guest and the one way out. A vCPU's host stack never unwinds: HOST_RSP is its top less 16,
; where [rsp] is scratch and [rsp + 8] holds the struct arch_vcpu, so an exit finds everything by RSP alone.
; Entry points: vmx_enter_loop (C calls it once per vCPU), vmx_exit_entry (HOST_RIP).
%include "hv/vcpu_offsets.inc"

section .text
extern vmx_exit_handler, vmx_entry_failed, vmx_run_work

; void vmx_enter_loop(struct arch_vcpu *a, void *stack_top)
global vmx_enter_loop
vmx_enter_loop:
	lea rsp, [rsi - 16]
	mov [rsp + 8], rdi
	mov rbx, rdi
	xor ebp, ebp
.again:
	cli                             ; an interrupt from here on ends the guest's run at once
	mov eax, [rbx + ARCH_WORK]
	or rax, [gs:PERCPU_SOFTIRQS]
	jnz .work
	cmp byte [rbx + ARCH_LAUNCHED], 0 ; the moves below leave the flags alone
	mov r15, [rbx + REG_R15]
	mov r14, [rbx + REG_R14]
	mov r13, [rbx + REG_R13]
	mov r12, [rbx + REG_R12]
	mov rbp, [rbx + REG_RBP]
	mov r11, [rbx + REG_R11]
	mov r10, [rbx + REG_R10]
	mov r9, [rbx + REG_R9]
	mov r8, [rbx + REG_R8]
	mov rax, [rbx + REG_RAX]
	mov rcx, [rbx + REG_RCX]
	mov rdx, [rbx + REG_RDX]
	mov rsi, [rbx + REG_RSI]
	mov rdi, [rbx + REG_RDI]
	mov rbx, [rbx + REG_RBX]
	je .launch
	vmresume
	jmp .failed
.launch:
	vmlaunch
.failed:                                ; VMfail: still on the host side, the guest's registers loaded
	mov rbx, [rsp + 8]
	mov rdi, rbx
	xor ebp, ebp
	call vmx_entry_failed
	jmp .again
.work:
	mov rdi, rbx
	call vmx_run_work
	jmp .again

global vmx_exit_entry
vmx_exit_entry:
	mov [rsp], rdi
	mov rdi, [rsp + 8]
	mov [rdi + REG_RBX], rbx
	mov rbx, rdi
	mov [rbx + REG_R15], r15
	mov [rbx + REG_R14], r14
	mov [rbx + REG_R13], r13
	mov [rbx + REG_R12], r12
	mov [rbx + REG_RBP], rbp
	mov [rbx + REG_R11], r11
	mov [rbx + REG_R10], r10
	mov [rbx + REG_R9], r9
	mov [rbx + REG_R8], r8
	mov [rbx + REG_RAX], rax
	mov [rbx + REG_RCX], rcx
	mov [rbx + REG_RDX], rdx
	mov [rbx + REG_RSI], rsi
	mov rax, [rsp]
	mov [rbx + REG_RDI], rax
	xor ebp, ebp
	mov byte [rbx + ARCH_LAUNCHED], 1
	call vmx_exit_handler
	jmp vmx_enter_loop.again

section .note.GNU-stack noalloc noexec nowrite progbits
