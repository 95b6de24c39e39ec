# SPDX-License-Identifier: MIT
# build/hyperguest.elf: the bare test guest; build/hyperguest-{domu,dom0}.iso boot it alone.

HG_C   := $(wildcard tests/hyperguest/*.c)
HG_OBJ := $(HG_C:%.c=$(B)/%.o) $(B)/tests/hyperguest/entry.o $(B)/tests/hyperguest/pong.asm.o
$(B)/tests/hyperguest/%.o: tests/hyperguest/%.c $(wildcard tests/hyperguest/*.h) $(wildcard include/xen/*.h include/uapi/*.h)
	@mkdir -p $(@D)
	$(CC) $(FREE_CFLAGS) -Iinclude -fno-builtin -fno-tree-loop-distribute-patterns -c $< -o $@
$(B)/tests/hyperguest/entry.o: tests/hyperguest/entry.asm
	@mkdir -p $(@D)
	$(NASM) -f elf64 $< -o $@
$(B)/tests/hyperguest/pong.asm.o: tests/hyperguest/pong.asm
	@mkdir -p $(@D)
	$(NASM) -f elf64 $< -o $@
$(B)/hyperguest.elf: $(HG_OBJ) tests/hyperguest/guest.lds
	$(LD) -nostdlib -static -z noexecstack --no-warn-rwx-segments --build-id=none -T tests/hyperguest/guest.lds $(HG_OBJ) -o $@

$(B)/hyperguest-domu.iso: $(B)/zazen.elf $(B)/hyperguest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0=domu dom0_mem=64M loglvl=all" $(B)/hyperguest.elf ""
$(B)/hyperguest-dom0.iso: $(B)/zazen.elf $(B)/hyperguest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0_mem=64M dom0_max_vcpus=1 loglvl=all" $(B)/hyperguest.elf ""
# The same with pages that seem absent now and then.
$(B)/hyperguest-domu-wait.iso: $(B)/zazen.elf $(B)/hyperguest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0=domu dom0_mem=64M loglvl=all guest_wait=9" $(B)/hyperguest.elf ""
$(B)/hyperguest-dom0-wait.iso: $(B)/zazen.elf $(B)/hyperguest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0_mem=64M dom0_max_vcpus=1 loglvl=all guest_wait=9" $(B)/hyperguest.elf ""

.PHONY: hyperguest
hyperguest: $(foreach r,domu dom0 domu-wait dom0-wait,$(B)/hyperguest-$(r).iso)
CODE_TARGETS += $(B)/hyperguest.elf
