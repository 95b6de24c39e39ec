# SPDX-License-Identifier: MIT
"""xl save and xl restore of Debian's stock kernel: what it computes meanwhile comes out right, its clock goes on, its disk is
there; Debian's verify-stream-v2 reads every file; a damaged one, and a full disk, change nothing."""
import glob
import hashlib
import os
import re
import subprocess

import pytest
from guests import Console, create, dump, free_memory, fsck_guest, names, power_off, wait_memory

SAVE = "/root/linux.save"
STOCK = "build/deb/unpacked/xen-utils-4.17"


def small_linux(dom0):
    """128 MiB, so that its file fits on dom0's disk."""
    dom0.run("sed -e 's,>192<,>128<,' /etc/xen/linux-cloud.xml > /tmp/small.xml")
    create(dom0, "linux", "/tmp/small.xml")


def number(text):
    """A command's answer, whatever dom0's kernel says on the same line of the console meanwhile."""
    return int(re.findall(r"^(\d+)$", text, re.M)[-1])


def save(dom0, *options):
    dom0.run(f"rm -f {SAVE}")     # no room for two
    status, out = dom0.status(f"xl save {' '.join(options)} linux {SAVE}", timeout=180)
    assert status == 0, out


def restore(dom0, name="linux"):
    """Until its disk is connected again: before that Linux cannot freeze who waits for it, and refuses to suspend anew."""
    status, out = dom0.status(f"xl restore {SAVE}", timeout=180)
    assert status == 0, out
    status, out = dom0.status(f"for i in $(seq 60); do xenstore-read /local/domain/$(xl domid {name})/device/vbd/51712/state | "
                              "grep -q 4 && break; sleep 1; done; sleep 2; [ $i != 60 ]", timeout=100)
    assert status == 0, out


def patch(dom0, offset, byte):
    """Writes one byte into the file, returns what was there."""
    old = dom0.run(f"dd if={SAVE} bs=1 skip={offset} count=1 2>/dev/null | od -An -tu1 | tr -d ' '")
    dom0.run(f"printf '\\{byte:03o}' | dd of={SAVE} bs=1 seek={offset} count=1 conv=notrunc 2>/dev/null")
    return number(old)


@pytest.mark.full
@pytest.mark.cost(60)
def test_cycles(dom0, rng):
    """A guest that reads and hashes files for ever goes through checkpoint and several cycles; nothing leaks."""
    cycles = rng.randrange(2, 4) if dom0.kind != "bochs" else 1
    small_linux(dom0)
    with Console(dom0, "linux") as guest:
        start = number(guest.run("date +%s"))
        guest.run("cd /mnt; (while :; do echo 3 > /proc/sys/vm/drop_caches; sha256sum -c sums; done > /tmp/sums.log 2>&1 &); cd /")
    save(dom0, "-c")
    assert names(dom0) == ["linux"]
    memory = None
    for _ in range(cycles):
        save(dom0)
        assert names(dom0) == []
        if memory is not None:
            assert free_memory(dom0) == memory
        memory = free_memory(dom0)
        restore(dom0)
    with Console(dom0, "linux") as guest:
        now = number(guest.run("date +%s"))
        assert start <= now <= start + 600
        before = number(guest.run("wc -l < /tmp/sums.log"))
        guest.run("sleep 2")
        log = guest.run("cat /tmp/sums.log")
        assert log.count(": OK") > before / 2 and "FAILED" not in log and "WARNING" not in log, log
        text = guest.run("dmesg")
        assert not re.search(r"WARNING:|BUG:|Call Trace|I/O error|soft lockup|self-detected stall|detected stalls|EXT4-fs error", text), text
        assert text.count("suspending xenstore") == cycles + 1
        guest.run("echo after > /mnt/after; sync")
    assert dom0.status("xl destroy linux")[0] == 0


@pytest.mark.cost(25)
def test_our_kernel(dom0, rng):
    """The same with our own guest kernel, which writes to its disk on two CPUs all the time; its balloon and its shutdown work after."""
    count = rng.randrange(5, 30)
    dom0.run("sed -e 's,<vcpu>1<,<vcpu>2<,' /etc/xen/guest1.xml > /tmp/two.xml")
    create(dom0, "guest1", "/tmp/two.xml")
    with Console(dom0, "guest1") as guest:
        start = number(guest.run("date +%s"))
        guest.run(f"(while :; do dd if=/dev/zero of=/root/f bs=64k count={count} 2>/dev/null; sync; sha256sum /root/f; done "
                  "> /tmp/loop 2>&1 &)")
    for option in ("-c", ""):
        dom0.run(f"rm -f {SAVE}")
        status, out = dom0.status(f"xl save {option} guest1 {SAVE}", timeout=180)
        assert status == 0, out
    assert names(dom0) == []
    restore(dom0, "guest1")
    dom0.run(f"rm -f {SAVE}")
    with Console(dom0, "guest1") as guest:
        before = number(guest.run("wc -l < /tmp/loop"))
        guest.run("sleep 3")
        lines = guest.run("cat /tmp/loop").split("\n")
        assert start <= number(guest.run("date +%s")) <= start + 600
        text = guest.run("dmesg")
        assert "restored" in text and "connected again" in text and "error" not in text.lower(), text
        assert number(guest.run("nproc")) == 2
    want = hashlib.sha256(bytes(65536 * count)).hexdigest()
    hashes = [line.split()[0] for line in lines if "/root/f" in line]
    assert len(hashes) > before and set(hashes) == {want}
    assert dom0.status("xl mem-set guest1 96")[0] == 0
    wait_memory(dom0, "guest1", lambda mem: mem <= 97)
    status, out = dom0.status("xl shutdown -w guest1", timeout=120)
    assert status == 0, out
    status, out = dom0.status("e2fsck -fn /var/lib/xen/images/guest1.img", timeout=60)
    assert status == 0, out


@pytest.mark.cost(30)
def test_what_goes_wrong(dom0, rng):
    small_linux(dom0)
    # no room for it: the guest goes on and nothing is left of the file
    dom0.run("dd if=/dev/zero of=/root/ballast bs=1M count=120 2>/dev/null")
    status, out = dom0.status(f"xl save linux {SAVE}", timeout=180)
    assert status == 1 and "No space left" in out, out
    assert dom0.run("ls /root").split() == ["ballast"]
    dom0.run("rm /root/ballast")
    with Console(dom0, "linux") as guest:
        assert "4950" in guest.run("i=0; s=0; while [ $i -lt 100 ]; do s=$((s+i)); i=$((i+1)); done; echo $s; ls /mnt")
    save(dom0)
    free = free_memory(dom0)
    size = number(dom0.run(f"stat -c %s {SAVE}"))
    head = 48 + number(dom0.run(f"dd if={SAVE} bs=1 skip=44 count=4 2>/dev/null | od -An -tu4 | tr -d ' '"))
    damage = {0: "not a file that xl save wrote", 36: "does not know", head: "not the saved state", head + 24: "libxc",
              # somewhere in the records before the memory, and a frame number beyond the domain's memory
              head + 16: "record"}
    for offset, text in damage.items():
        old = patch(dom0, offset, rng.randrange(128, 255))
        status, out = dom0.status(f"xl restore {SAVE}", timeout=60)
        assert status == 1 and text in out, (offset, out)
        assert free_memory(dom0) == free and names(dom0) == []
        patch(dom0, offset, old)
    status, out = dom0.status(f"xl restore {SAVE}", timeout=180)
    assert status == 0, out
    # the same once more: its name runs already
    status, out = dom0.status(f"xl restore {SAVE}", timeout=60)
    assert status == 1 and "runs already" in out, out
    assert dom0.status("xl destroy linux")[0] == 0
    dom0.run(f"truncate -s {rng.randrange(size // 2, size - 1)} {SAVE}")
    status, out = dom0.status(f"xl restore {SAVE}", timeout=180)
    assert status == 1 and "ends" in out, out
    assert free_memory(dom0) == free and names(dom0) == []
    for wrong, text in (("xl save nobody /root/x", "nobody"), ("xl save Domain-0 /root/x", "cannot be saved"),
                        ("xl restore /nowhere", "No such file"), ("xl restore /etc/passwd", "not a file that xl save wrote")):
        status, out = dom0.status(wrong)
        assert status == 1 and text in out, out
    dom0.run(f"rm {SAVE}")


@pytest.mark.last
@pytest.mark.cost(30)
def test_stock_tool_reads_it(dom0, workdir):
    small_linux(dom0)
    with Console(dom0, "linux") as guest:
        guest.run("uname -r")
    save(dom0)
    part = power_off(dom0, workdir)
    fsck_guest(part, "linux.img", workdir)
    saved = dump(part, SAVE, os.path.join(workdir, "linux.save"))
    subprocess.run(["tools/host/fetch-debs.sh", "build/deb", "xen-utils-4.17"], check=True)
    lib = glob.glob(f"{STOCK}/usr/lib/xen-4.17/lib/python")[0]
    result = subprocess.run(["/usr/bin/python3", f"{STOCK}/usr/lib/xen-4.17/bin/verify-stream-v2", "-v", "-f", "xl", "-i", saved],
                            env=dict(os.environ, PYTHONPATH=lib), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    for wanted in ("x86 HVM from Xen 4.17", "x86 CPUID policy", "HVM context", "TSC info"):
        assert wanted in result.stdout, result.stdout
    os.unlink(saved)
