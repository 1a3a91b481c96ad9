"""Protected spans: what is code or a name, and what is prose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.protected import spans


@pytest.mark.parametrize(
    ("text", "kept"),
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
def test_what_is_protected(text, kept):
    assert [text[start:end] for start, end in spans(text)] == kept


@given(st.text())
def test_spans_are_sorted_and_disjoint(text):
    found = spans(text)
    assert all(start < end for start, end in found)
    assert all(one[1] <= other[0] for one, other in zip(found, found[1:], strict=False))
