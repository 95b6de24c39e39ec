/* SPDX-License-Identifier: MIT */
/* State records of an HVM vCPU or domain as get/sethvmcontext carries them: descriptor, body, ..., END. */
#ifndef XEN_HVM_SAVE_H
#define XEN_HVM_SAVE_H

#include <stdint.h>

struct hvm_save_descriptor {
    uint16_t typecode;
    uint16_t instance;   /* vCPU */
    uint32_t length;     /* of the body that follows */
};

/*
 * The code of a record type is kept where Xen's headers keep it, in the size of a member, so that
 * HVM_SAVE_CODE(CPU) works in code written for either.
 */
#define DECLARE_HVM_SAVE_TYPE(x, code, type) struct __HVM_SAVE_TYPE_##x { type t; char c[code]; char cpt[1]; }
#define HVM_SAVE_TYPE(x)   __typeof__(((struct __HVM_SAVE_TYPE_##x *)(0))->t)
#define HVM_SAVE_LENGTH(x) (sizeof(HVM_SAVE_TYPE(x)))
#define HVM_SAVE_CODE(x)   (sizeof(((struct __HVM_SAVE_TYPE_##x *)(0))->c))

struct hvm_save_end {};
DECLARE_HVM_SAVE_TYPE(END, 0, struct hvm_save_end);

#include "../arch-x86/hvm/save.h"

#endif
