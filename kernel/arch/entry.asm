; SPDX-License-Identifier: MIT
; Every way into the kernel and out of it: exceptions and interrupts (256 stubs), SYSCALL, return to user mode,
; the switch between tasks. struct pt_regs (kernel/ptregs.h) is what is pushed here.
bits 64
default rel

extern trap_dispatch, do_syscall_64, exit_to_user_mode, schedule_tail, kthread_return
extern kernel_stack_top, user_sp_scratch
global trap_stubs, syscall_entry, switch_stacks, ret_from_fork

%macro PUSH_REST 0			; after di: si dx cx ax r8-r11 bx bp r12-r15
	push rsi
	push rdx
	push rcx
	push rax
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
%endmacro
%macro POP_ALL 0
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	pop r11
	pop r10
	pop r9
	pop r8
	pop rax
	pop rcx
	pop rdx
	pop rsi
	pop rdi
%endmacro
; No stale user values in registers that C code might use speculatively.
%macro CLEAR_REGS 0
	xor ebx, ebx
	xor ebp, ebp
	xor r8d, r8d
	xor r9d, r9d
	xor r10d, r10d
	xor r11d, r11d
	xor r12d, r12d
	xor r13d, r13d
	xor r14d, r14d
	xor r15d, r15d
%endmacro

section .text
align 16
; 16 bytes each. Vectors with an error code: 8, 10-14, 17, 21, 29, 30 (SDM 3A 6.15, APM 2 8.2).
trap_stubs:
%assign v 0
%rep 256
	align 16
%if v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 || v == 29 || v == 30
%else
	push -1
%endif
	push v
%if v == 1 || v == 2 || v == 8 || v == 18
	jmp near paranoid_entry
%else
	jmp near common_entry
%endif
%assign v v + 1
%endrep

; Stack: vector, error code, ip, cs, flags, sp, ss
align 16
common_entry:
	cld
	xchg [rsp], rdi			; rdi = vector; its place becomes pt_regs.di
	test byte [rsp + 24], 3
	jz .kernel
	swapgs
	PUSH_REST
	CLEAR_REGS
	mov esi, edi
	mov rdi, rsp
	call trap_dispatch
	mov rdi, rsp
	call exit_to_user_mode		; returns with interrupts off
	jmp return_to_user
.kernel:
	; The last IRETQ faulted: user GS is in already (traps.c, bad_iret).
	push rax
	lea rax, [iret_user]
	cmp [rsp + 24], rax
	pop rax
	jne .gs_ok
	swapgs
.gs_ok:
	PUSH_REST
	mov esi, edi
	mov rdi, rsp
	call trap_dispatch
return_to_kernel:
	POP_ALL
	add rsp, 8
	iretq

return_to_user:
	POP_ALL
	swapgs
	add rsp, 8
iret_user:
	iretq

; #DB, NMI, #DF, #MC: on their own stacks (IST), may come between SYSCALL and SWAPGS, so GS is looked at.
; The kernel's GS base is negative, a user's never.
align 16
paranoid_entry:
	cld
	xchg [rsp], rdi
	PUSH_REST
	test byte [rsp + 17 * 8], 3	; cs
	jz .kernel
	swapgs
	; From user mode: move to the task's stack, so that the handler may sleep.
	mov rsi, rsp
	mov rsp, [gs:kernel_stack_top]
	sub rsp, 21 * 8
	mov edx, edi
	mov rdi, rsp
	mov ecx, 21
	rep movsq
	mov esi, edx
	mov rdi, rsp
	call trap_dispatch
	mov rdi, rsp
	call exit_to_user_mode
	jmp return_to_user
.kernel:
	mov esi, edi
	xor ebx, ebx
	mov ecx, 0xc0000101
	rdmsr
	test edx, edx
	js .gs_ok
	swapgs
	inc ebx
.gs_ok:
	mov rdi, rsp
	call trap_dispatch
	test ebx, ebx
	jz return_to_kernel
	swapgs
	jmp return_to_kernel

; SYSCALL: rcx = ip, r11 = flags, interrupts off (SFMASK), still on the user's stack.
align 16
syscall_entry:
	swapgs
	mov [gs:user_sp_scratch], rsp
	mov rsp, [gs:kernel_stack_top]
	push 0x2b
	push qword [gs:user_sp_scratch]
	push r11
	push 0x33
	push rcx
	push rax			; orig_ax
	push rdi
	push rsi
	push rdx
	push rcx
	push -38			; ax: -ENOSYS until the handler says otherwise
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	xor ebx, ebx
	xor ebp, ebp
	xor r12d, r12d
	xor r13d, r13d
	xor r14d, r14d
	xor r15d, r15d
	mov rdi, rsp
	call do_syscall_64		; returns with interrupts off; al: SYSRET allowed
	test al, al
	jz return_to_user
	POP_ALL
	; stack: orig_ax ip cs flags sp ss; rcx and r11 already are ip and flags
	mov rsp, [rsp + 32]
	swapgs
	o64 sysret

; struct task *switch_stacks(u64 *save_sp, u64 new_sp, struct task *prev): returns prev, on the new stack.
align 16
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

; First run of a new task: rbx = function or 0, r12 = its argument. pt_regs lie at the top of the stack.
align 16
ret_from_fork:
	mov rdi, rax
	call schedule_tail
	test rbx, rbx
	jz .user
	mov rdi, r12
	call rbx
	mov rdi, rax
	call kthread_return		; returns only if exec has filled in pt_regs
.user:
	mov rdi, rsp
	call exit_to_user_mode
	jmp return_to_user

; The final IRETQ may fault on a bad user frame: treat it as a fault of the user (see traps.c).
section .extable progbits alloc noexec nowrite align=8
extern bad_iret
	dq iret_user, bad_iret
