# SPDX-License-Identifier: MIT
# Debian's stock cloud kernel as a guest of dom0: the package's vmlinuz as it is, an initrd of Debian's busybox and the package's own
# xen-blkfront module, and an ext4 disk. dom0-extras.sh puts them into /var/lib/xen/images.
LINUX_GUEST := $(B)/linux-guest
$(LINUX_GUEST)/vmlinuz: tools/host/fetch-debs.sh
	@mkdir -p $(@D)
	tools/host/fetch-debs.sh $(DEB) $(LINUX_PKG) busybox-static
	cp $(DEB)/unpacked/$(LINUX_PKG)/boot/vmlinuz-* $@
	@touch $@
$(LINUX_GUEST)/initrd: $(LINUX_GUEST)/vmlinuz guest-pv/linux/rcS guest-pv/linux/inittab tools/host/mklinuxrd.sh
	tools/host/mklinuxrd.sh $@ $(DEB)/unpacked/busybox-static $(DEB)/unpacked/$(LINUX_PKG) guest-pv/linux
$(LINUX_GUEST)/disk.img: $(DEB_STAMP) tools/host/mkdisk.sh
	rm -rf $(@D)/tree; mkdir -p $(@D)/tree/data $(@D)/tree/dev
	cp $(DEB)/unpacked/busybox-static/bin/busybox $(@D)/tree/data/
	seq 1 300000 > $(@D)/tree/data/numbers
	cd $(@D)/tree && sha256sum data/* > sums
	fakeroot tools/host/mkdisk.sh --type ext4 $@ 24 linux $(@D)/tree
LINUX_GUEST_FILES := $(LINUX_GUEST)/vmlinuz $(LINUX_GUEST)/initrd $(LINUX_GUEST)/disk.img
$(B)/dom0.img: $(LINUX_GUEST_FILES)
