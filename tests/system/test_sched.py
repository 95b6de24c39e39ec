# SPDX-License-Identifier: MIT
"""Who gets how much of the CPUs: caps, weights and pinning by xl, measured by the vCPUs' times over the hypervisor's clock."""
import json
import re

from guests import Console, create

SECONDS = 6
BUSY = "(while :; do :; done) & sleep 1"


def sample(dom0):
    """CPU time of each guest and the time now, in seconds."""
    out = dom0.run("xl vcpu-list --json; cat /proc/uptime")
    rows = json.loads(out[out.index("["):out.rindex("]") + 1])
    used = {}
    for row in rows:
        used[row["name"]] = used.get(row["name"], 0) + row["cpu_time_ns"] / 1e9
    return used, float(re.search(r"^(\d+\.\d+) \d", out, re.M).group(1))


def shares(dom0):
    """Share of one CPU that each guest gets over a while."""
    before, start = sample(dom0)
    dom0.run(f"sleep {SECONDS}", timeout=SECONDS + 60)
    after, end = sample(dom0)
    return {name: (after[name] - before[name]) / (end - start) for name in after}


def stolen(guest):
    """What the guest's own kernel says others got, in seconds."""
    return int(re.search(r"^cpu +((?:\d+ ){7})(\d+)", guest.run("cat /proc/stat"), re.M).group(2)) / 100


def test_caps_weights_and_pinning(dom0):
    for name in ("guest1", "guest2"):
        create(dom0, name)
        with Console(dom0, name) as guest:
            guest.run(BUSY)
    cpus = int(re.search(r"nr_cpus +: (\d+)", dom0.run("xl info")).group(1))
    last = cpus - 1
    with Console(dom0, "guest1") as guest:
        before = stolen(guest)
    for name, cap in (("guest1", 30), ("guest2", 15)):
        assert dom0.status(f"xl sched-credit2 -d {name} -c {cap}")[0] == 0
    got = shares(dom0)
    assert 0.27 < got["guest1"] < 0.33 and 0.13 < got["guest2"] < 0.17, got
    with Console(dom0, "guest1") as guest:
        assert stolen(guest) - before > SECONDS * 0.5
    # on one CPU, one weighs twice the other
    for name, weight in (("guest1", 200), ("guest2", 400)):
        assert dom0.status(f"xl sched-credit2 -d {name} -c 0 -w {weight}")[0] == 0
        assert dom0.status(f"xl vcpu-pin {name} 0 {last}")[0] == 0
    got = shares(dom0)
    total = got["guest1"] + got["guest2"]
    assert total > 0.6 and 0.62 < got["guest2"] / total < 0.71, got
    for row in json.loads(dom0.run("xl vcpu-list --json")):
        if row["name"] != "Domain-0":
            assert row["cpu"] == last and str(row["hard_affinity"]) == str(last), row
