# SPDX-License-Identifier: MIT
"""What a newcomer meets: make's dependencies, the message about missing packages, `make run`; identical builds (full)."""
import os
import shutil
import subprocess
import sys
import time

import pexpect
import pytest
from guests import DISK

ROOT = os.getcwd()
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("MFLAGS", "EMU", "CPUS", "MEMORY", "CI")}


def make(*args, cwd=ROOT):
    return subprocess.run(["make", *args], cwd=cwd, env=CLEAN, capture_output=True, text=True, check=False)


# A header that is newer rebuilds what includes it, through to what boots.
CHAINS = {
    "hypervisor/include/hv/domain.h": ["build/zazen.elf", "build/zazen.iso"],
    "include/zazen/list.h": ["build/zazen.elf", "build/zazen.iso"],
    "include/xen/grant_table.h": ["build/zazen.elf", "build/dom0-kernel.elf", "build/guest-kernel.elf", "build/dom0.img"],
    "kernel/include/kernel/mm.h": ["build/dom0-kernel.elf", "build/guest-kernel.elf", "build/zazen.iso", "build/dom0.img"],
    "tools/include/zx/xc.h": ["build/dom0.img"],
    "guest-pv/rootfs/etc/inittab": ["build/guest1.img", "build/dom0.img"],
    "xen-like.cfg": ["build/zazen.iso"],
}


def test_nothing_to_do_after_a_build():
    result = make("-q", "all")
    assert result.returncode == 0, "make wants to build again:\n" + make("-n", "all").stdout[:2000]


@pytest.mark.parametrize("header", CHAINS)
def test_a_newer_file_rebuilds_what_needs_it(header):
    assert os.path.exists(header)
    plan = make("-n", "-W", header, "all").stdout
    for target in CHAINS[header]:
        assert target in plan, f"{target} is not rebuilt after {header}"


def stub_path(tmp_path, stubs):
    """A PATH with the ordinary programs that deps.sh uses and these stubs, but without sudo."""
    path = tmp_path / "bin"
    path.mkdir()
    for name in ("bash", "sed", "tr", "grep", "sort", "dirname", "env", "cat"):
        os.symlink(shutil.which(name), path / name)
    for name, text in stubs.items():
        (path / name).write_text("#!/bin/bash\n" + text + "\n")
        (path / name).chmod(0o755)
    return {**CLEAN, "PATH": str(path)}


def test_missing_packages_are_named_for_who_is_not_root(tmp_path):
    environment = stub_path(tmp_path, {"dpkg-query": '[ "${@: -1}" = nasm ] || echo installed', "id": "echo 1000"})
    result = subprocess.run(["tools/host/deps.sh"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "missing" in result.stderr and "apt-get install --no-install-recommends nasm\n" in result.stderr


def test_missing_packages_are_installed_after_asking(tmp_path):
    log = tmp_path / "log"
    apt = f'echo "$@" >> {log}; case "$*" in *assume-no*) echo "Need to get 12 kB"; echo "After this operation, 34 kB";; esac'
    environment = stub_path(tmp_path, {"dpkg-query": '[ "${@: -1}" = nasm ] || echo installed', "id": "echo 1000",
                                       "apt-get": apt, "apt-cache": "true", "sudo": 'exec "$@"'})
    for answer, installed in (("n", False), ("y", True)):
        child = pexpect.spawn("tools/host/deps.sh", env=environment, encoding="utf-8", timeout=20)
        child.expect("missing Debian packages: nasm")
        child.expect("Need to get 12 kB")
        child.expect("Install them")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert (child.exitstatus == 0) == installed
        assert any(line.startswith("-y") and "nasm" in line for line in log.read_text().splitlines()) == installed


@pytest.mark.cost(20)
def test_make_run(tmp_path):
    """Copies the disk, says where it runs and how to leave; Ctrl-C is dom0's; a stale disk is reported, --fresh replaces it."""
    disk = tmp_path / "built.img"
    shutil.copyfile(DISK, disk)
    config = tmp_path / "host.cfg"
    with open("xen-like.cfg", encoding="utf-8") as f:
        config.write_text(f.read().replace('"build/', f'"{ROOT}/build/').replace(f"{ROOT}/{DISK}", str(disk)))

    def run(*args):
        return pexpect.spawn(sys.executable, [f"{ROOT}/tools/host/run.py", "--config", str(config), *args], cwd=str(tmp_path),
                             env={**CLEAN, "EMU": "tcg"}, encoding="utf-8", timeout=200)

    child = run()
    child.expect(f"zazen: copying {disk} to run/dom0.img")
    child.expect("zazen: host tcg: emulator tcg was asked for")
    child.expect("2 CPUs .*, 1024 MiB. Leave: `poweroff` in dom0, or Ctrl-t x .* Ctrl-C goes to dom0")
    child.expect("dom0# ")
    child.send("sleep 1000\n")
    child.expect("sleep 1000")
    time.sleep(3)
    child.send("\x03")
    child.expect("dom0# ")
    child.send("echo over=$?\n")           # 128 + SIGINT: the machine goes on, the program does not
    child.expect("over=130")
    child.expect("dom0# ")
    child.send("echo kept > /root/kept; sync; echo done=$?\n")
    child.expect("done=0")
    child.send("\x14x")                     # leaves at once
    child.expect(pexpect.EOF)
    child.close()
    os.utime(disk, (time.time() + 60, time.time() + 60))
    for args, wanted in (((), r"run/dom0.img is older than .*FRESH=1"), (("--fresh",), f"copying {disk}")):
        child = run(*args)
        child.expect(wanted)
        child.expect("zazen: host tcg")
        child.kill(9)
        child.close()


@pytest.mark.full
@pytest.mark.cost(120)
def test_two_builds_are_identical(tmp_path):
    """A copy of the tree, in another folder, builds the same bytes."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    for name in names:
        if os.path.isfile(name):
            os.makedirs(tmp_path / os.path.dirname(name), exist_ok=True)
            shutil.copy(name, tmp_path / name)
    os.makedirs(tmp_path / "build")
    shutil.copytree("build/deb", tmp_path / "build" / "deb", symlinks=True)
    result = make("-s", "-j2", "all", cwd=str(tmp_path))
    assert result.returncode == 0, result.stderr[-2000:]
    for name in ("zazen.elf", "dom0-kernel.elf", "guest-kernel.elf", "initramfs.cpio", "guest1.img", "zazen.iso", "dom0.img"):
        assert subprocess.run(["cmp", f"build/{name}", tmp_path / "build" / name], check=False).returncode == 0, name
