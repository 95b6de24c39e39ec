# SPDX-License-Identifier: MIT
"""The differential run of tests/diff: some hundred small system-call programs on Debian's kernel and on ours."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "diff"))
import run as diff  # noqa: E402  pylint: disable=wrong-import-position


@pytest.mark.full       # until every case runs to its end on our kernel within the limit
@pytest.mark.cost(90)
def test_same_as_debian(workdir):
    passed, failed, text = diff.compare(workdir, limit=120)
    print(text)
    assert failed == 0, text
    assert passed >= 300
