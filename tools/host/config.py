# SPDX-License-Identifier: MIT
"""Reads xen-like.cfg: `name = value` lines, values Python literals, # comments.

Entry point: load(path, environ) -> dict. Unknown names and bad values end with file:line.
"""
import ast
import os
import sys

KNOWN = {
    "emulator": str, "cpus": int, "memory": int, "disk": str, "iso": str,
    "tcg_cpu": str, "kvm_cpu": str, "bochs_cpu": str, "hypervisor": str, "dom0": str,
}
OVERRIDES = {"EMU": "emulator", "CPUS": "cpus", "MEMORY": "memory"}


def die(message):
    sys.exit(f"zazen: {message}")


def load(path, environ=os.environ):
    values = {}
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            name, equals, value = text.partition("=")
            name = name.strip()
            if not equals or name not in KNOWN:
                die(f"{path}:{number}: expected one of {', '.join(KNOWN)} = VALUE")
            try:
                # ast ignores a comment after the literal
                parsed = ast.literal_eval(value.strip())
            except (ValueError, SyntaxError):
                die(f"{path}:{number}: {name}: not a number or a quoted string")
            if not isinstance(parsed, KNOWN[name]):
                die(f"{path}:{number}: {name}: expected {KNOWN[name].__name__}")
            values[name] = parsed
    for variable, name in OVERRIDES.items():
        if environ.get(variable):
            try:
                values[name] = KNOWN[name](environ[variable])
            except ValueError:
                die(f"{variable}={environ[variable]}: expected {KNOWN[name].__name__}")
    missing = [name for name in KNOWN if name not in values]
    if missing:
        die(f"{path}: missing: {', '.join(missing)}")
    if values["emulator"] not in ("auto", "kvm", "tcg", "bochs"):
        die(f"emulator {values['emulator']!r}: expected auto, kvm, tcg or bochs")
    return values


if __name__ == "__main__":
    # config.py FILE NAME: prints one value, for make and shell scripts
    print(load(sys.argv[1])[sys.argv[2]])
