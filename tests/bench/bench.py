#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench`: runs the measuring guests on both emulators, prints the table, compares with baseline.txt.

bench.py BUILD [--counting BUILD] [--update] [--rows guest|kernel|boot|disk] [--only bochs|tcg]. One emulator at a time. One tick
is one instruction: Bochs with sync=none, QEMU with -icount shift=0,sleep=off. What the instructions did (VM exits, VMCS
accesses, ...) comes from a second run of the same on a hypervisor that counts. Method: docs/bench.md.
"""
import argparse
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../../tools/host"), os.path.join(HERE, "../system")]
from harness import Host  # noqa: E402

BASELINE = os.path.join(HERE, "baseline.txt")
TOLERANCE = 1.03
# Timers run while the build host gets to the disk's answers. Under dom0 its own timers fall into fork's long batches;
# whether a wake-up preempts, depends on the run times so far.
LOOSE = {"fork_wait": 1.35, "fork_exec_wait": 1.35, "pipe_round_trip": 1.2, "boot_kernel_rest": 1.5, "boot_to_shell": 1.25,
         "create": 1.1, "create_dom0": 1.1, "create_guest": 1.1,  # what runs meanwhile
         "image_hypervisor": 1.1, "image_dom0": 1.1, "image_guest": 1.1}  # they grow with what they can do
ICOUNT = ["-icount", "shift=0,sleep=off", "-rtc", "base=2024-01-01,clock=vm"]

# key -> what a person reads; the goal (issue 2 section 9); what Xen 4.17 takes on the same emulator
NAMES = {
    "hypercall": "null hypercall (xen_version)", "cpuid": "CPUID exit", "rdmsr": "RDMSR exit (APIC_BASE, through a wrapper)",
    "yield": "yield", "set_timer": "set_timer_op", "argument": "argument fetched (send to no port)", "event_send": "event send, no upcall",
    "event_handled": "event send to handler's end", "event_pong": "event to another domain's handler and back", "grant_map_unmap": "grant map + unmap",
    "grant_copy": "grant copy of a page", "getppid": "getppid", "page_fault": "page fault, anonymous",
    "pipe_round_trip": "pipe round trip", "fork_wait": "fork+wait", "fork_exec_wait": "fork+exec+wait",
    "boot_entry_to_dom0": "  hypervisor's own start, small dom0", "boot_dom0_to_init": "  building dom0, its kernel, to /init",
    "boot_hypervisor": "  hypervisor's own start", "boot_build_dom0": "  building dom0, to its first line",
    "boot_kernel_memory": "  dom0's memory, to its clock", "boot_kernel_rest": "  dom0's clock to the shell's prompt",
    "disk_read_4k": "read of 4 KiB, sequential", "disk_read_4k_random": "read of 4 KiB, random",
    "disk_write_4k": "write of 4 KiB, sequential", "disk_write_4k_random": "write of 4 KiB, random",
    "disk_read_1m": "read of 1 MiB (of 64)", "create_dom0": "  xl create: dom0's part", "create_guest": "  xl create: the guest's part",
    "create": "xl create to the guest's shell",
    "boot_to_init": "hypervisor entry to /init", "boot_to_shell": "hypervisor entry to dom0's shell",
    "memory_own": "held by the hypervisor (512 MiB host), KiB",
    "image_hypervisor": "hypervisor, text+data bytes", "image_dom0": "dom0's kernel, text+data bytes",
    "image_guest": "guest kernel, text+data bytes",
}
GOALS = {("bochs", "domu", "hypercall"): 300, ("bochs", "domu", "cpuid"): 300, ("bochs", "domu", "yield"): 900,
         ("tcg", "domu", "hypercall"): 500, ("tcg", "domu", "cpuid"): 500,
         ("bochs", "dom0", "memory_own"): 6144, ("tcg", "dom0", "memory_own"): 6144,  # frame table 2 MiB + 4 MiB
         ("tcg", "domu", "disk_read_4k"): 30_000, ("tcg", "domu", "disk_read_4k_random"): 30_000,
         ("tcg", "boot", "create"): 200_000_000,
         ("tcg", "boot", "boot_to_shell"): 400_000_000, ("build", "size", "image_hypervisor"): 512 * 1024}
XEN = {("bochs", "domu", "hypercall"): 975, ("bochs", "domu", "cpuid"): 1010, ("bochs", "domu", "yield"): 3130,
       ("tcg", "domu", "hypercall"): 5609, ("tcg", "domu", "cpuid"): 6219, ("tcg", "domu", "yield"): 7592,
       ("tcg", "dom0", "getppid"): 364, ("tcg", "dom0", "page_fault"): 4622, ("tcg", "dom0", "pipe_round_trip"): 12699,
       ("tcg", "dom0", "fork_exec_wait"): 327845,
       ("tcg", "alone", "getppid"): 360, ("tcg", "alone", "page_fault"): 4600, ("tcg", "alone", "pipe_round_trip"): 12407,
       ("tcg", "alone", "fork_exec_wait"): 325627,
       ("bochs", "dom0", "getppid"): 388, ("bochs", "dom0", "page_fault"): 5026, ("bochs", "dom0", "pipe_round_trip"): 10696,
       ("bochs", "dom0", "fork_exec_wait"): 279543,
       ("bochs", "dom0", "memory_own"): 19456, ("tcg", "dom0", "memory_own"): 19456,
       ("tcg", "dom0", "disk_read_4k"): 5_371, ("tcg", "domu", "disk_read_4k"): 91_900,
       ("tcg", "dom0", "disk_read_1m"): 310_900, ("tcg", "domu", "disk_read_1m"): 854_700,
       ("tcg", "boot", "create"): 871_000_000, ("tcg", "boot", "boot_to_shell"): 4_000_000_000, ("build", "size", "image_hypervisor"): 2_621_440}


# What the counting build counts, as its lines give it, and at most how much a row may take (issue 2 section 9).
COUNTS = ("exits", "VMCS", "TLB", "IPIs", "locked", "copied")
COUNT_GOALS = {(kind, name, what): most for kind in ("bochs", "tcg") for name in ("hypercall", "cpuid")
               for what, most in (("VMCS", 4), ("TLB", 0), ("locked", 0))}
# Another row of the same run times this: 1 MiB reads of a guest against dom0's own.
RATIO_GOALS = {("tcg", "domu", "disk_read_1m"): (("tcg", "dom0", "disk_read_1m"), 1.8)}


class Bench:
    def __init__(self, build, counting):
        self.build, self.counting, self.rows, self.exits, self.counts = build, counting, {}, {}, {}

    def run(self, where, kind, lifetime=120, end="bench end", **machine):
        """The serial text of one run, up to `end`; rows "bench NAME TICKS EXITS" are collected under (kind, where)."""
        extra = ICOUNT if kind == "tcg" else []
        began = time.monotonic()
        work = os.path.join(self.build, "bench-run", f"{kind}-{where}")
        host = Host(kind, work, cpus=1, memory=512, lifetime=lifetime, extra=extra, **machine)
        with host:
            host.expect(end, timeout=lifetime)
        with open(host.machine.log_path(), encoding="utf-8", errors="replace") as f:
            text = f.read()
        self.collect(kind, where, text)
        if "failed" in text:
            print(f"bench: {kind} {where}: a step of the measurement failed, see {host.machine.log_path()}", file=sys.stderr)
        print(f"bench: {kind} {where} took {time.monotonic() - began:.0f} s", file=sys.stderr)
        return text

    def collect(self, kind, where, text):
        for name, ticks, exits in re.findall(r"bench (\w+) (\d+) (-?\d+)\r*$", text, flags=re.M):
            self.rows[kind, where, name] = int(ticks)
            if int(exits) >= 0:
                self.exits[kind, name] = int(exits) / 100

    def count(self, kind, **machine):
        """The same images on the counting hypervisor: only the "count" lines are taken."""
        if not self.counting:
            return
        quiet = Bench(self.build, None)
        text = quiet.run("counting", kind, **machine)
        for line in re.findall(r"^count (\w+(?: -?\d+)+)\r*$", text, flags=re.M):
            name, *values = line.split()
            self.counts[kind, name] = [int(v) / 100 for v in values]

    def guest(self, kind):
        self.run("domu", kind, iso=f"{self.build}/bench-domu.iso")
        self.count(kind, iso=f"{self.counting}/bench-dom0.iso")
        text = self.run("dom0", kind, iso=f"{self.build}/bench-dom0.iso")
        found = re.search(r"memory total (\d+) free (\d+) domains (\d+) own (\d+)", text)
        if found:
            self.rows[kind, "dom0", "memory_own"] = int(found.group(4)) * 4

    def kernel(self, kind):
        if kind == "tcg":
            self.run("alone", kind, kernel=f"{self.build}/dom0-kernel.elf", append="console=ttyS0 quiet",
                     initrd=f"{self.build}/bench.cpio", lifetime=60)
            self.rows.pop((kind, "alone", "boot"), None)
        text = self.run("dom0", kind, iso=f"{self.build}/bench-kernel.iso", lifetime=120)
        self.count(kind, iso=f"{self.counting}/bench-kernel.iso", lifetime=120)
        self.rows.pop((kind, "dom0", "boot"), None)
        self.phases(kind, text)

    def phases(self, kind, text):
        """Phases from the hypervisor's two time stamps and that of /init."""
        stamp = re.search(r"Boot: entry at TSC (\d+), ready for dom0 at (\d+)", text)
        init = re.search(r"bench boot (\d+)", text)
        if stamp and init:
            entry, dom0, user = int(stamp.group(1)), int(stamp.group(2)), int(init.group(1))
            self.rows[kind, "boot", "boot_entry_to_dom0"] = dom0 - entry
            self.rows[kind, "boot", "boot_dom0_to_init"] = user - dom0
            self.rows[kind, "boot", "boot_to_init"] = user - entry

    def boot(self, kind):
        """The real images to the shell's prompt. Once there is a disk to wait for, dom0's time on the CPU is what counts."""
        work = os.path.join(self.build, "bench-run", f"{kind}-boot")
        host = Host(kind, work, cpus=1, memory=1024, lifetime=150, extra=ICOUNT, iso=f"{self.build}/bench-boot.iso",
                    disk=f"{self.build}/bench-disk.img,snapshot=on")
        with host:
            host.expect("dom0# ", timeout=120)
            on_cpu = self.cpu_times(host)[0]
        with open(host.machine.log_path(), encoding="utf-8", errors="replace") as f:
            text = f.read()
        stamp = re.search(r"Boot: entry at TSC (\d+), ready for dom0 at (\d+)", text)
        if not stamp:
            raise AssertionError("no time stamps in the hypervisor's log")
        entry, ready = int(stamp.group(1)), int(stamp.group(2))
        # The kernel's stamps are those of the TSC (1 GHz here) until its clock starts at 0.
        stamps = [int(float(t) * 1e6) * 1000 for t in re.findall(r"^\[ *(\d+\.\d+)\]", text, flags=re.M)]
        zero = next(a for a, b in zip(stamps, stamps[1:]) if b < a)
        memory = zero - stamps[0]
        for name, ticks in (("boot_hypervisor", ready - entry), ("boot_build_dom0", stamps[0] - ready),
                            ("boot_kernel_memory", memory), ("boot_kernel_rest", on_cpu - memory),
                            ("boot_to_shell", stamps[0] - entry + on_cpu)):
            self.rows[kind, "boot", name] = ticks

    def disk(self, kind):
        """A RAM disk of dom0's, read and written by dom0 and by a guest that has it as its disk; xl create to a shell."""
        host = self.chain(kind, self.build, "disk")
        with host:
            host.expect("dom0# ", timeout=120)
            self.collect(kind, "dom0", host.run("/bench/dbench /dev/ram0", timeout=100))
            host.send("xl create -c /bench/gbench.xml\n")
            host.expect("bench end", timeout=120)
            self.collect(kind, "domu", host.child.before)
            host.expect("dom0# ", timeout=60)
            before = self.cpu_times(host)
            host.send("xl create -c /etc/xen/guest1.xml\n")
            host.expect("guest1# ", timeout=120)
            host.send("\x1d")
            host.expect("dom0# ", timeout=30)
            after = self.cpu_times(host)
        guest = max(after)
        self.rows[kind, "boot", "create_dom0"] = after[0] - before[0]
        self.rows[kind, "boot", "create_guest"] = after[guest]
        self.rows[kind, "boot", "create"] = after[0] - before[0] + after[guest]
        if self.counting:
            self.disk_counts(kind)

    def disk_counts(self, kind):
        """Two guests on the counting hypervisor that differ in the number of their random accesses: the difference, per access."""
        few, many = 100, 1100
        with self.chain(kind, self.counting, "counting-disk") as host:
            host.expect("dom0# ", timeout=120)
            for name, word in (("disk_read_4k_random", ""), ("disk_write_4k_random", "WRITE=1 ")):
                totals = []
                for ops in (few, many):
                    host.run(f"sed 's/quiet/quiet {word}OPS={ops}/' /bench/gbench.xml > /tmp/g.xml")
                    before = self.counters(host)
                    host.send("xl create -c /tmp/g.xml\n")
                    host.expect("bench end", timeout=60)
                    host.expect("dom0# ", timeout=60)
                    totals.append([b - a for a, b in zip(before, self.counters(host))])
                self.counts[kind, "domu", name] = [max(0, b - a) / (many - few) for a, b in zip(*totals)]

    def counters(self, host):
        found = re.search(r"^counts ([\d ]+?)\r*$", host.run("/bench/xencount"), flags=re.M)
        return [int(n) for n in found.group(1).split()]

    def chain(self, kind, build, name):
        work = os.path.join(self.build, "bench-run", f"{kind}-{name}")
        return Host(kind, work, cpus=1, memory=1024, lifetime=280, extra=ICOUNT, iso=f"{build}/bench-disk.iso",
                    disk=f"{self.build}/bench-disk.img,snapshot=on")

    def cpu_times(self, host):
        """Time of each domain on the CPU, which at 1 GHz is its instructions; idle time is nobody's."""
        out = host.run("/bench/xencount")
        return {int(domain): int(ns) for domain, ns in re.findall(r"^cpu (\d+) (\d+)\r*$", out, flags=re.M)}

    def sizes(self):
        for name, path in (("hypervisor", "zazen"), ("dom0", "dom0-kernel"), ("guest", "guest-kernel")):
            out = subprocess.run(["size", f"{self.build}/{path}.elf"], check=True, stdout=subprocess.PIPE, text=True).stdout
            text, data = out.splitlines()[1].split()[:2]
            self.rows["build", "size", f"image_{name}"] = int(text) + int(data)


def read_baseline():
    values = {}
    try:
        with open(BASELINE, encoding="ascii") as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    kind, where, name, value = line.split()
                    values[kind, where, name] = int(value)
    except FileNotFoundError:
        pass
    return values


def write_baseline(rows):
    with open(BASELINE, "w", encoding="ascii") as f:
        f.write("# make bench BASELINE=update wrote this: emulator, where, row, figure\n")
        for key in sorted(rows):
            f.write(" ".join(key) + f" {rows[key]}\n")


def table(bench, baseline):
    """Prints the table; returns the rows that got worse."""
    worse = []
    head = "".join(f"{c:>8}" for c in COUNTS)
    print(f"{'emulator':9}{'where':7}{'row':43}{'ours':>12}{head}{'goal':>12}{'Xen':>12}{'baseline':>12}")
    for key, value in bench.rows.items():
        kind, where, name = key
        goal, old = GOALS.get(key), baseline.get(key)
        counts = bench.counts.get((kind, where, name))
        if counts is None and where in ("domu", "dom0"):
            counts = bench.counts.get((kind, name))
        if counts is None and where in ("domu", "dom0") and (kind, name) in bench.exits:
            counts = [bench.exits[kind, name]]
        note = ""
        if goal and value > goal:
            note = "  misses the goal"
        if key in RATIO_GOALS and RATIO_GOALS[key][0] in bench.rows:
            other, most = RATIO_GOALS[key]
            ratio = value / bench.rows[other]
            note = f"  {ratio:.2f} times dom0's own" + (f": misses the goal of {most}" if ratio > most else "")
        for what, found in zip(COUNTS, counts or []):
            most = COUNT_GOALS.get((kind, name, what))
            if most is not None and found > most:
                note += f"  {what}: goal {most}"
                worse.append(key)
        if old and value > old * LOOSE.get(name, TOLERANCE):
            note += f"  WORSE by {100 * value / old - 100:.1f} %"
            worse.append(key)
        shown = ["-" if what == "VMCS" and kind == "tcg" else number(n) for what, n in zip(COUNTS, counts or [])]
        columns = "".join(f"{n:>8}" for n in shown).ljust(8 * len(COUNTS))
        print(f"{kind:9}{where:7}{NAMES.get(name, name):43}{value:12,}{columns}"
              f"{goal or '':>12}{XEN.get(key, ''):>12}{old if old is not None else '':>12}{note}")
    return worse


def say_compared(bench, baseline):
    """What was held against what, so that silence about a row is not taken for its being well."""
    known = [key for key in bench.rows if key in baseline]
    new = [" ".join(key) for key in bench.rows if key not in baseline]
    left = len([key for key in baseline if key not in bench.rows])
    print(f"bench: {len(known)} rows held against {os.path.relpath(BASELINE)}, margin {100 * TOLERANCE - 100:.0f} % (wider: "
          + ", ".join(f"{name} {100 * more - 100:.0f} %" for name, more in LOOSE.items()) + ")")
    print(f"bench: {len(bench.counts)} rows counted; null hypercall and CPUID exit: at most 4 VMCS accesses, no locked operation, "
          "no flush")
    if new:
        print("bench: not in the baseline: " + ", ".join(new))
    if left:
        print(f"bench: {left} rows of the baseline were not measured")


def number(n):
    return f"{n:.0f}" if n >= 100 or n == int(n) else f"{n:.2f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--rows", choices=["guest", "kernel", "boot", "disk", "size"])
    parser.add_argument("--counting", help="the build that counts")
    parser.add_argument("--only", choices=["bochs", "tcg"])
    args = parser.parse_args()
    bench, failed = Bench(args.build, args.counting), []
    for kind in [args.only] if args.only else ["bochs", "tcg"]:
        for part in ("guest", "kernel", "boot", "disk"):
            if part in ("boot", "disk") and kind == "bochs":  # two disks of real size there: minutes
                continue
            if args.rows in (None, part):
                try:
                    getattr(bench, part)(kind)
                except AssertionError as error:
                    failed.append(f"{kind} {part}: {error}")
    bench.sizes()
    baseline = read_baseline()
    worse = table(bench, baseline)
    for message in failed:
        print(f"bench: not measured: {message}", file=sys.stderr)
    say_compared(bench, baseline)
    if args.update:
        write_baseline({**baseline, **bench.rows})
        print(f"bench: {os.path.relpath(BASELINE)} written")
    elif worse:
        print(f"bench: REFUSED: {len(worse)} rows are worse than {os.path.relpath(BASELINE)} or count more than they may: "
              + ", ".join(" ".join(key) for key in worse))
    sys.exit(1 if failed or (worse and not args.update) else 0)


if __name__ == "__main__":
    main()
