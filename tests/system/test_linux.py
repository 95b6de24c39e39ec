# SPDX-License-Identifier: MIT
"""Debian's stock cloud kernel as a guest of our dom0: /etc/xen/linux-cloud.xml, its disk by the package's own xen-blkfront.

The kernel and the module are the package's, the user space is Debian's busybox: what fails here is ours. At the end
stock e2fsck judges the disk on the build host."""
import hashlib
import re

import pytest
from guests import Console, create, fsck_guest, power_off, sha, wait_memory

XML = "/etc/xen/linux-cloud.xml"
# What Linux says when something below it is wrong.
COMPLAINTS = r"WARNING:|BUG|Oops|Call Trace|unchecked MSR|XSAVE consistency|soft lockup|rcu.*stall|I/O error|EXT4-fs error|" \
             r"failed|mismatch|\[Firmware Bug\]|timed out|unable to"
# And says on every Xen, or without the hardware that no guest has.
USUAL = r"PCI: Fatal: No config space|Failed to register legacy timer|Fast TSC calibration failed|" \
        r"calibrate_delay_direct\(\) failed|calibration failed|tsc: Marking TSC unstable|Invalid max_queues|" \
        r"TPM|failed to get a good estimate|Unable to sync RTC|persistent clock|RETBleed|Spectre"


def linux_xml(dom0, vcpus, name="linux"):
    """A variant of the example with another number of vCPUs."""
    dom0.run(f"sed -e 's,<vcpu>2<,<vcpu>{vcpus}<,' {XML} > /tmp/{name}.xml")
    return f"/tmp/{name}.xml"


def check_dmesg(text, vcpus):
    for wanted in ("Hypervisor detected: Xen", "Booting kernel on Xen PVH", "Using FIFO-based ABI", "clocksource xen",
                   r"blkfront: xvda: flush diskcache: enabled", rf"smp: Brought up 1 node, {vcpus} CPU"):
        assert re.search(wanted, text), f"{wanted}\n{text}"
    bad = [line for line in text.splitlines() if re.search(COMPLAINTS, line) and not re.search(USUAL, line)]
    assert not bad, "\n".join(bad)


def shut_down(dom0, verb="shutdown"):
    status, out = dom0.status(f"xl {verb} -w linux", timeout=120)
    assert status == 0, out


def mem_total(guest):
    return int(re.search(r"MemTotal: +(\d+)", guest.run("cat /proc/meminfo")).group(1))


@pytest.mark.cost(15)
@pytest.mark.parametrize("vcpus", [2, pytest.param(1, marks=pytest.mark.full), pytest.param(4, marks=pytest.mark.full)])
def test_boot_and_disk(dom0, rng, vcpus):
    create(dom0, "linux", linux_xml(dom0, vcpus))
    word, lines = f"{rng.getrandbits(60):x}", rng.randrange(100, 3000 if dom0.kind != "bochs" else 300)
    with Console(dom0, "linux") as guest:
        check_dmesg(guest.run("dmesg"), vcpus)
        assert guest.run("cat /sys/devices/system/clocksource/clocksource0/current_clocksource").strip() == "xen"
        assert guest.run("uname -r").strip().endswith("cloud-amd64")
        # made on the build host, read through our back end
        out = guest.run("cd /mnt; echo 3 > /proc/sys/vm/drop_caches; sha256sum -c sums; cd /", 120)
        assert out.count(": OK") == 2, out
        # made by the guest, read by dom0 from the image
        guest.run(f"i=0; while [ $i -lt {lines} ]; do echo {word}-$i; i=$((i+1)); done > /mnt/{word}; sync", 120)
        expected = hashlib.sha256("".join(f"{word}-{i}\n" for i in range(lines)).encode()).hexdigest()
        assert sha(guest.run(f"sha256sum /mnt/{word}")) == expected
        assert "I/O error" not in guest.run("dmesg | tail -5")
    shut_down(dom0)
    status, out = dom0.status("e2fsck -fn /var/lib/xen/images/linux.img", timeout=60)
    assert status == 0, out
    dom0.run(f"debugfs -R 'dump /{word} /tmp/out' /var/lib/xen/images/linux.img")
    assert sha(dom0.run("sha256sum /tmp/out")) == expected


@pytest.mark.cost(25)
def test_balloon_and_reboot(dom0):
    """mem-set down and back with MemTotal agreeing; then a reboot through the store: the file is still there."""
    create(dom0, "linux", XML)
    with Console(dom0, "linux") as guest:
        before = mem_total(guest)
        guest.run("echo kept > /mnt/kept; sync")
    assert dom0.status("xl mem-set linux 128")[0] == 0
    wait_memory(dom0, "linux", lambda mem: mem <= 129)
    with Console(dom0, "linux") as guest:
        assert abs(before - mem_total(guest) - 64 * 1024) <= 2048
    assert dom0.status("xl mem-set linux 192")[0] == 0
    wait_memory(dom0, "linux", lambda mem: mem >= 191)
    with Console(dom0, "linux") as guest:
        assert abs(before - mem_total(guest)) <= 1024
    domid = dom0.run("xl domid linux").strip()
    status, out = dom0.status("xl reboot -w linux", timeout=120)
    assert status == 0, out
    for _ in range(30):
        again = dom0.run("sleep 1; xl domid linux").strip()
        if again.isdigit() and again != domid:
            break
    with Console(dom0, "linux") as guest:
        assert guest.run("cat /mnt/kept").strip() == "kept"
    shut_down(dom0)


@pytest.mark.last
@pytest.mark.cost(25)
def test_disk_is_clean_on_the_build_host(dom0, workdir, rng):
    """Last: Linux is told to power off by dom0's own shutdown, in the middle of writing."""
    create(dom0, "linux", XML)
    with Console(dom0, "linux") as guest:
        count = rng.randrange(100, 1000)
        guest.run(f"dd if=/dev/urandom of=/mnt/noise bs=4k count={count}; (while :; do date >> /mnt/log; done) & true")
    part = power_off(dom0, workdir)
    fsck_guest(part, "linux.img", workdir)
