"""A join in partitions has the edges of the join in one database, wherever its tasks run."""

import random
import tempfile
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.deduplicate import partition_steps
from stages.deduplicate.near_duplicates import find_duplicates
from stages.deduplicate.partition_files import file_of, read_files, write_file
from stages.deduplicate.partition_steps import OwnFile, Received, Step, Target, Task
from stages.deduplicate.partitioned_join import join_in_partitions
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.interface import TableFile
from stages.lib.preprocessing import sharded
from stages.lib.schemas.documents import Documents
from stages.lib.text import crowds, part_join
from stages.lib.text.similarity_join import join_sets
from tests.deduplicate.set_parts import near_rows, read_part, set_table, write_parts
from tests.lib.conftest import add_machine
from tests.properties import examples

# Sets of which many are near: subsets of ten numbers, with a few others.
ROWS = st.lists(
    st.frozensets(st.integers(0, 9), max_size=2).map(lambda items: frozenset(range(10)) - items)
    | st.frozensets(st.integers(0, 14), min_size=1),
    max_size=24,
)


@pytest.fixture
def in_this_process(monkeypatch):
    monkeypatch.setattr(sharded, "run_all", run_here)


def run_here(work, items):
    return [work(item) for item in items]


def columns(edges):
    """Return type and bytes of each column."""
    return [(column.dtype, column.tobytes()) for column in edges]


def in_partitions(table, count, *, threshold=0.8, measure="jaccard", rows_of_part=5):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = write_parts(table, folder, rows_of_part)
        parts = [partial(read_part, path) for path in paths]
        edges = join_in_partitions(
            parts, threshold, measure, count=count, scratch=folder / "scratch"
        )
        assert list((folder / "scratch").iterdir()) == []
    return edges


@pytest.mark.slow
@examples(20, at_most=4)
@given(
    rows=ROWS,
    sets_of_row=st.sampled_from([1, 2]),
    threshold=st.sampled_from([0.3, 0.5, 0.7, 0.8, 1.0]),
    measure=st.sampled_from(["jaccard", "containment"]),
    limit=st.sampled_from([1, 2, 4, 500]),
    most_met=st.sampled_from([0, 3, 12, 2000]),
)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_partitions_change_no_byte(count, rows, sets_of_row, threshold, measure, limit, most_met):
    table = set_table(rows, sets_of_row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharded, "run_all", run_here)
        patch.setattr(crowds, "MAX_COMPLETE", limit)
        patch.setattr(part_join, "MOST_MET", most_met)
        whole = join_sets(table, None, threshold, measure)
        parts = in_partitions(table, count, threshold=threshold, measure=measure)
    assert columns(parts) == columns(whole)


def test_a_pair_whose_sets_are_in_two_partitions_is_found(in_this_process):
    edges = in_partitions(set_table([{1, 2, 3}, {7}, {1, 2, 3, 4}, {8}, {9}]), 3, threshold=0.7)
    assert [column.tolist() for column in edges] == [[0], [2], [0.75], [], []]


@pytest.mark.parametrize("rows", [[], [set()], [{1}], [{1}, {2}]])
def test_without_pairs_there_are_no_edges(in_this_process, rows):
    edges = in_partitions(set_table(rows), 2)
    assert [column.tolist() for column in edges] == [[], [], [], [], []]


def test_a_crowd_is_the_same_tree(in_this_process, monkeypatch):
    monkeypatch.setattr(crowds, "MAX_COMPLETE", 20)
    rows = [set(range(20)) - {number % 7} | {100 + number} for number in range(30)]
    table = set_table([*rows, *near_rows(20)])
    edges = in_partitions(table, 2)
    assert edges.crowd_rows.tolist() == list(range(30))
    assert (edges.right < 30).sum() == 29
    assert columns(edges) == columns(join_sets(table, None, 0.8))


@pytest.mark.slow
def test_frequent_sets_are_compared_by_parts(in_this_process, monkeypatch):
    monkeypatch.setattr(part_join, "MOST_MET", 60)
    table = set_table(near_rows(200, items=60))
    whole = columns(join_sets(table, None, 0.8))
    assert columns(in_partitions(table, 3, rows_of_part=50)) == whole

    # Fewer parts than differences leave pairs out, so the parts were asked.
    monkeypatch.setattr(part_join, "parts_of_size", lambda *_: 2)
    assert columns(in_partitions(table, 3, rows_of_part=50)) != whole


def test_a_lost_piece_changes_the_edges(in_this_process, monkeypatch):
    """Show that the comparison with one database notices a partition that was not read."""
    table = set_table(near_rows(40))
    whole = columns(join_sets(table, None, 0.8))
    assert columns(in_partitions(table, 3)) == whole

    def reader_without_last(source, scratch, task):
        paths = [file_of(scratch, source.name, number) for number in range(source.task_count)]
        return read_files(paths[:-1] or paths, task.partition)

    monkeypatch.setattr(partition_steps.Received, "reader", reader_without_last)
    assert columns(in_partitions(table, 3)) != whole


@pytest.mark.slow
def test_little_memory_changes_no_byte(in_this_process, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_MEMORY", "64MB")
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    chance = random.Random(4)
    rows = []
    for _ in range(8_000):
        row = set(chance.sample(range(2**40), 100))
        rows += [row, set(sorted(row)[:95]) | {chance.randrange(2**40)}]
    table = set_table(rows)
    edges = in_partitions(table, 2, rows_of_part=4096)
    assert len(edges.left) == 8_000
    assert columns(edges) == columns(join_sets(table, None, 0.8))


def test_rows_come_back_by_destination(tmp_path):
    values = [3, 1, 2, 5, 4]
    table = arrow.table({"value": values, "destination": arrow.array([0, 0, 2, 2, 3], "uint16")})
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    assert write_file(table.to_reader(max_chunksize=3), paths[0]) == 5
    assert write_file(table.slice(0, 0).to_reader(), paths[1]) == 0
    pieces = [read_files(paths, number).read_all().to_pydict() for number in range(4)]
    assert pieces == [{"value": [3, 1]}, {"value": []}, {"value": [2, 5]}, {"value": [4]}]
    assert read_files(paths, None).read_all().to_pydict() == {"value": values}


def test_a_task_has_its_share_of_memory_and_one_thread(tmp_path):
    settings = """(
        SELECT name, value FROM duckdb_settings()
        WHERE name IN ('memory_limit', 'threads') ORDER BY name
    )"""
    target = Target("settings", settings)
    step = Step("looking", (), (), (target,), {"partition_count": 1}, tmp_path, "128MB")
    assert step(Task(0)) == [2]
    rows = read_files([file_of(tmp_path, "settings", 0)], None).read_all().to_pydict()
    assert rows == {"name": ["memory_limit", "threads"], "value": ["122.0 MiB", "1"]}
    assert step.memory_bytes == 428_000_000


def test_a_file_that_is_missing_is_no_empty_file(tmp_path):
    scratch = tmp_path
    write_file(arrow.table({"value": [1]}).to_reader(), file_of(scratch, "own", 0))
    assert OwnFile("", "own").reader(scratch, Task(0)).read_all().num_rows == 1
    with pytest.raises(UserError, match=r"own-0001\.parquet does not exist"):
        OwnFile("", "own").reader(scratch, Task(1))
    with pytest.raises(UserError, match=r"own-0000\.parquet does not exist"):
        Received("", "own", 2).reader(scratch / "elsewhere", Task(0))


def groups_of(folder, name):
    """Return the columns of the duplicates of a table of five shards."""
    chance = random.Random(1)
    vocabulary = [f"word{number}" for number in range(300)]
    texts = []
    for _ in range(80):
        words = chance.choices(vocabulary, k=40)
        texts += [" ".join(words), " ".join([*words[1:], "indeed"])]
    texts += texts[:7]
    frame = pd.DataFrame({"doc_id": [f"d{at:016x}" for at in range(len(texts))], "text": texts})
    frame = frame.assign(source="faq", title="", topic="", group="")
    path = folder / "documents.parquet"
    tables.write(frame.astype(Documents.empty().dtypes.to_dict()), path, Documents)
    groups = find_duplicates(
        TableFile(path, Documents),
        "doc_id",
        "text",
        threshold=0.8,
        measure="jaccard",
        scratch=folder / name,
    )
    assert len(groups.left) >= 80
    return [np.asarray(column).tolist() for column in groups]


@pytest.fixture
def five_shards(monkeypatch):
    monkeypatch.setattr(tables, "SHARD_ROWS", 40)


@pytest.mark.slow
def test_local_processes_join_partitions(tmp_path, five_shards, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_ENGINE", "local")
    whole = groups_of(tmp_path, "whole")
    monkeypatch.setenv("PAIRSMITH_PARTITIONS", "3")
    monkeypatch.setenv("PAIRSMITH_WORKERS", "2")
    assert groups_of(tmp_path, "parts") == whole


@pytest.mark.slow
def test_two_machines_join_partitions(tmp_path, five_shards, on_cluster, monkeypatch):
    counts = []
    monkeypatch.setattr(
        "stages.deduplicate.near_duplicates.join_in_partitions",
        lambda *args, **options: (
            counts.append(options["count"]) or join_in_partitions(*args, **options)
        ),
    )
    there = groups_of(tmp_path, "there")
    assert counts == [2]
    monkeypatch.setenv("PAIRSMITH_ENGINE", "local")
    assert groups_of(tmp_path, "here") == there
    assert counts == [2]


@pytest.mark.slow
def test_a_task_that_dies_once_changes_no_byte(tmp_path, on_cluster):
    table = set_table(near_rows(60))
    paths = write_parts(table, tmp_path, 30)
    parts = [partial(read_part, path) for path in paths]
    parts[1] = partial(read_part, paths[1], mark=tmp_path / "mark")
    edges = join_in_partitions(parts, 0.8, "jaccard", count=2, scratch=tmp_path / "scratch")
    assert (tmp_path / "mark").exists()
    assert columns(edges) == columns(join_sets(table, None, 0.8))


@pytest.mark.slow
def test_a_machine_that_is_lost_changes_no_byte(tmp_path, cluster, on_cluster):
    table = set_table(near_rows(60))
    parts = [partial(read_part, path, seconds=0.5) for path in write_parts(table, tmp_path, 10)]
    third = add_machine(cluster, 2)
    losing = threading.Timer(1.5, cluster.remove_node, [third], {"allow_graceful": False})
    losing.start()
    edges = join_in_partitions(parts, 0.8, "jaccard", count=6, scratch=tmp_path / "scratch")
    losing.join()
    assert columns(edges) == columns(join_sets(table, None, 0.8))


@pytest.mark.slow
def test_more_memory_than_a_machine_has_is_a_clear_error(tmp_path, on_cluster, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_MEMORY", "900000GB")
    parts = [partial(read_part, path) for path in write_parts(set_table([{1}]), tmp_path, 1)]
    with pytest.raises(UserError, match=r"a task needs 450000300 MB, and no machine of the Ray"):
        join_in_partitions(parts, 0.8, "jaccard", count=1, scratch=tmp_path / "scratch")


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "10000", "٣"])
def test_partitions_are_a_whole_number(value, monkeypatch):
    monkeypatch.setenv("PAIRSMITH_PARTITIONS", value)
    with pytest.raises(UserError) as caught:
        sharded.join_partitions(5)
    assert caught.value.fact == f"the environment has PAIRSMITH_PARTITIONS={value!r}"


def test_one_machine_has_one_partition_unless_asked(monkeypatch):
    monkeypatch.setenv("PAIRSMITH_ENGINE", "local")
    assert sharded.join_partitions(1000) == 1
    monkeypatch.setenv("PAIRSMITH_PARTITIONS", "12")
    assert sharded.join_partitions(1000) == 12


@pytest.mark.parametrize(("shards", "partitions"), [(1, 1), (5, 5), (90, 8), (1600, 100)])
def test_a_cluster_has_a_partition_for_each_processor_or_16_shards(shards, partitions, monkeypatch):
    monkeypatch.delenv("PAIRSMITH_PARTITIONS", raising=False)
    monkeypatch.setenv("PAIRSMITH_ENGINE", "ray")
    monkeypatch.setattr("stages.lib.core.ray_cluster.processors", lambda: 8)
    assert sharded.join_partitions(shards) == partitions
