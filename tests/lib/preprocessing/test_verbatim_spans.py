"""Verbatim spans: code and names, but not prose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.preprocessing.language import verbatim_spans


@pytest.mark.parametrize(
    ("text", "verbatim"),
    [
        ("Red spots on well-known skin, e.g. here.", ["e.g."]),
        ("Use --max-items with `aws s3 ls` now", ["--max-items", "`aws s3 ls`"]),
        (
            "some_name, HP:0000003 (see https://a.b/c).",
            ["some_name,", "HP:0000003", "https://a.b/c)."],
        ),
        ("MRI of CD4+ cells", ["MRI", "CD4+"]),
        ("<account-id> {name} fooBar", ["<account-id>", "{name}", "fooBar"]),
        ("mail [EMAIL] today", ["[EMAIL]"]),
        ("before\n```\nx y\n```\nafter", ["```\nx y\n```"]),
        ("患者发烧。", []),
        ("O paciente está bem.", []),
    ],
)
def test_verbatim_spans_of_a_text(text, verbatim):
    assert [text[start:end] for start, end in verbatim_spans(text)] == verbatim


@given(st.text())
def test_spans_are_sorted_and_disjoint(text):
    text_spans = verbatim_spans(text)
    assert all(start < end for start, end in text_spans)
    for (_, end), (next_start, _) in zip(text_spans, text_spans[1:], strict=False):
        assert end <= next_start
