# SPDX-License-Identifier: MIT
"""Rung e: our kernel as dom0 on Zazen, from the ISO, with its root on the IDE disk: QEMU TCG (AMD-V) and Bochs (VT-x)."""
import hashlib
import os
import re
import shutil

import pytest
from guests import fsck
from harness import Host

ISO, DISK = "build/zazen.iso", "build/dom0.img"
BOOT_S = 150


def machine(kind, workdir, cpus=2, memory=1024, **more):
    disk = os.path.join(workdir, "disk.img")
    shutil.copyfile(DISK, disk)
    return Host(kind, workdir, iso=ISO, disk=disk, cpus=cpus, memory=memory, lifetime=600, **more), disk


@pytest.mark.parametrize("kind,cpus,memory", [
    ("tcg", 2, 1024),
    ("bochs", 1, 1024),
    pytest.param("tcg", 1, 512, marks=pytest.mark.full),
    pytest.param("tcg", 4, 4096, marks=pytest.mark.full),
    pytest.param("bochs", 2, 1024, marks=pytest.mark.full),
    pytest.param("bochs", 4, 1024, marks=pytest.mark.full),
])
def test_boots_to_a_shell_and_powers_off(workdir, rng, kind, cpus, memory):
    host, disk = machine(kind, workdir, cpus, memory)
    word = "".join(rng.choice("qwertyuiop") for _ in range(16))
    with host:
        host.expect(r"\(zazen\) Zazen hypervisor", BOOT_S)
        host.expect(r"(AMD-V|VT-x)", 60)
        host.expect("initial domain", 60)
        host.expect("dom0# ", BOOT_S)
        assert host.run("nproc").strip() == str(cpus)
        assert host.run(f"printf {word} | sha256sum").split()[0] == hashlib.sha256(word.encode()).hexdigest()
        assert "control_d" in host.run("cat /proc/xen/capabilities")
        # Debian's xenstore-utils against our daemon, through dom0's kernel and its socket
        host.run(f"xenstore-write /tool/{word} {word[::-1]}")
        assert host.run(f"xenstore-read /tool/{word}").strip() == word[::-1]
        # the disk's physical interrupt arrives as an event, under its ordinary number
        assert re.search(r"^ *14: .*[1-9].* ide0", host.run("cat /proc/interrupts"), re.M)
        host.run("poweroff", prompt="Powering the machine off")
        host.wait_end(60)
    fsck(disk, workdir)
