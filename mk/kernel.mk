# SPDX-License-Identifier: MIT
# The two kernel images. Each is kernel/ plus its own folder, plus what its list (<image>/drivers.list)
# names from the other's: one object tree, two links.

K_C      := $(sort $(shell find kernel dom0/kernel guest-pv/kernel -name '*.c' 2>/dev/null))
K_ASM    := $(sort $(shell find kernel -name '*.asm' 2>/dev/null))
K_CFLAGS := $(FREE_CFLAGS) -mcmodel=kernel -Iinclude -Ikernel/include -D__ZAZEN_KERNEL__

$(B)/k/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(K_CFLAGS) -MMD -MP -c $< -o $@
$(B)/k/%.asm.o: %.asm
	@mkdir -p $(@D)
	$(NASM) -f elf64 -Ikernel/include/ -MD $(@:.o=.d) $< -o $@

K_CORE_OBJ := $(patsubst %.c,$(B)/k/%.o,$(filter kernel/%,$(K_C))) $(patsubst %.asm,$(B)/k/%.asm.o,$(K_ASM))
DOM0_OBJ   := $(K_CORE_OBJ) $(patsubst %.c,$(B)/k/%.o,$(filter dom0/kernel/%,$(K_C)))
GUEST_OBJ  := $(K_CORE_OBJ) $(patsubst %.c,$(B)/k/%.o,$(filter guest-pv/kernel/%,$(K_C)))
DOM0_OBJ   += $(patsubst %.c,$(B)/k/%.o,$(shell cat dom0/drivers.list 2>/dev/null))
GUEST_OBJ  += $(patsubst %.c,$(B)/k/%.o,$(shell cat guest-pv/drivers.list 2>/dev/null))

# Two links: the symbol table (for backtraces) is made from the first and, standing behind the text, moves none of it.
K_LINK := $(LD) -nostdlib -static -z noexecstack -z max-page-size=4096 --build-id=none -T kernel/kernel.lds
define KERNEL_IMAGE
$(B)/$(1)-kernel.elf: $$($(2)) kernel/kernel.lds tools/host/genksyms.sh
	$$(K_LINK) $$($(2)) -o $(B)/$(1)-pass1.elf
	tools/host/genksyms.sh $(B)/$(1)-pass1.elf > $(B)/$(1)-ksyms.asm
	$$(NASM) -f elf64 $(B)/$(1)-ksyms.asm -o $(B)/$(1)-ksyms.o
	$$(K_LINK) $$($(2)) $(B)/$(1)-ksyms.o -o $$@
endef
$(eval $(call KERNEL_IMAGE,dom0,DOM0_OBJ))
$(eval $(call KERNEL_IMAGE,guest,GUEST_OBJ))
-include $(patsubst %.o,%.d,$(sort $(DOM0_OBJ) $(GUEST_OBJ)))

ifneq ($(wildcard kernel/kernel.lds),)
CODE_TARGETS += $(B)/dom0-kernel.elf $(B)/guest-kernel.elf
endif
