# SPDX-License-Identifier: MIT
"""Files that a toolstack must refuse: kernels and XML, made from good ones. kernels(elf, rng), documents(xml): {name: bytes}."""
import lzma
import struct
import zlib

EHDR = {"type": (16, "<H"), "machine": (18, "<H"), "entry": (24, "<Q"), "phoff": (32, "<Q"), "phentsize": (54, "<H"), "phnum": (56, "<H")}
PHDR = {"p_type": (0, "<I"), "p_offset": (8, "<Q"), "p_paddr": (24, "<Q"), "p_filesz": (32, "<Q"), "p_memsz": (40, "<Q")}


def patched(data, at, fmt, value):
    out = bytearray(data)
    struct.pack_into(fmt, out, at, value)
    return bytes(out)


def bzimage(payload):
    """The least that is a bzImage of boot protocol 2.12 with that payload."""
    setup = bytearray(5 * 512)
    setup[0x1f1] = 4
    setup[0x1fe:0x200] = b"\x55\xaa"
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", setup, 0x206, 0x20c)
    struct.pack_into("<II", setup, 0x248, 0, len(payload))
    return bytes(setup) + payload


def gzip(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def kernels(elf, rng):
    files = {"empty": b"", "one-byte": b"\x7f", "magic-only": b"\x7fELF", "noise": rng.randbytes(5000), "text": b"#!/bin/sh\necho\n"}
    for at in (40, 63, 100, 500, 5000):
        files[f"cut-{at}"] = elf[:at]
    for field, values in {"machine": (3, 183), "phoff": (0, len(elf), 2**64 - 1, 2**63), "phnum": (0, 65535), "phentsize": (0, 32, 65535)}.items():
        for value in values:
            files[f"{field}-{value:x}"] = patched(elf, *EHDR[field], value)
    first = struct.unpack_from("<Q", elf, 32)[0]
    for field, values in {"p_paddr": (2**32 - 4096, 2**64 - 4096, 2**63), "p_filesz": (2**64 - 1, 2**40, len(elf) * 2),
                          "p_memsz": (2**64 - 1, 2**32, 2**31), "p_offset": (2**64 - 8, len(elf))}.items():
        for value in values:
            at, fmt = PHDR[field]
            files[f"{field}-{value:x}"] = patched(elf, first + at, fmt, value)
    good = gzip(elf)
    files["bz-cut"] = bzimage(good)[:len(good) // 2]
    files["bz-damaged"] = bzimage(patched(good, len(good) // 2, "<Q", 0xdeadbeefdeadbeef))
    files["bz-noise"] = bzimage(rng.randbytes(3000) + struct.pack("<I", 1 << 20))
    files["bz-offset"] = patched(bzimage(good), 0x248, "<I", 2**32 - 4)
    files["bz-length"] = patched(bzimage(good), 0x24c, "<I", 2**32 - 1)
    files["bz-no-length"] = patched(bzimage(good), 0x24c, "<I", 0)
    files["bz-old"] = patched(bzimage(good), 0x206, "<H", 0x200)
    files["bz-size-lies"] = patched(bzimage(good), 5 * 512 + len(good) - 4, "<I", 4096)
    # bombs: much in little, honest about its size and not
    zeros = bytes(64 << 20)
    for name, packed in (("gzip", gzip(zeros)), ("xz", lzma.compress(zeros, check=lzma.CHECK_CRC32, preset=1) + struct.pack("<I", 64 << 20))):
        files[f"bomb-{name}"] = bzimage(packed)
        for size in (500 << 20, 2**32 - 1):
            files[f"bomb-{name}-{size:x}"] = bzimage(packed[:-4] + struct.pack("<I", size))
    return files


def documents(good):
    """good: a domain's XML as text with <name>bad</name>."""
    def swap(old, new):
        assert old in good, old
        return good.replace(old, new, 1).encode()

    laughs = "".join(f'<!ENTITY l{i} "{"&l" + str(i - 1) + ";" if i else "ha"}{("&l" + str(i - 1) + ";") * 9 if i else ""}">' for i in range(12))
    return {
        "empty": b"", "no-xml": b"\x00\xff" * 100, "cut": good.encode()[:len(good) // 2],
        "laughs": b'<?xml version="1.0"?><!DOCTYPE domain [' + laughs.encode() + b"]>" + swap(">bad<", ">&l11;<"),
        "external": b'<!DOCTYPE domain [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + swap(">bad<", ">&x;<"),
        "parameter": b'<!DOCTYPE domain [<!ENTITY % p SYSTEM "http://10.0.2.2/x.dtd"> %p;]>' + good.encode(),
        "deep": b"<a>" * 20000, "deep-domain": swap("<devices>", "<devices>" + "<disk>" * 3000),
        "huge-text": swap(">bad<", ">" + "n" * (3 << 20) + "<"), "huge-attribute": swap("<domain type='xen'", "<domain type='" + "x" * (2 << 20) + "'"),
        "wrong-root": b"<network><name>bad</name></network>", "wrong-type": swap("type='xen'", "type='kvm'"),
        "no-name": swap("<name>bad</name>", ""), "empty-name": swap(">bad<", "><"), "slash-name": swap(">bad<", ">../../etc/x<"),
        "long-name": swap(">bad<", ">" + "n" * 5000 + "<"), "control-name": swap(">bad<", ">a&#10;b<"), "two-names": swap("<vcpu>", "<name>x</name><vcpu>"),
        "memory-0": swap(">32<", ">0<"), "memory-negative": swap(">32<", ">-1<"), "memory-huge": swap(">32<", ">99999999999999999999<"),
        "memory-wraps": swap(">32<", ">17592186044417<"), "memory-word": swap(">32<", ">much<"), "unit": swap("unit='MiB'", "unit='parsec'"),
        "vcpu-0": swap("<vcpu>1<", "<vcpu>0<"), "vcpu-many": swap("<vcpu>1<", "<vcpu>100000<"),
        "uuid": swap("<vcpu>", "<uuid>not-one</uuid><vcpu>"), "target": swap("dev='xvda'", "dev='../sda'"), "no-source": swap("<source file=", "<source fil="),
        "two-xvda": swap("dev='xvdb'", "dev='xvda'"), "unknown": swap("<devices>", "<frobnicate/><devices>"),
        "many-disks": swap("<devices>", "<devices>" + "".join(
            f"<disk type='file' device='disk'><source file='/x{i}'/><target dev='xvd{chr(99 + i % 20)}{chr(97 + i // 20)}'/></disk>" for i in range(400))),
        "long-path": swap("/root/faults/scratch.img", "/" + "p/" * 3000), "long-cmdline": swap(">attack", ">" + "c" * 70000 + " attack"),
        "not-utf8": swap(">bad<", ">bad<").replace(b">bad<", b">b\xc3\x28d<"),
    }
