; SPDX-License-Identifier: MIT
; Raw user memory access with fault fix-ups. rdi, rsi, rdx as C passes them; results in rax.
bits 64
default rel
extern cpu_smap
global raw_copy_user, raw_clear_user, raw_strncpy_user, raw_strnlen_user, raw_cmpxchg_user32

%macro STAC 0
	cmp byte [cpu_smap], 0
	je %%no
	stac
%%no:
%endmacro
%macro CLAC 0
	cmp byte [cpu_smap], 0
	je %%no
	clac
%%no:
%endmacro
%macro EX 2
section .extable progbits alloc noexec nowrite align=8
	dq %1, %2
section .text
%endmacro

section .text
; size_t raw_copy_user(void *to, const void *from, size_t n): bytes left
align 16
raw_copy_user:
	STAC
	mov rcx, rdx
	cmp rcx, 64
	jb .bytes
	shr rcx, 3
	and edx, 7
.q:	rep movsq
	mov ecx, edx
.bytes:
.b:	rep movsb
.done:
	mov rax, rcx
	CLAC
	ret
.fq:	lea rcx, [rdx + rcx * 8]	; retry by bytes, to stop exactly at the fault
	jmp .bytes
EX raw_copy_user.q, raw_copy_user.fq
EX raw_copy_user.b, raw_copy_user.done

; size_t raw_clear_user(void *to, size_t n): bytes left
align 16
raw_clear_user:
	STAC
	mov rcx, rsi
	xor eax, eax
.b:	rep stosb
.done:
	mov rax, rcx
	CLAC
	ret
EX raw_clear_user.b, raw_clear_user.done

; long raw_strncpy_user(char *to, const char *from, long n): length without NUL, n if none, -EFAULT
align 16
raw_strncpy_user:
	STAC
	xor eax, eax
.next:	cmp rax, rdx
	jae .end
.b:	mov cl, [rsi + rax]
	mov [rdi + rax], cl
	test cl, cl
	jz .end
	inc rax
	jmp .next
.fault:	mov rax, -14
.end:	CLAC
	ret
EX raw_strncpy_user.b, raw_strncpy_user.fault

; long raw_strnlen_user(const char *s, long n): length without NUL, n if none, -EFAULT
align 16
raw_strnlen_user:
	STAC
	xor eax, eax
.next:	cmp rax, rsi
	jae .end
.b:	cmp byte [rdi + rax], 0
	je .end
	inc rax
	jmp .next
.fault:	mov rax, -14
.end:	CLAC
	ret
EX raw_strnlen_user.b, raw_strnlen_user.fault

; int raw_cmpxchg_user32(u32 *p, u32 expect, u32 new, u32 *old)
align 16
raw_cmpxchg_user32:
	STAC
	mov eax, esi
.b:	lock cmpxchg [rdi], edx
	mov [rcx], eax
	xor eax, eax
	CLAC
	ret
.fault:	mov eax, -14
	CLAC
	ret
EX raw_cmpxchg_user32.b, raw_cmpxchg_user32.fault
