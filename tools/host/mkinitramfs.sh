#!/bin/bash
# SPDX-License-Identifier: MIT
# mkinitramfs.sh OUT DEBDIR INIT [FILE=PATH...]: a small uncompressed newc archive: busybox (and links), e2fsck where
# the package is there, INIT as /init. Run under fakeroot. Reproducible.
set -euo pipefail
out=$1 debs=$2 init=$3; shift 3
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{bin,dev,proc,sys,root,tmp}
cp "$debs/unpacked/busybox-static/bin/busybox" "$work/bin/"
"$work/bin/busybox" --list | while read -r applet; do [ -e "$work/bin/$applet" ] || ln -s busybox "$work/bin/$applet"; done
[ -d "$debs/unpacked/e2fsck-static" ] && install -m 755 "$debs"/unpacked/e2fsck-static/sbin/e2fsck.static "$work/bin/e2fsck"
install -m 755 "$init" "$work/init"
mknod -m 600 "$work/dev/console" c 5 1
mknod -m 666 "$work/dev/null" c 1 3
for pair; do install -D -m 755 "${pair#*=}" "$work/${pair%%=*}"; done
find "$work" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
chown -Rh 0:0 "$work"
(cd "$work" && find . -mindepth 1 | sort | cpio --quiet -o -H newc --reproducible) > "$out.new"
mv "$out.new" "$out"
