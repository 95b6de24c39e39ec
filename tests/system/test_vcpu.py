# SPDX-License-Identifier: MIT
"""The vCPU side alone: the one-page guest, its faults, and Debian's stock kernel as the only domain."""
import re
import subprocess

import pytest
from harness import Host


def boot(kind, iso, workdir, end, cpus=2, cpu=None, timeout=90, lifetime=180):
    """The serial text of a run that must reach `end` and then stop by itself."""
    subprocess.run(["make", "-s", iso], check=True)
    with Host(kind, workdir, iso=iso, cpus=cpus, memory=512, lifetime=lifetime, cpu=cpu) as host:
        host.expect(end, timeout=timeout)
        host.wait_end(timeout=60)
    return open(host.machine.log_path(), encoding="utf-8", errors="replace").read()


@pytest.mark.cost(15)
@pytest.mark.parametrize("kind", ["tcg", "bochs"])
def test_one_page_guest(kind, workdir):
    text = boot(kind, "build/test-guest.iso", workdir, "guest finished")
    assert "FAIL" not in text
    assert len(re.findall(r": OK\r?$", text, flags=re.M)) == 10
    if kind == "bochs":  # ticks are instructions there
        cpuid = int(re.search(r"ticks per CPUID exit: (\d+)", text).group(1))
        null = int(re.search(r"ticks per null hypercall: (\d+)", text).group(1))
        assert cpuid <= 300 and null <= 300


# What the guest does (tests/guest/pvh.asm) and what the log must say about it.
FAULTS = {1: "triple fault", 2: "runs code at unbacked address", 3: "cannot emulate the write of 0xe0000000",
          5: "triple fault", 6: "guest goes on", 7: "virtualization instructions: OK"}


@pytest.mark.cost(6)
@pytest.mark.parametrize("kind,fault", [(k, f) for k in ("tcg", "bochs") for f in FAULTS])
def test_fault_ends_the_domain_only(kind, fault, workdir):
    text = boot(kind, f"build/test-guest-fault{fault}.iso", workdir, r"domain 1 (powers off|reboots|crashed: the machine)")
    assert FAULTS[fault] in text
    assert "panic" not in text.lower()


@pytest.mark.cost(10)
def test_failed_entry_is_named(workdir):
    """A second vCPU whose RIP is not canonical: refused before entry, by name, with the whole VMCS in the log."""
    text = boot("bochs", "build/test-guest-fault4.iso", workdir, r"domain 1 crashed: the machine")
    assert "VM entry would fail: guest RIP" in text
    assert "GUEST_RIP" in text


@pytest.mark.cost(25)
@pytest.mark.parametrize("cpu", ["qemu64,+svm,+npt", "max"])
def test_stock_linux_tcg(cpu, workdir):
    stock_linux(boot("tcg", "build/linux.iso", workdir, r"domain 1 powers off", cpu=cpu, timeout=150), 2)


@pytest.mark.cost(110)
def test_stock_linux_bochs(workdir):
    stock_linux(boot("bochs", "build/linux.iso", workdir, r"domain 1 powers off", cpus=1, timeout=150, lifetime=240), 1)


def stock_linux(text, cpus):
    assert f"init: cpus {cpus} clock xen" in text
    assert "init: hypervisor xen 4.17" in text
    # 4 MiB of zeros, hashed on the build host
    zeros = subprocess.run("dd if=/dev/zero bs=64k count=64 2>/dev/null | sha256sum", shell=True, check=True,
                           stdout=subprocess.PIPE, text=True).stdout[:16]
    assert f"init: sha256 {zeros}" in text
    assert "XSAVE consistency problem" not in text and "unchecked MSR" not in text
    assert re.search(r"domain 1 powers off", text)
