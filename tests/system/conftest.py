# SPDX-License-Identifier: MIT
"""Options and fixtures of the system tests: seed, --full, one random generator a test, logs kept by test name."""
import os
import random
import re
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "host"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.chdir(ROOT)


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="run what only check-full runs")
    parser.addoption("--seed", type=int, default=1)


def pytest_configure(config):
    config.addinivalue_line("markers", "full: only in check-full")
    config.addinivalue_line("markers", "cost(seconds): about how long the test takes on 2 cores")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--full"):
        kept = [item for item in items if not item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


@pytest.fixture
def rng(request):
    seed = request.config.getoption("--seed")
    print(f"seed {seed}")
    return random.Random(f"{seed}-{request.node.name}")


@pytest.fixture
def workdir(request):
    path = os.path.join(ROOT, "build", "check", re.sub(r"[^A-Za-z0-9_.-]+", "_", request.node.name))
    os.makedirs(path, exist_ok=True)
    return path
