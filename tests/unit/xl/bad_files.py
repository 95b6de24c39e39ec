#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""xl create --dry-run on files that must be refused (tests/system/badfiles.py): status 1, words, little memory. bad_files.py XL ELF XML"""
import os
import random
import re
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "system"))
import badfiles  # noqa: E402  pylint: disable=wrong-import-position

MEMORY = 256 << 20      # what xl may take: its guest has 32 MiB


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))


def main():
    xl, elf, template = sys.argv[1:4]
    seed = int(os.environ.get("FUZZ_SEED", "1"))
    print(f"bad files: FUZZ_SEED={seed}")
    passed, failed = 0, 0
    with tempfile.TemporaryDirectory() as tmp:
        for name in ("scratch.img", "readonly.img"):
            with open(os.path.join(tmp, name), "wb") as f:
                f.write(bytes(4096))
        with open(template, encoding="ascii") as f:
            good = f.read().replace("@NAME@", "bad").replace("@CMD@", "attack=loop").replace("@MIB@", "32")
        with open(elf, "rb") as f:
            cases = [("kernel", name, data) for name, data in badfiles.kernels(f.read(), random.Random(seed)).items()]
        cases += [("xml", name, data) for name, data in badfiles.documents(good).items()]
        cases.append(("good", "", b""))
        for kind, name, data in cases:
            path, xml = os.path.join(tmp, "case"), os.path.join(tmp, "case.xml")
            with open(path, "wb") as f:
                f.write(data)
            if kind != "xml":
                data = good.replace("/root/faults/hyperguest.elf", path if kind == "kernel" else os.path.abspath(elf)).encode()
            with open(xml, "wb") as f:
                f.write(re.sub(rb"/root/faults/(\w+\.img)", tmp.encode() + rb"/\1", data))
            done = subprocess.run([xl, "create", "--dry-run", xml], capture_output=True, text=True, errors="replace", check=False,
                                  preexec_fn=limits)
            if kind == "good":
                ok = done.returncode == 0
            else:
                ok = done.returncode == 1 and done.stderr.strip()
            if not ok:
                print(f"{kind} {name}: status {done.returncode}: {done.stderr[:300]}")
            passed, failed = passed + bool(ok), failed + (not ok)
    print(f"{passed} passed, {failed} failed")
    sys.exit(bool(failed))


main()
