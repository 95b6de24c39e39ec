; SPDX-License-Identifier: MIT
; Entry from GRUB (Multiboot2 3.3: 32-bit protected mode, EAX magic, EBX information): early page tables, long mode,
; then start_hypervisor() at the linked address. Entry points: start32, place_copy_and_switch.

[warning -number-overflow]
%define VIRT 0xffff82d040000000
%define LOAD 0x200000
%define P(x) ((x) - VIRT + LOAD)

extern start_hypervisor, boot_stack_top

section .mb2 progbits alloc exec nowrite align=8
mb2_header:
	dd 0xe85250d6, 0, mb2_end - mb2_header, 0x100000000 - (0xe85250d6 + (mb2_end - mb2_header))
	align 8
	dw 1, 0                         ; information request: memory map, old and new RSDP are optional there
	dd 12, 6
	align 8
	dw 6, 0                         ; modules page aligned
	dd 8
	align 8
	dw 0, 0
	dd 8
mb2_end:

section .text.head progbits alloc exec nowrite align=16
bits 32
global start32
start32:
	cli
	cld
	mov esp, P(early_stack_top)
	cmp eax, 0x36d76289
	mov esi, P(msg_loader)
	jne fatal32
	mov [P(mb2_info_paddr)], ebx

	; Long mode, NX: CPUID 0x80000001 EDX bits 29 and 20 (SDM vol. 2 CPUID).
	mov eax, 0x80000000
	cpuid
	cmp eax, 0x80000001
	mov esi, P(msg_long)
	jb fatal32
	mov eax, 0x80000001
	cpuid
	bt edx, 29
	jnc fatal32
	bt edx, 20
	mov esi, P(msg_nx)
	jnc fatal32

	; Four page directories of 2 MiB pages: the first 4 GiB, present, writable.
	mov edi, P(early_pd)
	mov eax, 0x83
	mov ecx, 2048
.pd:	mov [edi], eax
	mov dword [edi + 4], 0
	add eax, 0x200000
	add edi, 8
	loop .pd
	; One PDPT for the identity and the direct map, one for the image (slot 261, entry 321).
	mov eax, P(early_pd) + 3
	mov edi, P(early_pdpt)
	mov ecx, 4
.pdpt:	mov [edi], eax
	add eax, 0x1000
	add edi, 8
	loop .pdpt
	mov dword [P(early_pml4)], P(early_pdpt) + 3
	mov dword [P(early_pml4) + 262 * 8], P(early_pdpt) + 3
	mov dword [P(early_pml4) + 261 * 8], P(early_pdpt_image) + 3
	mov dword [P(early_pdpt_image) + 321 * 8], P(early_pd_image) + 3
	mov edi, P(early_pd_image)
	mov eax, LOAD + 0x83
	mov ecx, 8                      ; 16 MiB of image at most
.img:	mov [edi], eax
	add eax, 0x200000
	add edi, 8
	loop .img

	mov eax, 0x20                   ; CR4.PAE
	mov cr4, eax
	mov eax, P(early_pml4)
	mov cr3, eax
	mov ecx, 0xc0000080             ; EFER: LME, NXE
	rdmsr
	or eax, 0x900
	wrmsr
	mov eax, 0x80010033             ; PG WP NE ET MP PE; clears CD and NW, which Bochs's BIOS leaves set
	mov cr0, eax
	lgdt [P(early_gdtr)]
	jmp 8:P(.long)
bits 64
.long:
	mov eax, 16
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov rax, .high
	jmp rax
.high:
	lea rsp, [rel early_stack_top]
	lgdt [rel early_gdtr_high]
	xor ebp, ebp
	push rbp
	push rbp
	mov edi, [rel mb2_info_paddr]
	mov rbp, rsp
	jmp start_hypervisor

bits 32
; ESI: message. Screen and COM1 (polled), then stop.
fatal32:
	mov edi, 0xb8000
.next:	lodsb
	test al, al
	jz .stop
	mov ah, 0x4f
	mov [edi], ax
	add edi, 2
	mov bl, al
	mov edx, 0x3fd
	mov ecx, 100000
.wait:	in al, dx
	test al, 0x20
	loopz .wait
	mov edx, 0x3f8
	mov al, bl
	out dx, al
	jmp .next
.stop:	hlt
	jmp .stop

bits 64
; void place_copy_and_switch(void *dst, const void *src, size_t len, paddr_t cr3)
; Copies the running image (its stack included) and continues in the copy: nothing is written between the two.
global place_copy_and_switch
place_copy_and_switch:
	mov r8, rcx
	mov rcx, rdx
	shr rcx, 3
	rep movsq
	mov cr3, r8
	ret

section .rodata
msg_loader: db "Zazen: not started by a Multiboot2 loader", 13, 10, 0
msg_long:   db "Zazen: this CPU has no 64-bit mode", 13, 10, 0
msg_nx:     db "Zazen: this CPU has no execute-disable (NX)", 13, 10, 0
	align 8
early_gdt:
	dq 0
	dq 0x00af9b000000ffff           ; 64-bit code
	dq 0x00cf93000000ffff           ; data
early_gdt_end:
early_gdtr:
	dw early_gdt_end - early_gdt - 1
	dd P(early_gdt)
	align 8
early_gdtr_high:
	dw early_gdt_end - early_gdt - 1
	dq early_gdt

section .data
mb2_info_paddr: dd 0

section .bss nobits alloc noexec write align=4096
early_pml4: resb 4096
early_pdpt: resb 4096
early_pdpt_image: resb 4096
early_pd_image: resb 4096
early_pd: resb 4 * 4096
global early_stack, early_stack_top
early_stack: resb 16384
early_stack_top:
