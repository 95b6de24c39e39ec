# SPDX-License-Identifier: MIT
# What boots: the initramfs, dom0's disk with the guest's image in it. Debian packages are downloaded and unpacked under
# $(B)/deb, never installed on the host.

DEB        := $(B)/deb
list        = $(shell sed 's/\#.*//' $(1))
DOM0_PKGS  := $(call list,dom0/packages.list)
GUEST_PKGS := $(call list,guest-pv/packages.list)
ALL_PKGS   := $(sort $(DOM0_PKGS) $(GUEST_PKGS) e2fsck-static)

DEB_STAMP := $(DEB)/.stamp
$(DEB_STAMP): dom0/packages.list guest-pv/packages.list tools/host/fetch-debs.sh
	tools/host/fetch-debs.sh $(DEB) $(ALL_PKGS)
	@touch $@

$(B)/initramfs.cpio: $(DEB_STAMP) dom0/initramfs/init tools/host/mkinitramfs.sh
	fakeroot tools/host/mkinitramfs.sh $@ $(DEB) dom0/initramfs/init

GUEST_TREE := $(shell find guest-pv/rootfs -type f)
$(B)/guest1.img: $(DEB_STAMP) $(GUEST_TREE) tools/host/mkroot.sh tools/host/mkdisk.sh
	tools/host/mkroot.sh $(B)/guest-root guest-pv/rootfs $(DEB) $(GUEST_PKGS)
	fakeroot tools/host/mkdisk.sh $@ 24 guest $(B)/guest-root

# dom0's own programs and the kernels its guests boot
DOM0_TREE  := $(shell find dom0/rootfs tools/etc -type f 2>/dev/null)
.SECONDEXPANSION:
$(B)/dom0.img: $(DEB_STAMP) $(DOM0_TREE) $(B)/guest1.img $$(CODE_TARGETS) tools/host/mkroot.sh tools/host/mkdisk.sh \
		tools/host/dom0-extras.sh tools/host/closure.py
	tools/host/mkroot.sh $(B)/dom0-root dom0/rootfs $(DEB) $(DOM0_PKGS)
	tools/host/dom0-extras.sh $(B)/dom0-root $(B)
	tools/host/closure.py $(B)/dom0-root
	fakeroot tools/host/mkdisk.sh --mbr $@ 320 dom0 $(B)/dom0-root

IMAGE_TARGETS += $(B)/initramfs.cpio $(B)/dom0.img
