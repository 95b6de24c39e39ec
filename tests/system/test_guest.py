# SPDX-License-Identifier: MIT
"""Rungs f to h: guests from XML with console, disk and balloon, their exits, faults, on one booted dom0 (QEMU TCG, 2 CPUs).

The tests share the machine and run in order; each leaves no domain behind. At the end dom0 powers off and stock e2fsck
judges its disk and the guest's image inside."""
import hashlib
import json
import os
import re
import shutil
import subprocess

import pytest
from harness import Host
from test_kernel import fsck

ISO, DISK = "build/zazen.iso", "build/dom0.img"
WORK = os.path.abspath("build/check/guests")


@pytest.fixture(scope="module")
def dom0():
    os.makedirs(WORK, exist_ok=True)
    disk = os.path.join(WORK, "disk.img")
    shutil.copyfile(DISK, disk)
    with Host("tcg", WORK, iso=ISO, disk=disk, cpus=2, memory=1024, lifetime=600) as host:
        host.expect("dom0# ", 150)
        host.run("stty cols 200")
        yield host


@pytest.fixture(autouse=True)
def no_domain_left(dom0):
    yield
    if not dom0.child.isalive():
        return
    for name in re.findall(r"^(\S+) +[1-9]\d* ", dom0.run("xl list"), re.M):
        dom0.run(f"xl destroy {name}")


def create(dom0, name, xml=None):
    status, out = dom0.status(f"xl create {xml or f'/etc/xen/{name}.xml'}", timeout=60)
    assert status == 0, out


class Console:
    """A guest's shell by `xl console` inside dom0's shell."""

    def __init__(self, dom0, name):
        self.dom0, self.prompt = dom0, f"{name}# "

    def __enter__(self):
        name = self.prompt[:-2]
        self.dom0.send(f"xl console {name}\n")
        self.dom0.expect(f"xl console {name}")
        self.dom0.send("\n")
        self.dom0.expect(self.prompt, 90)
        self.run("stty rows 24 cols 200 -echo")
        return self

    def run(self, command, timeout=60):
        """Output of a command between two marks, so that prompts and echoes do not matter."""
        self.dom0.send(f"echo ma''rk; {command}; echo en''d=$?\n")
        self.dom0.expect(r"mark\r*\n", timeout)
        self.dom0.expect(r"end=(\d+)", timeout)
        return self.dom0.child.before.replace("\r", "")

    def __exit__(self, *_):
        self.dom0.send("\x1d")
        self.dom0.expect("dom0# ", 20)


def image_sha(path_in_dom0, dom0):
    return dom0.run(f"sha256sum {path_in_dom0}", timeout=90).split()[0]


def test_host_facts(dom0):
    info = dom0.run("xl info")
    for name in ("host", "release", "nr_cpus", "total_memory", "free_memory", "xen_version", "xen_caps", "xen_scheduler"):
        assert re.search(rf"^{name} +: ", info, re.M), name
    assert json.loads(dom0.run("xl list --json"))[0]["name"] == "Domain-0"
    assert "Zazen hypervisor" in dom0.run("xl dmesg")


def test_guest_from_xml_with_console_and_disk(dom0, rng):
    create(dom0, "guest1")
    size = rng.randrange(100_000, 2_000_000)
    name = f"data{rng.randrange(10**6)}"
    with Console(dom0, "guest1") as guest:
        assert "xvda" in guest.run("cat /proc/partitions")
        word = f"{rng.getrandbits(60):x}"
        assert hashlib.sha256(word.encode()).hexdigest() in guest.run(f"printf {word} | sha256sum")
        # data that only the guest makes; the host reads it from the image afterwards
        guest.run(f"i=0; while [ $i -lt {size // 1000} ]; do echo {word}-$i; i=$((i+1)); done > /root/{name}; sync", 120)
        inside = re.search(r"[0-9a-f]{64}", guest.run(f"sha256sum /root/{name}")).group(0)
        expected = hashlib.sha256("".join(f"{word}-{i}\n" for i in range(size // 1000)).encode()).hexdigest()
        assert inside == expected
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


def test_balloon(dom0):
    create(dom0, "guest1")
    with Console(dom0, "guest1") as guest:
        before = int(re.search(r"MemTotal: +(\d+)", guest.run("cat /proc/meminfo")).group(1))
    free = int(re.search(r"free_memory +: (\d+)", dom0.run("xl info")).group(1))
    status, out = dom0.status("xl mem-set guest1 80")
    assert status == 0, out
    for _ in range(20):
        mem = int(re.search(r"guest1 +\d+ +(\d+) ", dom0.run("sleep 1; xl list guest1")).group(1))
        if mem <= 81:
            break
    assert mem <= 81
    assert int(re.search(r"free_memory +: (\d+)", dom0.run("xl info")).group(1)) >= free + 40
    with Console(dom0, "guest1") as guest:
        small = int(re.search(r"MemTotal: +(\d+)", guest.run("cat /proc/meminfo")).group(1))
        assert before - small > 40000
    assert dom0.status("xl mem-set guest1 128")[0] == 0
    for _ in range(20):
        mem = int(re.search(r"guest1 +\d+ +(\d+) ", dom0.run("sleep 1; xl list guest1")).group(1))
        if mem >= 127:
            break
    assert mem >= 127


def test_two_guests_and_destroy_beside_a_bystander(dom0):
    create(dom0, "guest1")
    create(dom0, "guest2")
    with Console(dom0, "guest2") as two:
        first = re.search(r"[0-9a-f]{64}", two.run("sha256sum /dev/xvda", 120)).group(0)
        two.run("(while :; do dd if=/dev/xvda of=/dev/null bs=64k 2>/dev/null; done) & sleep 1")
    # pulled away in the middle of its I/O
    assert dom0.status("xl destroy guest2", timeout=60)[0] == 0
    names = dom0.run("xl list")
    assert "guest1" in names and "guest2" not in names
    with Console(dom0, "guest1") as one:
        again = re.search(r"[0-9a-f]{64}", one.run("sha256sum /bin/busybox", 120)).group(0)
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


def test_power_off(dom0):
    """Last: dom0 ends the machine, its disk and the guest's are clean."""
    create(dom0, "guest1")
    with Console(dom0, "guest1"):
        pass
    dom0.send("poweroff\n")
    dom0.expect("Powering the machine off", 180)
    dom0.wait_end(60)
    part = fsck(os.path.join(WORK, "disk.img"), WORK)
    image = os.path.join(WORK, "guest1.img")
    subprocess.run(["debugfs", "-R", f"dump /var/lib/xen/images/guest1.img {image}", part], capture_output=True, check=True)
    result = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
