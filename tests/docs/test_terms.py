"""The page of terms is in order, and every entry says where the term occurs."""

import re

import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "docs/terms.md").read_text("utf-8")
ENTRIES, _, NEW_NAMES = TEXT.partition("## Old and new names")
TERMS = dict(re.findall(r"(?ms)^- \*\*(.+?)\*\*: (.+?)(?=^- |\Z)", ENTRIES))


def test_terms_are_in_alphabetical_order_and_many():
    assert list(TERMS) == sorted(TERMS, key=str.casefold)
    assert len(TERMS) >= 60


@pytest.mark.parametrize("term", TERMS)
def test_a_term_says_where_it_occurs(term):
    place = TERMS[term].rstrip().removesuffix(")").rpartition("(")[2]
    assert TERMS[term].rstrip().endswith(")") and len(TERMS[term].splitlines()) <= 6
    assert "`" in place


def test_no_old_name_is_used_as_a_new_one():
    rows = re.findall(r"(?m)^\| (`.+?) \| (`.+?) \|$", NEW_NAMES)
    assert len(rows) >= 30
    assert {old for old, _ in rows} & {new for _, new in rows} == set()


def test_new_modules_exist():
    entries = re.findall(r"`(stages/[\w/.]+)`", ENTRIES)
    new = [row.rpartition(" | ")[2] for row in NEW_NAMES.splitlines() if row.startswith("| `")]
    paths = {*entries, *re.findall(r"`(stages/[\w/.]+)`", "\n".join(new))}
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
