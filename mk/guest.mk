# SPDX-License-Identifier: MIT
# build/test-guest.elf: the one-page PVH guest; build/test-guest.iso: it as the only domain, booted by GRUB.
$(B)/test-guest.o: tests/guest/pvh.asm
	@mkdir -p $(@D)
	$(NASM) -f elf64 $< -o $@
$(B)/test-guest.elf: $(B)/test-guest.o tests/guest/pvh.lds
	$(LD) -nostdlib -static -z noexecstack --build-id=none -T tests/guest/pvh.lds $< -o $@
$(B)/test-guest.iso: $(B)/zazen.elf $(B)/test-guest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0=domu dom0_mem=64M loglvl=all guest_loglvl=all" $(B)/test-guest.elf test
