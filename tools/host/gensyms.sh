#!/bin/bash
# SPDX-License-Identifier: MIT
# gensyms.sh IMAGE: an assembly file with the addresses and names of IMAGE's functions, sorted, for its own backtraces.
set -eu
echo 'section .symbols progbits alloc noexec nowrite align=8'
nm "$1" | LC_ALL=C sort | awk '
	BEGIN { n = 0 }
	tolower($2) == "t" && $3 !~ /^stub_|\./ { if ($1 != last) { addr[n] = $1; name[n] = $3; n++ } last = $1 }
	END {
		print "\tdq " n
		for (i = 0; i < n; i++) print "\tdq 0x" addr[i] ", n" i
		for (i = 0; i < n; i++) print "n" i ": db \"" name[i] "\", 0"
	}'
