; SPDX-License-Identifier: MIT
; A PVH guest of one page of code: 32-bit entry, long mode, then checks that print OK or FAIL lines through console_io and
; port 0xE9 and a final SHUTDOWN. Built as a flat 32-bit-addressed ELF64 by tests/guest/pvh.lds.
; Measures ticks of a CPUID exit and of a null hypercall (xen_version(0)) with RDTSC around 100 of each.

section .note.xen note alloc noexec
	dd 4, 8, 18
	db "Xen", 0
	dq entry

section .text
bits 32
global entry
entry:
	cld
	mov esp, stack_top
	mov [start_info], ebx
	mov eax, pdpt
	or eax, 3
	mov [pml4], eax
	mov eax, pd
	or eax, 3
	mov [pdpt], eax
	mov dword [pd], 0x83            ; 2 MiB identity pages: the first four
	mov dword [pd + 8], 0x200083
	mov dword [pd + 16], 0x400083
	mov dword [pd + 24], 0x600083
	mov eax, cr4
	or eax, 0x620                   ; PAE, OSFXSR, OSXMMEXCPT
	mov cr4, eax
	mov eax, pml4
	mov cr3, eax
	mov ecx, 0xc0000080
	rdmsr
	or eax, 0x100
	wrmsr
	mov eax, cr0
	or eax, 0x80000021
	mov cr0, eax
	lgdt [gdt_ptr]
	jmp 8:long_entry

bits 64
%macro hcall 1
	mov eax, %1
	call [rel hypercall_insn]
%endmacro

long_entry:
	mov ax, 16
	mov ds, eax
	mov es, eax
	mov ss, eax
	; "fault=N" on the command line: do that and nothing else
	mov ebx, [abs start_info]
	mov rbx, [rbx + 24]
.arg:	cmp byte [rbx], 0
	je .noarg
	cmp dword [rbx], "faul"
	je .fault
	inc rbx
	jmp .arg
.fault:	movzx ecx, byte [rbx + 6]
	sub ecx, '1'
	cmp ecx, 7
	jae .noarg
	lea rax, [rel faults]
	jmp [rax + rcx * 8]
.noarg:
	; the hypervisor's signature
	mov eax, 0x40000000
	cpuid
	lea rsi, [rel m_sig]
	cmp ebx, 0x566e6558
	call verdict
	; both hypercall instructions
	lea rax, [rel vmcall_stub]
	mov [rel hypercall_insn], rax
	xor edi, edi
	hcall 17
	cmp eax, 0x00040011
	lea rsi, [rel m_vmcall]
	call verdict
	lea rax, [rel vmmcall_stub]
	mov [rel hypercall_insn], rax
	xor edi, edi
	hcall 17
	cmp eax, 0x00040011
	lea rsi, [rel m_vmmcall]
	call verdict
	; unknown hypercall
	hcall 63
	cmp rax, -38
	lea rsi, [rel m_enosys]
	call verdict
	; the hypercall page
	mov ecx, 0x40000000
	lea rax, [rel hcpage]
	xor edx, edx
	wrmsr
	xor edi, edi
	call hcpage + 17 * 32
	cmp eax, 0x00040011
	lea rsi, [rel m_page]
	call verdict
	; an unknown MSR faults: with our handler
	lea rax, [rel gp_handler]
	mov word [rel idt + 13 * 16], ax
	mov word [rel idt + 13 * 16 + 2], 8
	mov word [rel idt + 13 * 16 + 4], 0x8e00
	shr rax, 16
	mov word [rel idt + 13 * 16 + 6], ax
	lidt [rel idt_ptr]
	mov ecx, 0x12345678
	xor r15d, r15d
	rdmsr
	cmp r15d, 1
	lea rsi, [rel m_gp]
	call verdict
	; ports: nothing there, and the PIT reads 0
	mov dx, 0x60
	in al, dx
	cmp al, 0xff
	lea rsi, [rel m_port]
	call verdict
	in al, 0x42
	cmp al, 0
	lea rsi, [rel m_pit]
	call verdict
	; the local APIC's version, by MMIO: map 0xfee00000 with one more 2 MiB entry (its own page directory)
	mov rax, pd_hi
	or rax, 3
	mov [abs pdpt + 24], rax
	mov rax, 0xfee00083
	mov [abs pd_hi + 503 * 8], rax
	mov rbx, 0xfee00030
	mov eax, [rbx]
	and eax, 0xff
	cmp eax, 0x14
	lea rsi, [rel m_apic]
	call verdict
	; nobody's memory: ones, and a write that is dropped
	mov rax, 0xe0000083
	mov [abs pd_hi + 256 * 8], rax
	mov rbx, 0xe0000000
	mov qword [rbx], 0
	mov rax, [rbx]
	cmp rax, -1
	lea rsi, [rel m_hole]
	call verdict
	; ticks
	xor ecx, ecx
	mov eax, 0
	cpuid
	rdtsc
	mov r12d, eax
	mov r13d, 100
.l1:	mov eax, 0x40000000
	cpuid
	dec r13d
	jnz .l1
	rdtsc
	sub eax, r12d
	lea rsi, [rel m_t_cpuid]
	call number
	mov eax, 0
	cpuid
	lea rdi, [rel vmcall_stub]
	cmp ecx, 0x444d4163             ; "cAMD"
	jne .intel
	lea rdi, [rel vmmcall_stub]
.intel:	mov [rel hypercall_insn], rdi
	rdtsc
	mov r12d, eax
	mov r13d, 100
.l2:	xor edi, edi
	hcall 17
	dec r13d
	jnz .l2
	rdtsc
	sub eax, r12d
	lea rsi, [rel m_t_hcall]
	call number
	lea rsi, [rel m_done]
	call print
	; SCHEDOP_shutdown(poweroff)
	mov edi, 2
	lea rsi, [rel shutdown]
	hcall 29
	cli
	hlt
	jmp $

; Faults. Each must end this domain, or its vCPU, and nothing else.
fault_triple:
	lidt [rel no_idt]
	ud2
fault_run_unbacked:                     ; #UD with no IDT: triple fault
	call map_hole
	lidt [rel no_idt]
	mov rax, 0xe0000000
	jmp rax
fault_undecodable:                      ; a 16-byte store that the decoder does not know
	call map_hole
	mov rbx, 0xe0000000
	movups [rbx], xmm0
	jmp fault_over
fault_bad_state:                        ; a second vCPU whose state no CPU can enter
	mov eax, [rel vmcall_nr]
	mov edi, 0                      ; VCPUOP_initialise
	mov esi, 1
	lea rdx, [rel bad_context]
	hcall 24
	mov r12, rax
	mov edi, 1                      ; VCPUOP_up
	mov esi, 1
	hcall 24
	mov ecx, 100000000
.wait:	dec ecx
	jnz .wait
	jmp fault_over
fault_bad_cr3:                          ; page tables in nobody's memory
	lidt [rel no_idt]
	mov rax, 0xe0000000
	mov cr3, rax
	mov rax, [rax]
	jmp fault_over
fault_apic_size:                        ; an 8-byte access of the local APIC
	mov rax, pd_hi
	or rax, 3
	mov [abs pdpt + 24], rax
	mov rax, 0xfee00083
	mov [abs pd_hi + 503 * 8], rax
	mov rbx, 0xfee00020
	mov rax, [rbx]
	mov [rbx], rax
	jmp fault_over
fault_insn:                             ; every instruction of VT-x and AMD-V, MWAIT, RSM: #UD, counted
	lea rax, [rel ud_handler]
	mov word [rel idt + 6 * 16], ax
	mov word [rel idt + 6 * 16 + 2], 8
	mov word [rel idt + 6 * 16 + 4], 0x8e00
	shr rax, 16
	mov word [rel idt + 6 * 16 + 6], ax
	lidt [rel idt_ptr]
	xor r15d, r15d
	xor eax, eax
	db 0x0f, 0x01, 0xc2             ; vmlaunch
	db 0x0f, 0x01, 0xc3             ; vmresume
	db 0x0f, 0x01, 0xc4             ; vmxoff
	db 0x0f, 0x01, 0xd8             ; vmrun
	db 0x0f, 0x01, 0xda             ; vmload
	db 0x0f, 0x01, 0xdc             ; stgi
	db 0x0f, 0x01, 0xde             ; skinit
	cmp r15d, 7
	lea rsi, [rel m_insn]
	call verdict
fault_over:
	lea rsi, [rel m_survived]
	call print
	mov edi, 2
	lea rsi, [rel shutdown]
	hcall 29
	cli
	hlt
ud_handler:
	inc r15d
	add qword [rsp], 3
	iretq
map_hole:
	mov rax, pd_hi
	or rax, 3
	mov [abs pdpt + 24], rax
	mov rax, 0xe0000083
	mov [abs pd_hi + 256 * 8], rax
	ret

vmcall_stub:
	vmcall
	ret
vmmcall_stub:
	db 0x0f, 0x01, 0xd9
	ret
gp_handler:
	inc r15d
	add qword [rsp + 8], 2
	add rsp, 8
	iretq

; flags: equal means OK; rsi: what
verdict:
	pushfq
	call print
	popfq
	lea rsi, [rel m_ok]
	je print
	lea rsi, [rel m_fail]
; rsi: NUL-terminated text, by console_io and by port 0xe9
print:
	push rdi
	push rdx
	push rcx
	push r11
	mov rdi, rsi
	xor ecx, ecx
.len:	cmp byte [rsi + rcx], 0
	je .got
	inc ecx
	jmp .len
.got:	push rcx
	push rsi
	mov rdx, rsi
	mov esi, ecx
	xor edi, edi                    ; CONSOLEIO_write(len, text)
	hcall 18
	pop rsi
	pop rcx
	test rax, rax
	jns .out
	mov dx, 0xe9
	rep outsb
.out:	pop r11
	pop rcx
	pop rdx
	pop rdi
	ret

; eax: total of 100, printed as a decimal of total / 100
number:
	push rax
	call print
	pop rax
	xor edx, edx
	mov ecx, 100
	div ecx
	lea rdi, [rel digits + 10]
	mov ecx, 10
.d:	xor edx, edx
	div ecx
	add dl, '0'
	dec rdi
	mov [rdi], dl
	test eax, eax
	jnz .d
	mov rsi, rdi
	jmp print

section .data
start_info: dd 0
vmcall_nr: dd 0
no_idt:	dw 0
	dq 0
faults:	dq fault_triple, fault_run_unbacked, fault_undecodable, fault_bad_state, fault_bad_cr3, fault_apic_size, fault_insn
; struct vcpu_hvm_context: 64-bit, RIP not canonical
bad_context: dd 1, 0
	dq 0, 0, 0, 0, 0, 0, 0, 0
	dq 0x8000000000000000, 2
	dq 0x80000031, pml4, 0x20, 0x500
m_insn:	db "virtualization instructions: ", 0
m_survived: db "guest goes on", 10, 0
hypercall_insn: dq vmcall_stub
gdt:	dq 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_ptr: dw 23
	dd gdt
	dd 0
idt_ptr: dw 14 * 16 - 1
	dq idt
shutdown: dd 0
digits:	db "          ", 10, 0
m_sig:	db "Xen signature: ", 0
m_vmcall: db "VMCALL: ", 0
m_vmmcall: db "VMMCALL: ", 0
m_enosys: db "unknown hypercall: ", 0
m_page:	db "hypercall page: ", 0
m_gp:	db "unknown MSR faults: ", 0
m_port:	db "unclaimed port: ", 0
m_pit:	db "PIT port: ", 0
m_apic:	db "local APIC by MMIO: ", 0
m_hole:	db "unbacked memory: ", 0
m_t_cpuid: db "ticks per CPUID exit: ", 0
m_t_hcall: db "ticks per null hypercall: ", 0
m_ok:	db "OK", 10, 0
m_fail:	db "FAIL", 10, 0
m_done:	db "guest finished", 10, 0

section .bss align=4096
hcpage:	resb 4096
pml4:	resb 4096
pdpt:	resb 4096
pd:	resb 4096
pd_hi:	resb 4096
idt:	resb 4096
	resb 4096
stack_top:
