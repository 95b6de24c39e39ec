# SPDX-License-Identifier: MIT
"""vCPUs taken and given while the guest works: xl vcpu-set with Debian's kernel and with ours."""
import re

import pytest
from guests import Console, create

XML = {"guest1": "/etc/xen/guest1.xml", "linux": "/etc/xen/linux-cloud.xml"}


def wait_cpus(guest, wanted):
    for _ in range(30):
        have = int(re.search(r"^(\d+)\r?$", guest.run("grep -c ^processor /proc/cpuinfo"), re.M).group(1))
        if have == wanted:
            return
        guest.run("sleep 1")
    raise AssertionError(f"{have} CPUs, not {wanted}")


@pytest.mark.cost(30)
@pytest.mark.parametrize("name", ["guest1", "linux"])
def test_vcpu_set(dom0, name):
    dom0.run(f"sed -e 's,<vcpu>[0-9]<,<vcpu>2<,' {XML[name]} > /tmp/{name}.xml")
    create(dom0, name, f"/tmp/{name}.xml")
    with Console(dom0, name) as guest:
        wait_cpus(guest, 2)
        # something on every CPU, with I/O, while they go and come
        guest.run("for i in 1 2; do (while :; do dd if=/dev/xvda of=/dev/null bs=64k count=64 2>/dev/null; done) & done; true")
    for n in (1, 2, 1, 2):
        status, out = dom0.status(f"xl vcpu-set -i {name} {n}", timeout=60)
        assert status == 0, out
        with Console(dom0, name) as guest:
            if name == "linux" and n == 2:  # there udev puts the CPU to use, which this initrd has not
                guest.run("while [ ! -e /sys/devices/system/cpu/cpu1/online ]; do sleep 1; done; "
                          "until echo 1 > /sys/devices/system/cpu/cpu1/online; do sleep 1; done", 30)
            wait_cpus(guest, n)
            first = guest.run("sha256sum /bin/busybox")
            assert first.split("  ")[0][-64:] == guest.run("sha256sum /bin/busybox").split("  ")[0][-64:]
            text = guest.run("dmesg | tail -30")
            assert not re.search(r"BUG:|WARNING:|rcu: .*stall|Oops|panic|cannot go", text), text
    dom0.run(f"xl destroy {name}")
