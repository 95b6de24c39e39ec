# SPDX-License-Identifier: MIT
"""The bare test guest as the boot domain: every hypercall, argument errors, CPUID, MSRs, ports.

It judges itself line by line; here each FAIL line fails the test, and so does a run without the closing line.
"""
import re
import subprocess

import pytest
from harness import Host


@pytest.fixture(scope="module")
def isos():
    subprocess.run(["make", "-s", "hyperguest"], check=True)


def judge(kind, role, workdir, cpus):
    with Host(kind, workdir, iso=f"build/hyperguest-{role}.iso", cpus=cpus, memory=512, lifetime=180) as host:
        host.expect(r"\d+ passed, \d+ failed", timeout=90)
        host.wait_end(timeout=30)
    text = open(host.machine.log_path(), encoding="utf-8", errors="replace").read()
    failures = re.findall(r"^FAIL .*$", text, flags=re.M)
    passed, failed = map(int, re.findall(r"(\d+) passed, (\d+) failed", text)[-1])
    assert not failures, "\n".join(failures)
    assert failed == 0
    # A run that skipped most of it would pass with few: the count is part of the judgement.
    assert passed == len(re.findall(r"^ok ", text, flags=re.M)) and passed >= 240


@pytest.mark.cost(10)
@pytest.mark.parametrize("role", ["domu", "dom0"])
def test_hyperguest_tcg(isos, role, workdir):
    judge("tcg", role, workdir, cpus=2)


@pytest.mark.cost(40)
@pytest.mark.parametrize("role", ["domu", "dom0"])
def test_hyperguest_bochs(isos, role, workdir):
    judge("bochs", role, workdir, cpus=1)


@pytest.mark.cost(15)
@pytest.mark.parametrize("role", ["domu-wait", "dom0-wait"])
def test_hyperguest_with_absent_pages(isos, role, workdir):
    """guest_wait=9: about every ninth read of guest memory finds the page absent and the call restarts."""
    judge("tcg", role, workdir, cpus=2)
