/* SPDX-License-Identifier: MIT */
/*
 * Input from the serial line: to dom0, or, after Ctrl-a three times, to the debug keys.
 * input_lock (RANK_LEAF, _irqsave) protects the buffer; keys run in softirq context without it.
 */
#include <hv/cmdline.h>
#include <hv/init.h>
#include <hv/insn.h>
#include <hv/log.h>
#include <hv/serial.h>
#include <hv/smp.h>
#include <hv/spinlock.h>

#define CTRL_A 1
#define BUF 4096u /* a pasted line comes faster than dom0 is given the CPU */

static DEFINE_SPINLOCK(input_lock, RANK_LEAF);
static char dom0_buf[BUF], hv_buf[16];
static unsigned d_head, d_tail, h_head, h_tail, escapes;
static bool to_hv;
static bool to_hv_told;
static void (*dom0_hook)(void);

static struct key { const char *desc; void (*fn)(char); } keys[128];

void debug_key_register(char c, const char *desc, void (*fn)(char c))
{
	keys[c & 127] = (struct key){ desc, fn };
}

void debug_key(char c)
{
	const struct key *k = &keys[c & 127];

	if (k->fn)
		k->fn(c);
	else
		printk(LOG_ERR "No debug key '%c'; 'h' lists them\n", c);
}

static void key_help(char c)
{
	(void)c;
	for (unsigned i = 0; i < 128; i++)
		if (keys[i].fn)
			printk(LOG_ERR " key '%c' => %s\n", (char)i, keys[i].desc);
}

void console_input_hook(void (*fn)(void))
{
	dom0_hook = fn;
	if (fn)
		softirq_raise(SOFTIRQ_CONSOLE);
}

/* Interrupt context. */
void console_rx(char c)
{
	spin_lock(&input_lock);
	escapes = c == CTRL_A ? escapes + 1 : 0;
	if (escapes == 3) {
		escapes = 0;
		to_hv = !to_hv;
		to_hv_told = false;
	} else if (to_hv) {
		if (h_head - h_tail < sizeof(hv_buf) && c != CTRL_A)
			hv_buf[h_head++ % sizeof(hv_buf)] = c;
	} else if (d_head - d_tail < BUF) {
		dom0_buf[d_head++ % BUF] = c;
	}
	spin_unlock(&input_lock);
	softirq_raise(SOFTIRQ_CONSOLE);
}

size_t console_guest_read(char *buf, size_t len)
{
	unsigned long flags;
	size_t n = 0;

	spin_lock_irqsave(&input_lock, flags);
	while (n < len && d_tail != d_head)
		buf[n++] = dom0_buf[d_tail++ % BUF];
	spin_unlock_irqrestore(&input_lock, flags);
	return n;
}

static void console_softirq(void)
{
	bool for_dom0;

	for (;;) {
		bool have, tell;
		char c = 0;

		spin_lock_irq(&input_lock);
		tell = to_hv != to_hv_told && !to_hv_told;
		if (to_hv)
			to_hv_told = true;
		have = h_tail != h_head;
		if (have)
			c = hv_buf[h_tail++ % sizeof(hv_buf)];
		for_dom0 = d_tail != d_head;
		spin_unlock_irq(&input_lock);
		if (tell && to_hv)
			printk(LOG_ERR "Input goes to the hypervisor (Ctrl-a three times to switch back, 'h' for help)\n");
		if (!have)
			break;
		debug_key(c);
	}
	if (for_dom0 && dom0_hook)
		dom0_hook();
}

static void key_reboot(char c)
{
	(void)c;
	printk(LOG_ERR "'R' pressed: rebooting the machine\n");
	machine_restart();
}

void console_start(void)
{
	softirq_open(SOFTIRQ_CONSOLE, console_softirq);
	debug_key_register('h', "show this list", key_help);
	debug_key_register('R', "reboot the machine", key_reboot);
	serial_init_irq();
}
