#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""closure.py ROOT: checks that every ELF file below ROOT finds its interpreter and all its NEEDED libraries in
ROOT's library folders. Exits 1 and names what is missing."""
import os
import re
import subprocess
import sys

LIBRARY_DIRS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib", "lib")


def elf_files(root):
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            with open(path, "rb") as f:
                if f.read(4) == b"\x7fELF":
                    yield path


def main():
    root = sys.argv[1]
    have = set()
    for folder in LIBRARY_DIRS:
        path = os.path.join(root, folder)
        if os.path.isdir(path):
            have.update(os.listdir(path))
    missing = {}
    for path in elf_files(root):
        text = subprocess.run(["readelf", "-Wdl", path], capture_output=True, text=True, check=False).stdout
        needs = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
        interpreter = re.search(r"interpreter: (/\S+)\]", text)
        if interpreter and not os.path.exists(root + interpreter.group(1)):
            needs.append(os.path.basename(interpreter.group(1)))
        for name in needs:
            if name not in have:
                missing.setdefault(name, path[len(root):])
    for name, user in sorted(missing.items()):
        print(f"closure: {name} (needed by {user}) is in no package of the list", file=sys.stderr)
    sys.exit(1 if missing else 0)


main()
