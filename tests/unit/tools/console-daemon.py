#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""console-daemon.py XENCONSOLED XENSTORED: the console daemon whole, on the build host: ptys, logs that rotate, domains that
write nonsense into their rings, its own restart and xenstored's. Both are built on a make-believe hypervisor."""
import ctypes
import importlib.util
import mmap
import os
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import tty

spec = importlib.util.spec_from_file_location("xs_agree", os.path.join(os.path.dirname(__file__), "xs-agree.py"))
xs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(xs)
passed = failed = 0


def check(name, good, *more):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("FAILED", name, *more)


def until(what, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        got = what()
        if got:
            return got
        time.sleep(0.02)
    return None


class Guest:
    """A domain's side of its console page: 1024 bytes in, 2048 out, then in_cons, in_prod, out_cons, out_prod."""

    def __init__(self, where, domid):
        self.where, self.domid = where, domid
        path = os.path.join(where, f"console-{domid}")
        for name in (path, os.path.join(where, f"ring-{domid}")):
            with open(name, "wb") as f:
                f.write(bytes(4096))
        with open(path, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), 4096)
        self.index = (ctypes.c_uint32 * 4).from_buffer(self.page, 3072)
        self.events = os.open(os.path.join(where, "events"), os.O_RDWR | os.O_NONBLOCK)

    def kick(self):
        os.write(self.events, bytes([self.domid]))

    def say(self, text, wait=True):
        for byte in text.encode():
            if wait and not until(lambda: self.index[3] - self.index[2] < 2048, 5):
                return False
            self.page[1024 + self.index[3] % 2048] = byte
            self.index[3] += 1
            if self.index[3] - self.index[2] == 2048:
                self.kick()
        self.kick()
        return True

    def heard(self):
        text = b""
        while self.index[0] != self.index[1]:
            text += bytes([self.page[self.index[0] % 1024]])
            self.index[0] += 1
        return text


def announce(client, guest):
    home = f"/local/domain/{guest.domid}"
    for name, value in (("name", f"g{guest.domid}"), ("console/port", "2"), ("console/ring-ref", "1044479"), ("console/type", "xenconsoled"),
                        ("console/limit", "65536"), ("console/tty", "")):
        client.ask(xs.WRITE, xs.strings(f"{home}/{name}") + value.encode())
    assert client.ask(xs.INTRODUCE, xs.strings(str(guest.domid), "1", "1"))[0] == xs.INTRODUCE


def open_tty(client, domid, old=b""):
    def node():
        kind, data = client.ask(xs.READ, xs.strings(f"/local/domain/{domid}/console/tty"))
        return data if kind == xs.READ and data.startswith(b"/dev/") and data != old else None
    path = until(node)
    if not path:
        return None, None
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(fd, termios.TCSANOW)
    return fd, path


def read_all(fd, wanted):
    """What comes until wanted is in it."""
    got = b""

    def more():
        nonlocal got
        try:
            got += os.read(fd, 65536)
        except BlockingIOError:
            pass
        return wanted in got
    until(more)
    return got


def main():
    console_daemon, store_daemon = [os.path.abspath(p) for p in sys.argv[1:3]]
    with tempfile.TemporaryDirectory() as where:
        for fifo in ("kick", "events"):
            os.mkfifo(os.path.join(where, fifo))
        with open(os.path.join(where, "ring-0"), "wb") as f:
            f.write(bytes(4096))
        sock, logs = os.path.join(where, "socket"), os.path.join(where, "logs")
        env = dict(os.environ, FAKE_XEN=where, XENSTORED_PATH=sock)
        out = open(os.path.join(where, "out"), "w+", encoding="utf-8")
        store = subprocess.Popen([store_daemon, "--no-fork", "--pid-file", where + "/pid"], env=env, stdout=out, stderr=out)

        def start_console():
            return subprocess.Popen([console_daemon, "-i", "--log-dir=" + logs, "--log-size=4096", "--log-keep=2",
                                     "--pid-file=" + where + "/cpid"], env=env, stdout=out, stderr=out)
        until(lambda: os.path.exists(sock))
        client = xs.Client(xs.Socket(sock))
        one, two = Guest(where, 1), Guest(where, 2)
        one.say("early words\n")
        announce(client, one)
        daemon = start_console()
        announce(client, two)
        tty1, path1 = open_tty(client, 1)
        tty2, path2 = open_tty(client, 2)
        check("each has a pty of its own", tty1 and tty2 and path1 != path2)
        check("what was said before", b"early words" in read_all(tty1, b"words\n"))
        two.say("hello from two\n")
        check("output", b"hello from two" in read_all(tty2, b"two\n"))
        os.write(tty2, b"typed")
        check("input", until(lambda: two.index[1] - two.index[0] == 5) and two.heard() == b"typed")
        # impossible indexes: that domain is ignored, the other is served
        one.index[3] = one.index[2] + 100000
        one.kick()
        for bad in (2049, 0x80000000, 0xffffffff):
            one.index[3] = one.index[2] + bad
            one.index[0] = one.index[1] + bad
            one.kick()
            os.write(tty1, b"x")
        two.say("still here\n")
        check("beside a hostile one", b"still here" in read_all(tty2, b"here\n"))
        time.sleep(0.3)
        with open(f"/proc/{daemon.pid}/stat", encoding="utf-8") as f:
            before = f.read().split()[13]
        time.sleep(0.5)
        with open(f"/proc/{daemon.pid}/stat", encoding="utf-8") as f:
            check("no busy loop over it", int(f.read().split()[13]) - int(before) < 20)
        # the log: at most 4096 bytes a file, two old ones
        for i in range(600):
            two.say(f"line {i} of a long story that nobody reads on the terminal\n")
        until(lambda: two.index[2] == two.index[3])
        files = sorted(n for n in os.listdir(logs) if n.startswith("guest-g2"))
        check("rotated logs", files == ["guest-g2.log", "guest-g2.log.1", "guest-g2.log.2"], files)
        check("small logs", max(os.path.getsize(os.path.join(logs, n)) for n in files) <= 4096)

        def logged(text):
            data = b""
            for n in ("guest-g2.log.1", "guest-g2.log"):
                with open(os.path.join(logs, n), "rb") as f:
                    data += f.read()
            return text in data
        check("last line logged", until(lambda: logged(b"line 599 of")))
        # the daemon dies; what the guest says meanwhile waits in the ring
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        two.say("while you were away\n", wait=False)
        daemon = start_console()
        os.close(tty2)
        tty2, path2 = open_tty(client, 2, old=path2)
        check("a new pty", tty2 is not None)
        check("nothing lost in the ring", tty2 and b"while you were away" in read_all(tty2, b"away\n"))
        # xenstored dies and comes back: consoles go on, a new domain is seen
        store.send_signal(signal.SIGKILL)
        store.wait()
        two.say("without a store\n")
        check("without xenstored", b"without a store" in read_all(tty2, b"store\n"))
        store = subprocess.Popen([store_daemon, "--no-fork", "--pid-file", where + "/pid"], env=env, stdout=out, stderr=out)
        until(lambda: os.path.exists(sock))
        client = xs.Client(xs.Socket(sock))
        three = Guest(where, 3)
        announce(client, three)
        tty3, _ = open_tty(client, 3)
        three.say("third\n")
        check("a domain after xenstored's restart", tty3 and b"third" in read_all(tty3, b"third\n"))
        # a domain goes: its pty hangs up
        os.unlink(os.path.join(where, "console-3"))
        client.ask(xs.WRITE, xs.strings("/poke") + struct.pack("<I", 1))
        client.ask(9, xs.strings("3"))

        def hung_up():
            try:
                return os.read(tty3, 100) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True
        check("its end", until(hung_up))
        daemon.terminate()
        check("ends when told", daemon.wait(10) == 0)
        store.terminate()
        store.wait(10)
        if failed:
            out.seek(0)
            print(out.read())
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
