# SPDX-License-Identifier: MIT
"""Booted dom0s that tests share, and what is done to guests in them.

Entry points: the fixture `dom0` of conftest.py (a Host at dom0's prompt; parametrised by emulator, CPUs, memory and CPU
model, see matrix()); start() for one of a test's own; create(), Console, image_sha(), wait_memory(), fsck(), fsck_guest().

A test that takes `dom0` runs on QEMU TCG with 2 CPUs in `make check` and on the whole matrix in check-full. Marked
`bochs` it also runs on Bochs with 2 CPUs in check: keep those short. Marked `last` it may end the machine. A machine is
kept from test to test while they pass; after a failure its log is copied beside the test's and the next test boots anew.
"""
import os
import re
import shutil
import subprocess
from typing import NamedTuple, Optional

import pytest
from harness import Host

DISK, IMAGES = "build/dom0.img", "/var/lib/xen/images"


class Spec(NamedTuple):
    """One host of the matrix."""
    kind: str
    cpus: int
    memory: int = 1024
    cpu: Optional[str] = None

    @property
    def name(self):
        parts = [self.kind, str(self.cpus)]
        if self.memory != 1024:
            parts.append(f"{self.memory}M")
        if self.cpu:
            parts.append(self.cpu)
        return "-".join(parts)

    @property
    def iso(self):
        # on a small host dom0 takes less, so that guest1 fits beside it
        return "build/zazen-small.iso" if self.memory < 1024 else "build/zazen.iso"

    @property
    def workdir(self):
        return os.path.abspath(f"build/check/dom0-{self.name}")


CHECK = Spec("tcg", 2)
BOCHS = Spec("bochs", 2)
FULL_TCG = [Spec("tcg", 1), Spec("tcg", 4, 4096), Spec("tcg", 2, 1024, "max"), Spec("tcg", 2, 512)]
FULL_BOCHS = [Spec("bochs", 1), Spec("bochs", 4), Spec("bochs", 2, 512)]
ORDER = [CHECK, BOCHS] + FULL_TCG + FULL_BOCHS


def matrix(on_bochs):
    """The pytest parameters of a test that takes dom0."""
    full = FULL_TCG + (FULL_BOCHS if on_bochs else [BOCHS])
    short = [CHECK] + ([BOCHS] if on_bochs else [])
    return [pytest.param(s, id=s.name) for s in short] + \
        [pytest.param(s, id=s.name, marks=pytest.mark.full) for s in full]


class Pool:
    """At most one booted machine."""

    def __init__(self):
        self.spec = self.host = None

    def get(self, spec):
        if self.host and (self.spec != spec or not self.host.alive()):
            self.drop()
        if not self.host:
            self.spec, self.host = spec, start(spec, spec.workdir)
            self.host.__enter__()
        return self.host

    def drop(self):
        if self.host:
            self.host.__exit__()
        self.spec = self.host = None


def start(spec, workdir, extra=()):
    """A Host, not yet booted, on a fresh copy of the built disk in workdir: to be used with `with`."""
    os.makedirs(workdir, exist_ok=True)
    if spec.iso != "build/zazen.iso":
        subprocess.run(["make", "-s", spec.iso], check=True)
    disk = os.path.join(workdir, "disk.img")
    shutil.copyfile(DISK, disk)
    if os.path.exists(disk + ".lock"):      # of a Bochs whose test run was killed
        os.unlink(disk + ".lock")
    return Dom0(spec.kind, workdir, iso=spec.iso, disk=disk, cpus=spec.cpus, memory=spec.memory, cpu=spec.cpu,
                extra=extra, lifetime=1500)


class Dom0(Host):
    """A Host whose `with` waits for dom0's prompt."""

    def __init__(self, kind, workdir, disk=None, **more):
        super().__init__(kind, workdir, disk=disk, **more)
        self.disk = disk

    def __enter__(self):
        super().__enter__()
        try:
            self.expect("dom0# ", 150)
            self.run("stty cols 200")
        except BaseException:
            self.autopsy()
            self.__exit__()
            raise
        return self


def names(dom0):
    """The guests that are there."""
    return re.findall(r"^(\S+) +[1-9]\d* ", dom0.run("xl list"), re.M)


def destroy_all(dom0):
    for name in names(dom0):
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


def sha(text):
    """The SHA-256 in a command's output."""
    found = re.search(r"\b[0-9a-f]{64}\b", text)
    assert found, text
    return found.group(0)


def image_sha(path_in_dom0, dom0):
    return sha(dom0.run(f"sha256sum {path_in_dom0}", timeout=90))


def free_memory(dom0):
    return int(re.search(r"free_memory +: (\d+)", dom0.run("xl info")).group(1))


def wait_memory(dom0, name, good, seconds=30):
    """Waits until good(MiB of the domain in xl list)."""
    for _ in range(seconds):
        mem = int(re.search(rf"^{name} +\d+ +(\d+) ", dom0.run(f"sleep 1; xl list {name}"), re.M).group(1))
        if good(mem):
            return
    raise AssertionError(f"{name} stays at {mem} MiB")


def fsck(disk, workdir):
    """Stock e2fsck -fn on the first partition (at 1 MiB); returns that partition as a file."""
    part = os.path.join(workdir, "part.img")
    subprocess.run(["dd", f"if={disk}", f"of={part}", "bs=1M", "skip=1", "conv=sparse", "status=none"], check=True)
    fsck_image(part)
    return part


def fsck_image(path):
    result = subprocess.run(["e2fsck", "-fn", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def dump(part, inside, out):
    """A file out of an ext2 image, by stock debugfs."""
    subprocess.run(["debugfs", "-R", f"dump {inside} {out}", part], capture_output=True, check=True)
    return out


def power_off(dom0, workdir):
    """dom0 ends the machine; its disk is clean. Returns the root partition as a file."""
    dom0.send("poweroff\n")
    dom0.expect("Powering the machine off", 180)
    dom0.wait_end(60)
    return fsck(dom0.disk, workdir)


def fsck_guest(part, image, workdir):
    """Stock e2fsck on a guest's image inside dom0's root partition."""
    out = dump(part, f"{IMAGES}/{image}", os.path.join(workdir, image))
    fsck_image(out)
    return out
