#!/bin/bash
# SPDX-License-Identifier: MIT
# stock-xenstore.sh XENSTORED DEBS: Debian's xenstore-utils against our xenstored, through its socket.
set -u
daemon=$1 debs=$2
dir=$(mktemp -d) pass=0 fail=0
export XENSTORED_PATH=$dir/socket
LD_LIBRARY_PATH=$(printf '%s:' "$debs"/{libxenstore4,libxentoolcore1}/usr/lib/x86_64-linux-gnu)
export LD_LIBRARY_PATH
bin=$debs/xenstore-utils/usr/bin
"$daemon" --no-fork --no-domains --pid-file "$dir/pid" 2>"$dir/log" & pid=$!
trap 'kill $pid 2>/dev/null; wait; rm -rf "$dir"' EXIT
for _ in $(seq 50); do [ -S "$XENSTORED_PATH" ] && break; sleep 0.1; done

is() {  # name, expected, actual
    if [ "$2" = "$3" ]; then pass=$((pass + 1)); else
        fail=$((fail + 1)); printf 'FAILED %s\n expected: %q\n got:      %q\n' "$1" "$2" "$3"; fi
}
is "write" "" "$("$bin"/xenstore-write /t/a one /t/b 'two words' 2>&1)"
is "read" $'one\ntwo words' "$("$bin"/xenstore-read /t/a /t/b)"
is "list" $'a\nb' "$("$bin"/xenstore-list /t)"
is "ls -f" $'/t/a = "one"\n/t/b = "two words"' "$("$bin"/xenstore-ls -f /t)"
"$bin"/xenstore-exists /t/a; is "exists" 0 $?
"$bin"/xenstore-exists /t/x; is "exists, absent" 1 $?
is "read, absent" "xenstore-read: couldn't read path /t/x" "$("$bin"/xenstore-read /t/x 2>&1)"
is "chmod" "" "$("$bin"/xenstore-chmod /t/a n0 r5 w6 2>&1)"
is "ls -p" $'/t/a = "one"   (n0,r5,w6)\n/t/b = "two words"   (n0)' "$("$bin"/xenstore-ls -fp /t)"
timeout 10 "$bin"/xenstore-watch -n 3 /t >"$dir/events" & watcher=$!
for _ in $(seq 50); do [ -s "$dir/events" ] && break; sleep 0.1; done
"$bin"/xenstore-write /t/c/d 1
"$bin"/xenstore-rm /t/c
wait $watcher
is "watch" $'/t\n/t/c/d\n/t/c' "$(cat "$dir/events")"
is "rm" $'a\nb' "$("$bin"/xenstore-list /t)"
# A directory too large for one message is read in parts.
seq -f '/big/a-rather-long-name-%g v' 500 | xargs -n 100 "$bin"/xenstore-write
is "large directory" "$(seq -f 'a-rather-long-name-%g' 500 | sha256sum)" "$("$bin"/xenstore-list /big | sha256sum)"
# Twenty clients at once, each in a transaction (xenstore-write uses one), all on the same directory.
for i in $(seq 20); do "$bin"/xenstore-write "/many/$i" "$i" & clients="${clients:-} $!"; done
wait ${clients:-}
is "concurrent clients" 20 "$("$bin"/xenstore-list /many | wc -l)"
# Garbage on the socket closes that connection only.
python3 - "$XENSTORED_PATH" <<'P'
import os, socket, sys
for size in (1, 15, 16, 100, 5000):
    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
    try: s.sendall(os.urandom(size))
    except OSError: pass
    s.close()
P
is "after garbage" "one" "$("$bin"/xenstore-read /t/a)"
# Xen's own xenstore test, with the libraries of libxen-dev that the host has.
is "test-xenstore" 0 "$(LD_LIBRARY_PATH= "$debs"/xen-utils-4.17/usr/lib/xen-4.17/bin/test-xenstore -i 50 >"$dir/tx" 2>&1; echo $?)"
is "second daemon" 1 "$("$daemon" --no-fork --no-domains --pid-file "$dir/pid2" >/dev/null 2>&1; echo $?)"
is "read-only socket" $'xenstore-write: could not write path /ro' \
    "$(XENSTORED_PATH=$XENSTORED_PATH"_ro" "$bin"/xenstore-write /ro x 2>&1)"
kill $pid; wait $pid; is "ends cleanly" 0 $?
[ $fail -eq 0 ] || cat "$dir/log"
echo "$pass passed, $fail failed"
[ $fail -eq 0 ]
