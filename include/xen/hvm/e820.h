/* SPDX-License-Identifier: MIT */
/* Where an HVM guest's low memory may end at most. */
#ifndef XEN_HVM_E820_H
#define XEN_HVM_E820_H

#define HVM_BELOW_4G_RAM_END    0xF0000000
#define HVM_BELOW_4G_MMIO_START HVM_BELOW_4G_RAM_END

#endif
