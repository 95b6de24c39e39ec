# SPDX-License-Identifier: MIT
# `make bench`: instruction counts of a release build on both emulators against tests/bench/baseline.txt.
# BASELINE=update rewrites that file; ROWS=guest skips the kernel's rows.

# Two builds: release, whose instructions are counted, and one that counts what they do (COUNTERS=1, hv/count.h).

BENCH_B := $(B)/release
BENCH_C := $(B)/counting
# Where the kernels and programs of an ISO come from: the counting build borrows the release build's.
BENCH_K ?= $(B)
.PHONY: bench bench-images bench-counting
bench: deps
	@$(MAKE) -s B=$(BENCH_B) DEB=$(B)/deb DEBUG=0 bench-images
	@$(MAKE) -s B=$(BENCH_C) BENCH_K=$(BENCH_B) DEB=$(B)/deb DEBUG=0 COUNTERS=1 bench-counting
	@tests/bench/bench.py $(BENCH_B) --counting $(BENCH_C) $(if $(filter update,$(BASELINE)),--update) $(if $(ROWS),--rows $(ROWS))

# What bench.py boots, in the release build's own folder.
bench-images: $(B)/zazen.elf $(B)/dom0-kernel.elf $(B)/guest-kernel.elf $(B)/bench-domu.iso $(B)/bench-dom0.iso \
	$(B)/bench-kernel.iso $(B)/bench-boot.iso $(B)/bench-disk.iso $(B)/bench-disk.img $(B)/dom0.img
bench-counting: $(B)/bench-dom0.iso $(B)/bench-kernel.iso $(B)/bench-disk.iso
$(B)/bench-domu.iso: $(B)/zazen.elf $(BENCH_K)/hyperguest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0=domu dom0_mem=64M" $(BENCH_K)/hyperguest.elf bench
$(B)/bench-dom0.iso: $(B)/zazen.elf $(BENCH_K)/hyperguest.elf tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0_mem=64M dom0_max_vcpus=1" $(BENCH_K)/hyperguest.elf bench
$(B)/bench-kernel.iso: mk/bench.mk $(B)/zazen.elf $(BENCH_K)/dom0-kernel.elf $(BENCH_K)/bench.cpio tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "dom0_mem=256M dom0_max_vcpus=1 loglvl=info" $(BENCH_K)/dom0-kernel.elf "console=hvc0 quiet" \
		$(BENCH_K)/bench.cpio ""
# The whole chain to dom0's shell, on one CPU as everything here; and with a RAM disk for a guest.
$(B)/bench-boot.iso: mk/bench.mk $(B)/zazen.elf $(B)/dom0-kernel.elf $(B)/initramfs.cpio tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "$(HV_CMDLINE)" $(B)/dom0-kernel.elf "$(DOM0_CMDLINE)" $(B)/initramfs.cpio ""
$(B)/bench-disk.iso: mk/bench.mk $(B)/zazen.elf $(BENCH_K)/dom0-kernel.elf $(BENCH_K)/initramfs.cpio tools/host/mkiso.sh
	tools/host/mkiso.sh $@ $(B)/zazen.elf "$(HV_CMDLINE)" $(BENCH_K)/dom0-kernel.elf "$(DOM0_CMDLINE) ramdisk=64" \
		$(BENCH_K)/initramfs.cpio ""
# dom0's disk with the measuring programs in /bench.
$(B)/bench-disk.img: $(B)/dom0.img $(B)/bench/dbench $(B)/bench/xencount $(B)/bench-guest.cpio tests/bench/gbench.xml
	cp --sparse=always $(B)/dom0.img $@.new
	printf '%s\n' "mkdir bench" "cd bench" "write $(B)/bench/dbench dbench" "write $(B)/bench/xencount xencount" \
		"write $(B)/bench-guest.cpio guest.cpio" "write tests/bench/gbench.xml gbench.xml" "sif dbench mode 0100755" \
		"sif xencount mode 0100755" | /sbin/debugfs -w -f - "$@.new?offset=1048576" >/dev/null 2>&1
	mv $@.new $@

# Initramfs images: measurements as /init, and a program that only ends; the guest's.
$(B)/bench/%: tests/bench/%.c tests/bench/privcmd.h
	@mkdir -p $(@D)
	$(CC) $(COMMON_CFLAGS) -Iinclude -static -Wl,--build-id=none $< -o $@
$(B)/bench.cpio: $(B)/bench/ubench $(B)/bench/nothing tools/host/mkbenchfs.sh
	fakeroot tools/host/mkbenchfs.sh $@ $(B)/bench/ubench $(B)/bench/nothing
$(B)/bench-guest.cpio: $(B)/bench/dbench tools/host/mkbenchfs.sh
	fakeroot tools/host/mkbenchfs.sh $@ $(B)/bench/dbench
