# SPDX-License-Identifier: MIT
"""What fsync promises, seen at the disk: QEMU logs every ATA command, and behind the writes comes a flush."""
import os
import re

import pytest
from guests import Console, Spec, create, start

READS, WRITES, FLUSHES = {0xc8, 0x25, 0x20, 0x24}, {0xca, 0x35, 0x30, 0x34}, {0xe7, 0xea}


class Commands:
    """The ATA commands since the last look, as a string of W and F."""

    def __init__(self, log):
        self.log, self.at = log, 0

    def new(self):
        with open(self.log, encoding="ascii", errors="replace") as f:
            f.seek(self.at)
            text = f.read()
            self.at = f.tell()
        codes = [int(c, 16) for c in re.findall(r"ide_exec_cmd .*cmd 0x([0-9a-f]+)", text)]
        return "".join("W" if c in WRITES else "F" for c in codes if c in WRITES | FLUSHES)


@pytest.mark.cost(20)
def test_fsync_reaches_the_disk(workdir, rng):
    log = os.path.join(workdir, "qemu.log")
    if os.path.exists(log):
        os.unlink(log)
    blocks = rng.randrange(3, 12)
    write = f"dd if=/dev/urandom of=/root/synced bs=32k count={blocks} conv=fsync 2>/dev/null"
    with start(Spec("tcg", 1), workdir, extra=["-trace", "ide_exec_cmd", "-D", log]) as dom0:
        seen = Commands(log)
        dom0.run("sync; sleep 1")
        seen.new()
        dom0.run(write)
        own = seen.new()
        create(dom0, "guest1")
        with Console(dom0, "guest1") as guest:
            guest.run("sync; sleep 1")
            dom0_quiet = seen.new()
            guest.run(write)
            guests = seen.new()
    print(own, dom0_quiet, guests)
    assert re.search(r"W+F", own), own
    # front end, back end and loop device pass both on
    assert re.search(r"W+F", guests), guests
