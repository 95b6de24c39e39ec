; SPDX-License-Identifier: MIT
; PVH entry of the bare test guest: 32-bit, paging off, EBX = start_info. Sets up long mode with the low 8 GiB mapped
; 1:1 by 2 MiB pages and calls main(start_info). Also the exception and event entries.
bits 32
section .note.Xen note
	dd 4, 8, 18
	db "Xen", 0
	dq pvh_entry

section .text
global pvh_entry
pvh_entry:
	cli
	mov esp, stack_top
	mov edi, ebx
	; page tables: one PML4, one PDPT, eight PDs
	mov eax, pdpt + 3
	mov [pml4], eax
	mov ecx, 8
	mov eax, pds + 3
	mov edx, pdpt
.pdpt:	mov [edx], eax
	add eax, 4096
	add edx, 8
	loop .pdpt
	mov ecx, 4096
	mov eax, 0x83
	xor esi, esi
	mov edx, pds
.pd:	mov [edx], eax
	mov [edx + 4], esi
	add eax, 0x200000
	adc esi, 0
	add edx, 8
	loop .pd
	mov eax, cr4
	or eax, 0x620		; PAE, OSFXSR, OSXMMEXCPT
	mov cr4, eax
	mov eax, pml4
	mov cr3, eax
	mov ecx, 0xc0000080
	rdmsr
	or eax, 0x100
	wrmsr
	mov eax, cr0
	or eax, 0x80010000	; PG, WP
	mov cr0, eax
	lgdt [gdt_ptr]
	jmp 8:long_entry

bits 64
long_entry:
	mov ax, 16
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov fs, ax
	mov gs, ax
	mov rsp, stack_top
	mov edi, edi
	extern main
	call main
.hang:	cli
	hlt
	jmp .hang

; Exceptions: if `resume` is set go on there with the vector in fault_vector, else report and stop.
extern fault_vector, resume, fatal_exception
%macro exc 2
exc%1:
%if %2 = 0
	push 0
%endif
	push %1
	jmp exc_common
%endmacro
%assign i 0
%rep 32
%if i = 8 || (i >= 10 && i <= 14) || i = 17 || i = 21 || i = 29 || i = 30
	exc %[i], 1
%else
	exc %[i], 0
%endif
%assign i i + 1
%endrep
exc_common:
	push rax
	mov rax, [rel resume]
	test rax, rax
	jz .fatal
	mov [rsp + 24], rax	; RIP of the frame: saved rax, vector, error, rip
	mov qword [rel resume], 0
	mov rax, [rsp + 8]
	mov [rel fault_vector], eax
	pop rax
	add rsp, 16
	iretq
.fatal:
	pop rax
	mov rdi, [rsp]
	mov rsi, [rsp + 16]
	mov rdx, [rsp + 8]
	call fatal_exception

global exc_table
section .rodata
exc_table:
%assign i 0
%rep 32
	dq exc%[i]
%assign i i + 1
%endrep
gdt:	dq 0
	dq 0x00af9b000000ffff
	dq 0x00cf93000000ffff
gdt_ptr: dw 23
	dd gdt

section .text
; The upcall: counts, and leaves the rest to the waiting loop.
global upcall_entry
extern upcalls
upcall_entry:
	lock inc dword [rel upcalls]
	push rax
	push rcx
	push rdx
	push rsi
	push rdi
	push r8
	push r9
	push r10
	push r11
	cld
	extern on_upcall
	call on_upcall
	pop r11
	pop r10
	pop r9
	pop r8
	pop rdi
	pop rsi
	pop rdx
	pop rcx
	pop rax
	iretq

; long try_rdmsr(u32 msr, u64 *value), try_wrmsr(u32 msr, u64 value), try_xsetbv: 0, or the vector of the exception
global try_rdmsr
try_rdmsr:
	mov dword [rel fault_vector], 0
	lea rax, [rel .out]
	mov [rel resume], rax
	mov ecx, edi
	mov r8, rsi
	rdmsr
	mov qword [rel resume], 0
	shl rdx, 32
	or rax, rdx
	mov [r8], rax
.out:	mov eax, [rel fault_vector]
	ret
global try_wrmsr
try_wrmsr:
	mov dword [rel fault_vector], 0
	lea rax, [rel .out]
	mov [rel resume], rax
	mov ecx, edi
	mov eax, esi
	mov rdx, rsi
	shr rdx, 32
	wrmsr
	mov qword [rel resume], 0
.out:	mov eax, [rel fault_vector]
	ret
global try_ud
try_ud:	; runs the bytes at rdi, which end in ret
	mov dword [rel fault_vector], 0
	lea rax, [rel .out]
	mov [rel resume], rax
	mov [rel saved_sp], rsp
	call rdi
.out:	mov rsp, [rel saved_sp]
	mov qword [rel resume], 0
	mov eax, [rel fault_vector]
	ret
section .data
saved_sp: dq 0

section .bss
alignb 4096
pml4:	resb 4096
pdpt:	resb 4096
pds:	resb 8 * 4096
stack:	resb 32768
stack_top:
