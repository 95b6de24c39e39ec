; SPDX-License-Identifier: MIT
; The 256 IDT entries: each makes a struct cpu_regs (hv/panic.h) and calls exception_entry or irq_entry.
; Entry points: idt_stubs (table of addresses).

extern exception_entry, irq_entry
section .text

%macro SAVE 0
	push rdi
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
	cld
	mov rdi, rsp
%endmacro
%macro RESTORE 0
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
	add rsp, 16
%endmacro

exc_common:
	SAVE
	xor ebp, ebp
	mov rbx, rsp
	and rsp, -16
	call exception_entry
	mov rsp, rbx
	RESTORE
	iretq
irq_common:
	SAVE
	xor ebp, ebp
	mov rbx, rsp
	and rsp, -16
	call irq_entry
	mov rsp, rbx
	RESTORE
	iretq

%assign v 0
%rep 256
stub_%+v:
%if v = 8 || (v >= 10 && v <= 14) || v = 17 || v = 21 || v = 29 || v = 30
%else
	push qword 0
%endif
	push qword v
%if v < 32
	jmp exc_common
%else
	jmp irq_common
%endif
%assign v v+1
%endrep

section .rodata
	align 8
global idt_stubs
idt_stubs:
%assign v 0
%rep 256
	dq stub_%+v
%assign v v+1
%endrep
