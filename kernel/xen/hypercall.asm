; SPDX-License-Identifier: MIT
; The hypercall instruction. Xen's 64-bit convention: number in rax, arguments in rdi, rsi, rdx, r10, r8, result in
; rax, everything else preserved. VMMCALL on AMD and Hygon, VMCALL elsewhere: chosen once by xen_hypercall_init().

bits 64
default rel

section .text

; long xen_hypercall(unsigned nr, unsigned long a1, a2, a3, a4, a5)
global xen_hypercall
xen_hypercall:
	mov	eax, edi
	mov	rdi, rsi
	mov	rsi, rdx
	mov	rdx, rcx
	mov	r10, r8
	mov	r8, r9
	cmp	byte [xen_use_vmmcall], 0
	jne	.amd
	vmcall
	ret
.amd:
	vmmcall
	ret

section .data
global xen_use_vmmcall
xen_use_vmmcall:
	db	0
