"""The rows of a change that a reviewer looks at first: the gravest kinds first, by id, at most ten."""

from types import SimpleNamespace

import pandas as pd
import pytest

from stages.commands.compare.gravest import (
    Drop,
    GraveRow,
    broken_rows,
    choose_gravest,
    dropped_rows,
    find_drops,
    find_gravest,
    moved_rows,
    query_rows,
)
from stages.commands.compare.report import AvailableTables
from stages.commands.compare.text import _gravest_lines
from stages.lib.core.errors import UserError


def version(details=None, **tables):
    """Return a version with these details, and with tables by path, `/` written as two `_`."""

    def table(path, *columns):
        name = path.removeprefix("data/").removesuffix(".parquet").replace("/", "__")
        if name not in tables:
            raise UserError(f"{path} does not exist", "run it")
        return tables[name][list(columns)]

    known = details or {}
    return SimpleNamespace(table=table, details=lambda stage: known.get(stage, {}))


def splits(**split_of_id):
    rows = [(row_id, f"c{row_id}", split) for row_id, split in split_of_id.items()]
    return pd.DataFrame(rows, columns=["id", "component_id", "split"])


def ledger(*rows):
    return pd.DataFrame(rows, columns=["row_id", "action", "reason"], dtype="str")


def scores(**score_of_query):
    return pd.DataFrame({"ndcg_at_10": pd.Series(score_of_query, dtype="float64")})


def rows(kind, count):
    return [GraveRow(kind, f"{kind}{number}", "") for number in range(count)]


def ids(listed):
    return [row.row_id for row in listed]


# ---- which ten


def test_each_kind_has_its_places():
    listed = [*rows("query", 9), *rows("dropped", 9), *rows("moved", 9)]
    assert ids(choose_gravest(listed)) == [
        "query0",
        "query1",
        "query2",
        "query3",
        "dropped0",
        "dropped1",
        "dropped2",
        "moved0",
        "moved1",
        "moved2",
    ]


def test_places_that_are_free_go_to_the_gravest_kind():
    listed = [*rows("query", 9), *rows("dropped", 1), *rows("moved", 9)]
    assert ids(choose_gravest(listed)) == [
        *(f"query{number}" for number in range(6)),
        "dropped0",
        "moved0",
        "moved1",
        "moved2",
    ]


def test_what_is_broken_takes_all_places():
    listed = [*rows("moved", 9), *rows("broken", 12)]
    assert ids(choose_gravest(listed)) == [f"broken{number}" for number in range(10)]
    assert choose_gravest([]) == []


# ---- each kind


def test_a_count_that_must_be_0_comes_with_ids_where_they_are_known():
    leaking = pd.DataFrame(
        {
            "id": ["p1", "p2", "p3", "p4"],
            "component_id": ["d1", "d1", "d2", "d2"],
            "split": ["train", "test", "train", "corpus"],
        }
    )
    details = {
        "split": {"leaked_components": 1, "leaked_texts": 1234},
        "deduplicate": {"unsupported_drops": 0, "dangling_pairs": 2},
        "mine": {"known_positives_as_negatives": 1},
    }
    documents = pd.DataFrame({"doc_id": ["d1"]})
    pairs = pd.DataFrame({"pair_id": ["p3", "p2", "p1"], "doc_id": ["d8", "d9", "d1"]})
    triplets = pd.DataFrame(
        {
            "pair_id": ["p1", "p2"],
            "positive_ids": [["d1"], ["d2", "d3"]],
            "negative_ids": [["d4"], ["d3"]],
        }
    )
    newer = version(
        details,
        split__splits=leaking,
        deduplicate__documents=documents,
        deduplicate__pairs=pairs,
        mine__triplets=triplets,
    )
    assert broken_rows(newer) == [
        GraveRow("broken", "d1", "split.leaked_components is 1 and must be 0"),
        GraveRow("broken", "", "split.leaked_texts is 1,234 and must be 0"),
        GraveRow("broken", "p2", "deduplicate.dangling_pairs is 2 and must be 0"),
        GraveRow("broken", "p3", "deduplicate.dangling_pairs is 2 and must be 0"),
        GraveRow("broken", "p2", "mine.known_positives_as_negatives is 1 and must be 0"),
    ]
    # Without the tables the count is named all the same.
    assert broken_rows(version({"split": {"leaked_components": 1}})) == [
        GraveRow("broken", "", "split.leaked_components is 1 and must be 0")
    ]
    assert broken_rows(version()) == []


def test_queries_come_by_their_loss_and_winners_do_not():
    before = pd.Series({"q1": 0.5, "q2": 1.0, "q3": 0.2})
    after = pd.Series({"q1": 0.4, "q2": 0.25, "q3": 0.9})
    assert query_rows(before, after) == [
        GraveRow("query", "q2", "lost 0.750: 1.000 before, 0.250 now"),
        GraveRow("query", "q1", "lost 0.100: 0.500 before, 0.400 now"),
    ]


def test_each_rule_gives_a_row_before_one_gives_a_second():
    drops = [
        Drop("clean", "too_short", "train", "p1"),
        Drop("clean", "too_short", "corpus", "d1"),
        Drop("clean", "too_short", "test", "p9"),
        Drop("deduplicate", "near_copy", "train", "p2"),
    ]
    assert dropped_rows(drops) == [
        GraveRow("dropped", "p9", "newly dropped by clean: too_short, from test (3 by this rule)"),
        GraveRow(
            "dropped", "p2", "newly dropped by deduplicate: near_copy, from train (1 by this rule)"
        ),
        GraveRow("dropped", "p1", "newly dropped by clean: too_short, from train (3 by this rule)"),
        GraveRow(
            "dropped", "d1", "newly dropped by clean: too_short, from corpus (3 by this rule)"
        ),
    ]


def test_only_drops_of_rows_that_are_gone_count():
    empty = ledger()
    newer = version(
        collect__ledger=empty,
        clean__ledger=ledger(
            ("p1", "drop", "too_short"), ("p2", "edit", "html"), ("p3", "drop", "too_short")
        ),
        deduplicate__ledger=empty,
        pair__ledger=empty,
        split__ledger=empty,
    )
    lost = {"p1": "train", "p2": "test"}
    assert find_drops(newer, lost) == [Drop("clean", "too_short", "train", "p1")]
    with pytest.raises(UserError, match=r"data/collect/ledger\.parquet does not exist"):
        find_drops(version(), lost)


def test_pairs_that_came_to_training_are_the_gravest_moves():
    old = {"p1": "validation", "p2": "train", "p3": "test", "p4": "corpus", "p5": "train"}
    new = {"p1": "test", "p2": "test", "p3": "train", "p4": "left_out", "p5": "train"}
    listed = moved_rows({**old, "d1": "test", "p6": "test"}, {**new, "d1": "train"})
    assert [(row.row_id, row.reason) for row in listed] == [
        ("p3", "moved from test to train (1 in all)"),
        ("p2", "moved from train to test (1 in all)"),
        ("p1", "moved from validation to test (1 in all)"),
        ("p4", "moved from corpus to left_out (1 in all)"),
    ]


# ---- together


def test_the_rows_of_two_versions():
    older = version(split__splits=splits(p1="train", p2="test", p3="train"))
    empty = ledger()
    newer = version(
        {"split": {"leaked_texts": 2}},
        split__splits=splits(p1="train", p2="train"),
        collect__ledger=empty,
        clean__ledger=ledger(("p3", "drop", "too_short")),
        deduplicate__ledger=empty,
        pair__ledger=empty,
        split__ledger=empty,
    )
    paired = SimpleNamespace(before=scores(q1=0.5), after=scores(q1=0.25))
    tables = AvailableTables()
    listed = find_gravest(older, newer, paired, tables)
    assert [(row.kind, row.row_id) for row in listed] == [
        ("broken", ""),
        ("query", "q1"),
        ("dropped", "p3"),
        ("moved", "p2"),
    ]
    assert tables.missing == {}
    assert _gravest_lines(listed) == [
        "",
        "### Look at these rows first",
        "",
        "| row | why |",
        "|---|---|",
        "|  | split.leaked_texts is 2 and must be 0 |",
        "| `q1` | lost 0.250: 0.500 before, 0.250 now |",
        "| `p3` | newly dropped by clean: too_short, from train (1 by this rule) |",
        "| `p2` | moved from test to train (1 in all) |",
        "",
        "A query loses nDCG@10. The history of a row: `python -m stages explain ID`.",
    ]


def test_what_a_missing_table_hides_is_recorded():
    paired = SimpleNamespace(before=scores(q1=0.5), after=scores(q1=0.25))
    tables = AvailableTables()
    assert ids(find_gravest(version(), version(), paired, tables)) == ["q1"]
    assert tables.missing == {
        "rows that moved or were dropped": "data/split/splits.parquet does not exist"
    }

    # With splits and without ledgers the moves are known.
    older = version(split__splits=splits(p1="test"))
    newer = version(split__splits=splits(p1="train"))
    tables = AvailableTables()
    assert ids(find_gravest(older, newer, paired, tables)) == ["q1", "p1"]
    assert tables.missing == {"rules that drop rows": "data/collect/ledger.parquet does not exist"}
