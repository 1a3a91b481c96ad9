"""Workers change the speed and never a byte."""

from functools import partial

import pandas as pd
import pytest

from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.stage import workers
from stages.lib.preprocessing import sharded, table_parts
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger, LedgerWriter


def upper(frame):
    return [frame.assign(text=frame["text"].str.upper())]


def keep_even(frame, reason):
    """Return the rows with an even number, and a ledger of the others."""
    odd = frame["doc_id"].str[-1].isin(list("13579bdf"))
    ledger = LedgerWriter()
    for row_id in frame.loc[odd, "doc_id"]:
        ledger.drop(row_id, reason)
    return [frame[~odd], ledger.frame()]


def refuse(frame):
    raise UserError(f"{frame['doc_id'].iloc[0]} is wrong", "mend it")


def fail(frame):
    raise ZeroDivisionError(frame["doc_id"].iloc[0])


def by_topic(frame):
    return frame["topic"]


def number_in_group(frame):
    """Note each row's position in its group, so that order and completeness show in the output."""
    assert frame["group_key"].is_monotonic_increasing
    assert all(group["doc_id"].is_monotonic_increasing for _, group in frame.groupby("group_key"))
    counts = frame.groupby("group_key").cumcount().astype(str)
    sizes = frame.groupby("group_key")["doc_id"].transform("size").astype(str)
    return [frame.assign(title=counts + " of " + sizes).drop(columns="group_key")]


@pytest.fixture
def path(tmp_path):
    """Write a table of three shards, the topics mixed."""
    count = 2 * tables.SHARD_ROWS + 100
    frame = pd.DataFrame(
        {
            "doc_id": [f"d{number:016x}" for number in range(count)],
            "source": "faq",
            "title": "",
            "text": [f"text {number}" for number in range(count)],
            "topic": [f"topic {number % 50}" for number in range(count)],
            "group": "",
        }
    )
    path = tmp_path / "documents.parquet"
    tables.write(frame, path, Documents)
    return path


def with_workers(count, monkeypatch, tmp_path):
    monkeypatch.setenv("PAIRSMITH_WORKERS", str(count))
    scratch = tmp_path / f"with-{count}"
    scratch.mkdir()
    return scratch


def contents(columns):
    return [[part.read_bytes() for part in parts] for parts in columns]


def test_map_gives_the_same_parts_with_one_and_three_workers(path, tmp_path, monkeypatch):
    function = partial(keep_even, reason="odd")
    shards = tables.shards(path)
    one_worker, three_workers = (
        sharded.map_shards(
            function,
            shards,
            Documents,
            [Documents, Ledger],
            with_workers(count, monkeypatch, tmp_path),
        )
        for count in (1, 3)
    )
    assert [len(parts) for parts in one_worker] == [3, 3]
    assert contents(one_worker) == contents(three_workers)


@pytest.mark.slow
def test_mapped_parts_come_in_the_order_of_the_shards(path, tmp_path, monkeypatch):
    scratch = with_workers(3, monkeypatch, tmp_path)
    (parts,) = sharded.map_shards(upper, tables.shards(path), Documents, [Documents], scratch)
    assert (
        table_parts.concat_sorted(parts, tmp_path / "merged.parquet", Documents)
        == 2 * tables.SHARD_ROWS + 100
    )
    expected = tables.read(path, Documents)
    pd.testing.assert_frame_equal(
        tables.read(tmp_path / "merged.parquet", Documents), upper(expected)[0]
    )


def test_map_over_nothing_gives_no_parts(tmp_path):
    assert sharded.map_shards(upper, [], Documents, [Documents], tmp_path) == [[]]


@pytest.mark.slow
def test_group_gives_the_same_parts_with_one_and_three_workers(path, tmp_path, monkeypatch):
    shards = tables.shards(path)
    one_worker, three_workers = (
        sharded.group_by_key(
            number_in_group,
            by_topic,
            shards,
            Documents,
            [Documents],
            with_workers(count, monkeypatch, tmp_path),
        )
        for count in (1, 3)
    )
    assert contents(one_worker) == contents(three_workers)


@pytest.mark.slow
def test_group_brings_equal_keys_together_sorted_by_id(path, tmp_path, monkeypatch):
    scratch = with_workers(1, monkeypatch, tmp_path)
    (parts,) = sharded.group_by_key(
        number_in_group, by_topic, tables.shards(path), Documents, [Documents], scratch
    )
    frame = sharded.concat_parts(parts, Documents)
    expected = tables.read(path, Documents)
    counts = expected.groupby("topic").cumcount().astype(str)
    sizes = expected.groupby("topic")["doc_id"].transform("size").astype(str)
    pd.testing.assert_frame_equal(frame, expected.assign(title=counts + " of " + sizes))


@pytest.mark.slow
def test_group_does_not_depend_on_the_shards(path, tmp_path, monkeypatch):
    frame = tables.read(path, Documents)
    half_shards = []
    for number, rows in enumerate([frame.iloc[::2], frame.iloc[1::2]]):
        half_path = tmp_path / f"half-{number}.parquet"
        tables.write(rows, half_path, Documents)
        half_shards += tables.shards(half_path)
    whole = sharded.group_by_key(
        number_in_group,
        by_topic,
        tables.shards(path),
        Documents,
        [Documents],
        with_workers(1, monkeypatch, tmp_path),
    )
    halves = sharded.group_by_key(
        number_in_group,
        by_topic,
        half_shards,
        Documents,
        [Documents],
        with_workers(2, monkeypatch, tmp_path),
    )
    pd.testing.assert_frame_equal(
        *(sharded.concat_parts(parts[0], Documents) for parts in (whole, halves))
    )


def test_group_over_an_empty_table_gives_empty_parts(tmp_path):
    tables.write(Documents.empty(), tmp_path / "empty.parquet", Documents)
    (parts,) = sharded.group_by_key(
        number_in_group,
        by_topic,
        tables.shards(tmp_path / "empty.parquet"),
        Documents,
        [Documents],
        tmp_path,
    )
    assert len(sharded.concat_parts(parts, Documents)) == 0


def test_gather_of_no_parts_is_the_empty_table():
    assert len(sharded.concat_parts([], Documents)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3])
def test_a_problem_in_a_worker_reaches_the_user_whole(path, tmp_path, monkeypatch, count):
    scratch = with_workers(count, monkeypatch, tmp_path)
    with pytest.raises(UserError) as caught:
        sharded.map_shards(refuse, tables.shards(path), Documents, [Documents], scratch)
    assert (caught.value.fact, caught.value.remedy) == ("d0000000000000000 is wrong", "mend it")


@pytest.mark.slow
def test_a_bug_in_a_worker_stays_a_bug(path, tmp_path, monkeypatch):
    scratch = with_workers(3, monkeypatch, tmp_path)
    with pytest.raises(ZeroDivisionError, match="d0000000000000000"):
        sharded.map_shards(fail, tables.shards(path), Documents, [Documents], scratch)


@pytest.mark.slow
def test_a_function_that_breaks_the_contract_is_a_problem(path, tmp_path, monkeypatch):
    scratch = with_workers(3, monkeypatch, tmp_path)
    with pytest.raises(UserError, match="breaks the contract of Ledger"):
        sharded.map_shards(upper, tables.shards(path), Documents, [Ledger], scratch)


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5", " 2", "٣", "²"])
def test_a_wrong_number_of_workers_is_a_problem(monkeypatch, value):
    monkeypatch.setenv("PAIRSMITH_WORKERS", value)
    with pytest.raises(UserError) as caught:
        workers()
    assert caught.value.fact == f"the environment has PAIRSMITH_WORKERS={value!r}"


@pytest.mark.parametrize(("value", "count"), [("1", 1), ("3", 3), ("64", 64)])
def test_workers_come_from_the_environment(monkeypatch, value, count):
    monkeypatch.setenv("PAIRSMITH_WORKERS", value)
    assert workers() == count


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_number_every_processor_works(monkeypatch, value):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
    monkeypatch.delenv("PAIRSMITH_WORKERS", raising=False)
    if value is not None:
        monkeypatch.setenv("PAIRSMITH_WORKERS", value)
    assert workers() == 3
