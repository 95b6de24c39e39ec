# SPDX-License-Identifier: MIT
"""A host that is short of CPU time: dom0 beside busy loops on the same machine; then what its console and the hypervisor's
debug keys must bear. One boot for all of it."""
import hashlib
import os
import shutil
import subprocess

import pytest
from harness import Host

ISO, DISK = "build/zazen.iso", "build/dom0.img"
LOOP = "while :; do :; done"


@pytest.fixture(name="loops")
def busy_loops(request):
    running = [subprocess.Popen(["nice", "-n", "2", "sh", "-c", LOOP]) for _ in range(request.param)]
    yield running
    for loop in running:
        loop.kill()
        loop.wait()


def stop(loops):
    while loops:
        loop = loops.pop()
        loop.kill()
        loop.wait()


def long_lines(host, rng):
    """Lines of any length up to the terminal's limit, each sent in one piece, arrive whole."""
    for length in (330, 331, 1000, 3000, 330, 330):
        word = "".join(rng.choice("abcdefghijklmnop") for _ in range(length))
        host.send("read -r line; echo $?-${#line}-$(printf %s \"$line\" | md5sum | cut -c1-8)\n")
        host.expect(r"\n", 60)
        host.send(word + "\n")
        host.expect(f"0-{length}-{hashlib.md5(word.encode()).hexdigest()[:8]}", 60)
        host.expect("dom0# ", 60)


# In check-full only: beside busy loops QEMU's AMD-V now and then saves the host's state as the guest's (docs/hosts.md).
@pytest.mark.full
@pytest.mark.parametrize("loops", [4, 8], indirect=True)
def test_boots_beside_busy_loops(workdir, rng, loops):
    disk = os.path.join(workdir, "disk.img")
    shutil.copyfile(DISK, disk)
    with Host("tcg", workdir, iso=ISO, disk=disk, cpus=2, lifetime=300) as host:
        host.expect("dom0: clean", 120)
        host.expect("dom0# ", 120)
        assert host.run("echo $((6 * 7))").strip() == "42"
        stop(loops)
        long_lines(host, rng)
        # Both vCPUs, one of them busy: the debug key shows them, from whichever CPU it runs on.
        host.run("while :; do :; done &")
        host.send("\x01\x01\x01")
        host.expect("Input goes to the hypervisor", 30)
        host.send("q")
        for vcpu in (0, 1):
            host.expect(rf"v{vcpu}: CPU[01] flags [0-9a-f]+", 30)
            host.expect(r"rip [0-9a-f]{16} rflags [0-9a-f]{8} cpl [0-3]", 30)
            host.expect(r"upcall \d mask \d", 30)
            host.expect(r"exits: [^\n]*hypercall \d+", 30)
        # A panic tells where everybody is and repeats what the serial line had not shown.
        host.send("C")
        host.expect("Panic on CPU [01]: debug key 'C'", 30)
        host.expect("The log before that:", 30)
        host.expect("initial domain|domain 0", 30)
        host.expect("End of the log", 30)
        host.expect(r"Stopped\.", 30)
