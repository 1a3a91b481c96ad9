"""The command on a giant: what it writes and prints, and that a frozen split keeps it."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.freeze import app as freeze
from stages.lib.schemas.evaluation_set import Masked, Qrels, Queries
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.queries_from_pairs import query_id_of
from stages.lib.schemas.splits import GiantRows
from tests.split.faq import d, leaks, metrics, p, run, splits, text, written
from tests.split.giant_tables import chain, shared_between_splits, singles, table_of

GIANT = chain("g", 120)
LINKS = [*GIANT, *singles("s", 40)]

pytestmark = pytest.mark.slow


def test_a_giant_is_cut_counted_and_told(project):
    result = run(*table_of(LINKS), giants="auto")
    assert result.exit_code == 0, result.output
    split_of = splits()
    assert shared_between_splits(split_of, LINKS) == 0
    assert leaks() == {"leaks": 0}

    # Each pair that is left out has a line, and the accounts are even.
    lost = [link for link in GIANT if split_of[p(" ".join(link))] == "left_out"]
    counts = metrics()
    assert 1 <= len(lost) <= 6
    assert counts["dropped.cut_straddles"] == counts["giants.pairs_left_out"] == len(lost)
    assert counts["rows_in"] == counts["rows_out"] + len(lost) == 160
    ledger = written(Ledger, "ledger")
    dropped = ledger[ledger["reason"] == "cut_straddles"]
    assert dict(zip(dropped["row_id"], dropped["partner_id"], strict=True)) == {
        p(" ".join(link)): d(link[1]) for link in lost
    }
    assert result.output == (
        "giants: 1 (1 cut, 0 trained on whole) with 120 pairs (75.0%); "
        "tied by shared document 120, equal anchor 59; "
        f"{len(lost)} pairs left out ({len(lost) / 120:.2%} of them)\n"
    )


def test_the_other_answer_of_a_held_out_query_is_masked(project):
    assert run(*table_of(LINKS), giants="auto").exit_code == 0
    split_of = splits()
    expected = {"validation": set(), "test": set()}
    for name, rows in expected.items():
        queries = set(written(Queries, f"{name}/queries")["query_id"])
        for query, document in GIANT:
            query_id = query_id_of(text(f"{query}?"))
            if split_of[p(f"{query} {document}")] == "left_out" and query_id in queries:
                rows.add((query_id, d(document)))

        masked = written(Masked, f"{name}/masked")
        assert set(map(tuple, masked.to_numpy().tolist())) == rows
        qrels = written(Qrels, f"{name}/qrels")
        assert rows.isdisjoint(map(tuple, qrels[["query_id", "doc_id"]].to_numpy().tolist()))

    assert expected["validation"] | expected["test"]


def test_a_frozen_giant_stays_where_it_is_beside_other_rows(project):
    assert run(*table_of(LINKS), giants="auto", max_train_pairs=30).exit_code == 0
    before = splits()
    giants = written(GiantRows, "giants")
    assert set(giants["handling"]) == {"cut"}
    assert CliRunner().invoke(freeze, []).exit_code == 0
    lines = Path("data/frozen/splits.csv").read_text("utf-8").splitlines()[1:]

    # `run` writes the frozen file anew, with the third column in its rows.
    others = [*GIANT, *singles("s", 20), *singles("new", 300)]
    frozen = [tuple(line.split(",", 1)) for line in lines]
    header = ("id", "split,giant")
    result = run_with_header(table_of(others), header, frozen)
    assert result.exit_code == 0, result.output
    after = splits()
    rows = written(GiantRows, "giants")
    pd.testing.assert_frame_equal(rows, giants)
    held_out = [row_id for row_id, split in before.items() if split in ("validation", "test")]
    assert {row_id: after[row_id] for row_id in held_out if row_id in after} == {
        row_id: before[row_id] for row_id in held_out if row_id in after
    }


def run_with_header(tables, header, frozen):
    """Run the stage with a frozen file of three columns."""
    import tests.split.faq as faq

    write_text = Path.write_text

    def with_header(path, content, *args, **kwargs):
        if path.name == "splits.csv":
            content = content.replace("id,split\n", ",".join(header) + "\n", 1)
        return write_text(path, content, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_text", with_header)
        return faq.run(*tables, giants="auto", max_train_pairs=30, frozen=frozen)
