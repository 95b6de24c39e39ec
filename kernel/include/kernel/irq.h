/* SPDX-License-Identifier: MIT */
/* Interrupts. Numbers below NR_GSI are global system interrupts (ACPI); above are allocated: MSI, Xen events, IPIs.
 * A chip does the hardware part; handlers run with irqs off. Lock: irq_desc->lock. */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include <kernel/types.h>
#include <kernel/list.h>
#include <kernel/ptregs.h>
#include <kernel/time.h>

#define NR_GSI 256
#define NR_IRQS 4096

typedef int irqreturn_t;
#define IRQ_NONE 0
#define IRQ_HANDLED 1
typedef irqreturn_t (*irq_handler_t)(int irq, void *dev);

#define IRQF_SHARED 1u
#define IRQF_PERCPU 2u
#define IRQF_TRIGGER_HIGH 4u   /* level, active high */
#define IRQF_TRIGGER_LOW 8u    /* level, active low */
#define IRQF_TRIGGER_RISING 16u
#define IRQF_NOAUTOEN 32u

struct irq_chip {
	const char *name;
	int (*startup)(int irq);   /* first handler; NULL: unmask */
	void (*shutdown)(int irq); /* last handler gone; NULL: mask */
	void (*mask)(int irq);
	void (*unmask)(int irq);
	void (*ack)(int irq);      /* before the handlers */
	void (*eoi)(int irq);      /* after them */
	int (*set_type)(int irq, unsigned irqf); /* IRQF_TRIGGER_* */
	int (*set_affinity)(int irq, cpumask_t mask);
};
int request_irq(int irq, irq_handler_t fn, unsigned flags, const char *name, void *dev);
void free_irq(int irq, void *dev); /* waits for a running handler */
void enable_irq(int irq);
void disable_irq(int irq);         /* waits; nests */
void disable_irq_nosync(int irq);
void synchronize_irq(int irq);
int irq_set_affinity(int irq, cpumask_t mask);
/* A fresh number (>= NR_GSI) bound to a chip, or -ENOSPC. */
int irq_alloc(const struct irq_chip *chip, void *chip_data);
void irq_free(int irq);
void irq_set_chip(int irq, const struct irq_chip *chip, void *chip_data);
void *irq_chip_data(int irq);
/* Chip code: an interrupt of this number came (irqs off, inside irq_enter). */
void handle_irq(int irq);
/* All GSIs go to this chip: the I/O APIC's when bare, PIRQ event channels when k-xen says so (before drivers). */
void set_gsi_chip(const struct irq_chip *chip);
/* ISA interrupt -> GSI after the MADT's overrides. */
int isa_irq_to_gsi(int isa);
u64 irq_count(int irq, int cpu); /* for /proc/interrupts */
const char *irq_name(int irq);

/* Message-signalled interrupts: ops are the local APIC's when bare, Xen's (map_pirq) under Xen. */
struct pci_dev;
struct msi_msg {
	u32 address_lo, address_hi, data;
};
struct msi_ops {
	int (*alloc)(struct pci_dev *dev, int nvec, int *irqs, struct msi_msg *msgs, bool msix); /* msg.data etc. for the driver core to write; Xen writes itself and leaves address_lo = 0 */
	void (*free)(struct pci_dev *dev, int nvec, int *irqs);
};
extern const struct msi_ops *msi_ops;

/* Vectors that bypass descriptors; fn runs with irqs off inside irq_enter, and does its own EOI if any. */
#define VECTOR_IRQ0 0x30     /* first device vector */
#define VECTOR_XEN 0xf3      /* event upcall, EOI only where asked */
#define VECTOR_TIMER 0xf0
#define VECTOR_RESCHED 0xf1
#define VECTOR_CALL 0xf2
#define VECTOR_SPURIOUS 0xff
void set_vector_handler(int vector, void (*fn)(struct pt_regs *regs));
void apic_eoi(void);

/* Work queues: process context, one worker thread per queue (system queue: several). */
struct workqueue;
struct work {
	struct list_head node;
	void (*fn)(struct work *w);
	unsigned long pending; /* bit 0 */
	struct workqueue *wq;
};
struct delayed_work {
	struct work work;
	struct timer timer;
	struct workqueue *wq;
};
#define WORK_INIT(f) { .fn = (f) }
void INIT_WORK(struct work *w, void (*fn)(struct work *w));
void INIT_DELAYED_WORK(struct delayed_work *w, void (*fn)(struct work *w));
struct workqueue *alloc_workqueue(const char *name, unsigned threads);
void destroy_workqueue(struct workqueue *wq);
bool queue_work(struct workqueue *wq, struct work *w); /* any context; false if already queued */
bool queue_delayed_work(struct workqueue *wq, struct delayed_work *w, ktime_t ns);
bool schedule_work(struct work *w); /* on the system queue */
bool schedule_delayed_work(struct delayed_work *w, ktime_t ns);
void flush_work(struct work *w);
void flush_workqueue(struct workqueue *wq);
bool cancel_work_sync(struct work *w);
bool cancel_delayed_work_sync(struct delayed_work *w);

#endif
