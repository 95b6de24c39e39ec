# SPDX-License-Identifier: MIT
"""In dom0: nonsense on xenstored's socket. xsfuzz.py SEED. Ends with `xsfuzz ok` if the daemon still serves after each."""
import random
import socket
import struct
import sys

rng = random.Random(sys.argv[1])


def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect("/run/xenstored/socket")      # without a timeout: it waits while the backlog is full
    s.settimeout(10)
    return s


def message(kind, body, length=None, tx=0):
    return struct.pack("<4I", kind, 1, tx, len(body) if length is None else length) + body


def answer(s):
    head = b""
    while len(head) < 16:
        part = s.recv(16 - len(head))
        if not part:
            return None
        head += part
    kind, _, _, length = struct.unpack("<4I", head)
    body = b""
    while len(body) < length:
        body += s.recv(length - len(body))
    return kind, body


def works():
    s = connect()
    s.sendall(message(2, b"/local/domain/0/name\0"))
    got = answer(s)
    s.close()
    assert got == (2, b"Domain-0"), got


def closes(data):
    """The daemon ends such a connection, or waits for the rest; both end when we do."""
    s = connect()
    try:
        s.sendall(data)
        s.settimeout(0.2)
        s.recv(100)
    except (socket.timeout, OSError):
        pass
    s.close()
    works()


closes(message(2, b"x", 4097))
closes(message(2, b"x", 0xffffffff))
closes(message(2, b"x", 0x80000000))
closes(message(2, b"", 100) + b"half")
closes(b"\xff" * 10)
closes(b"")
for _ in range(20):
    closes(rng.randbytes(rng.randrange(1, 3000)))
# requests with random bodies: an answer each. Not what root may do to others: introduce, release, permissions
s = connect()
for i in range(1500):
    kind = rng.choice([1, 2, 3, 4, 5, 6, 7, 10, 17, 22, 23, 40, 65535, 0xffffffff])
    body = bytes(rng.choice(b"/d@ai\0\0n1wd\x80") for _ in range(rng.randrange(0, 40)))
    s.sendall(message(kind, body, tx=rng.choice([0, 0, 0, 1, 2**32 - 1])))
    got = answer(s)
    while got and got[0] == 15:
        got = answer(s)
    assert got is not None, (kind, body)
s.close()
works()
# many connections that say nothing, one that never reads
idle = [connect() for _ in range(60)]
works()
deaf = connect()
deaf.setblocking(False)
try:
    while True:
        deaf.send(message(1, b"/\0") * 50)
except OSError:
    pass
works()
for s in idle + [deaf]:
    s.close()
works()
print("xsfuzz ok")
