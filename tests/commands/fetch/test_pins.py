"""A hash is pinned in params.yaml, and nothing else of the text changes."""

import pytest

from stages.commands.fetch.pins import pin
from stages.lib.core.errors import UserError

NEW = {"sha256": "ab12", "rows": 7}


@pytest.mark.parametrize(
    ("text", "pinned"),
    [
        # No pin yet, in a block with comments.
        (
            "collect:\n  sources:\n    # ours\n    faq:\n      reader: sql  # a database\n      query: SELECT 1\n",
            'collect:\n  sources:\n    # ours\n    faq:\n      reader: sql  # a database\n      sha256: "ab12"\n'
            "      rows: 7\n      query: SELECT 1\n",
        ),
        # An older pin, quoted, plain and empty, with comments behind it.
        (
            'collect:\n  sources:\n    faq:\n      sha256: "ff"  # pinned\n      rows: 3 # many\n      reader: sql\n',
            'collect:\n  sources:\n    faq:\n      sha256: "ab12"  # pinned\n      rows: 7 # many\n      reader: sql\n',
        ),
        (
            "collect:\n  sources:\n    faq:\n      sha256: ''\n      rows: 0\n      reader: sql\n",
            'collect:\n  sources:\n    faq:\n      sha256: "ab12"\n      rows: 7\n      reader: sql\n',
        ),
        # On one line, without and with a pin.
        (
            "collect: {sources: {faq: {reader: sql, query: 'SELECT 1, 2'}}}\n",
            "collect: {sources: {faq: {rows: 7, sha256: \"ab12\", reader: sql, query: 'SELECT 1, 2'}}}\n",
        ),
        (
            "collect:\n  sources:\n    faq: {reader: sql, sha256: ff, rows: 1}\n",
            'collect:\n  sources:\n    faq: {reader: sql, sha256: "ab12", rows: 7}\n',
        ),
        # The last line has no end.
        (
            "collect:\n  sources:\n    faq:\n      reader: sql",
            'collect:\n  sources:\n    faq:\n      reader: sql\n      sha256: "ab12"\n      rows: 7\n',
        ),
        # Another source has the same keys.
        (
            "collect:\n  sources:\n    a:\n      reader: sql\n      rows: 1\n    faq:\n      reader: sql\n      rows: 2\n",
            "collect:\n  sources:\n    a:\n      reader: sql\n      rows: 1\n    faq:\n      reader: sql\n"
            '      sha256: "ab12"\n      rows: 7\n',
        ),
    ],
)
def test_two_keys_are_set_and_every_other_character_stays(text, pinned):
    assert pin(text, ["collect", "sources", "faq"], NEW, after="reader") == pinned


def test_a_form_that_cannot_be_changed_is_refused():
    text = "collect:\n  sources:\n    a: &a\n      reader: sql\n      rows: 1\n    faq: *a\n"
    with pytest.raises(UserError, match="write there by hand: sha256: ab12, rows: 7"):
        pin(text, ["collect", "sources", "faq"], NEW, after="reader")


def test_a_value_over_several_lines_is_refused():
    text = "collect:\n  sources:\n    faq:\n      reader: sql\n      sha256: >-\n        ff\n        aa\n"
    with pytest.raises(UserError, match="cannot be changed by a program"):
        pin(text, ["collect", "sources", "faq"], NEW, after="reader")
