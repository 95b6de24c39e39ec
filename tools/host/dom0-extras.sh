#!/bin/bash
# SPDX-License-Identifier: MIT
# dom0-extras.sh ROOT BUILD: adds what this build made to dom0's tree: the tools, the guest kernel, the guests' disks.
set -euo pipefail
root=$1 build=$2
for tool in xl xenstored xenconsoled; do
    [ -x "$build/tools/$tool" ] && install -D -m 755 "$build/tools/$tool" "$root/usr/sbin/$tool"
done
[ -d tools/etc ] && cp -a tools/etc/. "$root/etc/"
mkdir -p "$root/usr/lib/zazen" "$root/var/lib/xen/images"
[ -f "$build/guest-kernel.elf" ] && strip -g -o "$root/usr/lib/zazen/guest-kernel.elf" "$build/guest-kernel.elf"
for name in guest1 guest2; do cp --sparse=always "$build/guest1.img" "$root/var/lib/xen/images/$name.img"; done
for file in vmlinuz initrd; do cp "$build/linux-guest/$file" "$root/var/lib/xen/images/linux-cloud.$file"; done
cp --sparse=always "$build/linux-guest/disk.img" "$root/var/lib/xen/images/linux.img"
