"""Killed at random moments, the next run ends at the same bytes."""

import pytest

from tests.kills.trials import figures_of

pytestmark = [pytest.mark.prove, pytest.mark.timeout(7200)]


def test_many_moments_end_at_the_same_bytes():
    assert figures_of("--moments", "40") == {"moments": 40, "moments_failed": 0}
