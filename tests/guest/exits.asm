; SPDX-License-Identifier: MIT
; exits CPUIDS HYPERCALLS v|m: a static Linux program of a few hundred bytes that executes exactly that many CPUIDs and
; hypercalls (xen_version by VMCALL or VMMCALL; from user mode they are refused, and exit all the same).
; Made with nasm -f bin; tests/system/test_exits.py types it into a guest as base64.
bits 64
	org 0x400000
base:
	db 0x7f, "ELF", 2, 1, 1, 0
	times 8 db 0
	dw 2, 62
	dd 1
	dq start, phdr - base, 0
	dd 0
	dw 64, 56, 1, 0, 0, 0
phdr:
	dd 1, 5
	dq 0, base, base, end - base, end - base, 4096

; rsi: decimal string; result in rax
number:
	xor eax, eax
.next:
	movzx edx, byte [rsi]
	sub edx, '0'
	jb .done
	imul rax, rax, 10
	add rax, rdx
	inc rsi
	jmp .next
.done:
	ret

start:
	mov rsi, [rsp + 16]
	call number
	mov r12, rax
	mov rsi, [rsp + 24]
	call number
	mov r13, rax
	mov rax, [rsp + 32]
	mov r14b, [rax]
	inc r12
.cpuid:
	dec r12
	jz .calls
	xor eax, eax
	cpuid
	jmp .cpuid
.calls:
	inc r13
.call:
	dec r13
	jz .out
	mov eax, 17             ; xen_version
	xor edi, edi
	cmp r14b, 'm'
	je .amd
	vmcall
	jmp .call
.amd:
	vmmcall
	jmp .call
.out:
	mov eax, 60             ; exit(0)
	xor edi, edi
	syscall
end:
