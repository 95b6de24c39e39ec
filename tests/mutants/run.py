#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make mutants: builds each mutant of list.py in a copy of the tree and runs its killers until one fails.

A mutant that all its killers let pass has survived: that is a failure. First every killer must pass on the unchanged copy.
The copy is build/mutants/tree, a log a mutant beside it. Arguments: words that a mutant's name must contain; --no-system
leaves out what needs an emulator. The last line is `N passed, M failed`.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from list import MUTANTS  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, "build", "mutants")
TREE = os.path.join(WORK, "tree")


def copy_tree():
    """What git tracks, as it is in the working tree; the copy's own build/ survives from run to run."""
    os.makedirs(TREE, exist_ok=True)
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.splitlines()
    for name in names:
        source, target = os.path.join(ROOT, name), os.path.join(TREE, name)
        if not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(source, "rb") as f:
            data = f.read()
        if not os.path.exists(target) or open(target, "rb").read() != data:
            shutil.copy(source, target)
    deb = os.path.join(ROOT, "build", "deb")
    if os.path.isdir(deb) and not os.path.exists(os.path.join(TREE, "build", "deb")):
        os.makedirs(os.path.join(TREE, "build"), exist_ok=True)
        shutil.copytree(deb, os.path.join(TREE, "build", "deb"), symlinks=True)


def run(killer, log):
    """Exit status of one killer in the copy; a mutant that does not even build counts as an error, not as killed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    if killer.startswith("system:"):
        # the images are built first, so that a failure is the test's
        build = subprocess.run(["make", "-s", "-j2", "all", "hyperguest"], cwd=TREE, stdout=log, stderr=log, check=False,
                               env=environment)
        if build.returncode:
            return "does not build"
        command = [sys.executable, "-m", "pytest", "-q", "-x", "tests/system", "-k", killer[len("system:"):]]
        wrapper = os.environ.get("ZAZEN_EMULATOR_WRAPPER")
        command = wrapper.split() + command if wrapper else command
    else:
        command = ["make", "-s", killer]
    try:
        result = subprocess.run(command, cwd=TREE, stdout=log, stderr=log, check=False, env=environment, timeout=600)
    except subprocess.TimeoutExpired:
        return "killed"     # it hangs: noticed
    return "killed" if result.returncode else "survived"


def judge(name, path, old, new, killers):
    target = os.path.join(TREE, path)
    with open(target, encoding="utf-8") as f:
        text = f.read()
    if old not in text:
        return f"STALE: {path} no longer contains {old.splitlines()[0]!r}"
    log_path = os.path.join(WORK, re.sub(r"[^a-z0-9]+", "-", name.lower()) + ".log")
    try:
        with open(target, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new, 1))
        with open(log_path, "w", encoding="utf-8") as log:
            for killer in killers:
                verdict = run(killer, log)
                log.flush()
                with open(log_path, encoding="utf-8", errors="replace") as f:
                    # a compiler's error is no kill
                    if re.search(r"^\S+\.(c|h|asm):\d+:\d+: error:", f.read(), re.M):
                        return f"DOES NOT COMPILE: see {log_path}"
                if verdict == "killed":
                    return f"killed by {killer}"
        return f"SURVIVED {', '.join(killers)}"
    finally:
        with open(target, "w", encoding="utf-8") as f:
            f.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--no-system", action="store_true")
    args = parser.parse_args()
    chosen = []
    for name, path, old, new, killers in MUTANTS:
        if args.no_system:
            killers = [k for k in killers if not k.startswith("system:")]
        if killers and all(w in name for w in args.words):
            chosen.append((name, path, old, new, killers))
    copy_tree()
    bad = 0
    with open(os.path.join(WORK, "unchanged.log"), "w", encoding="utf-8") as log:
        first = list(dict.fromkeys(m[4][0] for m in chosen))
        for killer in first:
            if run(killer, log) != "survived":
                print(f"{killer} fails without any mutant: see {log.name}", flush=True)
                bad += 1
    passed = 0
    for mutant in chosen if not bad else []:
        verdict = judge(*mutant)
        print(f"mutant {mutant[0]}: {verdict}", flush=True)
        passed += verdict.startswith("killed")
        bad += not verdict.startswith("killed")
    print(f"{passed} passed, {bad} failed")
    sys.exit(1 if bad or not passed else 0)


main()
