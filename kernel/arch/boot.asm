; SPDX-License-Identifier: MIT
; PVH entry (Xen docs/misc/pvh): 32-bit protected mode, paging off, EBX = hvm_start_info. Builds boot page
; tables (identity and direct map of 4 GiB, image high), enters long mode and calls start_kernel.
; Also the start of the other CPUs: a real-mode trampoline that is copied below 1 MiB.

extern start_kernel, ap_main, phys_base, boot_cpu_stack_top, ap_boot_stack, ap_boot_cr3, ap_boot_gs
extern pa_pvh_entry, pa_here, pa_boot_pml4, pa_boot_pdpt_low, pa_boot_pdpt_high, pa_boot_pd_low, pa_boot_pd_high
extern pa_boot_stack_end, pa_boot_gdt, pa_boot_gdtr, pa_boot64
global pvh_entry, pvh_entry.here, boot_pml4, boot_pdpt_low, boot_pdpt_high, boot_pd_low, boot_pd_high
global boot_stack_end, boot_gdt, boot_gdtr, boot64, trampoline_start, trampoline_end, trampoline_cr3, ap_start64

section .note.Xen note alloc noexec nowrite align=4
	dd 4, 8, 18			; XEN_ELFNOTE_PHYS32_ENTRY
	db "Xen", 0
	dq pa_pvh_entry
	dd 4, 12, 19			; XEN_ELFNOTE_PHYS32_RELOC: alignment, lowest, highest
	db "Xen", 0
	dd 0x200000, 0x200000, 0xffffffff
	dd 4, 6, 6			; GUEST_OS
	db "Xen", 0
	db "zazen", 0, 0, 0
	dd 4, 8, 5			; XEN_VERSION
	db "Xen", 0
	db "xen-3.0", 0
	dd 4, 4, 17			; SUPPORTED_FEATURES: writable tables, dom0, RSDP anywhere (bits 0, 11, 15)
	db "Xen", 0
	dd 0x8801

section .text.boot progbits alloc exec nowrite align=16
bits 32
pvh_entry:
	cld
	cli
	; Where are we? The first word of start_info serves as a stack for one call.
	mov edi, [ebx]
	lea esp, [ebx + 4]
	call .here
.here:
	pop ebp
	mov [ebx], edi
	sub ebp, pa_here		; distance from the linked address = phys_base
	lea esp, [ebp + pa_boot_stack_end]

	; PML4: 0 and 273 (direct map) -> low PDPT, 511 -> high PDPT
	lea edi, [ebp + pa_boot_pml4]
	lea eax, [ebp + pa_boot_pdpt_low + 3]
	mov [edi], eax
	mov [edi + 273 * 8], eax
	lea eax, [ebp + pa_boot_pdpt_high + 3]
	mov [edi + 511 * 8], eax
	; low PDPT: four page directories, 2 MiB pages
	lea edi, [ebp + pa_boot_pdpt_low]
	lea eax, [ebp + pa_boot_pd_low + 3]
	mov ecx, 4
.pdpt:
	mov [edi], eax
	add eax, 4096
	add edi, 8
	dec ecx
	jnz .pdpt
	lea edi, [ebp + pa_boot_pd_low]
	mov eax, 0x83
	mov ecx, 2048
.pd:
	mov [edi], eax
	add eax, 0x200000
	add edi, 8
	dec ecx
	jnz .pd
	; high: -2 GiB is PDPT entry 510; 1 GiB from phys_base
	lea edi, [ebp + pa_boot_pdpt_high]
	lea eax, [ebp + pa_boot_pd_high + 3]
	mov [edi + 510 * 8], eax
	lea edi, [ebp + pa_boot_pd_high]
	lea eax, [ebp + 0x83]
	mov ecx, 512
.high:
	mov [edi], eax
	add eax, 0x200000
	add edi, 8
	dec ecx
	jnz .high

	lea eax, [ebp + pa_boot_gdt]
	lea ecx, [ebp + pa_boot_gdtr]
	mov [ecx + 2], eax
	lgdt [ecx]
	mov eax, cr4
	or eax, 0x20			; PAE
	mov cr4, eax
	lea eax, [ebp + pa_boot_pml4]
	mov cr3, eax
	mov ecx, 0xc0000080		; EFER: SCE, LME, NXE
	rdmsr
	or eax, 0x901
	wrmsr
	mov eax, cr0
	or eax, 0x80010001		; PG, WP, PE
	mov cr0, eax
	push dword 0x10
	lea eax, [ebp + pa_boot64]
	push eax
	retf

bits 64
default rel
boot64:
	mov rax, .high
	jmp rax
.high:
	mov eax, 0x18
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	movsxd rbp, ebp
	mov [phys_base], rbp
	mov ecx, 0xc0000101		; GS base: 0, the linked per-CPU area
	xor eax, eax
	xor edx, edx
	wrmsr
	mov rsp, boot_stack_end
	xor ebp, ebp
	mov edi, ebx
	call start_kernel
	ud2

; A started CPU in long mode on the boot tables: change to the kernel's, take its stack, go.
ap_start64:
	mov eax, 0x18
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov rax, [ap_boot_cr3]
	mov cr3, rax
	mov rax, [ap_boot_gs]
	mov rdx, rax
	shr rdx, 32
	mov ecx, 0xc0000101
	wrmsr
	mov rsp, [ap_boot_stack]
	xor ebp, ebp
	call ap_main
	ud2

section .rodata
align 16
; Copied to a page below 1 MiB; runs at CS = page >> 4, IP = 0. Knows its own place from CS.
trampoline_start:
bits 16
	cli
	cld
	mov ax, cs
	mov ds, ax
	xor ebx, ebx
	mov bx, ax
	shl ebx, 4			; our linear address
	lea eax, [ebx + (.gdt - trampoline_start)]
	mov [.gdtr - trampoline_start + 2], eax
	lea eax, [ebx + (.p32 - trampoline_start)]
	mov [.far - trampoline_start], eax
	lea eax, [ebx + (.p64 - trampoline_start)]
	mov [.far64 - trampoline_start], eax
	o32 lgdt [.gdtr - trampoline_start]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp far dword [.far - trampoline_start]
.far:	dd 0
	dw 0x08
.far64:	dd 0
	dw 0x10
.gdtr:	dw 31
	dd 0
align 8
.gdt:	dq 0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff
bits 32
.p32:
	mov ax, 0x18
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov eax, cr4
	or eax, 0x20
	mov cr4, eax
	mov eax, [ebx + (trampoline_cr3 - trampoline_start)]
	mov cr3, eax
	mov ecx, 0xc0000080
	rdmsr
	or eax, 0x901
	wrmsr
	mov eax, cr0
	and eax, 0x9fffffff		; caches on (CD, NW clear)
	or eax, 0x80010001
	mov cr0, eax
	jmp far dword [ebx + (.far64 - trampoline_start)]
bits 64
.p64:
	mov rax, ap_start64
	jmp rax
align 8
trampoline_cr3: dd 0
trampoline_end:

section .data
align 16
boot_gdt:
	dq 0, 0
	dq 0x00af9b000000ffff		; 0x10 code
	dq 0x00cf93000000ffff		; 0x18 data
boot_gdtr:
	dw 31
	dq 0

section .bss.page nobits alloc noexec write align=4096
boot_pml4:	resb 4096
boot_pdpt_low:	resb 4096
boot_pdpt_high:	resb 4096
boot_pd_low:	resb 4 * 4096
boot_pd_high:	resb 4096
boot_stack:	resb 16384
boot_stack_end:
