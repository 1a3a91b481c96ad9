"""With dvc.lock, outputs or files of DVC cut, the next run ends at the same bytes."""

import pytest

from tests.kills.trials import figures_of

pytestmark = [pytest.mark.prove, pytest.mark.timeout(7200)]


def test_every_hundredth_byte_of_the_lock_and_cut_files_end_at_the_same_bytes():
    figures = figures_of("--lock", "100", "--files")
    assert figures["lock"] > 200
    assert figures["files"] > 5
    assert figures["lock_failed"] == figures["files_failed"] == 0
