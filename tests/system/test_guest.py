# SPDX-License-Identifier: MIT
"""Rungs f to h: guests from XML with console, disk and balloon, their exits, wrong input, on a booted dom0.

The tests share the machine (guests.py) and run in order; each leaves no domain behind. At the end dom0 powers off and
stock e2fsck judges its disk and the guest's image inside."""
import hashlib
import json
import re

import pytest
from guests import Console, create, free_memory, fsck_guest, image_sha, names, power_off, sha, wait_memory


def test_host_facts(dom0):
    info = dom0.run("xl info")
    for name in ("host", "release", "nr_cpus", "total_memory", "free_memory", "xen_version", "xen_caps", "xen_scheduler"):
        assert re.search(rf"^{name} +: ", info, re.M), name
    assert json.loads(dom0.run("xl list --json"))[0]["name"] == "Domain-0"
    assert "Zazen hypervisor" in dom0.run("xl dmesg")


@pytest.mark.bochs
def test_guest_from_xml_with_console_and_disk(dom0, rng):
    create(dom0, "guest1")
    lines = rng.randrange(100, 2000) if dom0.kind != "bochs" else rng.randrange(50, 300)
    name = f"data{rng.randrange(10**6)}"
    with Console(dom0, "guest1") as guest:
        assert "xvda" in guest.run("cat /proc/partitions")
        word = f"{rng.getrandbits(60):x}"
        assert hashlib.sha256(word.encode()).hexdigest() in guest.run(f"printf {word} | sha256sum")
        # data that only the guest makes; the host reads it from the image afterwards
        guest.run(f"i=0; while [ $i -lt {lines} ]; do echo {word}-$i; i=$((i+1)); done > /root/{name}; sync", 120)
        expected = hashlib.sha256("".join(f"{word}-{i}\n" for i in range(lines)).encode()).hexdigest()
        assert sha(guest.run(f"sha256sum /root/{name}")) == expected
        # what the build put on its disk, read through the front end
        with open("build/deb/unpacked/busybox-static/bin/busybox", "rb") as f:
            assert sha(guest.run("sha256sum /bin/busybox", 90)) == hashlib.sha256(f.read()).hexdigest()
    listing = dom0.run("xl list guest1")
    assert re.search(r"guest1 +\d+ +12[78] +1 ", listing), listing
    status, out = dom0.status("xl shutdown -w guest1", timeout=120)
    assert status == 0, out
    assert "guest1" not in dom0.run("xl list")
    # stock debugfs and e2fsck in dom0, on the file that was the guest's disk
    status, out = dom0.status("e2fsck -fn /var/lib/xen/images/guest1.img", timeout=60)
    assert status == 0, out
    dom0.run(f"debugfs -R 'dump /root/{name} /tmp/out' /var/lib/xen/images/guest1.img")
    assert image_sha("/tmp/out", dom0) == expected


@pytest.mark.bochs
def test_exits_are_counted(dom0):
    create(dom0, "guest1")
    with Console(dom0, "guest1"):
        pass
    text = dom0.run("xl exits guest1")
    assert re.search(r"^guest1: \d+ exits", text, re.M), text
    rows = {m[0]: int(m[1]) for m in re.findall(r"^ +(\S+) +(\d+) +[\d.]+%", text, re.M)}
    assert rows["hypercall"] > 50 and rows["cpuid"] > 0 and rows["hlt"] > 0
    per_vcpu = json.loads(dom0.run("xl exits --json guest1"))
    for exit_row in per_vcpu[0]["exits"]:
        assert sum(exit_row["log2_histogram"]) == exit_row["count"]
        assert exit_row["max_cycles"] <= exit_row["total_cycles"]


@pytest.mark.bochs
def test_balloon(dom0, rng):
    create(dom0, "guest1")
    target = rng.randrange(72, 96)
    with Console(dom0, "guest1") as guest:
        before = int(re.search(r"MemTotal: +(\d+)", guest.run("cat /proc/meminfo")).group(1))
    free = free_memory(dom0)
    status, out = dom0.status(f"xl mem-set guest1 {target}")
    assert status == 0, out
    wait_memory(dom0, "guest1", lambda mem: mem <= target + 1)
    assert free_memory(dom0) >= free + (128 - target) - 8
    with Console(dom0, "guest1") as guest:
        small = int(re.search(r"MemTotal: +(\d+)", guest.run("cat /proc/meminfo")).group(1))
        assert before - small > (128 - target) * 1024 - 8000
    assert dom0.status("xl mem-set guest1 128")[0] == 0
    wait_memory(dom0, "guest1", lambda mem: mem >= 127)
    with Console(dom0, "guest1") as guest:
        again = int(re.search(r"MemTotal: +(\d+)", guest.run("cat /proc/meminfo")).group(1))
        assert again >= before - 1024


def test_two_guests_and_destroy_beside_a_bystander(dom0):
    create(dom0, "guest1")
    create(dom0, "guest2")
    with Console(dom0, "guest2") as two:
        first = sha(two.run("sha256sum /dev/xvda", 120))
        two.run("(while :; do dd if=/dev/xvda of=/dev/null bs=64k 2>/dev/null; done) & sleep 1")
    # pulled away in the middle of its I/O
    assert dom0.status("xl destroy guest2", timeout=60)[0] == 0
    assert names(dom0) == ["guest1"]
    with Console(dom0, "guest1") as one:
        again = sha(one.run("sha256sum /bin/busybox", 120))
    with open("build/deb/unpacked/busybox-static/bin/busybox", "rb") as f:
        assert again == hashlib.sha256(f.read()).hexdigest()
    assert first


def test_pause_rename_and_wrong_input(dom0):
    create(dom0, "guest1")
    assert dom0.status("xl pause guest1")[0] == 0
    assert re.search(r"guest1 .*--p", dom0.run("xl list"))
    assert dom0.status("xl unpause guest1")[0] == 0
    assert dom0.status("xl rename guest1 other")[0] == 0
    assert dom0.run("xl domid other").strip() == dom0.run("xl list other").splitlines()[1].split()[1]
    status, out = dom0.status("xl destroy nosuch")
    assert status == 1 and "no such domain" in out
    status, out = dom0.status("xl frobnicate")
    assert status == 2
    # a name used twice, a file that is no XML, XML with an unknown element: an error with its line, nothing created
    dom0.run("xl rename other guest1")
    assert dom0.status("xl create /etc/xen/guest1.xml")[0] == 1
    status, out = dom0.status("xl create /etc/passwd")
    assert status == 1 and "/etc/passwd:1" in out
    dom0.run("sed -e s/guest1/bad/ -e 's,<devices>,<devices><frobnicator/>,' /etc/xen/guest1.xml > /tmp/bad.xml")
    status, out = dom0.status("xl create /tmp/bad.xml")
    assert status == 1 and re.search(r"/tmp/bad.xml:\d+: .*frobnicator", out), out
    dom0.run("sed -e s/guest1/bad/ -e s,guest-kernel.elf,nothing, /etc/xen/guest1.xml > /tmp/bad.xml")
    assert dom0.status("xl create /tmp/bad.xml")[0] == 1
    dom0.run("head -c 4096 /dev/urandom > /tmp/junk; sed -e s/guest1/bad/ -e s,/usr/lib/zazen/guest-kernel.elf,/tmp/junk, "
             "/etc/xen/guest1.xml > /tmp/bad.xml")
    assert dom0.status("xl create /tmp/bad.xml")[0] == 1
    dom0.run("sed -e s/guest1/bad/ -e s,images/guest1.img,images/missing.img, /etc/xen/guest1.xml > /tmp/bad.xml")
    assert dom0.status("xl create /tmp/bad.xml")[0] == 1
    dom0.run("sed -e s/guest1/bad/ -e 's,>128<,>8000<,' /etc/xen/guest1.xml > /tmp/bad.xml")
    assert dom0.status("xl create /tmp/bad.xml")[0] == 1
    assert dom0.run("xl list").count("\n") == 3     # header, dom0, guest1


@pytest.mark.bochs
@pytest.mark.last
def test_power_off(dom0, workdir):
    """Last: dom0 shuts its guest down and ends the machine, its disk and the guest's are clean."""
    create(dom0, "guest1")
    with Console(dom0, "guest1") as guest:
        guest.run("echo still dirty > /root/at-the-end")
    part = power_off(dom0, workdir)
    fsck_guest(part, "guest1.img", workdir)
