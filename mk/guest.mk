# SPDX-License-Identifier: MIT
# build/test-guest.elf: the one-page PVH guest; build/test-guest.iso: it as the only domain, booted by GRUB.
$(B)/test-guest.o: tests/guest/pvh.asm
	@mkdir -p $(@D)
	$(NASM) -f elf64 $< -o $@
$(B)/test-guest.elf: $(B)/test-guest.o tests/guest/pvh.lds
	$(LD) -nostdlib -static -z noexecstack --build-id=none -T tests/guest/pvh.lds $< -o $@
# One ISO per fault: build/test-guest-faultN.iso
$(B)/test-guest-fault%.iso: $(B)/zazen.elf $(B)/test-guest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0=domu dom0_mem=64M loglvl=all guest_loglvl=all" $(B)/test-guest.elf "test fault=$*"
$(B)/test-guest.iso: $(B)/zazen.elf $(B)/test-guest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0=domu dom0_mem=64M loglvl=all guest_loglvl=all" $(B)/test-guest.elf test

# Debian's own kernel as the only domain, from the boot modules.
LINUX_PKG := $(shell apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends:/{print $$2; exit}')
$(B)/linux/vmlinux: tools/host/extract-vmlinux.py tools/host/fetch-debs.sh
	@mkdir -p $(@D)
	tools/host/fetch-debs.sh $(B)/deb $(LINUX_PKG) busybox-static
	tools/host/extract-vmlinux.py $(B)/deb/unpacked/$(LINUX_PKG)/boot/vmlinuz-* $@
$(B)/linux/initramfs.cpio: tests/guest/linux-init $(B)/linux/vmlinux
	rm -rf $(B)/linux/root
	mkdir -p $(B)/linux/root/bin $(B)/linux/root/dev $(B)/linux/root/proc $(B)/linux/root/sys
	cp $(B)/deb/unpacked/busybox-static/bin/busybox $(B)/linux/root/bin/
	for t in sh mount uname grep cat date sleep dd sha256sum cut poweroff; do ln -s busybox $(B)/linux/root/bin/$$t; done
	install -m755 tests/guest/linux-init $(B)/linux/root/init
	cd $(B)/linux/root && find . | sort | cpio -o -H newc --quiet --reproducible -R 0:0 > ../initramfs.cpio
$(B)/linux.iso: $(B)/zazen.elf $(B)/linux/initramfs.cpio tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0=domu dom0_mem=192M loglvl=all guest_loglvl=all" \
		$(B)/linux/vmlinux "earlyprintk=xen,keep console=xenboot panic=-1" $(B)/linux/initramfs.cpio initrd
