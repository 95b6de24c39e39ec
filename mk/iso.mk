# SPDX-License-Identifier: MIT
# build/zazen.iso: the hypervisor and, as modules, dom0's kernel and initramfs, their command lines from xen-like.cfg.

HV_CMDLINE   = $(shell sed -n 's/^hypervisor *= *"\{0,1\}\([^"]*\)"\{0,1\}.*/\1/p' xen-like.cfg 2>/dev/null)
DOM0_CMDLINE = $(shell sed -n 's/^dom0 *= *"\{0,1\}\([^"]*\)"\{0,1\}.*/\1/p' xen-like.cfg 2>/dev/null)

ISO_KERNEL := $(filter $(B)/dom0-kernel.elf,$(CODE_TARGETS))
ifneq ($(wildcard kernel/kernel.lds),)
ISO_KERNEL := $(B)/dom0-kernel.elf
endif
ISO_INITRD := $(if $(ISO_KERNEL),$(B)/initramfs.cpio)

$(B)/zazen.iso: $(B)/zazen.elf $(ISO_KERNEL) $(ISO_INITRD) xen-like.cfg tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "$(HV_CMDLINE)" \
		$(if $(ISO_KERNEL),$(ISO_KERNEL) "$(DOM0_CMDLINE)") $(if $(ISO_INITRD),$(ISO_INITRD) "")

ifneq ($(wildcard hypervisor/zazen.lds),)
IMAGE_TARGETS += $(B)/zazen.iso
endif

# For a host of 512 MiB: dom0 leaves room for two guests (tests).
$(B)/zazen-small.iso: $(B)/zazen.elf $(B)/dom0-kernel.elf $(B)/initramfs.cpio xen-like.cfg tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "$(patsubst dom0_mem=%,dom0_mem=192M,$(HV_CMDLINE))" \
		$(B)/dom0-kernel.elf "$(DOM0_CMDLINE)" $(B)/initramfs.cpio ""
