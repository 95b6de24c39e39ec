# SPDX-License-Identifier: MIT
# Zazen: one Makefile, split by subject into mk/*.mk. `make help` lists the targets.
#
#   code        everything compiled: hypervisor, both kernels, dom0's tools (no images, no downloads)
#   all         code + boot ISO + dom0's disk
#   unit        unit tests that run on the build host

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL     := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

B    := build
CC   := gcc
LD   := ld
NASM := nasm
DEBUG ?= 1
# 1: the hypervisor counts VMCS accesses, flushes and the like (hv/count.h); make bench builds one so.
COUNTERS ?= 0

# Reproducible: no path of the build machine, no date.
export SOURCE_DATE_EPOCH ?= 1704067200
export LC_ALL := C
export TZ := UTC

WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla
COMMON_CFLAGS := -std=gnu11 -O2 -g -gz=none $(WARN) -fno-common -fno-strict-aliasing \
	-ffile-prefix-map=$(CURDIR)=. -DDEBUG=$(DEBUG)
# Freestanding code: no SSE, no red zone, frame pointers for the backtrace.
FREE_CFLAGS := $(COMMON_CFLAGS) -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-mno-red-zone -mgeneral-regs-only -fno-stack-protector -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables -fcf-protection=none -fno-pic

CODE_TARGETS :=
UNIT_TARGETS :=
IMAGE_TARGETS :=

include $(sort $(wildcard mk/*.mk))

.PHONY: all code unit clean help
code: $(CODE_TARGETS)
unit: $(UNIT_TARGETS)
all: code $(IMAGE_TARGETS)
clean:
	rm -rf $(B)
