"""The same rows give the same bytes, whatever came before; what is wrong is refused whole."""

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.preprocessing import table_parts
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import NearDuplicates
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.splits import Fingerprints
from stages.lib.schemas.training import Triplets
from tests.properties import examples

SHARD = tables.SHARD_ROWS
# Every example overwrites the files of the one before it.
SHARED_FOLDER = [HealthCheck.function_scoped_fixture]


def documents(count, words=3):
    ids = [f"d{at:016x}" for at in range(count)]
    text = [f"{at} is told in other words each time, {'and ' * words}so on" for at in range(count)]
    return pd.DataFrame(
        {"doc_id": ids, "source": "faq", "title": "", "text": text, "topic": "t", "group": ""}
    )


def triplets(count):
    return pd.DataFrame(
        {
            "pair_id": [f"p{at:016x}" for at in range(count)],
            "component_id": "c",
            "anchor": "a",
            "doc_id": f"d{0:016x}",
            "positive": "p",
            "positive_score": 0.5,
            "negative_ids": [["d1", "d2"][: at % 3] for at in range(count)],
            "negatives": [["n1", "n2"][: at % 3] for at in range(count)],
            "negative_scores": [[0.1, 0.2][: at % 3] for at in range(count)],
            "negative_cross_scores": [[float("nan")] * (at % 3) for at in range(count)],
            "negative_miners": [["bm25", "both"][: at % 3] for at in range(count)],
            "negative_ranks": [[1, 2][: at % 3] for at in range(count)],
            "negative_rules": [["m", "m"][: at % 3] for at in range(count)],
            "positive_ids": [[f"d{0:016x}"]] * count,
            "in_batch_ids": [[f"d{0:016x}", *["d1", "d2"][: at % 3]] for at in range(count)],
        }
    )


def written(frame, path, table):
    tables.write(frame, path, table)
    return path.read_bytes()


def parts_of(frame, cuts, folder, table):
    bounds = [0, *sorted(cuts), len(frame)]
    paths = [folder / f"part-{at}.parquet" for at in range(len(bounds) - 1)]
    for path, start, end in zip(paths, bounds, bounds[1:], strict=False):
        tables.write(frame.iloc[start:end] if end > start else table.empty(), path, table)
    return paths


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "documents.parquet"
    tables.write(documents(3), path, Documents)
    pd.testing.assert_frame_equal(tables.read(path, Documents), documents(3), check_dtype=False)


def test_rows_of_some_values_alone_are_read(tmp_path):
    path = tmp_path / "documents.parquet"
    frame = documents(3).assign(source=["a", "b", "a"], topic=["x", "x", "y"])
    tables.write(frame, path, Documents)
    wanted = frame[(frame["source"] == "a") & (frame["topic"] == "x")].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        tables.read(path, Documents, source="a", topic="x"), wanted, check_dtype=False
    )
    nothing = tables.read(path, Documents, source="c")
    assert len(nothing) == 0 and list(nothing.columns) == list(frame.columns)


def test_lists_and_missing_numbers_come_back(tmp_path):
    tables.write(triplets(3), tmp_path / "triplets.parquet", Triplets)
    back = tables.read(tmp_path / "triplets.parquet", Triplets)
    assert [list(ids) for ids in back["negative_ids"]] == [[], ["d1"], ["d1", "d2"]]
    assert [list(ranks) for ranks in back["negative_ranks"]] == [[], [1], [1, 2]]

    big = pd.DataFrame(
        {
            "id": ["p" + "1" * 16],
            "split": "test",
            "normal_hash": "0" * 16,
            "compared_with": "texts",
            "shingles": [[[0, 2**64 - 1], [1]]],
            "runs": [[1]],
        }
    )
    tables.write(big, tmp_path / "fingerprints.parquet", Fingerprints)
    one, other = tables.read(tmp_path / "fingerprints.parquet", Fingerprints)["shingles"][0]
    assert (list(one), list(other)) == ([0, 2**64 - 1], [1])

    line = dict.fromkeys(Ledger.empty().columns, "") | {
        "row_id": "a",
        "seq": 0,
        "action": "note",
        "reason": "r",
    }
    line |= {"score": float("nan"), "start": -1, "end": -1}
    tables.write(pd.DataFrame([line]), tmp_path / "ledger.parquet", Ledger)
    assert np.isnan(tables.read(tmp_path / "ledger.parquet", Ledger)["score"][0])


def test_rows_leave_sorted_by_the_whole_key(tmp_path):
    ids = ["d" + digit * 16 for digit in "0123"]
    rows = [(ids[1], ids[3]), (ids[0], ids[3]), (ids[1], ids[2]), (ids[0], ids[1])]
    near = pd.DataFrame(rows, columns=["left_id", "right_id"]).assign(similarity=1.0, rule="near")
    tables.write(near, tmp_path / "near.parquet", NearDuplicates)
    back = tables.read(tmp_path / "near.parquet", NearDuplicates)
    assert list(zip(back["left_id"], back["right_id"], strict=True)) == sorted(rows)


@settings(deadline=None, suppress_health_check=SHARED_FOLDER)
@given(order=st.permutations(range(12)), columns=st.permutations(list(Documents.empty().columns)))
def test_the_order_of_rows_and_columns_changes_no_byte(tmp_path, order, columns):
    frame = documents(12)
    expected = written(frame, tmp_path / "a.parquet", Documents)
    shuffled = frame.iloc[list(order)][list(columns)]  # its index is shuffled too
    assert written(shuffled, tmp_path / "b.parquet", Documents) == expected


@pytest.mark.slow
def test_where_a_frame_came_from_changes_no_byte(tmp_path):
    frame = documents(6000, words=400)
    expected = written(frame, tmp_path / "a.parquet", Documents)
    pieces = pd.concat(
        [frame.iloc[:100], frame.iloc[100:4500], frame.iloc[4500:]]
    )  # in memory: three pieces
    assert written(pieces, tmp_path / "b.parquet", Documents) == expected
    assert written(frame.astype(object), tmp_path / "c.parquet", Documents) == expected
    assert (
        written(tables.read(tmp_path / "a.parquet", Documents), tmp_path / "d.parquet", Documents)
        == expected
    )


@pytest.mark.slow
@settings(examples(20), suppress_health_check=SHARED_FOLDER)
@given(
    count=st.sampled_from([0, 1, SHARD - 1, SHARD, SHARD + 1, 2 * SHARD, 2 * SHARD + 7]),
    words=st.sampled_from([3, 300]),  # row groups of less and of more than a page of one megabyte
    cuts=st.lists(st.floats(0, 1), max_size=4),
)
def test_merged_parts_are_the_whole_to_the_byte_wherever_they_were_cut(
    tmp_path, count, words, cuts
):
    frame = documents(count, words) if count else Documents.empty()
    parts = parts_of(frame, [int(cut * count) for cut in cuts], tmp_path, Documents)
    assert table_parts.concat_sorted(parts, tmp_path / "merged.parquet", Documents) == count
    assert (tmp_path / "merged.parquet").read_bytes() == written(
        frame, tmp_path / "whole.parquet", Documents
    )


@pytest.mark.slow
def test_merged_lists_are_the_whole_to_the_byte(tmp_path):
    frame = triplets(SHARD + 10)
    parts = parts_of(frame, [5, SHARD], tmp_path, Triplets)
    table_parts.concat_sorted(parts, tmp_path / "merged.parquet", Triplets)
    assert (tmp_path / "merged.parquet").read_bytes() == written(
        frame, tmp_path / "whole.parquet", Triplets
    )


def test_merging_no_parts_gives_the_empty_table(tmp_path):
    assert table_parts.concat_sorted([], tmp_path / "merged.parquet", Documents) == 0
    assert (tmp_path / "merged.parquet").read_bytes() == written(
        Documents.empty(), tmp_path / "a.parquet", Documents
    )


@pytest.mark.parametrize("rows", [[[0, 2], [1, 3]], [[2], [0]], [[0, 1], [1, 2]]])
def test_overlapping_parts_are_refused_and_nothing_is_written(tmp_path, rows):
    paths = [tmp_path / f"part-{at}.parquet" for at in range(len(rows))]
    for path, part in zip(paths, rows, strict=True):
        tables.write(documents(4).iloc[part], path, Documents)
    with pytest.raises(ValueError, match="overlap at"):
        table_parts.concat_sorted(paths, tmp_path / "merged.parquet", Documents)
    assert sorted(tmp_path.iterdir()) == paths


def test_a_table_is_cut_into_shards_of_one_size(tmp_path):
    path = tmp_path / "documents.parquet"
    tables.write(documents(SHARD + 1), path, Documents)
    first, second = tables.shards(path)
    assert len(tables.read_shard(first, Documents)) == SHARD
    assert tables.read_shard(second, Documents)["doc_id"].tolist() == [f"d{SHARD:016x}"]


def test_files_hold_no_index_and_no_pandas_metadata(tmp_path):
    path = tmp_path / "documents.parquet"
    tables.write(documents(5).iloc[[3, 1]], path, Documents)
    schema = parquet.read_schema(path)
    assert schema.metadata is None
    assert schema.names == list(Documents.empty().columns)
    assert not any(field.nullable for field in schema)


@pytest.mark.parametrize("table", [Documents, NearDuplicates, Triplets, Ledger])
def test_an_empty_table_keeps_its_types(tmp_path, table):
    path = tmp_path / "empty.parquet"
    tables.write(table.empty(), path, table)
    back = tables.read(path, table)
    assert len(back) == 0
    assert back.dtypes.to_dict() == table.empty().dtypes.to_dict()


def test_an_empty_file_of_other_columns_is_refused(tmp_path):
    path = tmp_path / "documents.parquet"
    tables.write(NearDuplicates.empty(), path, NearDuplicates)
    with pytest.raises(UserError, match="'doc_id' is missing"):
        tables.read(path, Documents)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda frame: frame.assign(text=""),
        lambda frame: frame.assign(note="?"),
        lambda frame: frame.drop(columns="title"),
        lambda frame: pd.concat([frame, frame]),
    ],
)
def test_a_wrong_frame_writes_nothing_and_leaves_what_is_there(tmp_path, wrong):
    path = tmp_path / "documents.parquet"
    with pytest.raises(UserError, match="breaks the contract of Documents"):
        tables.write(wrong(documents(2)), path, Documents)
    assert list(tmp_path.iterdir()) == []

    before = written(documents(2), path, Documents)
    with pytest.raises(UserError):
        tables.write(wrong(documents(2)), path, Documents)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_breaks_its_contract_is_refused_when_read(tmp_path):
    path = tmp_path / "documents.parquet"
    parquet.write_table(arrow.Table.from_pandas(documents(2).assign(text=["", "ok"])), path)
    with pytest.raises(UserError, match=f"{path} breaks the contract of Documents") as caught:
        tables.read(path, Documents)
    assert "doc_id d0000000000000000" in caught.value.fact


def test_a_missing_file_names_the_stage_to_run(tmp_path):
    path = tmp_path / "clean" / "documents.parquet"
    for read in (lambda: tables.read(path, Documents), lambda: tables.shards(path)):
        with pytest.raises(UserError, match=f"{path} does not exist") as caught:
            read()
        assert caught.value.remedy == "run 'dvc repro clean' first"


def damaged(content, damage):
    if damage == "page":
        return content[:100] + bytes(byte ^ 0xFF for byte in content[100:140]) + content[140:]
    return {"empty": b"", "text": b"id,text\n1,a\n", "short": content[: len(content) // 2]}[damage]


@pytest.mark.parametrize("damage", ["empty", "text", "short", "page"])
def test_a_damaged_file_is_a_problem(tmp_path, damage):
    path = tmp_path / "documents.parquet"
    tables.write(documents(500), path, Documents)
    path.write_bytes(damaged(path.read_bytes(), damage))
    with pytest.raises(UserError, match="is not a Parquet file") as caught:
        tables.read(path, Documents)
    assert len(str(caught.value).splitlines()) == 2
    with pytest.raises(UserError, match="is not a Parquet file"):
        tables.read_shard(tables.Shard(path, 0), Documents)


def test_rows_out_of_order_are_refused_when_they_are_read(tmp_path):
    """Stages rely on the order: edited by hand, the same rows would give another result."""
    path = tmp_path / "documents.parquet"
    rows = tables._canonical(documents(9), Documents, "here")
    parquet.write_table(rows.take([0, 2, 1, *range(3, 9)]), path)
    with pytest.raises(UserError, match="is not in the order of doc_id") as caught:
        tables.read(path, Documents)
    assert "'dvc repro' makes it anew" in caught.value.remedy


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda rows: rows.drop_columns(["text"]), "column 'text' is missing"),
        (lambda rows: rows.append_column("new", rows["doc_id"]), "'new' is not in the contract"),
        (lambda rows: rows.rename_columns(["id", *rows.column_names[1:]]), "'doc_id' is missing"),
        (lambda rows: rows.select(rows.column_names[::-1]), "is out of order"),
        (lambda rows: rows.append_column("doc_id", rows["doc_id"]), "doc_id"),
        (lambda rows: arrow.concat_tables([rows, rows]), "key_is_unique broken in 18 row"),
        (lambda rows: arrow.table({}), "column 'doc_id' is missing"),
        (lambda rows: arrow.table({"foo": [1]}), "'foo' is not in the contract"),
        (
            lambda rows: rows.set_column(1, "source", arrow.array([b"\xff"] * 9)),
            "source: dtype",
        ),
        (
            lambda rows: rows.set_column(
                1,
                "source",
                arrow.Array.from_buffers(
                    arrow.string(), 9, arrow.array([b"\xff\xfe"] * 9).buffers()
                ),
            ),
            "Invalid UTF8",
        ),
    ],
)
def test_a_table_of_another_schema_is_named(tmp_path, change, fact):
    """As when another version of the project wrote it."""
    path = tmp_path / "documents.parquet"
    parquet.write_table(change(tables._canonical(documents(9), Documents, "here")), path)
    with pytest.raises(UserError, match=fact) as caught:
        tables.read(path, Documents)
    assert str(path) in caught.value.fact
    assert "dvc repro" in caught.value.remedy
