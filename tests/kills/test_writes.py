"""Killed just before each named write, the next run ends at the same bytes."""

import pytest

from tests.kills.trials import figures_of

pytestmark = [pytest.mark.prove, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("stage", ["collect", "clean", "deduplicate", "pair", "split", "augment"])
def test_every_named_write_of_a_stage_ends_at_the_same_bytes(stage):
    figures = figures_of("--writes", "0", "--stage", stage, "--alone")
    assert figures["writes"] >= 15
    assert figures["writes_failed"] == 0
