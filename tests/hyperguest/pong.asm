; SPDX-License-Identifier: MIT
; The other domain of the benchmark "event to a handler in another domain and back": code that pong.c copies into a child
; at 0x10000. It waits in SCHEDOP_block; its event handler answers every event with one. Without paging, 32 bits.
; Its data page, which pong.c fills: 0x20000 port to send to, 0x20010 argument of HVMOP_set_param; shared_info at 0x30000.
section .rodata
bits 32
%define CODE 0x10000
%define SHARED 0x30000
%define AT(label) (CODE + label - pong_code)
global pong_code, pong_code_end, pong_calls, pong_handler_at

%macro CALL_HV 0
	db 0x0f, 0x01, 0xc1             ; VMCALL; pong.c changes the last byte on AMD
%endmacro

pong_code:
	lgdt [AT(.gdtr)]
	lidt [AT(.idtr)]
	jmp 8:AT(.flat)
.flat:
	mov eax, 16
	mov ds, eax
	mov ss, eax
	mov esp, 0x21000
	mov eax, 34                     ; hvm_op
	xor ebx, ebx                    ; HVMOP_set_param
	mov ecx, 0x20010
.call1:	CALL_HV
	mov [0x20008], eax
	sti
.wait:
	mov eax, 29                     ; sched_op
	mov ebx, 1                      ; SCHEDOP_block
	xor ecx, ecx
.call2:	CALL_HV
	jmp .wait
.handler:
	pushad
	xor eax, eax
	mov [SHARED], al                ; upcall pending, then the selector, then the word
	xchg [SHARED + 8], eax
	xor eax, eax
	xchg [SHARED + 2048], eax
	inc dword [0x20004]
	mov eax, 32                     ; event_channel_op
	mov ebx, 4                      ; EVTCHNOP_send
	mov ecx, 0x20000
.call3:	CALL_HV
	popad
	iret
align 8
.gdt:	dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
.gdtr:	dw 23
	dd AT(.gdt)
.idtr:	dw 0xf4 * 8 - 1
	dd 0x20000 + 0x800 - 0xf3 * 8   ; only its last gate is looked at: it lies at 0x20800
pong_code_end:
pong_handler_at:
	dd CODE + pong_code.handler - pong_code
pong_calls:
	dd pong_code.call1 - pong_code, pong_code.call2 - pong_code, pong_code.call3 - pong_code
