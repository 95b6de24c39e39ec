/* SPDX-License-Identifier: MIT */
/*
 * The 16550 at COM1: 115200 8n1; output polled with a bound, input polled until interrupts work, then by IRQ 4.
 * Output is serialized by the console lock; input runs in one interrupt handler.
 */
#include <hv/insn.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/serial.h>
#include <hv/vectors.h>

#define COM1 0x3f8
#define RBR 0
#define IER 1
#define FCR 2
#define LCR 3
#define MCR 4
#define LSR 5
#define SCR 7
#define LSR_DR 0x01
#define LSR_THRE 0x20
#define IER_RX 1

#define IRQ_MAX 64 /* characters that one interrupt takes */

static bool present;

void serial_init(void)
{
	outb(0x5a, COM1 + SCR);
	present = inb(COM1 + SCR) == 0x5a;
	if (!present)
		return;
	outb(0, COM1 + IER);
	outb(0x80, COM1 + LCR);
	outb(1, COM1 + RBR);     /* divisor 1: 115200 */
	outb(0, COM1 + IER);
	outb(3, COM1 + LCR);
	outb(0xc7, COM1 + FCR);  /* FIFOs on, cleared, trigger at 14; a timeout interrupts below that */
	outb(0x0b, COM1 + MCR);  /* DTR RTS OUT2 */
}

void serial_putc(char c)
{
	if (!present)
		return;
	for (unsigned i = 0; i < 1000000 && !(inb(COM1 + LSR) & LSR_THRE); i++)
		cpu_relax();
	outb((uint8_t)c, COM1 + RBR);
}

int serial_getc(void)
{
	if (!present || !(inb(COM1 + LSR) & LSR_DR))
		return -1;
	return inb(COM1 + RBR);
}

static void serial_irq(unsigned gsi, void *data)
{
	(void)gsi;
	(void)data;
	for (int c, n = 0; n < IRQ_MAX && (c = serial_getc()) >= 0; n++)
		console_rx((char)c);
	/*
	 * The line is edge-triggered and stays up while there is more: without a new edge nobody would come to read it, for
	 * ever. Closing and opening the interrupt makes one.
	 */
	if (inb(COM1 + LSR) & LSR_DR) {
		outb(0, COM1 + IER);
		outb(IER_RX, COM1 + IER);
	}
}

void serial_init_irq(void)
{
	unsigned gsi = irq_isa_to_gsi(4);

	if (!present || irq_bind_gsi(gsi, serial_irq, NULL))
		return;
	irq_reserve_gsi(gsi);
	irq_unmask_gsi(gsi);
	outb(IER_RX, COM1 + IER);
}
