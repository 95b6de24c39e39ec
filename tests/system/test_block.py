# SPDX-License-Identifier: MIT
"""The split block driver beyond one disk at boot: hot attach and detach, resize while attached, persistent grants, several
rings, read-only disks; each with Debian's stock xen-blkfront and with our own front end."""
import re

import pytest
from guests import Console, create, sha

IMAGE = "/var/lib/xen/images/extra.img"
GUESTS = ["guest1", "linux"]
XML = {"guest1": "/etc/xen/guest1.xml", "linux": "/etc/xen/linux-cloud.xml"}
KNOB = "/local/domain/0/blkback/feature-persistent"


def sectors(guest, disk):
    """0: not there."""
    found = re.search(r"^(\d+)\r?$", guest.run(f"cat /sys/block/{disk}/size 2>/dev/null"), re.M)
    return int(found.group(1)) if found else 0


def wait_sectors(guest, disk, wanted):
    for _ in range(20):
        have = sectors(guest, disk)
        if have == wanted:
            return
        guest.run("sleep 1")
    raise AssertionError(f"{disk} has {have} sectors, not {wanted}")


def resize(dom0, mib):
    """The file and its loop device; the back end must tell the guest by itself."""
    assert dom0.status(f"truncate -s {mib}M {IMAGE}")[0] == 0
    assert dom0.status(f"truncate -s 1M {IMAGE}")[0] != 0, "a disk in use was made smaller"
    loop = re.search(r"loop(\d+)", dom0.run(f"grep -l {IMAGE} /sys/block/loop*/loop/backing_file")).group(0)
    status, out = dom0.status(f"python3 -c \"import fcntl; fcntl.ioctl(open('/dev/{loop}'), 0x4C07, 0)\"")
    assert status == 0, out


@pytest.mark.cost(25)
@pytest.mark.parametrize("name", GUESTS)
def test_hot_attach_resize_detach(dom0, rng, name):
    mib = rng.randrange(4, 9)
    dom0.run(f"dd if=/dev/urandom of={IMAGE} bs=1M count={mib}; sync")
    expected = sha(dom0.run(f"sha256sum {IMAGE}"))
    create(dom0, name, XML[name])
    with Console(dom0, name) as guest:
        assert sectors(guest, "xvdb") == 0
    status, out = dom0.status(f"xl block-attach {name} {IMAGE},raw,xvdb,w", timeout=90)
    assert status == 0, out
    with Console(dom0, name) as guest:
        wait_sectors(guest, "xvdb", mib * 2048)
        assert sha(guest.run("sha256sum /dev/xvdb", 90)) == expected
    resize(dom0, mib + 4)
    with Console(dom0, name) as guest:
        wait_sectors(guest, "xvdb", (mib + 4) * 2048)
        # the new end can be written
        out = guest.run(f"echo the-end | dd of=/dev/xvdb bs=512 seek={(mib + 4) * 2048 - 1} conv=notrunc,sync; sync")
        assert "error" not in out.lower(), out
    assert "51728" in dom0.run(f"xl block-list {name}")
    status, out = dom0.status(f"xl block-detach {name} xvdb", timeout=90)
    assert status == 0, out
    with Console(dom0, name) as guest:
        wait_sectors(guest, "xvdb", 0)
    assert "the-end" in dom0.run(f"tail -c 512 {IMAGE}")
    assert dom0.run(f"grep -l {IMAGE} /sys/block/loop*/loop/backing_file").strip() == ""
    dom0.run(f"xl destroy {name}; rm {IMAGE}")


@pytest.mark.cost(25)
@pytest.mark.parametrize("name", GUESTS)
def test_persistent_grants_and_rings(dom0, rng, name):
    """Offered by the administrator's node, used by Linux by itself and by ours when its command line says so."""
    dom0.run(f"xenstore-write {KNOB} 1")
    dom0.run(f"sed -e 's,<vcpu>1<,<vcpu>2<,' -e 's,<cmdline>,&xen_blkfront.persistent=1 ,' {XML[name]} > /tmp/{name}.xml")
    create(dom0, name, f"/tmp/{name}.xml")
    dom0.run(f"xenstore-rm {KNOB}")
    with Console(dom0, name) as guest:
        text = guest.run("dmesg | grep blkfront")
        assert re.search("persistent grants: enabled|, persistent grants", text), text
        count = rng.randrange(40, 80)
        out = guest.run(f"cd /tmp; dd if=/dev/urandom of=x bs=64k count={count}; "
                        "d=/mnt; [ -d $d/data ] || d=/root; cp x $d/x; sync; echo 3 > /proc/sys/vm/drop_caches; "
                        "sha256sum x $d/x; cd /", 120)
        hashes = re.findall(r"[0-9a-f]{64}", out)
        assert len(hashes) == 2 and hashes[0] == hashes[1], out
    text = dom0.run("dmesg | grep blkback: | tail -1")
    assert "persistent grants" in text, text
    rings = int(re.search(r": (\d+) ring", text).group(1))
    assert rings == min(2, int(dom0.run("grep -c ^processor /proc/cpuinfo")))
    assert dom0.status(f"xl shutdown -w {name}", timeout=120)[0] == 0
    assert "unmapping grant" not in dom0.run("dmesg | tail -20")
