# SPDX-License-Identifier: MIT
"""File systems under stress (tests/fs): a full disk, the power going, failing writes, more dirty data than memory; judged
by stock e2fsck and by contents that the host can make too."""
import os
import re
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fs"))
import nbd  # noqa: E402  pylint: disable=wrong-import-position

KERNEL, INITRD = "build/dom0-kernel.elf", "build/fs.cpio"
MASK = (1 << 64) - 1


def make(workdir, mib, *options):
    image = os.path.join(workdir, "disk.img")
    if os.path.exists(image):
        os.unlink(image)
    subprocess.run(["truncate", "-s", f"{mib}M", image], check=True)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", *options, image], check=True)
    return image


def qemu(workdir, what, drive, memory=128, cpus=2, seed=1):
    log = os.path.join(workdir, f"{what}.log")
    if os.path.exists(log):
        os.unlink(log)
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "qemu64", "-m", str(memory), "-smp", str(cpus),
               "-display", "none", "-no-reboot", "-nodefaults", "-serial", f"file:{log}", "-kernel", KERNEL,
               "-initrd", INITRD, "-append", f"console=ttyS0 panic=-1 fstest={what} seed={seed}",
               "-drive", f"if=none,id=d,cache=writeback,{drive}", "-device", "ide-hd,drive=d,werror=report,rerror=report"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL), log


def text_of(log):
    if not os.path.exists(log):
        return ""
    with open(log, encoding="utf-8", errors="replace") as file:
        return file.read()


def finish(process, log, limit):
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"no end after {limit} s:\n" + text_of(log)[-2000:]) from None
    text = text_of(log)
    done = re.search(r"fs: done, (\d+) checks, (\d+) wrong", text)
    assert done, text[-3000:]
    assert done.group(2) == "0", "\n".join(re.findall(r"fs: WRONG.*", text))
    assert "panic" not in text.lower().replace("panic=-1", ""), text[-3000:]
    return text


def clean(image):
    check = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("options", [("-b", "1024"), ("-b", "4096", "-m", "0"), ("-b", "1024", "-I", "128", "-m", "0")])
def test_disk_full(workdir, rng, options):
    image = make(workdir, 6 if "1024" in options else 12, *options)
    process, log = qemu(workdir, "full", f"file={image},format=raw", seed=rng.getrandbits(40))
    finish(process, log, 240)
    clean(image)


def words(stream, size):
    count = (size + 7) // 8
    return b"".join((((stream + k) * 0x9e3779b97f4a7c15) & MASK).to_bytes(8, "little") for k in range(count))[:size]


def read_back(image, name):
    return subprocess.run(["debugfs", "-R", f"cat /{name}", image], capture_output=True, check=True).stdout


def expected(text):
    """name -> contents it may have (size, stream); None in the set: it may be absent. A rename that has not been synced may
    leave neither: ext2 has no order between the directory's block and the freed inode of the file replaced."""
    may = {}
    for verb, name, size, stream in re.findall(r"fs: (replacing|synced|deleting) (\S+)(?: (\d+) (\d+))?\r?\n", text):
        if verb == "deleting":
            may[name] = may.get(name, set()) | {None}
        elif verb == "synced":
            may[name] = {(int(size), int(stream))}
        else:
            may[name] = may.get(name, set()) | {None, (int(size), int(stream))}
    return may


def cut_once(workdir, rng, options, seconds):
    image = make(workdir, 24, *options)
    path = os.path.join(workdir, "nbd.sock")
    disk = nbd.Disk(image, path, rng)
    process, log = qemu(workdir, "cut", f"driver=nbd,server.type=unix,server.path={path}", seed=rng.getrandbits(40))
    try:
        end = time.monotonic() + 90
        while time.monotonic() < end and process.poll() is None and text_of(log).count("fs: synced") < 5:
            time.sleep(0.2)
        time.sleep(seconds)
        lost = disk.cut()
    finally:
        process.kill()
        process.wait()
    text = text_of(log)
    assert "WRONG" not in text and "panic:" not in text, text[-2000:]
    fix = subprocess.run(["e2fsck", "-fy", image], capture_output=True, text=True, check=False)
    assert fix.returncode in (0, 1), fix.stdout + fix.stderr
    clean(image)
    may = expected(text)
    bad = []
    for name, contents in may.items():
        data = read_back(image, name)
        if not any(c is not None and len(data) == c[0] and data == words(c[1], c[0]) for c in contents) and \
                not (None in contents and not data):
            bad.append(f"{name}: {len(data)} bytes, may be {contents}")
    synced = text.count("fs: synced")
    assert synced >= 5, text[-2000:]
    assert not bad, f"{len(bad)} of {len(may)} files, {lost} writes at stake:\n" + "\n".join(bad) + "\n" + fix.stdout[-2000:]
    return synced, lost


@pytest.mark.parametrize("options", [("-b", "1024"), ("-b", "4096")])
def test_power_cut(workdir, rng, options):
    cut_once(workdir, rng, options, rng.uniform(0.5, 8))


@pytest.mark.full
def test_power_cut_often(workdir, rng):
    for turn in range(12):
        cut_once(workdir, rng, ("-b", "1024" if turn % 2 else "4096"), rng.uniform(0.2, 12))


def test_write_error(workdir, rng):
    image = make(workdir, 24, "-b", "1024")
    path = os.path.join(workdir, "nbd.sock")
    disk = nbd.Disk(image, path, rng, marker=b"ZAZEN-FAIL-WRITE")
    process, log = qemu(workdir, "error", f"driver=nbd,server.type=unix,server.path={path}")
    try:
        finish(process, log, 120)
    finally:
        process.kill()
        process.wait()
        disk.close()
    assert disk.failed >= 7
    clean(image)


def test_dirty_memory(workdir, rng):
    image = make(workdir, 200, "-b", "4096")
    process, log = qemu(workdir, "dirty", f"file={image},format=raw", memory=64, seed=rng.getrandbits(40))
    text = finish(process, log, 300)
    assert "out of memory" not in text
    clean(image)


def test_direct_read_and_fork(workdir, rng):
    image = make(workdir, 8, "-b", "1024")
    path = os.path.join(workdir, "nbd.sock")
    disk = nbd.Disk(image, path, rng, delay=0.003)
    process, log = qemu(workdir, "fork", f"driver=nbd,server.type=unix,server.path={path}")
    try:
        finish(process, log, 120)
    finally:
        process.kill()
        process.wait()
        disk.close()
    clean(image)


def test_packed_initramfs(workdir):
    """What GRUB's users may try: it is said what is wrong."""
    log, packed = os.path.join(workdir, "serial.log"), os.path.join(workdir, "fs.cpio.gz")
    with open(packed, "wb") as file:
        subprocess.run(["gzip", "-c", INITRD], stdout=file, check=True)
    process = subprocess.Popen(["qemu-system-x86_64", "-accel", "tcg", "-m", "128", "-display", "none", "-no-reboot", "-nodefaults",
                                "-serial", f"file:{log}", "-kernel", KERNEL, "-initrd", packed, "-append", "console=ttyS0 panic=-1"],
                               stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and "packed with gzip" not in text_of(log):
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
    assert "initramfs: packed with gzip, which is not unpacked here" in text_of(log)


@pytest.mark.parametrize("what", ["attr", "loop"])
def test_more(workdir, rng, what):
    image = make(workdir, 48, "-b", "1024", "-I", "256")
    process, log = qemu(workdir, what, f"file={image},format=raw", seed=rng.getrandbits(40))
    finish(process, log, 120)
    clean(image)


@pytest.fixture(scope="module", autouse=True)
def programs():
    """What the tests boot and plain `make` does not build."""
    subprocess.run(["make", "-s", INITRD], check=True)
