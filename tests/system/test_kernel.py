# SPDX-License-Identifier: MIT
"""Rung d: our kernel alone under QEMU, with Debian's unmodified programs, judged by hashes and e2fsck on the build host."""
import hashlib
import os
import re
import shutil
import subprocess
import time

import pytest
from guests import fsck
from harness import Host

KERNEL, INITRD, DISK = "build/dom0-kernel.elf", "build/initramfs.cpio", "build/dom0.img"


def boot(workdir, cpus, disk):
    return Host("tcg", workdir, kernel=KERNEL, initrd=INITRD, disk=disk, cpus=cpus, memory=512, cpu="qemu64",
                append="console=ttyS0 root=/dev/sda1 rw", lifetime=240)


@pytest.mark.parametrize("cpus", [2, pytest.param(1, marks=pytest.mark.full), pytest.param(4, marks=pytest.mark.full)])
def test_debian_programs(workdir, rng, cpus):
    disk = os.path.join(workdir, "disk.img")
    shutil.copyfile(DISK, disk)
    number = rng.getrandbits(64)
    word = "".join(rng.choice("abcdefghijklmnop") for _ in range(12))
    with boot(workdir, cpus, disk) as host:
        host.expect("dom0# ", 90)
        # dynamic programs of Debian: bash, coreutils, python3, xmllint
        assert host.run(f"python3 -c 'print({number}**3)'").strip() == str(number ** 3)
        assert host.run(f"echo '<a><b>{word}</b></a>' | xmllint --xpath '/a/b/text()' -").strip() == word
        assert host.run(f"printf {word} | sha256sum").split()[0] == hashlib.sha256(word.encode()).hexdigest()
        assert host.run(f"printf {word} | busybox gzip | busybox gunzip | busybox md5sum").split()[0] == \
            hashlib.md5(word.encode()).hexdigest()
        # job control: a stopped job, the interrupt key
        host.send("sleep 1000\n")
        host.expect("sleep 1000")
        time.sleep(3)       # the shell must have started it: a key before that is the shell's own
        host.send("\x1a")
        host.expect("Stopped", 20)
        host.expect("dom0# ")
        assert "sleep 1000" in host.run("jobs")
        host.send("fg\n")
        host.expect(r"sleep 1000\s", 20)
        time.sleep(3)
        host.send("\x03")
        host.expect("dom0# ", 20)
        assert host.status("true")[0] == 0
        assert "No such file" in host.run("cat /nonexistent")
        # what init should show
        assert re.search(r"^ *1 root .*init", host.run("ps"), re.M)
        assert int(re.search(r"MemTotal: *(\d+)", host.run("cat /proc/meminfo")).group(1)) > 400000
        assert host.run("nproc").strip() == str(cpus)
        host.run("poweroff", prompt="reboot: power down")
        host.wait_end()
    fsck(disk, workdir)


def test_files_survive(workdir, rng):
    """Data written by us is read back by Debian's debugfs on the host, names and sizes from the seed."""
    disk = os.path.join(workdir, "disk.img")
    shutil.copyfile(DISK, disk)
    files = {f"f{i}-{rng.randrange(10**6)}": rng.randrange(1, 3_000_000) for i in range(6)}
    seeds = {name: rng.randrange(10**9) for name in files}
    with boot(workdir, 2, disk) as host:
        host.expect("dom0# ", 90)
        host.run("mkdir -p /root/t/deep/er && cd /root/t")
        hashes = {}
        for name, size in files.items():
            # the contents are a stream both sides can make
            script = f"import random,sys;sys.stdout.buffer.write(random.Random({seeds[name]}).randbytes({size}))"
            host.run(f"python3 -c '{script}' > {name}", timeout=120)
            hashes[name] = host.run(f"sha256sum {name}", timeout=60).split()[0]
        victim = sorted(files)[0]
        host.run(f"ln {victim} deep/er/hard; ln -s ../{victim} deep/soft; rm {victim}; sync")
        host.run("cd /; poweroff", prompt="reboot: power down")
        host.wait_end()
    part = fsck(disk, workdir)
    for name in files:
        inside = f"/root/t/{name}" if name != victim else "/root/t/deep/er/hard"
        out = os.path.join(workdir, "out")
        subprocess.run(["debugfs", "-R", f"dump {inside} {out}", part], capture_output=True, check=True)
        with open(out, "rb") as f:
            data = f.read()
        assert len(data) == files[name]
        assert hashlib.sha256(data).hexdigest() == hashes[name]
