#!/bin/bash
# SPDX-License-Identifier: MIT
# mkiso.sh OUT.iso HYPERVISOR "hypervisor options" [MODULE "module command line"]...
# A bootable ISO: GRUB, text mode, no menu delay, Multiboot2.
set -eu
out=$1 hv=$2 opts=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/boot/grub"
cp "$hv" "$dir/boot/zazen.elf"
strip -g "$dir/boot/zazen.elf" 2>/dev/null || true
{
	echo 'set timeout=0'
	echo 'set default=0'
	echo 'terminal_output console'
	echo 'menuentry "Zazen" {'
	echo "  multiboot2 /boot/zazen.elf $opts"
	n=0
	while [ $# -gt 0 ]; do
		cp "$1" "$dir/boot/module$n"
		echo "  module2 /boot/module$n ${2-}"
		n=$((n + 1))
		shift
		[ $# -gt 0 ] && shift
	done
	echo '}'
} > "$dir/boot/grub/grub.cfg"
find "$dir" -exec touch -d "@${SOURCE_DATE_EPOCH:-1704067200}" {} +
grub-mkrescue -o "$out" "$dir" --compress=no -- -volid ZAZEN >"$out.log" 2>&1 || { cat "$out.log" >&2; exit 1; }
rm -f "$out.log"
