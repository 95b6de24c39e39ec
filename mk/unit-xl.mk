# SPDX-License-Identifier: MIT
# Unit test of xl, on the build host: xl itself with sanitizers, the libraries as they are, our xenstored as the store.

UXL     := $(B)/unit/xl/xl
UXL_SRC := $(wildcard tools/xl/*.c)
UXL_LIB := $(addprefix $(B)/tools/,libzxstream.a libzxbuild.a libzxxml.a libzx.a)

$(UXL): tests/unit/xl/test_xl.c $(UXL_SRC) $(UXL_LIB) $(shell find tools include -name '*.h')
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g $(WARN) -Wno-missing-prototypes -fno-strict-aliasing -fno-omit-frame-pointer \
		-fsanitize=address,undefined -fno-sanitize-recover=undefined -D_GNU_SOURCE -Itools/include -Iinclude \
		-Dmain=xl_main -c tools/xl/main.c -o $(@D)/main.o
	$(CC) -std=gnu11 -O1 -g $(WARN) -Wno-missing-prototypes -fno-strict-aliasing -fno-omit-frame-pointer \
		-fsanitize=address,undefined -fno-sanitize-recover=undefined -D_GNU_SOURCE -Itools/include -Iinclude \
		tests/unit/xl/test_xl.c $(@D)/main.o $(filter-out %/main.c,$(UXL_SRC)) $(UXL_LIB) -lcmocka -lxml2 -lz -llzma -llz4 \
		-lzstd -o $@
.PHONY: unit-xl
unit-xl: $(UXL) $(B)/tools/xenstored
	$(UXL) $(B)/tools/xenstored
UNIT_TARGETS += unit-xl
