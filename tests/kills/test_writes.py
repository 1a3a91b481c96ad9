"""Killed just before each named write, the next run ends at the same bytes."""

import pytest

from tests.kills.trials import figures_of

pytestmark = [pytest.mark.prove, pytest.mark.timeout(7200)]


def test_every_named_write_ends_at_the_same_bytes():
    figures = figures_of("--writes", "0")
    assert figures["writes"] > 150
    assert figures["writes_failed"] == 0
