# SPDX-License-Identifier: MIT
"""Drives one emulated machine through its serial line, for the system tests.

Entry points: Host(kind, workdir, ...) as a context manager; .expect(pattern), .run(command) -> output. The whole serial
text is in WORKDIR/serial.log. Every machine dies with its Host, and after `lifetime` seconds in any case.
"""
import os
import signal
import threading

import config as configuration
import emulator
import pexpect
import pexpect.fdpexpect

# TCG on a loaded 2-core machine is slow and Bochs slower: patience, not a promise
SCALE = {"kvm": 1, "tcg": 1, "bochs": 4}


class Host:
    def __init__(self, kind, workdir, iso=None, disk=None, kernel=None, append="", initrd=None, cpus=2, memory=1024,
                 cpu=None, extra=(), lifetime=600):
        settings = configuration.load("xen-like.cfg", {})
        settings.update(cpus=cpus, memory=memory)
        self.kind, self.workdir, self.lifetime = kind, workdir, lifetime * SCALE[kind]
        self.machine = emulator.Machine(kind, settings, workdir, iso=iso, disk=disk, kernel=kernel, append=append,
                                        initrd=initrd, extra=extra, cpu=cpu)
        self.child = self.process = self.timer = None

    def __enter__(self):
        if os.path.exists(self.machine.log_path()):
            os.unlink(self.machine.log_path())
        if self.kind == "bochs":
            self.process, self.connection = self.machine.start_bochs()
            self.child = pexpect.fdpexpect.fdspawn(self.connection, encoding="utf-8", codec_errors="replace")
            self.child.logfile_read = open(self.machine.log_path(), "w", encoding="utf-8")
        else:
            command = self.machine.qemu_command()
            self.child = pexpect.spawn(command[0], command[1:], encoding="utf-8", codec_errors="replace",
                                       echo=False, dimensions=(24, 200))
            self.child.delaybeforesend = None
        self.timer = threading.Timer(self.lifetime, self.kill)
        self.timer.daemon = True
        self.timer.start()
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.kill()

    def kill(self):
        if self.process:
            self.machine.kill_bochs(self.process)
        elif self.child and self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()

    def alive(self):
        return self.process.poll() is None if self.process else bool(self.child and self.child.isalive())

    def autopsy(self):
        """After a failure: the hypervisor's debug keys for vCPUs and backtraces, into the serial log."""
        try:
            for keys in ("\x01\x01\x01", "q", "d"):
                self.child.send(keys)
                self.child.expect(pexpect.TIMEOUT, timeout=2)
        except (pexpect.EOF, OSError):
            pass

    def expect(self, patterns, timeout=60):
        """Waits for one of the patterns; a panic of the hypervisor or kernel ends the wait at once."""
        wanted = [patterns] if isinstance(patterns, str) else list(patterns)
        bad = [r"\(zazen\) PANIC[^\n]*\n", r"[Kk]ernel panic[^\n]*\n"]
        try:
            index = self.child.expect(wanted + bad, timeout=timeout * SCALE[self.kind])
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            kind = type(error).__name__
            tail = (self.child.before or "")[-1500:]
            raise AssertionError(f"{kind} waiting for {wanted}; serial log {self.machine.log_path()}; "
                                 f"it ends:\n{tail}") from None
        if index >= len(wanted):
            raise AssertionError(f"panic: {self.child.after!r}; serial log {self.machine.log_path()}")
        return index

    def send(self, text):
        self.child.send(text)

    def run(self, command, prompt="dom0# ", timeout=60):
        """Types a shell command, returns what it printed (carriage returns removed, echo cut off)."""
        self.child.send(command + "\n")
        self.expect(r"\n", timeout)          # the echo of the command
        self.expect(prompt, timeout)
        return self.child.before.replace("\r", "")

    def status(self, command, prompt="dom0# ", timeout=60):
        """Exit status of a shell command."""
        out = self.run(f"{command}; echo status=$?", prompt, timeout)
        return int(out.rsplit("status=", 1)[1].split()[0]), out.rsplit("status=", 1)[0]

    def wait_end(self, timeout=60):
        """The machine must power itself off."""
        if self.process:
            self.process.wait(timeout * SCALE[self.kind])
        else:
            self.child.expect(pexpect.EOF, timeout=timeout * SCALE[self.kind])
            self.child.wait()
