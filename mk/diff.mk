# SPDX-License-Identifier: MIT
# build/diff.cpio: the differential run's only program as /init, for Debian's kernel and ours alike.
DIFF_C := $(wildcard tests/diff/*.c)
$(B)/diffprog: $(DIFF_C) tests/diff/case.h
	@mkdir -p $(@D)
	$(CC) -static -O1 -w -Werror=implicit-function-declaration -o $@.new $(DIFF_C) -lutil -lm -lrt
	mv $@.new $@
$(B)/diff.cpio: $(B)/diffprog
	rm -rf $(B)/diff-root && mkdir -p $(B)/diff-root/dev
	install -m755 $< $(B)/diff-root/init
	strip $(B)/diff-root/init
	cd $(B)/diff-root && fakeroot sh -c 'mknod -m 600 dev/console c 5 1; mknod -m 666 dev/null c 1 3; \
		find . -mindepth 1 | cpio -o -H newc --quiet --reproducible -R 0:0' > ../diff.cpio.new
	mv $(B)/diff.cpio.new $@
$(B)/diff-linux: tools/host/fetch-debs.sh
	tools/host/fetch-debs.sh $(B)/deb $(LINUX_PKG)
	cp $(B)/deb/unpacked/$(LINUX_PKG)/boot/vmlinuz-* $@
