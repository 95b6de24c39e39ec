# SPDX-License-Identifier: MIT
# build/fs.cpio: the file-system tests' only program as /init (tests/fs).
$(B)/fsinit: tests/fs/fsinit.c tests/fs/fsmore.h
	@mkdir -p $(@D)
	$(CC) -static -O2 -Wall -Wextra -Wno-unused-result -pthread -o $@.new $<
	mv $@.new $@
$(B)/fs.cpio: $(B)/fsinit
	rm -rf $(B)/fs-root && mkdir -p $(B)/fs-root/dev
	install -m755 $< $(B)/fs-root/init
	strip $(B)/fs-root/init
	cd $(B)/fs-root && fakeroot sh -c 'mknod -m 600 dev/console c 5 1; \
		find . -mindepth 1 | cpio -o -H newc --quiet --reproducible -R 0:0' > ../fs.cpio.new
	mv $(B)/fs.cpio.new $@
