"""Edits: a span is as small as possible."""

from hypothesis import given
from hypothesis import strategies as st

from stages.clean.edits import between


@given(st.text("ab"), st.text("ab"))
def test_a_single_span_is_as_small_as_possible(old, new):
    for edit in between("rule", old, new):
        assert old[edit.start : edit.end] == edit.before
        assert not (edit.before and edit.after) or (
            edit.before[0] != edit.after[0] and edit.before[-1] != edit.after[-1]
        )
