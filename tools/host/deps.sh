#!/bin/bash
# SPDX-License-Identifier: MIT
# deps.sh [-y]: installs the Debian packages of mk/packages.list that are missing here. Says which and how
# much, asks first unless -y is given, CI is set or root runs it; without root it uses sudo, or prints the line to type.
set -eu
cd "$(dirname "$0")/../.."
yes=${CI:+1}
[ "${1:-}" = -y ] && yes=1
[ "$(id -u)" = 0 ] && yes=1
mapfile -t wanted < <(sed 's/#.*//' mk/packages.list | tr -s ' \t' '\n' | grep . | sort -u)
missing=()
for package in "${wanted[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null; then root=(sudo); else
        echo "zazen: these Debian packages are missing; as root, type:" >&2
        echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
fi
echo "zazen: missing Debian packages: ${missing[*]}"
if ! apt-cache show "${missing[@]}" >/dev/null 2>&1; then "${root[@]}" apt-get -qq update; fi
apt-get install --no-install-recommends -s "${missing[@]}" >/dev/null || {
    echo "zazen: apt cannot install them; see the message above" >&2; exit 1; }
apt-get install --no-install-recommends --assume-no "${missing[@]}" 2>/dev/null | grep -E 'Need to get|After this' || true
if [ -z "$yes" ]; then
    read -r -p "Install them? [Y/n] " answer </dev/tty
    case "$answer" in ''|[Yy]*) ;; *) exit 1 ;; esac
fi
DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get -y -qq install --no-install-recommends "${missing[@]}" >/dev/null
