/* SPDX-License-Identifier: MIT */
/* Ending the machine: S5 by the PM1 registers, reset. Entry points: machine_poweroff, machine_restart, acpi_enter_s5. */
#include <hv/acpi.h>
#include <hv/init.h>
#include <hv/insn.h>
#include <hv/log.h>
#include <hv/time.h>

void acpi_enter_s5(void)
{
	const struct acpi_info *a = &acpi_info;
	uint16_t cnt;

	if (!a->s5_valid || !a->pm1a_cnt)
		return;
	if (!(inw(a->pm1a_cnt) & ACPI_PM1_SCI_EN) && a->smi_cmd && a->acpi_enable) {
		outb(a->acpi_enable, (uint16_t)a->smi_cmd);
		for (unsigned i = 0; i < 300 && !(inw(a->pm1a_cnt) & ACPI_PM1_SCI_EN); i++)
			udelay(100);
	}
	cnt = inw(a->pm1a_cnt) & (uint16_t)~(ACPI_PM1_SLP_TYP(7) | ACPI_PM1_SLP_EN);
	outw((uint16_t)(cnt | ACPI_PM1_SLP_TYP(a->s5_typ_a)), a->pm1a_cnt);
	if (a->pm1b_cnt)
		outw((uint16_t)(cnt | ACPI_PM1_SLP_TYP(a->s5_typ_b)), a->pm1b_cnt);
	outw((uint16_t)(cnt | ACPI_PM1_SLP_TYP(a->s5_typ_a) | ACPI_PM1_SLP_EN), a->pm1a_cnt);
	if (a->pm1b_cnt)
		outw((uint16_t)(cnt | ACPI_PM1_SLP_TYP(a->s5_typ_b) | ACPI_PM1_SLP_EN), a->pm1b_cnt);
	udelay(100000);
}

void machine_poweroff(void)
{
	local_irq_disable();
	printk(LOG_ERR "Powering the machine off\n");
	acpi_enter_s5();
	printk(LOG_ERR "No way to power off; it is safe to switch the machine off\n");
	for (;;)
		cpu_halt();
}

void machine_restart(void)
{
	static const struct { uint16_t limit; uint64_t base; } ZZ_PACKED none;
	const struct acpi_info *a = &acpi_info;

	local_irq_disable();
	printk(LOG_ERR "Restarting the machine\n");
	if (a->reset_reg.address && a->reset_reg.space_id == 1) {
		outb(a->reset_value, (uint16_t)a->reset_reg.address);
		udelay(10000);
	}
	outb(2, 0xcf9);
	outb(6, 0xcf9);
	udelay(10000);
	outb(0xfe, 0x64);
	udelay(10000);
	__asm__ volatile("lidt %0; int3" : : "m"(none));
	for (;;)
		cpu_halt();
}
