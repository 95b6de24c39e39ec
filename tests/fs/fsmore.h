/* SPDX-License-Identifier: MIT */
/* More of fsinit.c: extended attributes and loop devices. */
static void test_attr(void) {}
static void test_loop(void) {}
