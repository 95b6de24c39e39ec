# SPDX-License-Identifier: MIT
# Unit tests of dom0's tools, on the build host with AddressSanitizer and UndefinedBehaviorSanitizer.

UT      := $(B)/unit/tools
UT_DIR  := tests/unit/tools
UT_CFLAGS := -std=gnu11 -O1 -g $(WARN) -Wno-missing-prototypes -fno-strict-aliasing -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined -D_GNU_SOURCE -Itools/include -Iinclude
UT_HDR  := $(shell find tools include -name '*.h')

# unit NAME, sources, flags, libraries, what else must be built
define UT_TEST
$(UT)/$(1): $(UT_DIR)/test_$(1).c $(2) $(UT_HDR)
	@mkdir -p $$(@D)
	$$(CC) $$(UT_CFLAGS) $(3) $(UT_DIR)/test_$(1).c $(2) -lcmocka $(4) -o $$@
.PHONY: unit-tools-$(1)
unit-tools-$(1): $(UT)/$(1) $(5)
	$(UT)/$(1)
UNIT_TARGETS += unit-tools-$(1)
endef

UT_LIB := tools/lib/util.c tools/lib/xs_errors.c
$(eval $(call UT_TEST,xenstored,$(filter-out %/main.c %/xen.c %/sock.c,$(wildcard tools/xenstored/*.c)) $(UT_LIB)))
$(eval $(call UT_TEST,client,tools/lib/xs.c tools/lib/xs_ops.c tools/lib/console_ring.c $(UT_LIB),,,$(B)/tools/xenstored))
$(eval $(call UT_TEST,domxml,$(wildcard tools/xml/*.c) $(UT_LIB),$(XML_CFLAGS),-lxml2))

# Our examples and what the writer prints must pass libvirt's own schema (Debian's libvirt0, unpacked only).
$(B)/deb/unpacked/libvirt0: tools/host/fetch-debs.sh
	tools/host/fetch-debs.sh $(B)/deb libvirt0
	@touch $@
.PHONY: unit-tools-schema
unit-tools-schema: $(B)/deb/unpacked/libvirt0 $(UT)/domxml
	@WRITE_TO=$(UT)/written.xml $(UT)/domxml >/dev/null 2>&1
	@n=0; for f in tools/etc/xen/*.xml $$(ls tests/unit/tools/virt-install/*.xml | grep -v caps.xml) $(UT)/written.xml; do \
		xmllint --nonet --noout --relaxng $</usr/share/libvirt/schemas/domain.rng $$f; n=$$((n+1)); done; \
		echo "$$n passed, 0 failed"
UNIT_TARGETS += unit-tools-schema

# The builder's pure parts, with Debian's cloud kernel (legacy LZ4) as an image that must load.
UT_BUILD := $(addprefix tools/builder/,elf.c unpack.c image.c layout.c acpi.c)
UT_KERNEL := linux-image-$(shell uname -m | sed 's/x86_64/cloud-amd64/')
$(UT)/image: $(UT_DIR)/test_image.c $(UT_BUILD) $(UT_LIB) $(UT_HDR)
	@mkdir -p $(@D)
	$(CC) $(UT_CFLAGS) $(UT_DIR)/test_image.c $(UT_BUILD) $(UT_LIB) -lcmocka $(LIBZXBUILD_LIBS) -o $@
# linux-image-cloud-amd64 only names the package with the version in it.
$(UT)/vmlinuz: tools/host/fetch-debs.sh
	@mkdir -p $(@D)
	p=$$(apt-cache depends $(UT_KERNEL) | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -1); \
		tools/host/fetch-debs.sh $(B)/deb $$p && cp $(B)/deb/unpacked/$$p/boot/vmlinuz-* $@
.PHONY: unit-tools-image
unit-tools-image: $(UT)/image $(UT)/vmlinuz
	$(UT)/image $(UT)/vmlinuz
UNIT_TARGETS += unit-tools-image

# Debian's own clients against our daemon, both as they are.
UT_XS_DEBS := xenstore-utils libxenstore4 libxentoolcore1 xen-utils-4.17
$(addprefix $(B)/deb/unpacked/,$(UT_XS_DEBS)): tools/host/fetch-debs.sh
	tools/host/fetch-debs.sh $(B)/deb $(UT_XS_DEBS)
	@touch $@
.PHONY: unit-tools-stock-xenstore
unit-tools-stock-xenstore: $(B)/tools/xenstored $(addprefix $(B)/deb/unpacked/,$(UT_XS_DEBS))
	$(UT_DIR)/stock-xenstore.sh $< $(B)/deb/unpacked
UNIT_TARGETS += unit-tools-stock-xenstore

# Our tools on a stock Xen (3 minutes, QEMU): not part of the unit tests.
.PHONY: interop-tools
interop-tools: $(B)/tools/xenstored $(B)/tools/xenconsoled $(LIBZX) $(LIBZXBUILD)
	tests/interop/stock-xen.sh $(B)

# Our guest kernel on a stock Xen (touchstone 3), with our tools: a minute.
.PHONY: interop-guest
interop-guest: $(B)/guest-kernel.elf $(B)/tools/xenstored $(B)/tools/xenconsoled $(LIBZX) $(LIBZXBUILD)
	tests/interop/stock-xen.sh $(B) $< "console=hvc0 rdinit=/init"

# Our xenstored and Debian's given the same random requests, both on a make-believe hypervisor: they must agree.
UT_STOCK_XS := $(B)/deb/unpacked/xen-utils-4.17/usr/lib/xen-4.17/bin/xenstored
$(UT)/xenstored-fake: $(filter-out %/xen.c,$(wildcard tools/xenstored/*.c)) $(UT_DIR)/fake_xen.c $(UT_LIB) $(UT_HDR)
	@mkdir -p $(@D)
	$(CC) $(UT_CFLAGS) $(filter %.c,$^) -o $@
$(UT)/fake_libs.so: $(UT_DIR)/fake_libs.c
	@mkdir -p $(@D)
	$(CC) -shared -fPIC -O1 -Wall -Wextra -Werror $< -o $@
.PHONY: unit-tools-xs-agree
unit-tools-xs-agree: $(UT)/xenstored-fake $(UT)/fake_libs.so $(addprefix $(B)/deb/unpacked/,$(UT_XS_DEBS))
	@p=0; f=0; for seed in 1 2 3; do \
		$(UT_DIR)/xs-agree.py $(UT)/xenstored-fake $(UT_STOCK_XS) $(UT)/fake_libs.so $$seed && p=$$((p+1)) || f=$$((f+1)); \
		done; echo "$$p passed, $$f failed"; [ $$f -eq 0 ]
UNIT_TARGETS += unit-tools-xs-agree

# The console daemon whole: ptys, rotated logs, hostile rings, restarts.
$(UT)/xenconsoled-fake: $(wildcard tools/xenconsoled/*.c) $(UT_DIR)/fake_console.c $(UT_LIB) \
		$(addprefix tools/lib/,xs.c xs_ops.c console_ring.c) $(UT_HDR)
	@mkdir -p $(@D)
	$(CC) $(UT_CFLAGS) $(filter %.c,$^) -lutil -o $@
.PHONY: unit-tools-console
unit-tools-console: $(UT)/xenconsoled-fake $(UT)/xenstored-fake
	$(UT_DIR)/console-daemon.py $^
UNIT_TARGETS += unit-tools-console
