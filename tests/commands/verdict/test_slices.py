"""Slices of the queries, and condensed lists."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from stages.commands.verdict.measures import condensed_run, measure_run, parse_measure
from stages.commands.verdict.slices import compare_slices, read_slices
from stages.lib.core.errors import UserError
from tests.commands.verdict.made_runs import ranked, trec, verdict


def scores(*parts):
    """Return (values of the base run, of the new run), query ids and the name of each slice.

    Each part is a name, a number of queries and their difference; a small noise is on top.
    """
    source = random.Random(1)
    differences, names = [], []
    for name, count, difference in parts:
        differences += [difference + source.gauss(0, 0.05) for _ in range(count)]
        names += [name] * count
    query_ids = [f"q{number:03}" for number in range(len(names))]
    before = np.full(len(names), 0.5)
    return before, before + np.array(differences), query_ids, names


def verdicts(*parts):
    before, after, query_ids, names = scores(*parts)
    return compare_slices(
        before,
        after,
        query_ids,
        np.array(query_ids),
        slice_names={"kind": dict(zip(query_ids, names, strict=True))},
        delta=0.001,
    )


def test_the_slices_that_differ_are_named():
    result = verdicts(("alike", 100, 0.0), ("better", 60, 0.1), ("worse", 60, -0.1))
    outcomes = {item.name: item.outcome for item in result.comparisons}
    assert outcomes == {
        "kind=alike": "no evidence",
        "kind=better": "better",
        "kind=worse": "worse",
    }


def test_slices_with_few_groups_are_counted_and_an_empty_name_is_none():
    result = verdicts(("enough", 50, 0.0), ("few", 49, 0.0), ("", 80, 0.0))
    assert [item.name for item in result.comparisons] == ["kind=enough"]
    assert result.too_small == 1


def test_p_values_are_corrected_for_the_number_of_slices():
    parts = [(f"s{number:02}", 60, 0.0) for number in range(19)]
    parts.append(("s19", 60, 0.02))
    (alone,) = verdicts(*parts[-1:]).comparisons
    assert alone.outcome == "better"
    among = {item.name: item for item in verdicts(*parts).comparisons}
    assert among["kind=s19"].p_value > alone.p_value
    # Twenty slices without a difference: without the correction about one would differ.
    none = verdicts(*[(f"s{number:02}", 60, 0.0) for number in range(20)]).comparisons
    assert [item.name for item in none if item.outcome in ("better", "worse")] == []


def test_the_command_names_slices_in_text_and_json(files):
    # The first 60 queries are those of a slice that the new run answers, the others stay.
    qrels = [f"q{number}" for number in range(120)]
    base = {query: ranked(["w", "right"]) for query in qrels}
    new = {query: ranked(["right", "w"]) for query in qrels[:60]} | {
        query: base[query] for query in qrels[60:]
    }
    Path("base.run").write_text(trec(base), "utf-8")
    Path("new.run").write_text(trec(new), "utf-8")
    lines = ["query_id,language,rare"]
    lines += [
        f"{query},{'de' if n < 60 else 'en'},{'x' if n < 3 else ''}"
        for n, query in enumerate(qrels)
    ]
    Path("slices.csv").write_text("\n".join(lines), "utf-8")

    result = verdict("base.run", "new.run", "--slices", "slices.csv")
    assert result.exit_code == 0, result.output
    assert "new against base: 1 of 2 slices differ (Holm corrected)" in result.output
    assert (
        "  language=de: better, +0.3691 (+0.3691 to +0.3691), p = 0.0002, 60 queries"
        in result.output
    )
    assert "language=en" not in result.output
    assert "  1 slices have fewer than 50 groups, and no verdict." in result.output
    values = json.loads(
        verdict("base.run", "new.run", "--slices", "slices.csv", "--format", "json").stdout
    )
    assert {item["name"]: item["outcome"] for item in values["slices"]} == {
        "language=de": "better",
        "language=en": "equivalent",
    }
    assert values["small_slices"] == 1
    markdown = verdict(
        "base.run", "new.run", "--slices", "slices.csv", "--format", "markdown"
    ).output
    assert "- language=de: better" in markdown


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.csv", "query_id,kind\nq1,a\nq2,\n"),
        ("s.tsv", "qid\tkind\nq1\ta\nq2\t\n"),
        ("s.jsonl", '{"_id": "q1", "kind": "a"}\n{"_id": "q2", "kind": null}\n'),
    ],
)
def test_every_format_of_slices_is_read_alike(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    assert read_slices(path, ["q1", "q2"]) == {"kind": {"q1": "a", "q2": ""}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.csv", "kind,of\na,b\n", "row 2: there is no column query_id beside others"),
        ("s.csv", "query_id\nq1\n", "row 2: there is no column query_id beside others"),
        ("s.csv", "query_id,kind\nq1,a\nq1,b\n", "row 3: query 'q1' stands there a second time"),
        ("s.csv", "query_id,kind\nq2,a\n", "1 queries have no line, such as 'q1'"),
        ("s.csv", "query_id,kind\nq1\n", "row 2 has 1 cells, and the header 2"),
        ("s.csv", "", "is empty"),
        ("s.jsonl", "[1]\n", "line 1 is no JSON object"),
    ],
)
def test_a_bad_file_of_slices_is_named(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(UserError, match=message):
        read_slices(path, ["q1"])


def test_condensed_lists_by_hand():
    run = {"q": ranked(["new1", "wrong", "new2", "right"])}
    qrels = {"q": {"wrong": 0, "right": 1}}
    measure = parse_measure("RR@10")
    assert measure_run(run, qrels, ["q"], measure).tolist() == [0.25]
    condensed = condensed_run(run, qrels)
    assert list(condensed["q"]) == ["wrong", "right"]
    assert measure_run(condensed, qrels, ["q"], measure).tolist() == [0.5]
    # A judged hit below the depth moves up as well.
    assert measure_run(condensed, qrels, ["q"], parse_measure("R@2")).tolist() == [1.0]


def test_condensed_lists_change_the_means_and_the_note(files):
    # Each hit but the right one is unjudged: without those, both runs are perfect.
    result = verdict("base.run", "new.run", "--condensed")
    assert result.exit_code == 0, result.output
    assert "new and base are equivalent: +0.0000" in result.output
    assert "base: 83.3% of the first 10 hits are unjudged, and were removed." in result.output
    plain = verdict("base.run", "new.run").output
    assert "base: 83.3% of the first 10 hits are unjudged, and count as not relevant." in plain
