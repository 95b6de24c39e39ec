; SPDX-License-Identifier: MIT
; The one way into an AMD-V guest and out of it. As in vmx/entry.asm the stack never unwinds: [rsp + 8] is the struct
; arch_vcpu. GIF is 0 around VMRUN with IF 1 (with IF 0 physical interrupts would be held while the guest runs), so that
; an interrupt that comes after the check for work makes the guest exit at once. FS, GS, TR and the SYSCALL registers are
; not switched by VMRUN: VMLOAD brings the guest's before and the host's after, and GS means nothing in between.
; Entry point: svm_enter_loop.
%include "hv/vcpu_offsets.inc"

section .text
extern svm_exit_handler, svm_run_work

; void svm_enter_loop(struct arch_vcpu *a, void *stack_top)
global svm_enter_loop
svm_enter_loop:
	lea rsp, [rsi - 16]
	mov [rsp + 8], rdi
	mov rbx, rdi
	xor ebp, ebp
	cli
.again:
	clgi
	mov eax, [rbx + ARCH_WORK]
	or rax, [gs:PERCPU_SOFTIRQS]
	jnz .work
	mov rdx, [rbx + ARCH_VMCB]
	mov rax, [rbx + REG_RAX]
	mov [rdx + VMCB_RAX], rax
	mov rax, [rbx + ARCH_VMCB_PA]
	vmload
	mov r15, [rbx + REG_R15]
	mov r14, [rbx + REG_R14]
	mov r13, [rbx + REG_R13]
	mov r12, [rbx + REG_R12]
	mov rbp, [rbx + REG_RBP]
	mov r11, [rbx + REG_R11]
	mov r10, [rbx + REG_R10]
	mov r9, [rbx + REG_R9]
	mov r8, [rbx + REG_R8]
	mov rcx, [rbx + REG_RCX]
	mov rdx, [rbx + REG_RDX]
	mov rsi, [rbx + REG_RSI]
	mov rdi, [rbx + REG_RDI]
	mov rbx, [rbx + REG_RBX]
	sti
	vmrun
	cli
	vmsave                          ; RAX is the VMCB again: VMRUN keeps it in the host state
	mov [rsp], rbx
	mov rbx, [rsp + 8]
	mov [rbx + REG_R15], r15
	mov [rbx + REG_R14], r14
	mov [rbx + REG_R13], r13
	mov [rbx + REG_R12], r12
	mov [rbx + REG_RBP], rbp
	mov [rbx + REG_R11], r11
	mov [rbx + REG_R10], r10
	mov [rbx + REG_R9], r9
	mov [rbx + REG_R8], r8
	mov [rbx + REG_RCX], rcx
	mov [rbx + REG_RDX], rdx
	mov [rbx + REG_RSI], rsi
	mov [rbx + REG_RDI], rdi
	mov rax, [rbx + ARCH_HOST_VMCB_PA]
	vmload
	mov rdx, [rbx + ARCH_VMCB]
	mov rax, [rdx + VMCB_RAX]
	mov [rbx + REG_RAX], rax
	mov rax, [rsp]
	mov [rbx + REG_RBX], rax
	xor ebp, ebp
	stgi                            ; an NMI held until now is taken here; interrupts stay off by IF
	mov rdi, rbx
	call svm_exit_handler
	cli
	jmp .again
.work:
	stgi
	mov rdi, rbx
	call svm_run_work
	cli
	jmp .again

section .note.GNU-stack noalloc noexec nowrite progbits
