#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The differential run: the same program on Debian's kernel and on ours, in the same emulator, compared case by case.

run.py [--ours-only | --linux FILE] [case pattern]: prints the cases that differ; the last line is "N passed, M failed".
known.txt lists the differences known, one "case reason" a line; a known one that agrees again counts as failed too.
Entry point for tests: compare(workdir) -> (passed, failed, text).
"""
import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build")
LINE = re.compile(r"case (\w+):(.*)")


def boot(kernel, log, limit):
    """The serial text of one run; the machine powers off by itself or is stopped after `limit` seconds."""
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "qemu64", "-m", "512", "-smp", "2", "-display", "none",
               "-no-reboot", "-nodefaults", "-serial", f"file:{log}", "-kernel", kernel,
               "-initrd", os.path.join(BUILD, "diff.cpio"), "-append", "console=ttyS0 quiet panic=-1"]
    try:
        subprocess.run(command, timeout=limit, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        print(f"{kernel}: stopped after {limit} s, see {log}")
    with open(log, encoding="utf-8", errors="replace") as file:
        return file.read()


def cases(text):
    found = {}
    for line in text.splitlines():
        match = LINE.search(line)
        if match:
            found[match.group(1)] = match.group(2).strip()
    return found


def known():
    with open(os.path.join(HERE, "known.txt"), encoding="utf-8") as file:
        lines = [line.split(None, 1) for line in file if line.strip() and not line.startswith("#")]
    return {name: reason.strip() for name, reason in lines}


def compare(workdir, limit=240, linux=None, pattern=""):
    os.makedirs(workdir, exist_ok=True)
    subprocess.run(["make", "-s", "-C", ROOT, "build/diff.cpio", "build/diff-linux", "build/dom0-kernel.elf"], check=True)
    if linux:
        with open(linux, encoding="utf-8", errors="replace") as file:
            stock = file.read()
    else:
        stock = boot(os.path.join(BUILD, "diff-linux"), os.path.join(workdir, "linux.log"), limit)
    ours = boot(os.path.join(BUILD, "dom0-kernel.elf"), os.path.join(workdir, "ours.log"), limit)
    return judge(stock, ours, pattern)


def judge(stock, ours, pattern=""):
    wanted, got, listed = cases(stock), cases(ours), known()
    passed, failed, text = 0, 0, []
    count = re.search(r"diff: (\d+) cases", stock)
    if not count or int(count.group(1)) != len(wanted):
        failed += 1
        text.append(f"Debian's kernel ran {len(wanted)} of {count and count.group(1)} cases")
    for name, expected in wanted.items():
        if not re.search(pattern, name):
            continue
        seen = got.get(name, "(did not run)")
        if seen == expected and name not in listed:
            passed += 1
        elif seen == expected:
            failed += 1
            text.append(f"{name}: agrees now, take it out of known.txt")
        elif name in listed:
            passed += 1
            text.append(f"known {name}: {listed[name]}")
        else:
            failed += 1
            text += [f"DIFFERS {name}", f"  Linux:{expected}", f"  ours: {seen}"]
    for name in listed.keys() - wanted.keys():
        failed += 1
        text.append(f"{name}: in known.txt, but no such case")
    text.append(f"{passed} passed, {failed} failed")
    return passed, failed, "\n".join(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--linux", help="a serial log of Debian's kernel to compare with, instead of booting it")
    parser.add_argument("pattern", nargs="?", default="")
    options = parser.parse_args()
    _, failed, text = compare(os.path.join(BUILD, "check", "diff"), linux=options.linux, pattern=options.pattern)
    print(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
