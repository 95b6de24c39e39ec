#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make check / check-full: unit tests on the build host, then the system tests in the emulators.

Prints a line a test, keeps every log below build/check/, and ends with `N passed, M failed`; exits 1 if M > 0 or
nothing ran."""
import argparse
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

LOGS = "build/check"
CMOCKA_PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)\.", re.M)
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] \S+: (?:\S+ )*?(\d+) test\(s\)|^ (\d+) FAILED TEST\(S\)", re.M)
PLAIN = re.compile(r"^(?:\S+: )?(\d+) passed, (\d+) failed", re.M)


def run_unit():
    """Every target of UNIT_TARGETS by itself, so that one that breaks hides no other."""
    listed = subprocess.run(["make", "-s", "list-unit"], capture_output=True, text=True, check=True).stdout.split()
    passed = failed = 0
    for target in listed:
        start = time.monotonic()
        log_path = os.path.join(LOGS, target.replace("/", "_") + ".log")
        with open(log_path, "w+", encoding="utf-8", errors="replace") as log:
            status = subprocess.run(["make", target], stdout=log, stderr=subprocess.STDOUT, check=False).returncode
            log.seek(0)
            text = log.read()
        good = sum(int(n) for n in CMOCKA_PASSED.findall(text)) + sum(int(a) for a, _ in PLAIN.findall(text))
        bad = sum(int(b) for _, b in CMOCKA_FAILED.findall(text) if b) + sum(int(b) for _, b in PLAIN.findall(text))
        if status and not bad:
            bad = 1
        if not status and not good:
            good = 1    # a target that checks one thing and says nothing
        passed, failed = passed + good, failed + bad
        print(f"unit {target}: {good} passed, {bad} failed, {time.monotonic() - start:.0f} s" + (f"  (log: {log_path})" if bad else ""), flush=True)
        if bad:
            print("    " + "\n    ".join(text.splitlines()[-15:]))
    return passed, failed


def run_system(full, seed):
    report = os.path.join(LOGS, "system.xml")
    command = [sys.executable, "-m", "pytest", "-v", "-rfE", "--tb=short", "--durations=10", f"--junitxml={report}",
               "tests/system", "--seed", str(seed), "--repeat"]
    if full:
        command.append("--full")
    if os.path.exists(report):
        os.unlink(report)
    subprocess.run(command, check=False)
    if not os.path.exists(report):
        return 0, 1
    suite = ElementTree.parse(report).getroot().find("testsuite")
    total, bad, skipped = (int(suite.get(key)) for key in ("tests", "failures", "skipped"))
    bad += int(suite.get("errors"))
    return total - bad - skipped, bad


def run_mutants():
    """tests/mutants: each must be noticed. Its own last line counts."""
    result = subprocess.run([sys.executable, "tests/mutants/run.py"], stdout=subprocess.PIPE, text=True, check=False)
    print(result.stdout, end="", flush=True)
    last = PLAIN.findall(result.stdout)
    return tuple(map(int, last[-1])) if last else (0, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="every matrix: up to 3 hours")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("ZAZEN_SEED", time.time())))
    parser.add_argument("--unit", action="store_true", help="unit tests only")
    args = parser.parse_args()
    os.makedirs(LOGS, exist_ok=True)
    start = time.monotonic()
    os.environ["SEED"] = os.environ["ZAZEN_SEED"] = str(args.seed)      # SEED: what the unit tests read
    print(f"check: seed {args.seed} (ZAZEN_SEED={args.seed} make check repeats this run)", flush=True)
    passed, failed = run_unit()
    if not args.unit:
        unit_s = time.monotonic() - start
        print(f"check: unit tests took {unit_s:.0f} s", flush=True)
        good, bad = run_system(args.full, args.seed)
        passed, failed = passed + good, failed + bad
        if args.full:
            good, bad = run_mutants()
            passed, failed = passed + good, failed + bad
    print(f"check: {time.monotonic() - start:.0f} s; logs in {LOGS}/")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
