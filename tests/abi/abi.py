#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare include/xen with libxen-dev's headers.

The list of what to compare is made from our own headers: every object-like macro, every enumerator
and every member (nested ones too) of every named structure. One C program that prints the list's
values is compiled twice, once per include path; the outputs must be the same. So a new definition
needs no line here; what exists only on our side goes into OURS with the reason.
"""
import os
import re
import subprocess
import sys

# Ours, or spelled so that no reference exists in 4.17's headers.
OURS = {
    "XEN_ELFNOTE_PHYS32_RELOC": "newer than 4.17",
    "XEN_FLEX_ARRAY_DIM": "empty",
    "xen_wc_sec_hi": "a member's name", "uint64_aligned_t": "a type", "int64_aligned_t": "a type",
    "blkif_vdev_t": "a type", "blkif_sector_t": "a type",
    "xen_platform_op": "the union's members differ by what we serve",
    # The kernel sees a 4-byte pad where the reference has per-protocol members of the same size.
    "pvt": "same size, other members",
    "__XEN_INTERFACE_VERSION__": "chosen by the includer",
    "XEN_EINTR": "hypervisor only", "XEN_ERESTART": "hypervisor only",
    # Anonymous in the reference too, but with a tag that changes the path.
    "xen_sysctl_scheduler_op.u.sched_arinc653.schedule.p": "handle to a type we lack",
}
HEADERS = """xen.h version.h features.h event_channel.h grant_table.h memory.h sched.h vcpu.h physdev.h
platform.h elfnote.h errno.h domctl.h sysctl.h hvm/hvm_op.h hvm/params.h hvm/save.h hvm/e820.h hvm/hvm_vcpu.h
arch-x86/xen.h arch-x86/xen-x86_64.h arch-x86/cpuid.h arch-x86/hvm/start_info.h arch-x86/hvm/save.h
io/ring.h io/blkif.h io/console.h io/xenbus.h io/xs_wire.h io/protocols.h""".split()


def strip(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return text.replace("\\\n", " ")


def body_at(text, start):
    """Text between the brace at start and its match, and the index after it."""
    depth, i = 0, start
    while True:
        if text[i] == "{":
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 1:i], i + 1
        i += 1


def declarators(text):
    for part in text.split(","):
        part = re.sub(r"\[.*?\]|:.*", "", part)
        name = re.findall(r"\w+", part)
        if name:
            yield name[-1], ":" in text


def members(body, prefix=""):
    i = 0
    while i < len(body):
        m = re.compile(r"\s*(?:struct|union)\s*\w*\s*\{").match(body, i)
        if m:
            inner, j = body_at(body, m.end() - 1)
            end = body.index(";", j)
            names = [n for n, _ in declarators(body[j:end]) if n]
            for name in names:
                yield prefix + name + ("[]" if "[]" in body[j:end] else "")
                if "[" not in body[j:end]:
                    yield from members(inner, prefix + name + ".")
            if not names:
                yield from members(inner, prefix)
            i = end + 1
            continue
        end = body.find(";", i)
        if end < 0:
            return
        decl = body[i:end]
        i = end + 1
        if not decl.strip() or ":" in decl:   # bit-fields have no offset
            continue
        decl = re.sub(r"XEN_GUEST_HANDLE(_64)?\([^)]*\)", "handle", decl)
        decl = re.sub(r"^\s*((const|volatile|struct|union|unsigned|enum)\s+)*\w+", "", decl.strip(), count=1)
        flexible = decl.rstrip().endswith("[]")
        for name, _ in declarators(decl):
            yield prefix + name + ("[]" if flexible else "")


def items(root):
    consts, structs, strings = [], [], []
    for header in HEADERS:
        text = strip(open(os.path.join(root, header)).read())
        plain = re.sub(r"^\s*#.*$", "", text, flags=re.M)
        for name, value in re.findall(r"^\s*#define\s+(\w+)[ \t]+(\S.*)$", text, flags=re.M):
            if name in OURS or value.lstrip().startswith("__typeof__"):
                continue
            (strings if '"' in value or value.strip() in strings else consts).append(name)
        for m in re.finditer(r"enum\s*\w*\s*\{", plain):
            inner, _ = body_at(plain, m.end() - 1)
            consts += [n for n in re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", inner.strip()) if n not in OURS]
        for m in re.finditer(r"^(?:typedef )?(struct|union)\s+(\w+)\s*\{", plain, flags=re.M):
            if m.group(2) in OURS:
                continue
            inner, _ = body_at(plain, m.end() - 1)
            structs.append((m.group(1) + " " + m.group(2), list(members(inner))))
        for name in re.findall(r"^typedef\s+\w+(?:\s+\w+)*\s+(\w+)(?:\[\d+\])?;", plain, flags=re.M):
            structs.append((name, []))
    return consts, strings, structs


def program(root):
    consts, strings, structs = items(root)
    out = ["#include <stdio.h>", "#include <stdint.h>", "#include <stddef.h>", "#include <string.h>"]
    out += ["#include <xen/%s>" % h for h in HEADERS]
    out += ["#define C(x) printf(\"%s = %#llx\\n\", #x, (unsigned long long)(x));",
            "#define T(x) printf(\"%s = %s\\n\", #x, x);",
            "#define S(x) printf(\"sizeof %s = %zu\\n\", #x, sizeof(x));",
            "#define M(s, m) printf(\"%s.%s at %zu size %zu\\n\", #s, #m, offsetof(s, m), sizeof(((s *)0)->m));",
            "#define F(s, m) printf(\"%s.%s at %zu\\n\", #s, #m, offsetof(s, m));", "int main(void)", "{"]
    out += ["C(%s)" % c for c in consts] + ["T(%s)" % s for s in strings]
    n = 0
    for name, mem in structs:
        out.append("S(%s)" % name)
        for m in mem:
            if m.split(".")[0] in OURS or "%s.%s" % (name.split()[-1], m) in OURS:
                continue
            out.append("%s(%s, %s)" % ("F" if m.endswith("[]") else "M", name, m.replace("[]", "")))
            n += 1
    out += ["struct blkif_sring *r = 0; (void)r;", "C(__CONST_RING_SIZE(blkif, 4096))",
            "C(HVM_SAVE_CODE(CPU)) C(HVM_SAVE_LENGTH(CPU)) C(HVM_SAVE_CODE(MTRR)) C(HVM_SAVE_CODE(LAPIC_REGS))",
            "return 0;", "}"]
    return "\n".join(out) + "\n", len(consts) + len(strings) + len(structs) + n


def run(cc, source, include, exe):
    # No warnings: the reference's headers are not ours to clean.
    subprocess.run([cc, "-w", "-std=gnu11", "-D__XEN_TOOLS__", "-D__XEN_INTERFACE_VERSION__=0x00040e00",
                    "-I", include, "-o", exe, source], check=True)
    return subprocess.run([exe], check=True, capture_output=True, text=True).stdout.splitlines()


def main():
    ours, reference, work = sys.argv[1:4]
    os.makedirs(work, exist_ok=True)
    text, count = program(os.path.join(ours, "xen"))
    source = os.path.join(work, "abi.c")
    with open(source, "w") as f:
        f.write(text)
    # <xen/...> must come from one place only: a directory that holds nothing but the reference.
    link = os.path.join(work, "reference")
    os.makedirs(link, exist_ok=True)
    if not os.path.islink(os.path.join(link, "xen")):
        os.symlink(reference, os.path.join(link, "xen"))
    cc = os.environ.get("CC", "gcc")
    a = run(cc, source, ours, os.path.join(work, "abi-ours"))
    b = run(cc, source, link, os.path.join(work, "abi-reference"))
    bad = [(x, y) for x, y in zip(a, b) if x != y]
    for x, y in bad:
        print("FAIL ours: %s   Xen: %s" % (x, y))
    if len(a) != len(b) or count < 1000:
        sys.exit("abi: the two lists differ in length (%d, %d), or are too short" % (len(a), len(b)))
    print("abi: %d sizes, offsets and constants compared, %d differ" % (len(a), len(bad)))
    sys.exit(1 if bad else 0)


main()
