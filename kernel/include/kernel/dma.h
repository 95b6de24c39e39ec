/* SPDX-License-Identifier: MIT */
/* DMA addresses. Drivers get bus addresses only here. A page's bus address is page->bus (a foreign page carries its
 * machine address); what the device cannot reach goes through a bounce page below 4 GiB and is counted.
 * Lock: the bounce pool's (spin, irq-safe). Callable from any context. */
#ifndef KERNEL_DMA_H
#define KERNEL_DMA_H

#include <kernel/device.h>
#include <kernel/page.h>

enum dma_data_direction { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE };
#define DMA_MAPPING_ERROR (~(dma_addr_t)0)

/* Within one page. DMA_MAPPING_ERROR: no bounce page is free, or there is no DMA; try again when some I/O ended. */
dma_addr_t dma_map_page(struct device *dev, struct page *page, size_t off, size_t len, enum dma_data_direction dir);
/* As dma_map_page with the page's bus address given apart (grant mappings). */
dma_addr_t dma_map_bus(struct device *dev, u64 bus, void *virt, size_t len, enum dma_data_direction dir);
void dma_unmap_page(struct device *dev, dma_addr_t addr, size_t len, enum dma_data_direction dir);
/* Zeroed, physically contiguous, reachable by the device, cached coherently. */
void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *addr, gfp_t gfp);
void dma_free_coherent(struct device *dev, size_t size, void *p, dma_addr_t addr);

struct dma_stats {
	u64 mapped, bounced, bounced_bytes, failed;
};
void dma_stats_read(struct dma_stats *s);

#endif
