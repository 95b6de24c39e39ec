/* SPDX-License-Identifier: MIT */
/* Linux's place for the same header. */
#include "../arch-x86/hvm/start_info.h"
