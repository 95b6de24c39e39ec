/* SPDX-License-Identifier: MIT */
/* PCI by configuration mechanism 1 (PCI Local Bus 3.0, 3.2.2.3.2): scan, BARs, matching.
 * Entry points: see kernel/pci.h. Lock: config_lock (spin, irq-safe) around an address/data pair. */
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/pci.h>
#include <kernel/spinlock.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
static DEFINE_SPINLOCK(config_lock);

static u32 config_address(u8 bus, u8 slot, u8 func, unsigned reg)
{
	return 0x80000000u | (u32)bus << 16 | (u32)slot << 11 | (u32)func << 8 | (reg & 0xfc);
}

static u32 config_read(u8 bus, u8 slot, u8 func, unsigned reg, unsigned size)
{
	unsigned long f;
	u32 v;

	spin_lock_irqsave(&config_lock, f);
	outl(config_address(bus, slot, func, reg), CONFIG_ADDRESS);
	v = size == 1 ? inb(CONFIG_DATA + (reg & 3)) : size == 2 ? inw(CONFIG_DATA + (reg & 2)) : inl(CONFIG_DATA);
	spin_unlock_irqrestore(&config_lock, f);
	return v;
}

static void config_write(const struct pci_dev *d, unsigned reg, unsigned size, u32 v)
{
	unsigned long f;

	spin_lock_irqsave(&config_lock, f);
	outl(config_address(d->bus, d->slot, d->func, reg), CONFIG_ADDRESS);
	if (size == 1)
		outb(v, CONFIG_DATA + (reg & 3));
	else if (size == 2)
		outw(v, CONFIG_DATA + (reg & 2));
	else
		outl(v, CONFIG_DATA);
	spin_unlock_irqrestore(&config_lock, f);
}

u8 pci_read8(const struct pci_dev *d, unsigned reg) { return config_read(d->bus, d->slot, d->func, reg, 1); }
u16 pci_read16(const struct pci_dev *d, unsigned reg) { return config_read(d->bus, d->slot, d->func, reg, 2); }
u32 pci_read32(const struct pci_dev *d, unsigned reg) { return config_read(d->bus, d->slot, d->func, reg, 4); }
void pci_write8(const struct pci_dev *d, unsigned reg, u8 v) { config_write(d, reg, 1, v); }
void pci_write16(const struct pci_dev *d, unsigned reg, u16 v) { config_write(d, reg, 2, v); }
void pci_write32(const struct pci_dev *d, unsigned reg, u32 v) { config_write(d, reg, 4, v); }

void pci_enable(struct pci_dev *d)
{
	u16 c = pci_read16(d, PCI_COMMAND), want = c | PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
	if (c != want)
		pci_write16(d, PCI_COMMAND, want);
}

void pci_set_master(struct pci_dev *d)
{
	u16 c = pci_read16(d, PCI_COMMAND);
	if (!(c & PCI_COMMAND_MASTER))
		pci_write16(d, PCI_COMMAND, c | PCI_COMMAND_MASTER);
}

unsigned pci_find_cap(const struct pci_dev *d, u8 id)
{
	if (!(pci_read16(d, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	unsigned at = pci_read8(d, PCI_CAPABILITY_LIST) & ~3u;
	for (unsigned n = 0; at >= 0x40 && n < 48; n++) { /* a ring of pointers must not hold us */
		if (pci_read8(d, at) == id)
			return at;
		at = pci_read8(d, at + 1) & ~3u;
	}
	return 0;
}

void __iomem *pci_map_bar(const struct pci_dev *d, unsigned bar)
{
	return bar < 6 && d->bar[bar].size && !d->bar[bar].io ? ioremap(d->bar[bar].start, d->bar[bar].size) : NULL;
}

/* Sizes by writing all ones, with decoding off meanwhile. The host bridge's and consoles' decoding is not touched:
 * somebody may be using it. */
static void read_bars(struct pci_dev *d)
{
	unsigned n = (d->header_type & 0x7f) == 0 ? 6 : (d->header_type & 0x7f) == 1 ? 2 : 0;
	u16 cmd = pci_read16(d, PCI_COMMAND);

	if (d->class >> 16 == 0x06 || d->class >> 16 == 0x03)
		return;
	pci_write16(d, PCI_COMMAND, cmd & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	for (unsigned i = 0; i < n; i++) {
		unsigned reg = PCI_BAR0 + 4 * i;
		struct pci_bar *b = &d->bar[i];
		u32 was = pci_read32(d, reg), mask;
		pci_write32(d, reg, ~0u);
		mask = pci_read32(d, reg);
		pci_write32(d, reg, was);
		if (!mask || mask == ~0u)
			continue;
		if (was & 1) {
			b->io = true;
			b->start = was & 0xfffc;
			b->size = (u16)~(mask & 0xfffc) + 1u;
		} else {
			u64 m = mask & ~15u, start = was & ~15u;
			b->prefetch = was & 8;
			b->is64 = (was & 6) == 4;
			if (b->is64 && i + 1 < n) {
				u32 hi = pci_read32(d, reg + 4);
				pci_write32(d, reg + 4, ~0u);
				m |= (u64)pci_read32(d, reg + 4) << 32;
				pci_write32(d, reg + 4, hi);
				start |= (u64)hi << 32;
				i++;
			} else {
				m |= 0xffffffff00000000ull;
			}
			b->start = start;
			b->size = ~m + 1;
		}
	}
	pci_write16(d, PCI_COMMAND, cmd);
}

static ssize_t show_class(struct device *d, char *b, size_t n) { return scnprintf(b, n, "0x%06x\n", to_pci_dev(d)->class); }
static ssize_t show_vendor(struct device *d, char *b, size_t n) { return scnprintf(b, n, "0x%04x\n", to_pci_dev(d)->vendor); }
static ssize_t show_device(struct device *d, char *b, size_t n) { return scnprintf(b, n, "0x%04x\n", to_pci_dev(d)->device); }
static ssize_t show_irq(struct device *d, char *b, size_t n) { return scnprintf(b, n, "%d\n", max(to_pci_dev(d)->irq, 0)); }
static ssize_t show_resource(struct device *d, char *b, size_t n)
{
	size_t at = 0;
	for (unsigned i = 0; i < 6; i++) {
		struct pci_bar *r = &to_pci_dev(d)->bar[i];
		at += scnprintf(b + at, n - at, "0x%016lx 0x%016lx 0x%016x\n", r->start, r->size ? r->start + r->size - 1 : 0,
				r->size ? (r->io ? 0x101u : 0x200u) : 0);
	}
	return at;
}
static const struct device_attr a_class = { "class", show_class, NULL }, a_vendor = { "vendor", show_vendor, NULL },
				a_device = { "device", show_device, NULL }, a_irq = { "irq", show_irq, NULL },
				a_resource = { "resource", show_resource, NULL };
static const struct device_attr *const pci_attrs[] = { &a_class, &a_vendor, &a_device, &a_irq, &a_resource, NULL };

static const struct pci_device_id *find_id(const struct pci_dev *d, const struct pci_driver *drv)
{
	for (const struct pci_device_id *id = drv->ids; id->vendor || id->class_mask; id++)
		if ((id->vendor == PCI_ANY_ID || id->vendor == d->vendor) && (id->device == PCI_ANY_ID || id->device == d->device) &&
		    (d->class & id->class_mask) == id->class)
			return id;
	return NULL;
}

#define to_pci_driver(x) container_of(x, struct pci_driver, drv)
static bool pci_match(struct device *d, struct device_driver *drv) { return find_id(to_pci_dev(d), to_pci_driver(drv)) != NULL; }
static int pci_probe(struct device *d)
{
	struct pci_driver *drv = to_pci_driver(d->driver);
	return drv->probe(to_pci_dev(d), find_id(to_pci_dev(d), drv));
}
static void pci_remove(struct device *d)
{
	struct pci_driver *drv = to_pci_driver(d->driver);
	if (drv->remove)
		drv->remove(to_pci_dev(d));
}
static void pci_shutdown(struct device *d)
{
	struct pci_driver *drv = to_pci_driver(d->driver);
	if (drv->shutdown)
		drv->shutdown(to_pci_dev(d));
}
struct bus_type pci_bus = { .name = "pci", .match = pci_match, .probe = pci_probe, .remove = pci_remove };

int pci_register_driver(struct pci_driver *d)
{
	d->drv.name = d->name;
	d->drv.bus = &pci_bus;
	d->drv.shutdown = pci_shutdown;
	return driver_register(&d->drv);
}

static void scan_bus(u8 bus, unsigned depth);

static void add_function(u8 bus, u8 slot, u8 func, unsigned depth)
{
	struct pci_dev *d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return;
	d->bus = bus;
	d->slot = slot;
	d->func = func;
	d->vendor = pci_read16(d, PCI_VENDOR_ID);
	d->device = pci_read16(d, PCI_DEVICE_ID);
	d->class = pci_read32(d, PCI_REVISION_ID) >> 8;
	d->revision = pci_read8(d, PCI_REVISION_ID);
	d->header_type = pci_read8(d, PCI_HEADER_TYPE);
	d->pin = pci_read8(d, PCI_INTERRUPT_PIN);
	d->irq = -1;
	if ((d->header_type & 0x7f) == 0) {
		d->subvendor = pci_read16(d, PCI_SUBSYSTEM_VENDOR_ID);
		d->subdevice = pci_read16(d, PCI_SUBSYSTEM_ID);
		u8 line = pci_read8(d, PCI_INTERRUPT_LINE); /* firmware's routing of INTx to an ISA interrupt */
		if (d->pin && line && line < 16)
			d->irq = isa_irq_to_gsi(line);
	}
	read_bars(d);
	device_init(&d->dev);
	snprintf(d->dev.name, sizeof(d->dev.name), "0000:%02x:%02x.%x", bus, slot, func);
	d->dev.bus = &pci_bus;
	d->dev.dma_mask = 0xffffffff;
	d->dev.attrs = pci_attrs;
	pr_info("pci %s: [%04x:%04x] class %06x irq %d\n", d->dev.name, d->vendor, d->device, d->class, d->irq);
	if (device_add(&d->dev)) {
		kfree(d);
		return;
	}
	if ((d->header_type & 0x7f) == 1 && depth < 8) {
		u8 sec = pci_read8(d, PCI_SECONDARY_BUS);
		if (sec > bus)
			scan_bus(sec, depth + 1);
	}
}

static void scan_bus(u8 bus, unsigned depth)
{
	for (u8 slot = 0; slot < 32; slot++) {
		unsigned funcs = 1;
		for (u8 func = 0; func < funcs; func++) {
			u32 id = config_read(bus, slot, func, PCI_VENDOR_ID, 4);
			if ((id & 0xffff) == 0xffff || !(id & 0xffff))
				continue;
			if (!func && (config_read(bus, slot, 0, PCI_HEADER_TYPE, 1) & 0x80))
				funcs = 8;
			add_function(bus, slot, func, depth);
		}
	}
}

static int pci_init(void)
{
	bus_register(&pci_bus);
	outl(0x80000000u, CONFIG_ADDRESS);
	if (inl(CONFIG_ADDRESS) != 0x80000000u)
		return 0; /* no PCI: an unprivileged guest */
	scan_bus(0, 0);
	return 0;
}
subsys_initcall(pci_init);
