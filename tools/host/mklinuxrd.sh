#!/bin/bash
# SPDX-License-Identifier: MIT
# mklinuxrd.sh OUT BUSYBOX LINUX FILES: the initrd of the stock Linux guest, an uncompressed cpio: static busybox and its applets from
# the unpacked package BUSYBOX, xen-blkfront.ko from the unpacked kernel package LINUX, inittab and rcS from FILES. Reproducible.
set -euo pipefail
out=$(realpath -m "$1") busybox=$2/bin/busybox linux=$3 files=$4
root=$out.root
rm -rf "$root"; mkdir -p "$root"/{bin,sbin,dev,proc,sys,mnt,lib,etc,root,tmp}
install -m755 "$busybox" "$root/bin/busybox"
"$busybox" --list-full | while read -r applet; do
    case $applet in sbin/*|usr/sbin/*) dir=sbin ;; *) dir=bin ;; esac
    [ "${applet##*/}" = busybox ] || ln -sf /bin/busybox "$root/$dir/${applet##*/}"
done
ln -s /bin/busybox "$root/init"
install -m644 "$(find "$linux/lib/modules" -name xen-blkfront.ko)" "$root/lib/"
install -m755 "$files/rcS" "$root/etc/"
install -m644 "$files/inittab" "$root/etc/"
echo 'export PS1="$(hostname)# " PATH=/bin:/sbin HOME=/root' > "$root/etc/profile"
find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
(cd "$root" && find . | sort | cpio -o -H newc --quiet --reproducible -R 0:0) > "$out"
rm -rf "$root"
