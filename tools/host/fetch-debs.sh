#!/bin/bash
# SPDX-License-Identifier: MIT
# fetch-debs.sh DIR PACKAGE...: downloads Debian packages into DIR/debs and unpacks each into DIR/unpacked/PACKAGE.
# Nothing is installed on the host: these go into images or are only looked at.
set -euo pipefail
dir=$1; shift
mkdir -p "$dir/debs" "$dir/unpacked"
dir=$(cd "$dir" && pwd)
missing=()
for package; do [ -d "$dir/unpacked/$package" ] || missing+=("$package"); done
[ ${#missing[@]} -gt 0 ] || exit 0
options=()
if ! apt-cache show "${missing[@]}" >/dev/null 2>&1; then
    # a machine whose package lists were never fetched: keep our own copy, no root needed
    lists=$dir/apt-lists; mkdir -p "$lists/partial"
    options=(-o "Dir::State::Lists=$lists" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=")
    apt-get "${options[@]}" -qq update
fi
echo "zazen: downloading ${missing[*]}"
(cd "$dir/debs" && apt-get "${options[@]}" -qq download "${missing[@]}" 2> >(grep -v unsandboxed >&2))
for package in "${missing[@]}"; do
    deb=$(ls -t "$dir/debs/${package}"_*.deb | head -1)
    rm -rf "$dir/unpacked/$package.new"
    dpkg-deb -x "$deb" "$dir/unpacked/$package.new"
    mv "$dir/unpacked/$package.new" "$dir/unpacked/$package"
done
