/* SPDX-License-Identifier: MIT */
/* Kernel-side checks (built against kernel headers); each returns 0 or the line that failed. */
int check_rbtree(unsigned seed);
int check_radix(unsigned seed);
int check_vma(unsigned seed);
int check_format(void);
