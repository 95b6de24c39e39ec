/* SPDX-License-Identifier: MIT */
/* PCI devices (PCI Local Bus 3.0). Configuration space by ports 0xcf8/0xcfc. Lock: config_lock (spin, irq-safe). */
#ifndef KERNEL_PCI_H
#define KERNEL_PCI_H

#include <kernel/device.h>
#include <kernel/io.h>

#define PCI_VENDOR_ID 0x00
#define PCI_DEVICE_ID 0x02
#define PCI_COMMAND 0x04
#define PCI_COMMAND_IO 0x1
#define PCI_COMMAND_MEMORY 0x2
#define PCI_COMMAND_MASTER 0x4
#define PCI_COMMAND_INTX_DISABLE 0x400
#define PCI_STATUS 0x06
#define PCI_STATUS_CAP_LIST 0x10
#define PCI_REVISION_ID 0x08
#define PCI_CLASS_PROG 0x09
#define PCI_CLASS_DEVICE 0x0a
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR0 0x10
#define PCI_SUBSYSTEM_VENDOR_ID 0x2c
#define PCI_SUBSYSTEM_ID 0x2e
#define PCI_CAPABILITY_LIST 0x34
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN 0x3d
#define PCI_SECONDARY_BUS 0x19
#define PCI_CAP_ID_MSI 0x05
#define PCI_CAP_ID_MSIX 0x11

struct pci_bar {
	u64 start, size; /* size 0: none */
	bool io, is64, prefetch;
};

struct pci_dev {
	struct device dev;
	u8 bus, slot, func;
	u16 vendor, device, subvendor, subdevice;
	u32 class; /* class << 16 | subclass << 8 | prog-if */
	u8 revision, header_type, pin;
	int irq;   /* GSI, or -1 */
	struct pci_bar bar[6];
};
#define to_pci_dev(d) container_of(d, struct pci_dev, dev)

struct pci_device_id {
	u16 vendor, device;    /* PCI_ANY_ID matches all */
	u32 class, class_mask;
	unsigned long data;
};
#define PCI_ANY_ID 0xffff

struct pci_driver {
	const char *name;
	const struct pci_device_id *ids; /* ends with an all-zero entry */
	int (*probe)(struct pci_dev *d, const struct pci_device_id *id);
	void (*remove)(struct pci_dev *d);
	void (*shutdown)(struct pci_dev *d);
	struct device_driver drv;
};
int pci_register_driver(struct pci_driver *d);

u8 pci_read8(const struct pci_dev *d, unsigned reg);
u16 pci_read16(const struct pci_dev *d, unsigned reg);
u32 pci_read32(const struct pci_dev *d, unsigned reg);
void pci_write8(const struct pci_dev *d, unsigned reg, u8 v);
void pci_write16(const struct pci_dev *d, unsigned reg, u16 v);
void pci_write32(const struct pci_dev *d, unsigned reg, u32 v);
void pci_enable(struct pci_dev *d);     /* decoding on */
void pci_set_master(struct pci_dev *d); /* and bus mastering */
unsigned pci_find_cap(const struct pci_dev *d, u8 id); /* offset or 0 */
void __iomem *pci_map_bar(const struct pci_dev *d, unsigned bar);
/* For physdev, sysfs and /proc readers: every device, under device_mutex. */
extern struct bus_type pci_bus;

#endif
