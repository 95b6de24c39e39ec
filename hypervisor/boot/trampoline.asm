; SPDX-License-Identifier: MIT
; Start of the other CPUs: copied to a page below 1 MiB, entered by SIPI in real mode with CS = page >> 4.
; Entry points: trampoline_start..trampoline_end (copied), its parameters at trampoline_params.

section .rodata
global trampoline_start, trampoline_end, trampoline_params
extern start_secondary
bits 16
trampoline_start:
	cli
	cld
	mov ax, cs
	mov ds, ax
	movzx ebx, ax
	shl ebx, 4                      ; physical base of this page
	lea eax, [ebx + gdt - trampoline_start]
	mov [gdtr + 2 - trampoline_start], eax
	o32 lgdt [gdtr - trampoline_start]
	mov eax, [params.cr4 - trampoline_start]
	mov cr4, eax
	mov eax, [params.cr3 - trampoline_start]
	mov cr3, eax
	mov ecx, 0xc0000080
	rdmsr
	or eax, 0x900                   ; LME NXE
	wrmsr
	mov eax, 0x80010033
	mov cr0, eax
	; A far jump through memory: the 64-bit entry in this page, whose address is only known now.
	lea eax, [ebx + long_entry - trampoline_start]
	mov [farptr - trampoline_start], eax
	jmp dword far [farptr - trampoline_start]
	align 8
farptr:	dd 0
	dw 8
bits 64
long_entry:
	mov eax, 16
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov rsp, [rel params.stack]
	mov rdi, [rel params.cpu]
	mov rax, [rel params.hv_cr3]
	mov rdx, [rel params.entry]
	xor ebp, ebp
	push rbp
	push rbp
	; The next CR3 lacks this page's identity mapping: continue in the image first.
	jmp [rel params.switch]
	align 8
gdt:	dq 0
	dq 0x00af9b000000ffff
	dq 0x00cf93000000ffff
gdtr:	dw 23
	dd 0
	align 8
trampoline_params:
params:
.cr3:	dq 0
.cr4:	dq 0
.hv_cr3: dq 0
.stack:	dq 0
.cpu:	dq 0
.entry:	dq 0
.switch: dq 0
trampoline_end:

section .text
; RAX CR3, RDX entry, RDI its argument.
global secondary_switch
secondary_switch:
	mov cr3, rax
	push qword 0
	jmp rdx
