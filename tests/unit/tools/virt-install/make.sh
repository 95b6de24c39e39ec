#!/bin/bash
# SPDX-License-Identifier: MIT
# make.sh: writes the XML files beside it by Debian's virt-install (package virtinst 1:4.1.0-2). It asks a connection what the
# host can do; here it is libvirt's test driver that says it is Xen, with what libxl says of a PVH host (caps.xml).
# Run by hand when virt-install changes; the tests read what it wrote.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
truncate -s 1M "$work/disk.img" "$work/ro.img"
touch "$work/kernel" "$work/initrd"
uri="__virtinst_test__test:///default,predictable,caps=$PWD/caps.xml,fakeuri=xen:///,libver=9000000"
vi() { # name, options
    local name=$1
    shift
    virt-install --connect "$uri" --print-xml --virt-type xen --arch x86_64 --import --name "$name" --osinfo generic "$@" |
        sed "s,$work/disk.img,/var/lib/xen/images/guest1.img,; s,$work/ro.img,/var/lib/xen/images/ro.img,
             s,$work/kernel,/usr/lib/zazen/guest-kernel.elf,; s,$work/initrd,/usr/lib/zazen/initrd,; /^\$/d" >"$name.xml"
}
pvh="os_type=xenpvh,machine=xenpvh,kernel=$work/kernel"
plain="--network none --graphics none"

vi plain --memory 128 --boot "$pvh,kernel_args=root=/dev/xvda console=hvc0" $plain \
    --disk "path=$work/disk.img,format=raw,bus=xen,target=xvda"
vi full --memory 256,maxmemory=512 --vcpus 2,maxvcpus=4,cpuset=0-1 $plain \
    --boot "$pvh,initrd=$work/initrd,kernel_args=root=/dev/xvda" \
    --disk "path=$work/disk.img,bus=xen,target=xvda,driver.name=file,driver.type=raw,cache=none" \
    --disk "path=$work/ro.img,readonly=on,bus=xen" \
    --console pty,target.type=xen --memballoon model=xen \
    --events on_poweroff=destroy,on_reboot=restart,on_crash=preserve \
    --metadata title="A title",description="words & more" --cputune shares=300,period=100000,quota=50000,vcpupin0.vcpu=1,vcpupin0.cpuset=0
vi extras --memory 128 --boot "$pvh" --disk none $plain --memballoon none --clock offset=utc --pm suspend_to_disk=no \
    --controller xenbus --input keyboard,bus=xen --rng /dev/urandom --panic default --watchdog default --sound none \
    --cpu host-passthrough --features acpi=on --seclabel type=none --channel spicevmc --serial pty
vi osinfo --memory 128 --osinfo debian11 --boot "$pvh" --disk none $plain
vi refused-network --memory 128 --boot "$pvh" --disk none --network bridge=br0 --graphics none
vi refused-graphics --memory 128 --boot "$pvh" --disk none --network none --graphics vnc
vi refused-pv --memory 128 --paravirt --boot "kernel=$work/kernel" --disk none $plain
vi refused-qcow2 --memory 128 --boot "$pvh" --disk "path=$work/disk.img,format=raw,driver.type=qcow2,bus=xen" $plain
