# SPDX-License-Identifier: MIT
# Host unit tests of kernel/proc and kernel/tty: ELF headers, line discipline, signal queues.
PU_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all -Ikernel/include \
	-Ikernel/proc -Ikernel/tty -D__ZAZEN_KERNEL__
$(B)/unit/proc/test_%: tests/unit/proc/test_%.c kernel/proc/elf_parse.c kernel/proc/elf_parse.h kernel/tty/n_tty.c kernel/tty/n_tty.h kernel/proc/sigpending.c
	@mkdir -p $(@D)
	$(CC) $(PU_CFLAGS) $(PU_FREE_$*) $< -lcmocka -o $@
# The kernel headers need the compiler's own stdint.h, not the C library's.
PU_FREE_sigpending := -ffreestanding -fno-builtin
PU_TESTS := elf n_tty sigpending
.PHONY: unit-proc
unit-proc: $(PU_TESTS:%=$(B)/unit/proc/test_%)
	@for t in $^; do ./$$t || exit 1; done
UNIT_TARGETS += unit-proc
