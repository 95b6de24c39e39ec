#!/bin/bash
# SPDX-License-Identifier: MIT
# mkroot.sh ROOT OVERLAY DEBDIR PACKAGE...: a root file system tree in ROOT: the unpacked packages without
# documentation, busybox's applet links where no package brings the program, and OVERLAY copied on top.
set -euo pipefail
root=$1 overlay=$2 debs=$3; shift 3
rm -rf "$root"; mkdir -p "$root"
# merged /usr, as Debian 12 has it
mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
for d in bin sbin lib lib64; do ln -s "usr/$d" "$root/$d"; done
for package; do
    from=$debs/unpacked/$package
    for part in bin sbin lib lib64; do
        [ -d "$from/$part" ] && cp -a "$from/$part/." "$root/usr/$part/"
    done
    (cd "$from" && find . -mindepth 1 -maxdepth 1 ! -name bin ! -name sbin ! -name lib ! -name lib64 -exec cp -a --parents {} "$OLDPWD/$root/" \;)
done
rm -rf "$root"/usr/share/{doc,man,locale,info,lintian,bug,doc-base,gcc,python3/debpython} "$root"/usr/lib/x86_64-linux-gnu/{gconv,audit}
mkdir -p "$root"/{dev,proc,sys,run,tmp,root,mnt,etc,var/log,var/tmp,var/lib}
chmod 1777 "$root/tmp" "$root/var/tmp"
ln -sfn ../run "$root/var/run"
busybox=$root/usr/bin/busybox
if [ -f "$busybox" ]; then
    "$busybox" --list-full | while read -r applet; do
        name=${applet##*/}; dir=usr/bin
        case "$applet" in sbin/*|usr/sbin/*) dir=usr/sbin ;; esac
        [ -e "$root/usr/bin/$name" ] || [ -L "$root/usr/bin/$name" ] || [ -e "$root/usr/sbin/$name" ] || [ -L "$root/usr/sbin/$name" ] ||
            ln -s "$([ $dir = usr/bin ] && echo busybox || echo ../bin/busybox)" "$root/$dir/$name"
    done
fi
cp -a "$overlay/." "$root/"
