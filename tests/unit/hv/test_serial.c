/* SPDX-License-Identifier: MIT */
/*
 * Serial input against a model of a 16550 behind an edge-triggered line: whatever the pace at which characters come, none
 * is left lying without an interrupt to fetch it.
 */
#include "hosted.h"

static unsigned fifo, to_come, edges, taken;
static bool line, ier;

/* The line follows the state; only its rise is seen. */
static void update(void)
{
	bool now = ier && fifo;

	if (now && !line)
		edges++;
	line = now;
}

static void arrive(void)
{
	while (to_come && fifo < 16) {
		to_come--;
		fifo++;
	}
	update();
}

static uint8_t model_in(uint16_t port)
{
	if (port == 0x3f8 + 5)
		return fifo ? 1 : 0;
	if (port == 0x3f8) {
		fifo--;
		/* The other end fills up before the FIFO is seen empty. */
		arrive();
		return 'x';
	}
	return 0x5a;
}

static void model_out(uint8_t v, uint16_t port)
{
	if (port == 0x3f8 + 1) {
		ier = v & 1;
		update();
	}
}

#define inb model_in
#define outb model_out
#define console_rx rx_model
static void rx_model(char c) { (void)c; taken++; }
unsigned irq_isa_to_gsi(unsigned isa) { return isa; }
static void (*handler)(unsigned, void *);
int irq_bind_gsi(unsigned gsi, void (*fn)(unsigned, void *), void *data) { (void)gsi; (void)data; handler = fn; return 0; }
void irq_reserve_gsi(unsigned gsi) { (void)gsi; }
void irq_unmask_gsi(unsigned gsi) { (void)gsi; }
#include "hypervisor/console/serial.c"

static void test_nothing_is_left(void **state)
{
	(void)state;
	serial_init();
	serial_init_irq();
	assert_non_null(handler);
	for (unsigned n = 1; n < 3000; n = n * 3 / 2 + 1) {
		to_come = n;
		taken = edges = 0;
		arrive();
		while (edges) {
			edges--;
			handler(4, NULL);
		}
		assert_int_equal(taken, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing_is_left) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
