#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""xs-agree.py OURS STOCK SHIM [SEED [ROUNDS]]: the same random requests to our xenstored and to Debian's; every reply and
every watch event must be the same. Both run without a hypervisor on a make-believe one (fake_xen.c in ours, fake_libs.c
preloaded into Debian's), with three clients on sockets and two domains on rings.

Covers reads, writes, listings, permissions between domains, watches across domains, transactions with conflicts, quotas
(small here), malformed packets and paths. Prints the requests that led to the first difference."""
import ctypes
import mmap
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time

CONTROL, DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, TX_START, TX_END, INTRODUCE, _RELEASE, DOMAIN_PATH, WRITE, MKDIR, RM, \
    SET_PERMS, EVENT, ERROR, INTRODUCED = range(18)
RESET_WATCHES, PART = 21, 22
NAMES = "a b c d0 e-x _f".split()
# The stock one allows one watch and one transaction more than it is told to.
LIMITS = [["-E", "40", "-W", "5", "-t", "3", "-A", "3"], ["-E", "40", "-W", "4", "-t", "2", "-A", "3"]]


class Socket:
    def __init__(self, path):
        for _ in range(100):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(10)
            try:
                self.sock.connect(path)
                break
            except OSError:     # the stock one's queue is short
                self.sock.close()
                time.sleep(0.05)
        self.send = self.sock.sendall

    def receive(self, n):
        data = self.sock.recv(n)
        if not data:
            raise ConnectionError
        return data


class Ring:
    """A domain's side of the shared page: 1024 bytes of requests, 1024 of replies, four indexes."""
    SIZE = 1024

    def __init__(self, where, domid):
        self.where = f"{where}/ring-{domid}"
        with open(self.where, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), 4096)
        # as whole words: the daemon reads them at any time
        self.indexes = (ctypes.c_uint32 * 4).from_buffer(self.page, 2048)
        self.kick = os.open(os.path.join(where, "kick"), os.O_RDWR | os.O_NONBLOCK)

    def index(self, n):
        return self.indexes[n]

    def set_index(self, n, value):
        self.indexes[n] = value

    def wait(self, ready):
        end = time.time() + 5
        while not ready():
            if time.time() > end:
                raise ConnectionError(f"no answer on {self.where}")
            time.sleep(0.0002)

    def send(self, data):
        for byte in data:
            self.wait(lambda: self.index(1) - self.index(0) < self.SIZE)
            self.page[self.index(1) % self.SIZE] = byte
            self.set_index(1, self.index(1) + 1)
            if self.index(1) - self.index(0) == self.SIZE:
                os.write(self.kick, b"x")
        os.write(self.kick, b"x")

    def receive(self, n):
        self.wait(lambda: self.index(3) != self.index(2))
        data = b""
        while len(data) < n and self.index(3) != self.index(2):
            data += bytes([self.page[self.SIZE + self.index(2) % self.SIZE]])
            self.set_index(2, self.index(2) + 1)
        os.write(self.kick, b"x")
        return data


class Client:
    def __init__(self, line):
        self.line = line
        self.events, self.txs, self.serial = [], {}, 0

    def exactly(self, n):
        data = b""
        while len(data) < n:
            data += self.line.receive(n - len(data))
        return data

    def ask(self, kind, body, tx=0):
        """(type, body) of the reply; events that come before it are kept. tx: our name of a transaction."""
        self.serial += 1
        self.line.send(struct.pack("<IIII", kind, self.serial, self.txs.get(tx, tx), len(body)) + body)
        while True:
            got, serial, _, length = struct.unpack("<IIII", self.exactly(16))
            data = self.exactly(length)
            if got == EVENT:
                self.events.append(data)
            else:
                return got, data if serial == self.serial else b"wrong id"

    def take_events(self):
        self.ask(READ, b"/\0")
        events, self.events = sorted(self.events), []
        return events


class Daemon:
    def __init__(self, command, env, where):
        for name in ("ring-0", "ring-1", "ring-2", "port"):
            with open(os.path.join(where, name), "wb") as f:
                f.write(b"1" if name == "port" else bytes(4096))
        os.mkfifo(os.path.join(where, "kick"))
        path = os.path.join(where, "socket")
        self.log_path = os.path.join(where, "log")
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, env=dict(os.environ, FAKE_XEN=where, **env), stdout=log, stderr=log)
        for _ in range(100):
            if os.path.exists(path):
                break
            time.sleep(0.05)
        self.clients = [Client(Socket(path)) for _ in range(3)]
        dom0 = self.clients[0]
        for domid in ("1", "2"):
            home = "/local/domain/" + domid
            for name, perms in ((home, ("n0", "r" + domid)), (home + "/data", ("n" + domid,)), (home + "/open", ("b" + domid,))):
                dom0.ask(MKDIR, strings(name))
                dom0.ask(SET_PERMS, strings(name, *perms))
            assert dom0.ask(INTRODUCE, strings(domid, "1", "1"))[0] == INTRODUCE
            self.clients.append(Client(Ring(where, domid)))


def strings(*parts):
    return b"".join(p.encode("latin-1") + b"\0" for p in parts)


def any_path(rng):
    kind = rng.random()
    path = rng.choice(["/t", "/t", "/local/domain/1/data", "/local/domain/2/data", "/local/domain/1/open", "data", "open"]) + "".join("/" + rng.choice(NAMES) for _ in range(rng.randrange(4)))
    if kind < 0.9:
        return path
    if kind < 0.93:
        return path[3:] or "rel/x"
    return rng.choice(["/", "", "//", "/t/", "/t//a", "/t/a b", "/t/\xff", "/t.x", "@x", "/t/" + "n" * 3100,
                       "r" * 2100, "/t/*", "/tool", "/local/domain/0", "a/b", "/t/@"])


def any_request(rng, txs):
    """(type, body, transaction)"""
    tx = rng.choice(txs) if txs and rng.random() < 0.6 else 0
    if rng.random() < 0.01:
        tx = 999999
    path = any_path(rng)
    pick = rng.random()
    perms = [rng.choice("nrwb") + str(rng.randrange(3)) for _ in range(rng.randrange(1, 4))]
    if rng.random() < 0.05:
        perms.append(rng.choice(["x1", "n", "", "q2"]))
    if pick < 0.2:
        return READ, strings(path), tx
    if pick < 0.45:
        return WRITE, strings(path) + bytes(rng.randrange(256) for _ in range(rng.choice((5, 20, 80)))), tx
    if pick < 0.55:
        return DIRECTORY, strings(path), tx
    if pick < 0.62:
        return MKDIR, strings(path), tx
    if pick < 0.70:
        return (RM, strings(path), tx) if path != "/" else (READ, strings(path), tx)
    if pick < 0.75:
        return GET_PERMS, strings(path), tx
    if pick < 0.80:
        return (SET_PERMS, strings(path, *perms), tx) if path.count("/") > 1 else (READ, strings(path), tx)
    if pick < 0.86:
        return WATCH, strings(path, rng.choice(["tok", "other", "t" * 10])), 0
    if pick < 0.90:
        return UNWATCH, strings(path, rng.choice(["tok", "other", "t" * 10])), 0
    if pick < 0.93:
        return DOMAIN_PATH, strings(rng.choice(["0", "1", "7", "77"])), 0
    if pick < 0.95:
        return INTRODUCED, strings(rng.choice(["0", "7"])), 0
    # malformed: no NUL, too few strings (of nothing at all the stock one says what its errno happens to be)
    return rng.choice([(WATCH, strings("/t"), 0), (SET_PERMS, strings("/t"), 0), (UNWATCH, strings("/t"), 0), (TX_END, b"", tx), (TX_END, strings("X"), tx), (TX_END, strings("T"), 0)])


class Disagreement(Exception):
    pass


def same(what, ours, stock):
    if ours != stock:
        raise Disagreement(f"{what}\n  ours:  {ours}\n  stock: {stock}")


def play(daemons, rng, rounds, log):
    txs = [[] for _ in range(5)]
    name = 10_000_000
    doomed = set()
    for _ in range(rounds):
        at = rng.randrange(5)
        clients = [d.clients[at] for d in daemons]
        if rng.random() < 0.06 and len(txs[at]) < 3:
            name += 1
            log.append(f"{at}: transaction {name} begins")
            replies = [c.ask(TX_START, b"\0") for c in clients]
            same("transaction start", replies[0][0], replies[1][0])
            if replies[0][0] != ERROR:
                for c, (_, data) in zip(clients, replies):
                    c.txs[name] = int(data[:-1])
                txs[at].append(name)
            continue
        if txs[at] and rng.random() < 0.12:
            tx = txs[at].pop(rng.randrange(len(txs[at])))
            request = (TX_END, strings(rng.choice("TTTF")), tx)
        else:
            request = any_request(rng, txs[at])
        log.append(f"{at}: type {request[0]} tx {request[2]} {request[1]!r}")
        stocks = clients[1].ask(*request)
        if request[0] == TX_END and stocks == (ERROR, b"ENOMEM\0"):
            # It gives a transaction up after a request in it that failed half-way; ours never do things by half.
            clients[0].ask(TX_END, strings("F"), request[2])
            continue
        replies = [clients[0].ask(*request), stocks]
        if request[0] == TX_END and request[2] in txs[at] and replies[1][0] != ERROR:
            txs[at].remove(request[2])
        if request[2] in txs[at] + list(doomed) and request[2] and replies[0] != replies[1]:
            # Ours shows a transaction what it saw first, the stock one what is there now: it must fail for that.
            doomed.add(request[2])
        if request[2] in doomed:
            if request[0] == TX_END and request[1] == strings("T"):
                same("end of a transaction that saw two worlds: " + log[-1], replies[0][0], ERROR)
                same("end of a transaction that saw two worlds: " + log[-1], *replies)
            continue
        same("reply to " + log[-1], *replies)
        for i in range(5):
            same(f"events of {i} after {log[-1]}", *[d.clients[i].take_events() for d in daemons])
    # at the end: the same store
    stack = ["/t", "/local/domain/1", "/local/domain/2"]
    while stack:
        path = stack.pop()
        for kind in (READ, GET_PERMS, DIRECTORY):
            replies = [d.clients[0].ask(kind, strings(path)) for d in daemons]
            same(f"at the end {path}", *replies)
        if replies[0][0] == DIRECTORY:
            stack += [path + "/" + n.decode() for n in replies[0][1].split(b"\0") if n]


def main():
    ours, stock, shim = sys.argv[1:4]
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(time.time())
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 3000
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory() as top:
        a, b = [os.path.join(top, d) for d in ("ours", "stock")]
        os.mkdir(a)
        os.mkdir(b)
        daemons, log, bad = [], [], None
        try:
            daemons.append(Daemon([ours, "--no-fork", "--pid-file", a + "/pid"] + LIMITS[0], {"XENSTORED_PATH": a + "/socket"}, a))
            daemons.append(Daemon([stock, "-N", "--pid-file", b + "/pid"] + LIMITS[1],
                                  {"XENSTORED_RUNDIR": b, "XENSTORED_ROOTDIR": b, "LD_PRELOAD": os.path.abspath(shim)}, b))
            play(daemons, random.Random(seed), rounds, log)
        except (Disagreement, OSError) as error:
            bad = error
        for d in daemons:
            d.process.kill()
            d.process.wait()
            if bad:
                with open(d.log_path, encoding="utf-8") as f:
                    print("".join(f.readlines()[-20:]))
        if bad:
            print("\n".join(log[-int(os.environ.get("TAIL", "15")):]))
            print(f"{type(bad).__name__}: {bad}")
    print(f"{len(log)} requests, {'they disagree' if bad else 'all answered alike'}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
