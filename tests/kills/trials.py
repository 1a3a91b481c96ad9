"""Run trials of bench/kills.py, each file of tests some of them, so that two processes share them."""

import json
import subprocess
import sys

from tests.conftest import ROOT


def figures_of(*options):
    """Return the counts of the trials that `options` name. None of them may have failed."""
    done = subprocess.run(
        [sys.executable, "bench/kills.py", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
