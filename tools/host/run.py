#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make run: boots the ISO on the best host here and attaches this terminal to the machine's console."""
import argparse
import os
import select
import shutil
import sys
import termios
import tty

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import config as configuration  # noqa: E402
import emulator  # noqa: E402

BOCHS_ESCAPE = b"\x14"  # Ctrl-t, as in emulator.QEMU_ESCAPE


def prepare_disk(built, fresh):
    """run/dom0.img is kept across builds; says so when the build is newer."""
    os.makedirs("run", exist_ok=True)
    disk = "run/dom0.img"
    copied = fresh or not os.path.exists(disk)
    if copied:
        print(f"zazen: copying {built} to {disk}")
        shutil.copyfile(built, disk + ".new")
        os.replace(disk + ".new", disk)
    stamp = os.path.getmtime(built)
    marker = "run/dom0.img.built"
    if copied or not os.path.exists(marker):
        with open(marker, "w", encoding="ascii") as f:
            f.write(repr(stamp))
    else:
        with open(marker, encoding="ascii") as f:
            if float(f.read()) < stamp:
                print(f"zazen: {disk} is older than {built}; `make run FRESH=1` replaces it (its changes are lost)")
    return disk


def attach_bochs(machine):
    """Copies between the terminal and Bochs's serial socket; Ctrl-t x leaves."""
    process, connection = machine.start_bochs()
    raw = os.isatty(0)
    saved = termios.tcgetattr(0) if raw else None
    escape = False
    sources = [0, connection]
    try:
        if raw:
            tty.setraw(0)
        with open(machine.log_path(), "wb") as log:
            while True:
                ready, _, _ = select.select(sources, [], [], 1)
                if connection in ready:
                    data = connection.recv(4096)
                    if not data:
                        return
                    log.write(data)
                    log.flush()
                    os.write(1, data)
                if 0 in ready:
                    data = os.read(0, 256)
                    if not data:
                        sources.remove(0)
                    for byte in (data[i:i + 1] for i in range(len(data))):
                        if escape:
                            escape = False
                            if byte == b"x":
                                return
                        elif byte == BOCHS_ESCAPE:
                            escape = True
                            continue
                        connection.sendall(byte)
    finally:
        if raw:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)
        connection.close()
        try:
            process.wait(5)
        except Exception:
            machine.kill_bochs(process)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="xen-like.cfg")
    parser.add_argument("--fresh", action="store_true", help="replace run/dom0.img by the built one")
    parser.add_argument("--gdb", action="store_true", help="QEMU: wait for gdb on port 1234")
    args = parser.parse_args()
    config = configuration.load(args.config)
    kind, reason = emulator.choose(config["emulator"])
    if emulator.missing_program(kind):
        configuration.die(f"{emulator.missing_program(kind)} is not installed: make deps")
    if not os.path.exists(config["iso"]):
        configuration.die(f"{config['iso']} is not there: make")
    disk = prepare_disk(config["disk"], args.fresh) if os.path.exists(config["disk"]) else None
    machine = emulator.Machine(kind, config, "run", iso=config["iso"], disk=disk,
                               extra=["-s", "-S"] if args.gdb else [])
    print(f"zazen: host {kind}: {reason}")
    print(f"zazen: {config['cpus']} CPUs ({machine.cpu}), {config['memory']} MiB. Leave: `poweroff` in dom0, "
          "or Ctrl-t x (kills the machine). Ctrl-C goes to dom0.", flush=True)
    if kind == "bochs":
        attach_bochs(machine)
    else:
        command = machine.qemu_command()
        os.execvp(command[0], command)


if __name__ == "__main__":
    main()
