"""Verdicts are rules at the next run: they change the rows that were decided, and no others."""

import json
import shutil

import pandas as pd
import pytest

from stages.lib.core import tables
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.reviews import MISPAIRED, NEGATIVES, Judgement, write_judgements
from stages.lib.schemas.training import Triplets

pytestmark = pytest.mark.slow


def read(folder, path, table):
    return tables.read(folder / path, table)


def drops(folder, stage):
    ledger = read(folder, f"data/{stage}/ledger.parquet", Ledger)
    judged = ledger[ledger["reason"].str.startswith("judged")]
    columns = ["row_id", "action", "reason", "partner_id", "before"]
    return judged[columns].to_numpy().tolist()


def details(folder, stage):
    return json.loads((folder / f"metrics/details/{stage}.json").read_text("utf-8"))


def rows_without(frame, pair_ids):
    return frame[~frame["pair_id"].isin(pair_ids)].reset_index(drop=True)


@pytest.mark.timeout(900)
def test_a_round_trip_changes_exactly_the_rows_decided(tiny_project, tmp_path, dvc):
    project = shutil.copytree(tiny_project, tmp_path / "project", symlinks=True)
    before = read(project, "data/mine/triplets.parquet", Triplets)
    pairs_before = read(project, "data/pair/pairs.parquet", Pairs)

    # A pair that is wrong, and a negative of another pair that is false.
    given = before[before["pair_id"].isin(pairs_before["pair_id"])]
    with_negatives = given[given["negative_ids"].map(len) > 0]
    wrong = given.iloc[0]
    false = with_negatives[with_negatives["doc_id"] != wrong["doc_id"]].iloc[0]
    negative_id = false["negative_ids"][0]
    reviews = project / "data/review"
    write_judgements(
        [Judgement(wrong["pair_id"], wrong["doc_id"], "no")], reviews / "mispaired.csv", MISPAIRED
    )
    write_judgements(
        [Judgement(false["pair_id"], negative_id, "yes")], reviews / "negatives.csv", NEGATIVES
    )

    # A verdict runs its stage and what follows.
    planned = dvc(project, "repro", "--dry", "mine").stdout
    assert "Running stage 'pair'" in planned
    assert "Running stage 'clean'" not in planned
    done = dvc(project, "repro", "mine")
    assert done.returncode == 0, done.stderr

    # The pair is gone, with its reason.
    pairs_after = read(project, "data/pair/pairs.parquet", Pairs)
    pd.testing.assert_frame_equal(pairs_after, rows_without(pairs_before, [wrong["pair_id"]]))
    assert drops(project, "pair") == [
        [wrong["pair_id"], "drop", "judged_wrong", wrong["doc_id"], ""]
    ]
    assert details(project, "pair")["dropped"]["judged_wrong"] == 1

    # Of the triplets that row is gone with its variants, and one row has a negative less.
    after = read(project, "data/mine/triplets.parquet", Triplets)
    variants = read(project, "data/augment/ledger.parquet", Ledger)
    variants_of = dict(zip(variants["row_id"], variants["partner_id"], strict=True))
    false_ids = {
        pair_id
        for pair_id in before["pair_id"]
        if false["pair_id"] in (pair_id, variants_of.get(pair_id))
    }
    gone = set(before["pair_id"]) - set(after["pair_id"])
    assert wrong["pair_id"] in gone
    old_parents = read(tiny_project, "data/augment/ledger.parquet", Ledger)
    parent_of = dict(zip(old_parents["row_id"], old_parents["partner_id"], strict=True))
    assert {parent_of.get(pair_id, pair_id) for pair_id in gone} == {wrong["pair_id"]}
    decided = [*gone, *false_ids]
    pd.testing.assert_frame_equal(rows_without(after, decided), rows_without(before, decided))
    shown = after.set_index("pair_id").loc[false["pair_id"]]
    assert list(shown["negative_ids"]) == list(false["negative_ids"][1:])
    assert [false["pair_id"], "edit", "judged_false_negative", "", negative_id] in drops(
        project, "mine"
    )
    counts = details(project, "mine")["judged_negatives"]
    assert counts["removed"] >= 1
    assert counts["left"] == 0

    # Without the verdicts every byte is as it was.
    write_judgements([], reviews / "mispaired.csv", MISPAIRED)
    write_judgements([], reviews / "negatives.csv", NEGATIVES)
    assert dvc(project, "repro", "mine").returncode == 0
    for path in ("data/mine/triplets.parquet", "data/pair/pairs.parquet", "dvc.lock"):
        assert (project / path).read_bytes() == (tiny_project / path).read_bytes()
