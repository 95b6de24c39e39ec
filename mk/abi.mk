# SPDX-License-Identifier: MIT
# Our interface headers against libxen-dev's: every size, offset and constant.
.PHONY: unit-abi
unit-abi:
	@python3 tests/abi/abi.py include /usr/include/xen $(B)/tests/abi
UNIT_TARGETS += unit-abi
