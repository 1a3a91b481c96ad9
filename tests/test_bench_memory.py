"""What a benchmark says of its memory is its own, and not that of the process that started it."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

CHILD = """
import json, resource
from bench.process_memory import status
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([status("VmHWM") // 1024, usage.ru_maxrss // 1024]))
"""


@pytest.fixture
def large_parent():
    return b"x" * 300_000_000


def test_the_memory_of_the_parent_does_not_count(large_parent):
    done = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=ROOT, capture_output=True, text=True, check=True
    )
    of_child, with_parent = json.loads(done.stdout)
    assert of_child < 100

    # The measure that it replaces would say otherwise.
    assert with_parent > 280
