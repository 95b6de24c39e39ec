/* SPDX-License-Identifier: MIT */
/* Power-off by the FADT's PM1 control registers, restart by its reset register (ACPI 6.4, 4.8.3.2 and 4.8.3.6).
 * Everything is looked up at start-up, because at the end nothing can be mapped any more.
 * Entry points: acpi_power_off, acpi_restart. No locks: the machine is single-threaded by then. */
#include <kernel/acpi.h>
#include <kernel/init.h>
#include <kernel/io.h>
#include <kernel/device.h>
#include <kernel/kernel.h>
#include <kernel/proc.h>
#include <kernel/time.h>
#include <zazen/acpi.h>

static struct {
	u16 pm1a, pm1b, smi_cmd;
	u8 enable, type_a, type_b, reset_value;
	bool valid, reset;
	u8 reset_space;
	u64 reset_addr;
} power;

static bool find_s5_in(const struct acpi_header *t)
{
	return t && t->length > sizeof(*t) &&
	       acpi_find_s5((const u8 *)(t + 1), t->length - sizeof(*t), &power.type_a, &power.type_b);
}

static int acpi_power_init(void)
{
	const struct acpi_fadt *f = (const void *)acpi_find_table("FACP", 0);
	bool found;

	if (!f)
		return 0;
	u32 n = f->header.length;
	power.pm1a = f->pm1a_cnt;
	power.pm1b = f->pm1b_cnt;
	power.smi_cmd = f->smi_cmd;
	power.enable = f->acpi_enable;
	if (n >= offsetof(struct acpi_fadt, reset_value) + 1 && (f->flags & ACPI_FADT_RESET_REG)) {
		power.reset = true;
		power.reset_space = f->reset_reg.space_id;
		power.reset_addr = f->reset_reg.address;
		power.reset_value = f->reset_value;
	}
	if (!power.pm1a && n >= offsetof(struct acpi_fadt, x_pm1a_cnt) + sizeof(f->x_pm1a_cnt) && f->x_pm1a_cnt.space_id == 1)
		power.pm1a = f->x_pm1a_cnt.address;
	phys_addr_t dsdt = f->dsdt;
	if (!dsdt && n >= offsetof(struct acpi_fadt, x_dsdt) + 8)
		dsdt = f->x_dsdt;
	const struct acpi_header *h = dsdt ? ioremap_cache(dsdt, sizeof(*h)) : NULL;
	if (h && h->length < 16u << 20)
		h = ioremap_cache(dsdt, h->length);
	found = find_s5_in(h);
	for (unsigned i = 0; !found && i < 16; i++) {
		const struct acpi_header *s = acpi_find_table("SSDT", i);
		if (!s)
			break;
		found = find_s5_in(s);
	}
	power.valid = found && power.pm1a;
	pr_info("ACPI: PM1a control %#x, _S5_ %s(%u, %u)%s\n", power.pm1a, found ? "" : "not found ", power.type_a, power.type_b,
		power.reset ? ", reset register" : "");
	return 0;
}
subsys_initcall(acpi_power_init);

static void acpi_mode(void)
{
	if (!power.smi_cmd || !power.enable || (inw(power.pm1a) & ACPI_PM1_SCI_EN))
		return;
	outb(power.enable, power.smi_cmd);
	for (unsigned i = 0; i < 3000 && !(inw(power.pm1a) & ACPI_PM1_SCI_EN); i++)
		udelay(100);
}

void acpi_power_off(void)
{
	if (!power.valid)
		return;
	acpi_mode();
	u16 v = inw(power.pm1a) & ~(ACPI_PM1_SLP_TYP(7) | ACPI_PM1_SLP_EN);
	outw(v | ACPI_PM1_SLP_TYP(power.type_a), power.pm1a);
	if (power.pm1b)
		outw(v | ACPI_PM1_SLP_TYP(power.type_b), power.pm1b);
	outw(v | ACPI_PM1_SLP_TYP(power.type_a) | ACPI_PM1_SLP_EN, power.pm1a);
	if (power.pm1b)
		outw(v | ACPI_PM1_SLP_TYP(power.type_b) | ACPI_PM1_SLP_EN, power.pm1b);
	for (unsigned i = 0; i < 1000; i++)
		udelay(1000);
}

void acpi_restart(void)
{
	if (power.reset && power.reset_space == 1)
		outb(power.reset_value, power.reset_addr);
	for (unsigned i = 0; i < 100; i++)
		udelay(1000);
	/* Reset control register of the PIIX and ICH: 2 = hard reset on the way from 0 to 1 of bit 2. */
	outb(2, 0xcf9);
	udelay(50);
	outb(6, 0xcf9);
	for (unsigned i = 0; i < 100; i++)
		udelay(1000);
}

/* The end of the machine when there is no hypervisor to ask; drives write their caches out first in any case. */
static void last_rites(bool poweroff)
{
	(void)poweroff;
	devices_shutdown();
}

static int acpi_hooks(void)
{
	register_reboot_notifier(last_rites);
	if (running_on_xen())
		return 0;
	machine_power_off_hook = acpi_power_off;
	machine_restart_hook = acpi_restart;
	return 0;
}
late_initcall(acpi_hooks);
