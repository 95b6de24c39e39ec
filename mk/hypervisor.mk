# SPDX-License-Identifier: MIT
# build/zazen.elf: every .c and .asm below hypervisor/ is linked; a new file needs no line here.

HV_C   := $(sort $(shell find hypervisor -name '*.c'))
HV_ASM := $(sort $(shell find hypervisor -name '*.asm'))
HV_OBJ := $(HV_C:%.c=$(B)/%.o) $(HV_ASM:%.asm=$(B)/%.asm.o)
# The core starts by itself; the parts that make it a hypervisor need each other and are linked once all are there.
# Until then they are compiled only.
HV_PARTS := vcpu vmx svm p2m vlapic policy stats domain hypercall event grant memory control physdev dom0
HV_ABSENT := $(strip $(foreach p,$(HV_PARTS),$(if $(wildcard hypervisor/$(p)/*.c),,$(p))))
HV_LINKED := $(if $(HV_ABSENT),$(filter-out $(foreach p,$(HV_PARTS) emulate,$(B)/hypervisor/$(p)/%),$(HV_OBJ)),$(HV_OBJ))
# Linked high (PML4 slots 256-271), addressed RIP-relative: small code model with -fpie.
HV_CFLAGS := $(filter-out -fno-pic,$(FREE_CFLAGS)) -fpie -mcmodel=small -fvisibility=hidden \
	-Iinclude -Ihypervisor/include -D__ZAZEN_HYPERVISOR__ -DCOUNTERS=$(COUNTERS) -include hypervisor/include/hv/visibility.h

$(B)/hypervisor/%.o: hypervisor/%.c
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -MMD -MP -c $< -o $@
$(B)/hypervisor/%.asm.o: hypervisor/%.asm
	@mkdir -p $(@D)
	$(NASM) -f elf64 -Ihypervisor/include/ -MD $(@:.o=.d) $< -o $@

# Two links: the symbol table (for panics) is made from the first and, standing behind the text, moves none of it.
HV_LINK = $(LD) -nostdlib -static -no-pie -z noexecstack -z max-page-size=4096 --build-id=none -T hypervisor/zazen.lds
$(B)/zazen.elf: $(HV_OBJ) hypervisor/zazen.lds tools/host/gensyms.sh
	$(HV_LINK) $(HV_LINKED) -o $(B)/zazen-pass1.elf
	tools/host/gensyms.sh $(B)/zazen-pass1.elf > $(B)/zazen-symbols.asm
	$(NASM) -f elf64 $(B)/zazen-symbols.asm -o $(B)/zazen-symbols.o
	$(HV_LINK) $(HV_LINKED) $(B)/zazen-symbols.o -o $@
-include $(HV_OBJ:.o=.d)

ifneq ($(wildcard hypervisor/zazen.lds),)
CODE_TARGETS += $(B)/zazen.elf
endif
