# SPDX-License-Identifier: MIT
"""Starts one emulated machine: QEMU with nested KVM, QEMU TCG, or Bochs.

Entry points: choose(config) -> (kind, reason); Machine(...) builds the command and, for Bochs, its
configuration files. The serial line COM1 is the only console. `make run` attaches the terminal to it
(run.py), the tests drive it through pexpect (tests/system/harness.py).
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile

NESTED = ("/sys/module/kvm_intel/parameters/nested", "/sys/module/kvm_amd/parameters/nested")
# QEMU's escape character: Ctrl-t (Ctrl-a belongs to the hypervisor's debug keys, Ctrl-] to xl console)
QEMU_ESCAPE = 0x14


def nested_kvm():
    """None if QEMU with nested KVM works here, else the reason why not."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm is not there or not yours to open"
    for path in NESTED:
        try:
            with open(path, encoding="ascii") as f:
                if f.read().strip() in ("1", "Y"):
                    return None
        except OSError:
            continue
    return "this machine's KVM does not offer nested virtualization"


def choose(kind):
    """The host to use for emulator setting `kind`, and why."""
    if kind != "auto":
        return kind, f"emulator {kind} was asked for"
    reason = nested_kvm()
    if reason is None:
        return "kvm", "nested KVM is available: fastest"
    return "tcg", f"{reason}; QEMU TCG emulates AMD-V (slower, works everywhere)"


class Machine:
    """One machine to be started once. Paths are as given; `workdir` takes Bochs's files and logs. extra: further
    arguments of QEMU, or lines of Bochs's configuration."""

    def __init__(self, kind, config, workdir, iso=None, disk=None, kernel=None, append="", initrd=None,
                 extra=(), cpu=None):
        self.kind, self.config, self.workdir = kind, config, workdir
        self.iso, self.disk, self.kernel = iso, disk, kernel
        self.append, self.initrd, self.extra = append, initrd, list(extra)
        self.cpu = cpu or config[f"{kind}_cpu"]
        os.makedirs(workdir, exist_ok=True)

    # --- QEMU ------------------------------------------------------------------------------------
    def qemu_command(self):
        c = self.config
        accel = "kvm" if self.kind == "kvm" else "tcg"
        cmd = ["qemu-system-x86_64", "-accel", accel, "-cpu", self.cpu, "-smp", str(c["cpus"]),
               "-m", str(c["memory"]), "-display", "none", "-no-reboot", "-net", "none",
               "-chardev", f"stdio,id=com1,mux=on,signal=off,logfile={self.log_path()}",
               "-serial", "chardev:com1", "-mon", "chardev=com1,mode=readline",
               "-echr", str(QEMU_ESCAPE)]
        if self.disk:
            cmd += ["-drive", f"file={self.disk},format=raw,if=ide,index=0,media=disk"]
        if self.iso:
            cmd += ["-drive", f"file={self.iso},format=raw,if=ide,index=2,media=cdrom,readonly=on",
                    "-boot", "d"]
        if self.kernel:
            cmd += ["-kernel", self.kernel, "-append", self.append]
            if self.initrd:
                cmd += ["-initrd", self.initrd]
        return cmd + self.extra

    # --- Bochs -----------------------------------------------------------------------------------
    def bochs_files(self, port):
        c = self.config
        lines = [
            "display_library: term" if os.environ.get("BOCHS_TERM") else 'display_library: rfb, options="timeout=0"',
            "plugin_ctrl: unmapped=1, biosdev=1, speaker=0, serial=1",
            f"megs: {c['memory']}",
            f"cpu: model={self.cpu}, count={c['cpus']}, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=0",
            "romimage: file=/usr/share/bochs/BIOS-bochs-latest",
            "vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest",
            "clock: sync=none, time0=local",
            f"com1: enabled=1, mode=socket-client, dev=localhost:{port}",
            "magic_break: enabled=0",
            f"log: {os.path.join(self.workdir, 'bochs.log')}",
            "panic: action=fatal", "error: action=report", "info: action=ignore", "debug: action=ignore",
            "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
            "ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15",
        ]
        if self.disk:
            lines.append(f"ata0-master: type=disk, path={self.disk}, mode=flat")
        if self.iso:
            lines.append(f"ata1-master: type=cdrom, path={self.iso}, status=inserted")
            lines.append("boot: cdrom")
        lines += self.extra
        rc = os.path.join(self.workdir, "bochsrc")
        with open(rc, "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        debugger = os.path.join(self.workdir, "debugger.rc")
        with open(debugger, "w", encoding="ascii") as f:
            f.write("c\n")
        return ["bochs", "-q", "-f", rc, "-rc", debugger]

    def start_bochs(self):
        """Starts Bochs; returns (process, connected socket of COM1)."""
        listener = socket.create_server(("127.0.0.1", 0))
        command = self.bochs_files(listener.getsockname()[1])
        out = open(os.path.join(self.workdir, "bochs.out"), "wb")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        out.close()
        listener.settimeout(1)
        try:
            for _ in range(60):
                try:
                    return process, listener.accept()[0]
                except TimeoutError:
                    if process.poll() is not None:
                        break
        finally:
            listener.close()
        self.kill_bochs(process)
        raise RuntimeError(f"Bochs did not open its serial line; see {self.workdir}/bochs.out")

    def kill_bochs(self, process):
        """Ends Bochs at once; the lock that it then leaves beside its disk would stop the next one."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        if self.disk and os.path.exists(self.disk + ".lock"):
            os.unlink(self.disk + ".lock")

    def log_path(self):
        return os.path.join(self.workdir, "serial.log")


def missing_program(kind):
    program = "bochs" if kind == "bochs" else "qemu-system-x86_64"
    return None if shutil.which(program) else program


def scratch(prefix="zazen-"):
    return tempfile.mkdtemp(prefix=prefix)
