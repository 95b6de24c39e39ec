# SPDX-License-Identifier: MIT
"""Bad input and faults, beside a bystander: a guest that hashes its disk in a loop and compares with the build host's hash.

The hostile guest is tests/hyperguest with attack=NAME (attack.h says what each does); dom0's side is faults/lib.sh. The
tests of a machine share it and run in order; a test that fails makes the next one boot anew. After every test the
bystander must have gone on with no wrong round, and dom0 must answer."""
import hashlib
import os
import random
import re
import shutil
import subprocess

import badfiles
import guests
import pexpect
import pytest
from guests import Console, Spec

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults")
F = "/root/faults"
CHECK, BOCHS = Spec("tcg", 2), Spec("bochs", 1)
FULL = [Spec("tcg", 1), Spec("tcg", 4, 4096)]
NEEDED = ["build/hyperguest.elf"]


class Site:
    """A booted dom0 with a bystander."""

    def __init__(self, spec, seed):
        self.spec, self.seed = spec, seed
        self.rng = random.Random(f"{seed}-faults")
        self.files = os.path.join(spec.workdir + "-faults" + os.environ.get("FAULTS_DIR", ""), "files")
        self.sums = {}
        self.dom0 = guests.start(spec, os.path.dirname(self.files))
        self.prepare(self.dom0.disk)
        self.dom0.__enter__()
        try:
            self.start_bystander()
        except BaseException:
            self.dom0.autopsy()
            self.dom0.__exit__()
            raise

    def file(self, name, data):
        with open(os.path.join(self.files, name), "wb") as f:
            f.write(data)
        self.sums[name] = hashlib.sha256(data).hexdigest()

    def prepare(self, disk):
        """Puts what the tests need into dom0's root file system, before it boots."""
        os.makedirs(self.files, exist_ok=True)
        shutil.rmtree(self.files)
        os.makedirs(self.files)
        for name in os.listdir(HERE):
            with open(os.path.join(HERE, name), "rb") as f:
                self.file(name, f.read())
        for name in NEEDED:
            with open(name, "rb") as f:
                self.file(os.path.basename(name), f.read())
        for name, size in (("scratch.img", 1 << 20), ("readonly.img", 1 << 20), ("bystander.img", 2 << 20)):
            self.file(name, self.rng.randbytes(size))
        self.bad()
        root = os.path.join(self.files, "root.img")
        shutil.copyfile("build/guest1.img", root)
        write_files(root, [os.path.join(HERE, "loop")], "/root")
        for folder in ("", "kernel", "xml"):
            here = os.path.join(self.files, folder)
            paths = [os.path.join(here, n) for n in sorted(os.listdir(here))]
            write_files(f"{disk}?offset=1048576", [p for p in paths if os.path.isfile(p)], os.path.join(F, folder).rstrip("/"))

    def bad(self):
        """The files that are to be refused."""
        with open(os.path.join(HERE, "hostile.xml"), encoding="ascii") as f:
            good = f.read().replace("@NAME@", "bad").replace("@CMD@", "attack=loop").replace("@MIB@", "32")
        self.file("plain.xml", good.encode())
        with open("build/hyperguest.elf", "rb") as f:
            elf = f.read()
        self.count = {}
        for kind, files in (("kernel", badfiles.kernels(elf, self.rng)), ("xml", badfiles.documents(good))):
            os.makedirs(os.path.join(self.files, kind), exist_ok=True)
            # all of them by unit-bad-files; here some, and the bombs
            some = self.rng.sample(sorted(files), 6) + [n for n in files if n.startswith(("bomb", "laughs"))]
            files = {name: files[name] for name in some}
            for name, data in files.items():
                self.file(os.path.join(kind, name), data)
            self.count[kind] = len(files)

    def start_bystander(self):
        dom0 = self.dom0
        dom0.run(f". {F}/lib.sh")
        guests.create(dom0, "bystander", f"{F}/bystander.xml")
        with Console(dom0, "bystander") as guest:
            guest.run(f"{{ sh /root/loop {self.sums['bystander.img']} > /dev/hvc0 2>&1 & }}")
        dom0.run("said bystander 'round 2 ok' 60")
        self.alive()

    def alive(self, seconds=40):
        out = self.dom0.run(f"alive {seconds}", timeout=seconds + 30)
        assert "ALIVE" in out, out

    def recover(self):
        """After a failure: the prompt again, if dom0 lives; the fixture then looks whether the bystander does."""
        self.dom0.send("\x03\x03\n")
        self.dom0.send("echo back''again\n")
        try:
            self.dom0.expect("backagain", 20)
            self.dom0.expect("dom0# ", 20)
        except AssertionError:
            self.dom0.autopsy()

    def attack(self, name, seconds=60, ends=True):
        """Runs an attack to its end; returns its words. Nothing in them may have failed."""
        out = self.dom0.run(f"attack {name} {self.seed} {seconds}", timeout=seconds + 60)
        found = re.search(rf"attack {name} done: (\d+) passed, (\d+) failed", out)
        assert found and "FAIL" not in out and "NOTSAID" not in out, out
        if ends:
            assert "NOTGONE" not in self.dom0.run(f"gone h-{name} 20", timeout=40)
        return out

    def held(self):
        """What the hypervisor and dom0 hold now, as numbers by name."""
        out = self.dom0.run("sync; sleep 1; held", timeout=40)
        return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", out)}

    @staticmethod
    def same(before, after, slack_kib=2048):
        """Nothing was left; dom0's own memory may vary by what its caches do."""
        different = {k: (before[k], after[k]) for k in before if k not in ("slab", "used", "bytes", "xen") and before[k] != after[k]}
        grown = {k: after[k] - before[k] for k in ("slab", "used")}
        print("held", before, after)
        assert len(before) > 10 and not different, different
        assert all(v <= slack_kib for v in grown.values()), grown
        return True

    def sha(self, name):
        return guests.sha(self.dom0.run(f"sha256sum {F}/{name}"))


def write_files(image, paths, inside):
    """Into an ext2 image, by stock debugfs."""
    commands = [f"mkdir {inside}", f"cd {inside}"] + [f"write {path} {os.path.basename(path)}" for path in paths]
    done = subprocess.run(["debugfs", "-w", "-f", "/dev/stdin", image], input="\n".join(commands) + "\n",
                          capture_output=True, text=True, check=True)
    bad = [line for line in (done.stdout + done.stderr).splitlines()
           if line.strip() and not line.startswith(("debugfs", "Allocated inode")) and "already exists" not in line]
    assert not bad, bad


SITES = {}


@pytest.fixture(scope="module", autouse=True)
def close_sites():
    yield
    for site in SITES.values():
        site.dom0.__exit__()
    SITES.clear()


@pytest.fixture
def site(request, pool):
    spec = request.param
    pool.drop()         # one machine at a time
    for other in [s for s in SITES if s != spec]:
        SITES.pop(other).dom0.__exit__()
    if spec not in SITES:
        SITES[spec] = Site(spec, request.config.getoption("--seed"))
    here = SITES[spec]
    print(f"seed {here.seed}")
    yield here
    if getattr(request.node, "failed_once", False):
        here.recover()
    try:
        assert "Domain-0" in here.dom0.run("xl list")
        here.alive()
        for name in guests.names(here.dom0):
            if name != "bystander":
                here.dom0.run(f"xl destroy {name}")
    except BaseException:
        here.dom0.autopsy()
        folder = os.path.join("build", "check", re.sub(r"\W+", "_", request.node.name))
        os.makedirs(folder, exist_ok=True)
        shutil.copy(here.dom0.machine.log_path(), folder)
        SITES.pop(spec).dom0.__exit__()
        raise


def on(bochs=False, check=True):
    """The hosts of a test: QEMU with 2 CPUs in check, more in check-full; bochs: there too on Bochs (one fault of each kind)."""
    params = [pytest.param(CHECK, id=CHECK.name, marks=[] if check else pytest.mark.full)]
    params += [pytest.param(s, id=s.name, marks=pytest.mark.full) for s in ([BOCHS] if bochs else []) + FULL]
    return pytest.mark.parametrize("site", params, indirect=True)


@on(bochs=True)
@pytest.mark.cost(15)
def test_block_ring(site):
    """Requests and rings that make no sense: each answered with its own error, nothing written where it may not be."""
    out = site.attack("blk", 90)
    assert len(re.findall(r"^sum \d+", out, re.M)) >= 8
    assert site.sha("readonly.img") == site.sums["readonly.img"]


@on()
@pytest.mark.cost(10)
def test_block_states(site):
    site.attack("blk-states", 90)


@on()
@pytest.mark.cost(5)
def test_block_front_end_vanishes(site):
    site.attack("blk-vanish", 30)
    site.attack("blk-vanish", 30)


@on(bochs=True)
@pytest.mark.cost(10)
def test_store_ring(site):
    site.attack("store", 90)
    assert "Domain-0" in site.dom0.run("xenstore-read /local/domain/0/name")


@on()
@pytest.mark.cost(15)
def test_store_flood(site):
    site.attack("store-flood", 120)
    size = int(site.dom0.run("du -sk /var/log | cut -f 1").split()[0])
    assert size < 20000, f"{size} KiB of logs"


@on()
@pytest.mark.cost(10)
def test_console_ring(site):
    site.attack("console", 90)
    # a log that grows without end would fill dom0's disk
    assert int(site.dom0.run("du -sk /var/log/xen/console | cut -f 1").split()[0]) < 20000


@on(bochs=True)
@pytest.mark.cost(10)
def test_hypercall_arguments(site):
    site.attack("calls", 90)


@on()
@pytest.mark.cost(5)
def test_msrs_and_ports(site):
    site.attack("msrs", 60)


@on(bochs=True)
@pytest.mark.cost(5)
def test_frames_and_ports_of_others(site):
    site.attack("owned", 60)


@on()
@pytest.mark.cost(12)
def test_event_and_grant_storm(site):
    site.dom0.run(f"(attack storm {site.seed} 60 > /tmp/storm.out 2>&1) &")
    site.dom0.run("said h-storm 'attack storm seed' 20")
    # in the middle of it dom0 answers and the bystander goes on
    site.dom0.run("xl list", timeout=20)
    site.alive(30)
    site.dom0.run("wait", timeout=90)
    out = site.dom0.run("cat /tmp/storm.out")
    assert "attack storm done: 1 passed, 0 failed" in out, out


@on(bochs=True)
@pytest.mark.cost(10)
def test_endless_loops(site):
    """Two guests that never let go of their CPU and one that never handles an event, on two CPUs."""
    site.attack("loop", 20, ends=False)
    if site.spec.kind != "bochs":
        site.dom0.run("sed s/h-loop/h-loop2/ /tmp/h-loop.xml | grep -v '<disk' > /tmp/h-loop2.xml")
        site.dom0.run(f"sed -i '/<driver/d;/<source/d;/<target/d;/<readonly/d;/<.disk/d' /tmp/h-loop2.xml; xl create -q /tmp/h-loop2.xml")
    status, out = site.dom0.status("sleep 1; xl list")
    assert status == 0 and "h-loop" in out, out
    site.alive(90)
    for name in guests.names(site.dom0):
        if name != "bystander":
            assert site.dom0.status(f"xl destroy {name}", timeout=60)[0] == 0
    site.attack("deaf", 20, ends=False)
    site.alive(90)
    assert site.dom0.status("xl destroy h-deaf", timeout=60)[0] == 0


@on(bochs=True)
@pytest.mark.cost(5)
def test_guests_that_end_themselves(site):
    site.attack("hole", 20)
    for name, words in (("triple", "triple fault"), ("lost", "unbacked address")):
        site.dom0.run(f"attack {name} {site.seed} 20", timeout=40)
        assert "NOTGONE" not in site.dom0.run(f"gone h-{name} 20", timeout=40)
        assert words in site.dom0.run("xl dmesg | tail -n 30"), name


# --- the tools ----------------------------------------------------------------------------------------------------


@on()
@pytest.mark.cost(5)
@pytest.mark.parametrize("kind", ["kernel", "xml"])
def test_bad_files_are_refused(site, kind):
    before = site.held()
    out = site.dom0.run(f"refuse {kind}", timeout=200)
    assert f"REFUSED {site.count[kind]}" in out and "TAKEN" not in out, out
    assert site.same(before, site.held())


@on(bochs=True)
@pytest.mark.cost(8)
def test_store_socket(site):
    out = site.dom0.run(f"python3 {F}/xsfuzz.py {site.seed}", timeout=120)
    assert "xsfuzz ok" in out, out


@on()
@pytest.mark.cost(10)
def test_not_enough_memory(site):
    dom0 = site.dom0
    before = site.held()
    free = guests.free_memory(dom0)
    dom0.run(f"xml big loop 1 {free + 1}")
    status, out = dom0.status("xl create /tmp/big.xml")
    assert status == 1 and re.search(rf"big.*{free + 1} MiB.*free", out), out
    # each fits, not both: one of them is refused, in words
    dom0.run(f"xml big loop 1 {free * 2 // 3}; sed 's,<disk.*,<!--,;s,</disk>,-->,;s/>big</>big2</' /tmp/big.xml > /tmp/big2.xml")
    out = dom0.run("(xl create -p /tmp/big.xml; echo first=$?) 2>&1 & (xl create -p /tmp/big2.xml; echo second=$?) 2>&1 & wait", timeout=90)
    assert sorted(re.findall(r"(?:first|second)=(\d)", out)) == ["0", "1"] and "free" in out, out
    dom0.run("xl destroy big; xl destroy big2", timeout=60)
    assert site.same(before, site.held())


@on()
@pytest.mark.cost(15)
def test_two_tools_at_once(site):
    dom0 = site.dom0
    before = site.held()
    dom0.run("xml two loop 1; sed s/two/other/ /tmp/two.xml > /tmp/other.xml")
    for second in ("two", "other"):     # the same name; the same disk
        out = dom0.run(f"(xl create -p /tmp/two.xml; echo first=$?) 2>&1 & (xl create -p /tmp/{second}.xml; echo second=$?) 2>&1 & wait",
                       timeout=60)
        assert sorted(re.findall(r"(?:first|second)=(\d)", out)) == ["0", "1"], out
        assert re.search("runs already|in use by", out), out
        out = dom0.run("(xl destroy two; echo a=$?) 2>&1 & (xl destroy two; echo b=$?) 2>&1 & wait; xl destroy other", timeout=60)
        assert "Segm" not in out
        assert guests.names(dom0) == ["bystander"]
    dom0.run("sed 's,<disk.*,<!--,;s,</disk>,-->,' /tmp/other.xml > /tmp/third.xml")
    out = dom0.run("(xl create -p /tmp/two.xml; echo first=$?) 2>&1 & (xl create -p /tmp/third.xml; echo second=$?) 2>&1 & "
                   "for i in 1 2 3 4 5; do xl list > /dev/null || echo LIST; done; wait", timeout=60)
    assert sorted(re.findall(r"(?:first|second)=(\d)", out)) == ["0", "0"] and "LIST" not in out, out
    out = dom0.run("for i in 1 2 3 4 5 6; do xl mem-set two $((16 + i)) & xl mem-set two $((30 - i)) & xl list > /dev/null || echo LIST; done; "
                   "xl destroy two & for i in 1 2 3 4 5; do xl list -l > /dev/null || echo LIST; xl vcpu-list > /dev/null; done; wait; "
                   "xl destroy other", timeout=60)
    assert "LIST" not in out, out
    assert guests.names(dom0) == ["bystander"]
    assert site.same(before, site.held())


@on()
@pytest.mark.cost(20)
def test_interrupted_create_leaves_nothing(site):
    dom0 = site.dom0
    before = site.held()
    dom0.run("xml h-int loop 1")
    kept = 0
    for n in range(10):
        out = dom0.run(f"xl create -p /tmp/h-int.xml & sleep 0.{n * 5:02d}; kill -{('INT', 'TERM', 'HUP')[n % 3]} $!; wait $!; echo status=$?",
                       timeout=60)
        if "h-int" in guests.names(dom0):       # it was done already
            kept += 1
            dom0.run("xl destroy h-int")
        else:
            assert "status=0" not in out, out
    # and by the terminal
    dom0.send("xl create -p /tmp/h-int.xml\n")
    dom0.expect("h-int.xml\r*\n")
    dom0.child.expect(pexpect.TIMEOUT, timeout=site.rng.random() / 4)
    dom0.send("\x03")
    dom0.expect("dom0# ")
    dom0.run("xl destroy h-int")
    assert kept < 10
    assert site.same(before, site.held())


@on()
@pytest.mark.cost(20)
def test_image_on_a_full_file_system(site):
    """A sparse image on a file system with less room: the guest's write fails, what succeeded is there, dom0 lives."""
    dom0 = site.dom0
    dom0.run("dd if=/dev/zero of=/root/small.img bs=64k count=64 2>/dev/null; mke2fs -q -F /root/small.img; mkdir -p /mnt/small; "
             "mount -o loop /root/small.img /mnt/small; truncate -s 16M /mnt/small/sparse.img; cp /etc/xen/guest2.xml /tmp/full.xml", timeout=60)
    dom0.run("sed -i \"s,</disk>,</disk><disk type='file' device='disk'><source file='/mnt/small/sparse.img'/>"
             "<target dev='xvdb' bus='xen'/></disk>,\" /tmp/full.xml")
    guests.create(dom0, "guest2", "/tmp/full.xml")
    # in use: its blocks may not go
    assert dom0.status("truncate -s 4096 /mnt/small/sparse.img")[0] != 0
    with Console(dom0, "guest2") as guest:
        out = guest.run("n=0; while [ $n -lt 256 ]; do yes $n | head -c 65536 > /tmp/b; "
                        "dd if=/tmp/b of=/dev/xvdb bs=64k seek=$n oflag=direct conv=notrunc 2>/tmp/e || break; n=$((n+1)); done; "
                        "cat /tmp/e; echo written=$n", 90)
        written = int(re.search(r"written=(\d+)", out).group(1))
        assert 16 < written < 64 and "error" in out.lower(), out
        out = guest.run(f"dd if=/dev/xvdb bs=64k count={written} iflag=direct 2>/dev/null | sha256sum", 60)
        data = b"".join((f"{n}\n".encode() * 65536)[:65536] for n in range(written))
        assert guests.sha(out) == hashlib.sha256(data).hexdigest()
    assert dom0.status("xl destroy guest2", timeout=60)[0] == 0
    assert guests.sha(dom0.run(f"head -c {written * 65536} /mnt/small/sparse.img | sha256sum", timeout=60)) == hashlib.sha256(data).hexdigest()
    assert dom0.status("truncate -s 4096 /mnt/small/sparse.img && umount /mnt/small && e2fsck -fn /root/small.img", timeout=60)[0] == 0


@on(check=False)
@pytest.mark.cost(120)
def test_fifty_cycles_leave_nothing(site):
    """The hypervisor's heap by its walk and what dom0 holds: the same after the third and the fiftieth domain."""
    dom0 = site.dom0
    out = dom0.run("cycles 3", timeout=60)
    first = site.held()
    out += dom0.run("cycles 25", timeout=200)
    for _ in range(4):
        dom0.run("rm -f $CONSOLE/guest-guest2.log*; xl create -q /etc/xen/guest2.xml; said guest2 'guest2# ' 60; xl destroy guest2", timeout=120)
    out += dom0.run("cycles 21", timeout=200)
    last = site.held()
    assert "failed" not in out, out
    assert site.same(first, last, slack_kib=1024), (first, last)
