# SPDX-License-Identifier: MIT
# `make bench`: instruction counts of a release build on both emulators against tests/bench/baseline.txt.
# BASELINE=update rewrites that file; ROWS=guest skips the kernel's rows.

BENCH_B := $(B)/release
.PHONY: bench bench-images
bench: deps
	@$(MAKE) -s B=$(BENCH_B) DEB=$(B)/deb DEBUG=0 bench-images
	@tests/bench/bench.py $(BENCH_B) $(if $(filter update,$(BASELINE)),--update) $(if $(ROWS),--rows $(ROWS))

# What bench.py boots, in the release build's own folder.
bench-images: $(B)/zazen.elf $(B)/dom0-kernel.elf $(B)/guest-kernel.elf $(B)/bench-domu.iso $(B)/bench-dom0.iso \
	$(B)/bench-kernel.iso $(B)/bench-boot.iso $(B)/dom0.img
$(B)/bench-domu.iso: $(B)/zazen.elf $(B)/hyperguest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0=domu dom0_mem=64M" $(B)/hyperguest.elf bench
$(B)/bench-dom0.iso: $(B)/zazen.elf $(B)/hyperguest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0_mem=64M dom0_max_vcpus=1" $(B)/hyperguest.elf bench
$(B)/bench-kernel.iso: mk/bench.mk $(B)/zazen.elf $(B)/dom0-kernel.elf $(B)/bench.cpio tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0_mem=256M dom0_max_vcpus=1 loglvl=info" $(B)/dom0-kernel.elf "console=hvc0 quiet" \
		$(B)/bench.cpio ""
# The whole chain to dom0's shell, on one CPU as everything here.
$(B)/bench-boot.iso: mk/bench.mk $(B)/zazen.elf $(B)/dom0-kernel.elf $(B)/initramfs.cpio tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "$(HV_CMDLINE)" $(B)/dom0-kernel.elf "$(DOM0_CMDLINE)" $(B)/initramfs.cpio ""

# An initramfs of two static programs: the measurements as /init, and one that only ends.
$(B)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(COMMON_CFLAGS) -static -Wl,--build-id=none $< -o $@
$(B)/bench.cpio: $(B)/bench/ubench $(B)/bench/nothing tools/host/mkbenchfs.sh
	fakeroot tools/host/mkbenchfs.sh $@ $(B)/bench/ubench $(B)/bench/nothing
