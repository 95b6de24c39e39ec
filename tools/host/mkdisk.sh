#!/bin/bash
# SPDX-License-Identifier: MIT
# mkdisk.sh [--mbr] [--type ext4] IMAGE SIZE_MIB LABEL TREE: an ext2 (or ext4) image that stock mke2fs fills from TREE, everything
# owned by root (run under fakeroot). --mbr: a disk whose first partition, at 1 MiB, is that file system. Reproducible.
set -euo pipefail
mbr=
fstype=ext2
[ "$1" = --mbr ] && { mbr=1; shift; }
[ "$1" = --type ] && { fstype=$2; shift 2; }
image=$1 size=$2 label=$3 tree=$4
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
uuid=$(printf '%s' "zazen-$label" | sha256sum | sed -E 's/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/\1-\2-\3-\4-\5/')
export MKE2FS_DETERMINISTIC=1 E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH
[ -e "$tree/dev/console" ] || mknod -m 600 "$tree/dev/console" c 5 1
[ -e "$tree/dev/null" ] || mknod -m 666 "$tree/dev/null" c 1 3
chown -Rh 0:0 "$tree"
find "$tree" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
rm -f "$work/fs"
mke2fs -q -t "$fstype" -L "$label" -U "$uuid" -E "hash_seed=$uuid,root_owner=0:0" -d "$tree" "$work/fs" "${size}M"
rm -f "$tree/dev/console" "$tree/dev/null"
# mke2fs 1.47.0 copies the change time, which no tool can set on the host: set it in the image
when=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S)
used=$(dumpe2fs -h "$work/fs" 2>/dev/null | awk -F: '/^Inode count/{t=$2} /^Free inodes/{f=$2} END{print t-f}')
for ((inode = 2; inode <= used; inode++)); do
    echo "set_inode_field <$inode> ctime $when"
    echo "set_inode_field <$inode> atime $when"
done | debugfs -w -f - "$work/fs" >/dev/null 2>&1
e2fsck -fn "$work/fs" >/dev/null
if [ -n "$mbr" ]; then
    rm -f "$image.new"
    truncate -s $((size + 1))M "$image.new"
    printf 'label: dos\nlabel-id: 0x7a617a65\nstart=2048, type=83, bootable\n' | sfdisk -q "$image.new"
    dd if="$work/fs" of="$image.new" bs=1M seek=1 conv=notrunc,sparse status=none
else
    cp --sparse=always "$work/fs" "$image.new"
fi
mv "$image.new" "$image"
