#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""extract-vmlinux.py BZIMAGE OUT: the ELF kernel inside a bzImage.

Facts: Linux's boot protocol, Documentation/arch/x86/boot.rst: setup_sects at 0x1f1, "HdrS" at 0x202, payload offset and
length at 0x248 and 0x24c, counted from the end of the set-up code. The payload is gzip, xz, zstd or legacy LZ4, followed by
the unpacked size."""
import gzip
import lzma
import struct
import subprocess
import sys


def lz4_legacy(data):
    return subprocess.run(["lz4", "-dc", "-"], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def unxz(data):
    return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)


def unzstd(data):
    return subprocess.run(["zstd", "-dc", "-"], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


FORMATS = [(b"\x1f\x8b", gzip.decompress), (b"\xfd7zXZ\0", unxz), (b"\x02\x21\x4c\x18", lz4_legacy),
           (b"\x28\xb5\x2f\xfd", unzstd)]


def main():
    image = open(sys.argv[1], "rb").read()
    if image[0x202:0x206] != b"HdrS":
        sys.exit(sys.argv[1] + ": not a bzImage")
    start = ((image[0x1f1] or 4) + 1) * 512 + struct.unpack_from("<I", image, 0x248)[0]
    payload = image[start:start + struct.unpack_from("<I", image, 0x24c)[0]]
    size = struct.unpack("<I", payload[-4:])[0]
    for magic, unpack in FORMATS:
        if payload.startswith(magic):
            elf = unpack(payload if unpack is gzip.decompress else payload[:-4])
            break
    else:
        sys.exit(sys.argv[1] + ": unknown compression " + payload[:6].hex())
    if elf[:4] != b"\x7fELF" or len(elf) != size:
        sys.exit("%s: unpacked to %d bytes, %d expected" % (sys.argv[1], len(elf), size))
    open(sys.argv[2], "wb").write(elf)


main()
