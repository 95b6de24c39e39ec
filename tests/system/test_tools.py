# SPDX-License-Identifier: MIT
"""The toolstack as an administrator uses it: every command with right and wrong arguments, disks that come and go, what
happens at a guest's end, daemons that die and come back. Each test leaves no domain behind."""
import json
import os
import re
import struct
import subprocess
import time

import pytest
from guests import Console, create, names, sha, wait_memory

GUEST = "/etc/xen/guest1.xml"


def without_log(text):
    """dom0's kernel prints on the same terminal, at any time."""
    return re.sub(r"^\[ *\d+\.\d{6}\] .*\n", "", text, flags=re.M)


def run(dom0, command, timeout=60):
    return without_log(dom0.run(command, timeout=timeout))


def variant(dom0, *edits, base=GUEST):
    """A copy of an example, changed by sed expressions (a line each: a terminal takes no very long ones)."""
    run(dom0, f"cp {base} /tmp/variant.xml")
    for edit in edits:
        assert dom0.status(f"sed -i '{edit}' /tmp/variant.xml")[0] == 0
    return "/tmp/variant.xml"


def fails(dom0, command, status=1, says=""):
    got, out = dom0.status(command)
    assert got == status and says in out, f"{command}: {got}\n{out}"


def works(dom0, command, timeout=60):
    status, out = dom0.status(command, timeout=timeout)
    assert status == 0, f"{command}\n{out}"
    return without_log(out)


def ask_json(dom0, command):
    return json.loads(works(dom0, command))


def until(what, seconds=40):
    for _ in range(seconds * 2):
        got = what()
        if got:
            return got
        time.sleep(0.5)
    raise AssertionError("it does not come")


def elf_symbol(elf, name):
    out = subprocess.run(["nm", elf], capture_output=True, text=True, check=True).stdout
    return int(re.search(rf"^([0-9a-f]+) \w {name}$", out, re.M).group(1), 16)


@pytest.mark.cost(15)
def test_every_command(dom0):
    verbs = [line.split()[0] for line in works(dom0, "xl help --completion").splitlines()]
    assert len(verbs) >= 30
    with open("docs/xl.md", encoding="utf-8") as f:
        docs = f.read()
    for verb in verbs:
        assert re.search(rf"^\| .*`{verb}[ `]", docs, re.M), f"docs/xl.md lacks {verb}"
    out = run(dom0, "for v in $(xl help --completion | sed 's/ .*//'); do xl $v --help >/tmp/h; echo $v $? $(grep -c . /tmp/h);"
                   " xl $v --bogus 2>/dev/null; echo $v $?; done")
    for verb in verbs:
        assert re.search(rf"^{verb} 0 [2-9]", out, re.M) and re.search(rf"^{verb} 2$", out, re.M), out
    fails(dom0, "xl frobnicate", 2, "no such command")
    for command in ("list", "console", "pause", "unpause", "shutdown", "reboot", "destroy", "domid", "uptime", "vcpu-list",
                    "exits", "block-list", "sched-credit2 -d"):
        fails(dom0, f"xl {command} nosuch", 1, "nosuch: no such domain")
    for command in ("mem-set nosuch 64", "mem-max nosuch 64", "rename nosuch x", "vcpu-pin nosuch 0 all", "vcpu-set nosuch 1",
                    "block-attach nosuch /a,raw,xvdb,w", "block-detach nosuch xvdb", "sysrq nosuch h", "trigger nosuch nmi",
                    "dump-core nosuch /tmp/c"):
        fails(dom0, f"xl {command}", 1, "nosuch: no such domain")
    info = [line.split(":")[0].strip() for line in works(dom0, "xl info").splitlines()]
    assert info[:5] == ["host", "release", "version", "machine", "nr_cpus"] and info[-1] == "xend_config_format"
    for name in ("virt_caps", "free_memory", "xen_version", "xen_scheduler", "xen_pagesize", "xen_changeset", "cc_compiler"):
        assert name in info
    assert ask_json(dom0, "xl info --json")["xen_major"] == "4"
    assert ask_json(dom0, "xl vcpu-list --json")[0]["name"] == "Domain-0"
    assert re.search(r"^Name +ID +Mem VCPUs +State +Time\(s\)\s*$", works(dom0, "xl list"), re.M)
    assert re.search(r"^ \d\d:\d\d:\d\d up +\d+:\d\d, Domain-0 \(0\)", works(dom0, "xl uptime -s"), re.M)
    assert works(dom0, "xl top -b -d 1 -i 2").count("Domain-0") == 2
    works(dom0, "xl debug-keys h")
    assert "dump domains" in works(dom0, "xl dmesg -c")
    assert works(dom0, "xl dmesg").strip() == ""
    run(dom0, ". /usr/share/bash-completion/completions/xl")
    run(dom0, "try() { COMP_WORDS=(xl \"$@\"); COMP_CWORD=$#; _xl; echo ${COMPREPLY[@]}; }")
    assert run(dom0, "try block-").split() == ["block-attach", "block-detach", "block-list"]
    assert run(dom0, "try list Dom").split() == ["Domain-0"]
    assert "--dry-run" in run(dom0, "try create --")


@pytest.mark.cost(20)
def test_values_of_the_xml(dom0):
    """What the XML says is what the guest and the hypervisor have, and xl list -l gives it back."""
    xml = variant(dom0, "s,</memory>,</memory><currentMemory unit=\"MiB\">90</currentMemory>,",
                  "s,<vcpu>1</vcpu>,<vcpu cpuset=\"1\">1</vcpu><cputune>@</cputune>,",
                  "s,@,<shares>300</shares><period>10000</period><quota>5000</quota>,")
    create(dom0, "guest1", xml)
    wait_memory(dom0, "guest1", lambda mem: mem <= 91)
    assert ask_json(dom0, "xl vcpu-list --json guest1")[0]["hard_affinity"] == "1"
    assert re.search(r"^guest1 +\d+ +300 +50\b", works(dom0, "xl sched-credit2 -d guest1"), re.M)
    works(dom0, "xl list -l guest1 > /tmp/again.xml")
    works(dom0, "xl rename guest1 other && xl create --dry-run /tmp/again.xml")
    assert "other" in works(dom0, "xl list -v other")
    fails(dom0, "xl vcpu-set other 2", 1, "at most 1")
    fails(dom0, "xl vcpu-pin other 0 9", 1, "names no CPU")
    fails(dom0, "xl vcpu-pin other 3 0", 1, "has no vCPU 3")
    works(dom0, "xl vcpu-pin other 0 0")
    assert "<vcpupin vcpu='0' cpuset='0'/>" in works(dom0, "xl list -l other")
    assert ask_json(dom0, "xl vcpu-list --json other")[0]["hard_affinity"] == "0"
    works(dom0, "xl vcpu-pin other all all")
    assert ask_json(dom0, "xl vcpu-list --json other")[0]["hard_affinity"] == "all"
    works(dom0, "xl mem-max other 128")
    fails(dom0, "xl mem-max other 20", 1, "target")
    fails(dom0, "xl trigger other power", 1, "only nmi")
    works(dom0, "xl destroy other")
    create(dom0, "guest1", variant(dom0, "s,memballoon model=.xen.,memballoon model=\"none\","))
    fails(dom0, "xl mem-set guest1 64", 1, "has no balloon")
    works(dom0, "xl shutdown -a -w", timeout=120)
    assert names(dom0) == []


@pytest.mark.cost(20)
def test_disks_come_and_go(dom0, rng):
    size = rng.randrange(1, 4) << 20
    words = f"{rng.getrandbits(60):x}"
    run(dom0, f"cd /tmp; yes {words} | head -c {size} > /root/d.img; cd")
    before = sha(run(dom0, "sha256sum /root/d.img"))
    create(dom0, "guest1")
    with Console(dom0, "guest1"):
        pass
    fails(dom0, "xl block-attach guest1 /root/nothing,raw,xvdb,w", 1, "No such file")
    fails(dom0, "xl block-attach guest1 /root/d.img,raw,xvda,w", 1, "has a disk xvda already")
    fails(dom0, "xl block-attach guest1 /var/lib/xen/images/guest1.img,raw,xvdb,w", 1, "in use by guest1")
    fails(dom0, "xl block-detach guest1 xvdb", 1, "has no disk xvdb")
    works(dom0, "xl block-attach -n guest1 /root/d.img,raw,xvdb,r")
    assert len(ask_json(dom0, "xl block-list --json guest1")) == 1
    # read-only: seen, read, not written
    works(dom0, "xl block-attach guest1 /root/d.img,raw,xvdb,r")
    row = ask_json(dom0, "xl block-list --json guest1")[1]
    assert row["target"] == "xvdb" and row["readonly"] and row["state"] == row["backend_state"] == 4, row
    with Console(dom0, "guest1") as guest:
        assert sha(guest.run("sha256sum /dev/xvdb")) == before
        assert "Read-only" in guest.run("echo x > /dev/xvdb")
    works(dom0, "xl block-detach guest1 xvdb")
    # writable, as a block device of dom0
    works(dom0, "losetup /dev/loop6 /root/d.img")
    works(dom0, "xl block-attach guest1 phy:/dev/loop6,xvdb,w")
    with Console(dom0, "guest1") as guest:
        guest.run(f"echo written-{words} > /dev/xvdb; sync")
    works(dom0, "xl block-detach guest1 51728")
    with Console(dom0, "guest1") as guest:
        assert "xvdb" not in guest.run("cat /proc/partitions")
    works(dom0, "losetup -d /dev/loop6")
    assert f"written-{words}" in run(dom0, "head -n 1 /root/d.img")
    # it stays over a restart, and goes with the domain
    works(dom0, "xl block-attach guest1 vdev=xvdc,access=w,target=/root/d.img")
    works(dom0, "xl reboot -w guest1", timeout=120)
    until(lambda: len(ask_json(dom0, "xl block-list --json guest1")) == 2 if "guest1" in names(dom0) else False)
    works(dom0, "xl destroy guest1")
    until(lambda: "d.img" not in run(dom0, "losetup -a"))    # when the back end has closed it
    assert "guest1" not in run(dom0, "xenstore-ls -f")


def crash(dom0, name):
    """Once its kernel listens."""
    with Console(dom0, name):
        pass
    works(dom0, f"xl sysrq {name} c")


@pytest.mark.cost(45)
def test_what_happens_at_the_end(dom0):
    """on_crash rename-restart: the crashed one is kept and watched; on_poweroff preserve; on_crash coredump-restart."""
    create(dom0, "guest1", variant(dom0, "s,<on_crash>destroy,<on_crash>rename-restart,",
                                   "s,<on_poweroff>destroy,<on_poweroff>preserve,"))
    crash(dom0, "guest1")
    aside = until(lambda: [n for n in names(dom0) if n.startswith("guest1-")] if "guest1" in names(dom0) else None)[0]
    row = ask_json(dom0, f"xl list --json {aside}")[0]
    assert "c" in row["state"], row
    assert "<disk" not in works(dom0, f"xl list -l {aside}")
    watchers = "ps | grep -c '[x]l create'"
    assert run(dom0, watchers).strip() == "2"
    works(dom0, f"xl destroy {aside}")
    until(lambda: run(dom0, watchers).strip() == "1")
    with Console(dom0, "guest1"):
        pass
    works(dom0, "xl shutdown guest1")
    until(lambda: "s" in ask_json(dom0, "xl list --json guest1")[0]["state"])
    assert re.search(r"[-0-9a-f]{36} +0$", works(dom0, "xl list -v guest1").replace("\r", ""), re.M)
    works(dom0, "xl destroy guest1")
    until(lambda: run(dom0, watchers).strip() == "0")

    run(dom0, "rm -rf /var/lib/xen/dump")
    create(dom0, "guest1", variant(dom0, "s,<on_crash>destroy,<on_crash>coredump-restart,"))
    first = run(dom0, "xl domid guest1").strip()
    crash(dom0, "guest1")
    until(lambda: run(dom0, "xl domid guest1").strip() not in (first, "") and "guest1" in names(dom0))
    works(dom0, "xl destroy guest1")
    check_core(dom0, run(dom0, "ls /var/lib/xen/dump/*").strip())
    run(dom0, "rm -rf /var/lib/xen/dump")


def check_core(dom0, path):
    """Xen's sections, and program headers by which a debugger finds the kernel's text: the bytes of a function we know."""
    text = run(dom0, f"head -c 24576 {path} | od -An -v -tx1 -w64", timeout=90)
    head = bytes.fromhex(re.sub(r"\s", "", text))
    assert head[:4] == b"\x7fELF" and struct.unpack_from("<H", head, 16)[0] == 4
    phoff, shoff = struct.unpack_from("<QQ", head, 32)
    phnum, _, shnum, shstr = struct.unpack_from("<HHHH", head, 56)
    sections = [struct.unpack_from("<IIQQQQIIQQ", head, shoff + 64 * i) for i in range(shnum)]
    strings = head[sections[shstr][4]:sections[shstr][4] + sections[shstr][5]]
    found = {strings[s[0]:strings.index(b"\0", s[0])].decode(): s for s in sections}
    assert set(found) == {"", ".shstrtab", ".note.Xen", ".xen_prstatus", ".xen_pfn", ".xen_pages"}
    assert found[".xen_pages"][5] // 4096 == found[".xen_pfn"][5] // 8 >= 32768
    assert struct.unpack_from("<IIQQQQQQ", head, phoff)[0] == 4    # PT_NOTE
    elf = "build/guest-kernel.elf"
    va = elf_symbol(elf, "panic")
    loads = [struct.unpack_from("<IIQQQQQQ", head, phoff + 56 * i) for i in range(1, min(phnum, 400))]
    load = next(p for p in loads if p[3] <= va < p[3] + p[5])
    out = run(dom0, f"dd if={path} bs=1 skip={load[2] + va - load[3]} count=32 2>/dev/null | od -An -v -tx1 -w32")
    wanted = subprocess.run(["objdump", "-s", "-j", ".text", f"--start-address={va}", f"--stop-address={va + 32}", elf],
                            capture_output=True, text=True, check=True).stdout
    wanted = "".join(re.findall(r"^ [0-9a-f]+ ((?:[0-9a-f]{8} ){1,4})", wanted, re.M)).replace(" ", "")
    assert re.sub(r"\s", "", out) == wanted


@pytest.mark.cost(25)
def test_daemons_die_and_come_back(dom0, rng):
    """xenstored and xenconsoled killed and started again: the guest keeps its disk, console and balloon, its watcher works."""
    create(dom0, "guest1")
    word = f"{rng.getrandbits(60):x}"
    with Console(dom0, "guest1") as guest:
        guest.run(f"(i=0; while :; do i=$((i+1)); echo {word}-$i > /root/beat; sync; sleep 1; done) & true")
    run(dom0, "xenstore-write /test/kept 'a b c'; xenstore-chmod /test/kept n0 r3")
    run(dom0, "xenstore-ls -fp | sort > /tmp/before")
    run(dom0, "kill -9 $(cat /run/xenstored.pid); sleep 1")
    works(dom0, "xenstored --pid-file /run/xenstored.pid")
    # the clients come again by themselves; nothing is lost
    assert works(dom0, "xenstore-ls -fp | sort | diff /tmp/before - && echo same").strip() == "same"
    works(dom0, "xl mem-set guest1 100")
    wait_memory(dom0, "guest1", lambda mem: mem <= 101)
    run(dom0, "kill -9 $(cat /run/xenconsoled.pid); sleep 1")
    works(dom0, "xenconsoled --log=guest --pid-file=/run/xenconsoled.pid")
    with Console(dom0, "guest1") as guest:
        first = guest.run("cat /root/beat").strip()
        assert first.startswith(word)
        assert guest.run("sleep 2; cat /root/beat").strip() != first
    # in the middle of requests, again and again
    run(dom0, "(for i in 1 2 3 4 5 6; do xenstore-ls > /dev/null 2>&1; xl list >/dev/null 2>&1; done) & true")
    for _ in range(3):
        run(dom0, f"sleep 0.{rng.randrange(10)}; kill -9 $(cat /run/xenstored.pid); xenstored --pid-file /run/xenstored.pid")
    works(dom0, "/etc/init.d/xen restart")
    domid = run(dom0, "sleep 2; xl domid guest1").strip()
    works(dom0, "xl reboot -w guest1", timeout=120)
    until(lambda: run(dom0, "xl domid guest1").strip() not in (domid, "") and "guest1" in names(dom0))
    with Console(dom0, "guest1") as guest:
        assert guest.run("cat /root/beat").startswith(word)
    works(dom0, "xl shutdown -w guest1", timeout=120)
    assert works(dom0, "xenstore-read /test/kept").strip() == "a b c"
    run(dom0, "xenstore-rm /test")


@pytest.mark.cost(20)
def test_console_logs_rotate(dom0):
    """A small limit: old lines go to .1 and are dropped in the end; the console goes on."""
    run(dom0, "kill $(cat /run/xenconsoled.pid); sleep 1; rm -f /var/log/xen/console/*")
    works(dom0, "xenconsoled --log=guest --log-size=8192 --log-keep=2 --pid-file=/run/xenconsoled.pid")
    create(dom0, "guest1")
    with Console(dom0, "guest1") as guest:
        guest.run("i=0; while [ $i -lt 900 ]; do echo line-number-$i-of-a-long-story; i=$((i+1)); done", 90)
    sizes = [int(n) for n in re.findall(r"^(\d+)$", run(dom0, "cd /var/log/xen/console; stat -c %s guest-guest1.log*; cd"), re.M)]
    assert len(sizes) == 3 and max(sizes) <= 8192, sizes
    assert "line-number-899" in run(dom0, "cat /var/log/xen/console/guest-guest1.log.1 /var/log/xen/console/guest-guest1.log | grep 899-")
    run(dom0, "kill $(cat /run/xenconsoled.pid); sleep 1")
    works(dom0, "xenconsoled --log=guest --pid-file=/run/xenconsoled.pid")
    works(dom0, "xl destroy guest1")


@pytest.mark.cost(25)
def test_linux_vcpus_disk_and_sysrq(dom0):
    """Debian's kernel obeys: vCPUs down and up, a disk that comes and goes, sysrq."""
    if not os.path.exists("tools/etc/xen/linux-cloud.xml"):
        pytest.skip("no Linux guest")
    create(dom0, "linux", "/etc/xen/linux-cloud.xml")
    with Console(dom0, "linux") as guest:
        assert guest.run("cat /sys/devices/system/cpu/online").strip() == "0-1"

    def online():
        return [v["online"] for v in ask_json(dom0, "xl vcpu-list --json linux")]

    works(dom0, "xl vcpu-set linux 1")
    until(lambda: online() == [True, False])
    works(dom0, "xl vcpu-set -i linux 2")
    with Console(dom0, "linux") as guest: # Linux leaves the rest to udev, which is not there
        until(lambda: "status=0" in guest.run("echo 1 > /sys/devices/system/cpu/cpu1/online; echo status=$?"))
    until(lambda: online() == [True, True])
    fails(dom0, "xl vcpu-set -i linux 3", 1, "at most 2")
    run(dom0, "dd if=/dev/zero of=/root/l.img bs=1M count=2 2>/dev/null")
    works(dom0, "xl block-attach linux /root/l.img,raw,xvdb,w")
    with Console(dom0, "linux") as guest:
        assert guest.run("cat /sys/devices/system/cpu/online").strip() == "0-1"
        assert "2048 xvdb" in re.sub(" +", " ", guest.run("cat /proc/partitions"))
    works(dom0, "xl block-detach linux xvdb")
    works(dom0, "xl sysrq linux h")
    until(lambda: "sysrq: HELP" in run(dom0, "tail -n 5 /var/log/xen/console/guest-linux.log"))
    works(dom0, "xl destroy linux")
