"""Killed just before each named write, the next run ends at the same bytes."""

import pytest

from tests.kills.trials import figures_of

pytestmark = [pytest.mark.prove, pytest.mark.timeout(3600)]


@pytest.mark.parametrize(
    ("stage", "least"),
    [
        ("collect", 20),
        ("clean", 20),
        ("deduplicate", 20),
        ("pair", 20),
        ("split", 20),
        ("augment", 10),
    ],
)
def test_every_named_write_of_a_stage_ends_at_the_same_bytes(stage, least):
    figures = figures_of("--writes", "0", "--stage", stage, "--alone")
    assert figures["writes"] >= least
    assert figures["writes_failed"] == 0
