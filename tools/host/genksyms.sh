#!/bin/bash
# SPDX-License-Identifier: MIT
# genksyms.sh IMAGE: assembly of the kernel's symbol table (see kernel/init/panic.c): count, then (offset from _text,
# name offset) pairs by address, then the names.
set -eu
base=$(nm "$1" | awk '$3 == "_text" { print $1 }')
echo 'section .ksyms progbits alloc noexec nowrite align=8'
nm "$1" | LC_ALL=C sort | awk -v base="$base" '
	BEGIN { n = 0; o = 0 }
	tolower($2) == "t" && $3 !~ /\./ && $1 >= base { if ($1 != last) { addr[n] = $1; name[n] = $3; n++ } last = $1 }
	END {
		print "\tdd " n ", 0"
		for (i = 0; i < n; i++) { print "\tdd 0x" substr(addr[i], 9) " - 0x" substr(base, 9) ", " o; o += length(name[i]) + 1 }
		for (i = 0; i < n; i++) print "\tdb \"" name[i] "\", 0"
	}'
