"""Limits are inclusive and name their reason."""

import pytest

from stages.clean.filters import refusal


@pytest.mark.parametrize(
    ("text", "reason"), [("", "empty"), ("a", "too_short"), ("ab", ""), ("abcd", ""), ("abcde", "too_long")]
)
def test_length_decides(text, reason):
    assert refusal(text, shortest=2, longest=4) == reason
