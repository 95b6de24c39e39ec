#!/bin/bash
# SPDX-License-Identifier: MIT
# stock-xen.sh BUILD [KERNEL [CMDLINE]]: our xenstored, xenconsoled, builder and console client on a stock Xen 4.17 with
# Debian's Linux as dom0, in QEMU TCG (AMD-V). The guest is Debian's cloud kernel, or KERNEL: our guest kernel can be
# tried on a stock Xen with it. Nothing is installed; packages are unpacked below BUILD/deb. About 3 minutes.
set -euo pipefail
build=$(cd "$1" && pwd) kernel=${2:-} cmdline=${3:-console=hvc0}
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
fetch() { (cd "$top" && tools/host/fetch-debs.sh "$build/deb" "$@") >/dev/null; }
version() { apt-cache depends "$1" | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -1; }

linux=$(version linux-image-amd64) cloud=$(version linux-image-cloud-amd64)
fetch "$linux" "$cloud" xen-hypervisor-4.17-amd64 busybox-static xenstore-utils libxenstore4 libxentoolcore1 xen-utils-4.17
debs=$build/deb/unpacked
dir=$build/interop; root=$dir/root guest=$dir/guest
rm -rf "$root" "$guest"
mkdir -p "$guest/bin" "$root"/{bin,proc,sys,dev,tmp,run,lib64,lib/x86_64-linux-gnu,mod,guest}
bb=$(ls "$debs"/busybox-static/{usr/,}bin/busybox 2>/dev/null | head -1 || true)

# Statically linked, so that dom0's initramfs needs no library closure.
gcc -static -std=gnu11 -O2 -D_GNU_SOURCE -I"$top/tools/include" -I"$top/include" "$here/create.c" \
    "$build/tools/libzxbuild.a" "$build/tools/libzx.a" -lz -llzma -llz4 -lzstd -o "$root/bin/create"

cp "$bb" "$guest/bin/busybox"
cat >"$guest/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /dev; $b mount -t proc proc /proc; $b mount -t devtmpfs dev /dev
$b echo "GUEST-UP cpus $($b grep -c ^processor /proc/cpuinfo)"
while read -r line; do
    $b echo "GUEST-ECHO $($b echo "$line" | $b sha256sum | $b cut -c1-16)"
    [ "$line" = off ] && $b poweroff -f
done
INIT
chmod +x "$guest/init"
# Not packed, and with the console's node: our kernel takes it too.
mkdir -p "$guest/dev"
(cd "$guest" && fakeroot sh -c 'mknod dev/console c 5 1 && find . | cpio -o -H newc --quiet') >"$root/guest/initrd"

cp "$bb" "$build/tools/xenstored" "$build/tools/xenconsoled" "$root/bin/"
cp "$debs"/xenstore-utils/usr/bin/xenstore "$root/bin/"
for applet in ls read write; do ln -sf xenstore "$root/bin/xenstore-$applet"; done
cp /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
cp /lib/x86_64-linux-gnu/libc.so.6 "$debs"/{libxenstore4,libxentoolcore1}/usr/lib/x86_64-linux-gnu/*.so.* \
    "$root/lib/x86_64-linux-gnu/"
# Stock xl with the libraries it needs (the host has them: libxen-dev depends on them).
utils=$debs/xen-utils-4.17/usr/lib/xen-4.17/bin
mkdir -p "$root"/usr/lib/xen-4.17/bin "$root"/etc/xen "$root"/var/{lib,run,log}/xen
cp "$utils"/{xl,libxl-save-helper,xen-init-dom0,test-xenstore} "$root/usr/lib/xen-4.17/bin/"
ldd "$utils"/{xl,libxl-save-helper,xen-init-dom0,test-xenstore} | awk '$3 ~ /^\// { print $3 }' | sort -u |
    xargs cp -Lt "$root/lib/x86_64-linux-gnu/" /lib/x86_64-linux-gnu/libgcc_s.so.1
touch "$root/etc/xen/xl.conf"
printf '%s\n' 'name = "x1"' 'type = "pvh"' 'kernel = "/guest/kernel"' 'ramdisk = "/guest/initrd"' \
    "extra = \"$cmdline\"" 'memory = 128' 'vcpus = 2' >"$root/etc/x1.cfg"
cp "${kernel:-$(ls "$debs/$cloud"/boot/vmlinuz-*)}" "$root/guest/kernel"
modules=$(echo "$debs/$linux"/lib/modules/*/kernel/drivers)
for m in xen/xen-privcmd xen/xen-evtchn xen/xen-gntdev xen/xenfs/xenfs; do cp "$modules/$m.ko" "$root/mod/"; done
echo "$cmdline" >"$root/guest/cmdline"
[ -z "$kernel" ] || touch "$root/guest/other"
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts; mount -t devpts devpts /dev/pts
for m in xen-privcmd xen-evtchn xen-gntdev xenfs; do insmod /mod/$m.ko; done
mount -t xenfs xenfs /proc/xen
echo DOM0-UP
xenstored && xenconsoled --log=all
xenstore-write /local/domain/0/name Domain-0
echo "STORE $(xenstore-read /local/domain/0/name)"
mkfifo /tmp/in
create g1 128 2 /guest/kernel /guest/initrd "$(cat /guest/cmdline)" 100 </tmp/in & pid=$!
exec 3>/tmp/in
log=/var/log/xen/console/guest-g1.log
for i in $(seq 90); do grep -q GUEST-UP $log 2>/dev/null && break; sleep 1; done
echo hello >&3; sleep 3; echo off >&3; sleep 4
echo "LOG $(grep -c GUEST- $log)"
echo "BALLOON $(xenstore-read /local/domain/1/control/feature-balloon 2>/dev/null)"
kill $pid; xenstore-ls /local/domain/1
cat $log
u=/usr/lib/xen-4.17/bin
$u/test-xenstore -i 20 >/dev/null; echo "TEST-XENSTORE $?"
[ -f /guest/other ] && { echo INTEROP-END; exec sleep 1000; }
# Stock xl, with our daemons under it.
$u/xen-init-dom0
$u/xl destroy 1; echo "XL-DESTROY $?"
$u/xl create /etc/x1.cfg; echo "XL-CREATE $?"
log=/var/log/xen/console/guest-x1.log
for i in $(seq 90); do grep -q GUEST-UP $log 2>/dev/null && break; sleep 1; done
echo "XL-$(grep GUEST-UP $log)"
$u/xl mem-set x1 100; sleep 3; echo "XL-MEM $($u/xl list x1 | awk 'NR == 2 { print $3 }')"
$u/xl vcpu-set x1 1; sleep 2; echo "XL-VCPUS $($u/xl vcpu-list x1 | grep -c -- --p)"
$u/xl save x1 /tmp/save >/dev/null 2>&1; echo "XL-SAVE $?"
$u/xl restore /tmp/save >/dev/null 2>&1; echo "XL-RESTORE $?"
sleep 3; $u/xl destroy x1; echo "XL-END $? $($u/xl list | wc -l) $(xenstore-ls -f /libxl /vm | wc -l)"
echo INTEROP-END
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/dom0.initrd"
zcat "$debs"/xen-hypervisor-4.17-amd64/boot/xen-4.17-amd64.gz >"$dir/xen"

rm -f "$dir/log"
timeout 400 qemu-system-x86_64 -accel tcg -cpu qemu64,+svm,+npt -smp 1 -m 1024 -nographic -no-reboot \
    -kernel "$dir/xen" -append "console=com1 com1=115200,8n1 dom0_mem=512M noreboot guest_loglvl=all" \
    -initrd "$(ls "$debs/$linux"/boot/vmlinuz-*) console=hvc0 quiet loglevel=3,$dir/dom0.initrd" \
    </dev/null >"$dir/log" 2>&1 & qemu=$!
for _ in $(seq 400); do
    sleep 1
    grep -q INTEROP-END "$dir/log" 2>/dev/null && break
    kill -0 $qemu 2>/dev/null || break
done
kill $qemu 2>/dev/null || true
wait $qemu 2>/dev/null || true

pass=0 fail=0
want() { if grep -qE "$2" "$dir/log"; then pass=$((pass + 1)); else fail=$((fail + 1)); echo "FAILED $1 (no /$2/ in $dir/log)"; fi; }
want "dom0 is up" '^DOM0-UP'
want "stock xenstore-read in dom0" '^STORE Domain-0'
want "the kernel loads and starts" '^create: domain 1'
want "the guest reaches its init with 2 CPUs" '^GUEST-UP cpus 2'
want "console input and output" "^GUEST-ECHO $(echo hello | sha256sum | cut -c1-16)"
want "the guest's xenbus" 'feature-poweroff = "1"'
want "console log file" '^LOG [23]'
if [ -z "$kernel" ]; then
    want "stock test-xenstore" '^TEST-XENSTORE 0'
    want "stock xl create" '^XL-CREATE 0'
    want "its guest comes up" '^XL-GUEST-UP cpus 2'
    want "stock xl mem-set" '^XL-MEM 100'
    want "stock xl vcpu-set" '^XL-VCPUS 1'
    want "stock xl save" '^XL-SAVE 0'
    want "stock xl restore" '^XL-RESTORE 0'
    want "stock xl destroy leaves nothing" '^XL-END 0 2 '
fi
echo "$pass passed, $fail failed"
[ $fail -eq 0 ]
