# SPDX-License-Identifier: MIT
"""Options and fixtures of the system tests: seed, --full, one random generator a test, logs kept by test name, the
booted dom0 that tests share (guests.py)."""
import os
import random
import re
import shutil
import sys

import pytest
from _pytest.runner import runtestprotocol

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "host"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.chdir(ROOT)
import guests  # noqa: E402  pylint: disable=wrong-import-position


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="run what only check-full runs")
    parser.addoption("--repeat", action="store_true", help="a test that fails is run once more; told in the summary")
    parser.addoption("--seed", type=int, default=int(os.environ.get("ZAZEN_SEED", 1)))


def pytest_configure(config):
    config.addinivalue_line("markers", "full: only in check-full")
    config.addinivalue_line("markers", "cost(seconds): about how long the test takes on 2 cores")
    config.addinivalue_line("markers", "bochs: in make check also on Bochs (tests that take dom0)")
    config.addinivalue_line("markers", "last: ends the shared dom0, so it comes after the others")


def pytest_report_header(config):
    return f"seed {config.getoption('--seed')} (ZAZEN_SEED reproduces it)"


def pytest_generate_tests(metafunc):
    if "dom0" in metafunc.fixturenames:
        on_bochs = metafunc.definition.get_closest_marker("bochs") is not None
        metafunc.parametrize("dom0", guests.matrix(on_bochs), indirect=True)


def host_order(item):
    """Tests without a shared dom0 first; then host by host, those that end it last; then those of test_faults.py."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    for name, first in (("dom0", 1), ("site", 100)):
        if isinstance(params.get(name), guests.Spec):
            return (first + guests.ORDER.index(params[name]), item.get_closest_marker("last") is not None)
    return (0, False)


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--full"):
        kept = [item for item in items if not item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    items.sort(key=host_order)


def test_dir(item):
    path = os.path.join(ROOT, "build", "check", re.sub(r"[^A-Za-z0-9_.-]+", "_", item.name))
    os.makedirs(path, exist_ok=True)
    return path


REPEATED = []


def pytest_runtest_protocol(item, nextitem):
    """--repeat: one more try on a fresh machine, because QEMU's AMD-V now and then saves the host's state as the guest's
    (docs/hosts.md). The logs of the first stay in DIR.first, and the summary names the test."""
    if not item.config.getoption("--repeat"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    failed = [report for report in reports if report.failed]
    if failed:
        first = test_dir(item) + ".first"
        shutil.rmtree(first, ignore_errors=True)
        shutil.copytree(test_dir(item), first, ignore=shutil.ignore_patterns("*.img"))
        item.failed_once = False
        item._initrequest()  # pylint: disable=protected-access
        again = runtestprotocol(item, nextitem=nextitem, log=False)
        if not any(report.failed for report in again):
            REPEATED.append((item.nodeid, first, failed[0].longreprtext))
        reports = again
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter):
    for nodeid, logs, text in REPEATED:
        terminalreporter.section(f"passed only when repeated: {nodeid}")
        terminalreporter.write_line("\n".join(text.splitlines()[-12:]))
        terminalreporter.write_line(f"logs of the first: {logs}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if not report.failed:
        return
    item.failed_once = True
    spec = getattr(item, "callspec", None) and item.callspec.params.get("dom0")
    if isinstance(spec, guests.Spec):
        host = item.funcargs.get("dom0")
        if host:
            host.autopsy()
        kept = []
        for name in ("serial.log", "bochs.log", "qemu.log"):
            source = os.path.join(spec.workdir, name)
            if os.path.exists(source):
                kept.append(shutil.copy(source, test_dir(item)))
        report.sections.append(("logs", "\n".join(kept)))


@pytest.fixture
def rng(request):
    seed = request.config.getoption("--seed")
    print(f"seed {seed}")
    return random.Random(f"{seed}-{request.node.name}")


@pytest.fixture
def workdir(request):
    return test_dir(request.node)


@pytest.fixture(scope="session")
def pool():
    pool = guests.Pool()
    yield pool
    pool.drop()


@pytest.fixture
def dom0(request, pool):
    """A booted dom0 at its prompt with no guest; what the test leaves running is destroyed."""
    host = pool.get(request.param)
    yield host
    if getattr(request.node, "failed_once", False):
        pool.drop()
    elif host.alive():
        try:
            guests.destroy_all(host)
        except BaseException:
            pool.drop()
            raise
