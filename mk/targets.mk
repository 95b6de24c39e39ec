# SPDX-License-Identifier: MIT
# What a person types.

.PHONY: run debug check check-full check-unit mutants list-unit deps
deps:
	@tools/host/deps.sh

run: deps
	@$(MAKE) -s all
	@tools/host/run.py $(if $(FRESH),--fresh)

debug: deps
	@$(MAKE) -s all
	@echo "zazen: in another terminal: gdb build/zazen.elf -ex 'target remote :1234'"
	@EMU=tcg tools/host/run.py --gdb $(if $(FRESH),--fresh)

check: deps
	@$(MAKE) -s all
	@tools/host/check.py

check-full: deps
	@$(MAKE) -s all
	@tools/host/check.py --full

check-unit: deps
	@tools/host/check.py --unit

# MUTANT=word: only those with that word in their name; SYSTEM=no: only those that unit tests must notice
mutants: deps
	@$(MAKE) -s code $(DEB_STAMP)
	@tests/mutants/run.py $(if $(filter no,$(SYSTEM)),--no-system) $(MUTANT)

list-unit:
	@echo $(UNIT_TARGETS)

help:
	@echo "make run          boot the ISO on the best host here (EMU=kvm|tcg|bochs, CPUS=, MEMORY=, FRESH=1)"
	@echo "make check        unit and system tests, at most 25 minutes; last line: N passed, M failed"
	@echo "make check-full   every matrix; make check-unit: only what runs on the build host"
	@echo "make mutants      breaks one line after the other and sees that a test notices (MUTANT=word, SYSTEM=no)"
	@echo "make bench        instruction counts against tests/bench/baseline.txt (BASELINE=update rewrites it; a few minutes)"
	@echo "make debug        like run, QEMU waiting for gdb on port 1234"
	@echo "make              build/zazen.iso build/zazen.elf build/dom0.img"
	@echo "make code         only what is compiled; make clean removes build/ (run/ stays)"
	@echo "Missing Debian packages (mk/packages.list) are installed after asking: make deps"
