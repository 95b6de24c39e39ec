# SPDX-License-Identifier: MIT
"""`xl exits` against the emulator's own count of VM exits.

QEMU logs each VMRUN with its VMCB and each #VMEXIT with its code: on one CPU that gives a count per vCPU and reason. Bochs
logs each VM exit with its reason, of whatever vCPU: there a window is compared in which only the guest executes CPUID."""
import base64
import json
import os
import subprocess
import time

import pytest
from guests import Console, Spec, create, start

# APM vol. 2 appendix C, in our words
SVM = {0x60: "ext-interrupt", 0x64: "intr-window", 0x72: "cpuid", 0x77: "pause", 0x78: "hlt", 0x7b: "io",
       0x7c: "msr", 0x81: "hypercall", 0x400: "p2m-fault"}


def counts(dom0, name):
    rows = json.loads(dom0.run(f"xl exits --json {name}", timeout=90))[0]["exits"]
    out = {}
    for row in rows:
        reason = "msr" if row["reason"] in ("rdmsr", "wrmsr") else row["reason"]
        out[reason] = out.get(reason, 0) + row["count"]
    return out


def upload(guest, path, data):
    """A small file by its base64, typed in short lines."""
    text = base64.b64encode(data).decode()
    for i in range(0, len(text), 76):
        guest.run(f"echo {text[i:i + 76]} {'>>' if i else '>'} {path}.b64")
    guest.run(f"base64 -d {path}.b64 > {path}; chmod +x {path}")


@pytest.fixture(scope="module")
def program():
    path = "build/check/exits"
    os.makedirs("build/check", exist_ok=True)
    subprocess.run(["nasm", "-f", "bin", "-o", path, "tests/guest/exits.asm"], check=True)
    with open(path, "rb") as f:
        return f.read()


def svm_counts(log):
    """VMCB address -> reason -> exits."""
    vmcb, out = None, {}
    with open(log, encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith("vmrun! "):
                vmcb = int(line.split()[1], 16)
            elif line.startswith("vmexit("):
                code = int(line[7:15], 16)
                reasons = out.setdefault(vmcb, {})
                name = SVM.get(code, f"{code:#x}")
                reasons[name] = reasons.get(name, 0) + 1
    return out


def run_and_count(dom0, commands, mark=lambda: None):
    """Exits of guest1, by reason, that the commands typed at its console add, and what mark() said before and after.
    No program starts in dom0 between the marks."""
    with Console(dom0, "guest1") as guest:
        first = mark()
        for command in commands:
            guest.run(command, 120)
        last = mark()
    dom0.run("xl pause guest1")
    now = counts(dom0, "guest1")
    dom0.run("xl unpause guest1")
    return now, first, last


def check_own_counts(dom0, rng, program, instruction, mark=lambda: None):
    """A random number of CPUIDs and hypercalls is found again in xl exits. Returns (cpuids, counts, first, last)."""
    cpuids, calls = rng.randrange(2000, 9000), rng.randrange(2000, 9000)
    print(f"{cpuids} CPUIDs, {calls} hypercalls")
    create(dom0, "guest1")
    with Console(dom0, "guest1") as guest:
        upload(guest, "/tmp/x", program)
    start0 = run_and_count(dom0, [])[0]
    none = run_and_count(dom0, [f"/tmp/x 0 0 {instruction}"])[0]
    now, first, last = run_and_count(dom0, [f"/tmp/x {cpuids} {calls} {instruction}"], mark)
    # what a console session and a program's start cost without them
    session = none["cpuid"] - start0["cpuid"]
    assert now["cpuid"] - none["cpuid"] == cpuids + session
    assert calls <= now["hypercall"] - none["hypercall"] < calls + 3000
    return cpuids, now, first, last


@pytest.mark.cost(30)
def test_counts_equal_qemu(workdir, rng, program):
    log = os.path.join(workdir, "qemu.log")
    if os.path.exists(log):
        os.unlink(log)
    with start(Spec("tcg", 1), workdir, extra=["-d", "in_asm", "-dfilter", "0x10+0x1", "-D", log]) as dom0:
        after = check_own_counts(dom0, rng, program, "m")[1]
        dom0.run("xl pause guest1")
        again = counts(dom0, "guest1")
        assert sum(again.values()) >= sum(after.values())
        emulated = svm_counts(log)
    # one of QEMU's VMCBs saw exactly what xl exits says of guest1, reason by reason
    assert again in emulated.values(), (again, emulated)


@pytest.mark.full
@pytest.mark.cost(90)
def test_cpuids_equal_bochs(workdir, rng, program):
    fifo, log = os.path.join(workdir, "bochs.fifo"), os.path.join(workdir, "vmexits.log")
    if os.path.exists(fifo):
        os.unlink(fifo)
    os.mkfifo(fifo)
    with subprocess.Popen(f"exec grep -a --line-buffered 'VMEXIT reason = 10 ' < {fifo} > {log}", shell=True) as grep:
        try:
            def lines():
                time.sleep(2)       # the pipe drains
                with open(log, "rb") as f:
                    return f.read().count(b"\n")

            extra = ["debug: action=ignore, cpu0=report", f"log: {fifo}"]
            with start(Spec("bochs", 1), workdir, extra=extra) as dom0:
                cpuids, _, first, last = check_own_counts(dom0, rng, program, "v", lines)
            assert cpuids <= last - first <= cpuids + 50, (cpuids, first, last)
        finally:
            grep.kill()
            os.unlink(fifo)
