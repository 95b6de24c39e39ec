/* SPDX-License-Identifier: MIT */
/* A domain that answers events: pong.c. */
#ifndef HYPERGUEST_PONG_H
#define HYPERGUEST_PONG_H

unsigned pong_start(void);      /* our port; 0: a step failed */
unsigned pong_count(void);
void pong_stop(void);

#endif
