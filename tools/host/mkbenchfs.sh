#!/bin/bash
# SPDX-License-Identifier: MIT
# mkbenchfs.sh OUT INIT PROGRAM...: a newc archive with INIT as /init and the programs in /bin. Run under fakeroot.
set -euo pipefail
out=$1 init=$2; shift 2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{bin,dev,proc,tmp}
install -m 755 "$init" "$work/init"
for program; do install -m 755 "$program" "$work/bin/"; done
mknod -m 600 "$work/dev/console" c 5 1
mknod -m 666 "$work/dev/null" c 1 3
find "$work" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
chown -Rh 0:0 "$work"
(cd "$work" && find . -mindepth 1 | sort | cpio --quiet -o -H newc --reproducible) > "$out.new"
mv "$out.new" "$out"
