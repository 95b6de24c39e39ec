# SPDX-License-Identifier: MIT
"""A disk for QEMU that can lose what has not been flushed, as a real one does when the power goes, and that fails writes.

Disk(image, socket, rng, marker) serves one client by the NBD protocol (fixed newstyle, oldest option only). Writes stay in
memory, in order, until a flush puts them into the image; cut() drops a random part of the rest, sector by sector, and puts
what remains. A write whose data holds `marker` fails with EIO and changes nothing.
"""
import os
import socket
import struct
import threading
import time

MAGIC, OPTION, REPLY = 0x4e42444d41474943, 0x49484156454F5054, 0x67446698
HAS_FLAGS, SEND_FLUSH, SEND_FUA = 1, 4, 8
READ, WRITE, DISC, FLUSH = 0, 1, 2, 3


class Disk:
    def __init__(self, image, path, rng, marker=None, delay=0):
        self.file = open(image, "r+b", buffering=0)
        self.size = os.fstat(self.file.fileno()).st_size
        self.rng, self.marker, self.pending, self.lock = rng, marker, [], threading.Lock()
        self.now = bytearray(self.file.read(self.size))    # what the machine sees
        self.flushes = self.failed = 0
        self.delay = delay      # seconds before a read is answered
        self.listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def take(self, count):
        data = b""
        while len(data) < count:
            part = self.peer.recv(min(count - len(data), 1 << 20))
            if not part:
                raise ConnectionError
            data += part
        return data

    def negotiate(self):
        self.peer.sendall(struct.pack(">QQH", MAGIC, OPTION, 1))
        self.take(4)
        while True:
            _, option, length = struct.unpack(">QII", self.take(16))
            self.take(length)
            if option == 1:     # export name
                self.peer.sendall(struct.pack(">QH", self.size, HAS_FLAGS | SEND_FLUSH | SEND_FUA) + bytes(124))
                return
            self.peer.sendall(struct.pack(">QIII", 0x3e889045565a9, option, 0x80000001, 0))   # unsupported

    def serve(self):
        try:
            self.peer, _ = self.listener.accept()
            self.negotiate()
            while self.request():
                pass
        except (ConnectionError, OSError):
            pass

    def request(self):
        _, flags, kind, handle, offset, length = struct.unpack(">IHHQQI", self.take(28))
        error, data = 0, b""
        with self.lock:
            if kind == READ:
                time.sleep(self.delay)
                data = bytes(self.now[offset:offset + length])
            elif kind == WRITE:
                body = self.take(length)
                if self.marker and self.marker in body:
                    error = 5
                    self.failed += 1
                else:
                    self.now[offset:offset + length] = body
                    self.pending.append((offset, body))
                    if flags & 1:
                        self.flush()
            elif kind == FLUSH:
                self.flush()
            elif kind == DISC:
                self.flush()
                return False
            else:
                error = 22
        self.peer.sendall(struct.pack(">IIQ", REPLY, error, handle) + data)
        return True

    def flush(self):
        self.flushes += 1
        for offset, body in self.pending:
            os.pwrite(self.file.fileno(), body, offset)
        self.pending = []

    def cut(self):
        """The power goes: of the writes not flushed some sectors arrive, some do not. How many writes were at stake."""
        with self.lock:
            count = len(self.pending)
            keep = self.rng.random()
            for offset, body in self.pending:
                for at in range(0, len(body), 512):
                    if self.rng.random() < keep:
                        os.pwrite(self.file.fileno(), body[at:at + 512], offset + at)
            self.pending = []
            self.marker = None
            self.listener.close()
        return count

    def close(self):
        with self.lock:
            self.flush()
        self.listener.close()
        self.file.close()
