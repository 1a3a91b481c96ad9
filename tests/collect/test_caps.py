"""`max_pairs`: which pairs a source gives when it may not give all, and that this is said."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.collect.__main__ import collection_metrics, data_card, print_left_out
from stages.collect.caps import OVER_CAP, cap_pairs
from stages.collect.kinds import table
from stages.collect.kinds.aws import AwsSource
from stages.collect.source import ReadRequest
from stages.lib.reporting.funnel import funnel
from tests.collect.sources import FAQ, table_source

TEN = "question,answer\n" + "".join(f"What is {n}?,It is {n}.\n" for n in range(10))


def anchors(rows):
    return sorted(rows.pairs["anchor"])


def test_a_cap_leaves_out_pairs_and_keeps_their_documents(read):
    rows = cap_pairs(read(TEN), 4)
    assert len(rows.pairs) == 4
    assert len(rows.documents) == 10
    drops = rows.ledger.frame()
    assert drops["reason"].tolist() == [OVER_CAP] * 6
    assert sorted([*drops["before"], *anchors(rows)]) == [f"What is {n}?" for n in range(10)]
    assert not set(drops["row_id"]) & set(rows.pairs["pair_id"])
    assert set(drops["partner_id"]) <= set(rows.documents["doc_id"])


@pytest.mark.parametrize("max_pairs", [None, 10, 11])
def test_a_cap_that_nothing_exceeds_changes_nothing(read, max_pairs):
    rows = read(TEN)
    assert cap_pairs(rows, max_pairs) is rows


def test_a_larger_cap_keeps_what_a_smaller_one_keeps(read):
    kept = [set(anchors(cap_pairs(read(TEN), cap))) for cap in range(1, 11)]
    assert [len(part) for part in kept] == list(range(1, 11))
    assert all(small < large for small, large in zip(kept, kept[1:], strict=False))


@given(order=st.permutations(range(10)))
def test_the_order_of_the_file_decides_nothing(tmp_path_factory, order):
    folder = tmp_path_factory.mktemp("raw")
    lines = TEN.splitlines()
    shuffled = "\n".join([lines[0], *(lines[1 + index] for index in order)])
    kept = []
    for content in (TEN, shuffled):
        (folder / "faq.csv").write_text(content, "utf-8")
        rows = table.read_files(table_source(), ReadRequest("faq", folder))
        kept.append(list(cap_pairs(rows, 3).pairs))
    assert kept[0] == kept[1]


def test_rows_that_are_added_take_the_place_of_few(read):
    before = set(anchors(cap_pairs(read(TEN), 4)))
    after = set(anchors(cap_pairs(read(TEN + "One more?,Yes.\n"), 4)))
    assert len(before & after) >= 3


def test_an_anchor_keeps_all_its_documents_and_negatives(read):
    rows = [
        {"q": f"Question {n}?", "pos": [f"yes {n}", f"also {n}"], "neg": [f"no {n}", "never"]}
        for n in range(6)
    ]
    content = "\n".join(map(json.dumps, rows))
    columns = {"anchor": "q", "positive": "pos", "negative": "neg"}
    capped = cap_pairs(read(content, "faq.jsonl", columns), 11)
    assert Counter(Counter(capped.pairs["anchor"]).values()) == {4: 2}
    assert set(capped.grades["pair_id"]) == set(capped.pairs["pair_id"])
    assert sum(count for _, count in capped.grades.counts["role"]) == 8


def test_an_anchor_that_is_larger_than_the_cap_is_cut(read):
    content = "question,answer\n" + "".join(f"Why?,Because of {n}.\n" for n in range(9))
    assert len(cap_pairs(read(content), 4).pairs) == 4


def test_held_out_pairs_of_the_source_stay(read):
    content = "question,answer,split\n" + "".join(
        f"What is {n}?,It is {n}.,{split}\n"
        for n, split in enumerate(["train", "test", "validation", ""] * 5)
    )
    rows = cap_pairs(read(content, columns={**FAQ, "split": "split"}), 3)
    splits = Counter(rows.given_splits["split"])
    assert splits["test"] == splits["validation"] == 5
    assert len(rows.pairs) == 10 + 3
    assert set(rows.given_splits["id"]) <= set(rows.pairs["pair_id"])


def test_times_of_pairs_go_with_them_and_those_of_documents_stay(read):
    content = "question,answer,day\n" + "".join(
        f"What is {n}?,It is {n}.,2026-01-0{n + 1}\n" for n in range(9)
    )
    rows = cap_pairs(read(content, columns={**FAQ, "time": "day"}), 2)
    assert set(rows.times["id"]) == set(rows.pairs["pair_id"]) | set(rows.documents["doc_id"])


def test_what_is_left_out_is_said(read, capsys):
    rows = cap_pairs(read(TEN), 4)
    details = collection_metrics({"faq": rows}, {})
    assert details["rows_in"] == details["rows_out"] == 10
    assert details["left_out.over_cap"] == details["source.faq.over_cap"] == 6
    assert "- Pairs over `max_pairs`: 6, left out" in data_card({"faq": rows}, {}, has_labels=True)
    assert funnel({"collect": details}).line.startswith(
        "10 records in; 0 rejected; 0 copies; 6 sampled out (over cap);"
    )
    print_left_out(details)
    assert "collect.sources.faq.max_pairs leaves out 6 of 10 pairs" in capsys.readouterr().err


def test_a_source_without_a_cap_says_nothing_of_one(read, capsys):
    details = collection_metrics({"faq": read(TEN)}, {})
    assert not [key for key in details if "over_cap" in key]
    print_left_out(details)
    assert capsys.readouterr().err == ""


def test_every_kind_has_a_cap_of_one_or_more():
    assert AwsSource(reader="aws", documents=1, max_pairs=1).max_pairs == 1
    assert table_source().max_pairs is None
    for wrong in (0, -1, 1.5, "3"):
        with pytest.raises(ValidationError, match="max_pairs"):
            table_source(max_pairs=wrong)
    with pytest.raises(ValidationError, match="max_pairs"):
        table_source(columns={**FAQ, "max_pairs": 3})
