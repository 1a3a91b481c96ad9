"""The join gives the edges of brute force, and a crowd keeps what its edges are needed for."""

import ast
import inspect
import random
import re

import numpy as np
import pyarrow as arrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.deduplicate import (
    partition_queries,
    partition_steps,
    partitioned_join,
    partitioned_parts,
)
from stages.lib.core import database
from stages.lib.core.errors import UserError
from stages.lib.text import crowds, join_queries, part_join
from stages.lib.text import similarity_join as module
from stages.lib.text.crowds import Forest, JoinRun
from stages.lib.text.hashed_shingles import hashed_shingles
from stages.lib.text.normal_form import jaccard, similarity
from stages.lib.text.similarity_join import SET_SCHEMA, join_sets, similarity_join
from tests.properties import examples

SETS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.lists(st.frozensets(st.integers(0, 12)), max_size=3),
    max_size=12,
)

# Sets that are nearly alike, so that a large part of all pairs is near.
ALIKE_SETS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.lists(
        st.frozensets(st.integers(0, 9), max_size=2).map(lambda items: frozenset(range(10)) - items)
        | st.frozensets(st.integers(0, 14), min_size=1),
        max_size=2,
    ),
    max_size=14,
)
THRESHOLDS = [0.1, 0.3, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0]


def numbered(texts):
    return {f"d{number:016x}": text for number, text in enumerate(texts)}


def containment(left, right):
    smaller, larger = sorted((len(left), len(right)))
    return len(left & right) / smaller if larger <= 2 * smaller else 0.0


def brute_force(sets, others, threshold, compare=jaccard):
    is_self_join = sets is others
    edges = []
    for left in sorted(sets):
        for right in sorted(others):
            if is_self_join and left >= right:
                continue
            # A set without shingles is similar to none.
            similarities = [compare(x, y) for x in sets[left] for y in others[right] if x and y]
            largest = max(similarities, default=0.0)
            if largest >= threshold:
                edges.append((left, right, largest))
    return edges


def components(edges, ids):
    forest = Forest()
    number_of_id = {row_id: number for number, row_id in enumerate(sorted(ids))}
    for row_id in ids:
        forest.connects(number_of_id[row_id], number_of_id[row_id])
    for left, right, _ in edges:
        forest.connects(number_of_id[left], number_of_id[right])
    return forest.members()


def set_table(rows):
    """Return the table of rows with one set each."""
    columns = [list(range(len(rows))), list(range(len(rows))), [sorted(row) for row in rows]]
    arrays = [
        arrow.array(column, field.type) for column, field in zip(columns, SET_SCHEMA, strict=True)
    ]
    return arrow.Table.from_arrays(arrays, schema=SET_SCHEMA)


def template(count, size=40, changes=2, first=0):
    """Return `count` sets of one template, each with a few shingles of its own."""
    chance = random.Random(count + first)
    rows = []
    for row in range(count):
        missing = set(chance.sample(range(size), changes))
        own = {first + 10_000 + row * changes + index for index in range(changes)}
        rows.append((set(range(first, first + size)) - {first + item for item in missing}) | own)
    return rows


@pytest.mark.slow
@examples(60)
@given(SETS, st.sampled_from(THRESHOLDS))
def test_the_exact_self_join_is_brute_force(sets, threshold):
    assert list(similarity_join(sets, sets, threshold)) == brute_force(sets, sets, threshold)


@pytest.mark.slow
@examples(60)
@given(SETS, SETS, st.sampled_from(THRESHOLDS))
def test_the_exact_join_of_two_tables_is_brute_force(sets, others, threshold):
    assert list(similarity_join(sets, others, threshold)) == brute_force(sets, others, threshold)


@pytest.mark.slow
@pytest.mark.parametrize("hundredths", range(1, 101))
def test_the_exact_join_keeps_what_is_exactly_at_the_threshold(hundredths):
    # As floats, 0.55 * 20 and 0.07 * 100 are a little more than 11 and 7.
    sets = {"a": [range(100)], "b": [range(hundredths)]}
    threshold = hundredths / 100
    assert list(similarity_join(sets, sets, threshold)) == [("a", "b", threshold)]


@pytest.mark.slow
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_exact_join_is_brute_force_on_sets_of_realistic_size(threshold):
    random_source = random.Random(5)
    sets = {}
    for number in range(150):
        items = set(random_source.sample(range(400), random_source.randint(1, 60)))
        sets[f"a{number:03}"] = [frozenset(items)]
        sets[f"b{number:03}"] = [
            frozenset(item for item in items if random_source.random() > 0.15) or frozenset([-1])
        ]
    assert list(similarity_join(sets, sets, threshold)) == brute_force(sets, sets, threshold)


@pytest.mark.slow
@examples(30)
@given(st.lists(st.frozensets(st.integers(0, 12)), max_size=12), st.sampled_from(THRESHOLDS))
def test_containment_is_brute_force_up_to_twice_the_size(rows, threshold):
    edges = join_sets(set_table(rows), None, threshold, "containment")
    sets = {index: [row] for index, row in enumerate(rows)}
    columns = zip(edges.left.tolist(), edges.right.tolist(), edges.similarity.tolist(), strict=True)
    assert list(columns) == brute_force(sets, sets, threshold, containment)


def test_the_exact_join_takes_hashes_for_shingles():
    texts = numbered(["reset the router", "reset the routers", "call us"])
    sets = {row_id: hashed_shingles([text])[0] for row_id, text in texts.items()}
    edges = list(similarity_join(sets, sets, 0.5))
    assert [(left[-1], right[-1]) for left, right, _ in edges] == [("0", "1")]
    assert edges[0][2] == similarity("reset the router", "reset the routers")


def test_hashes_keep_all_their_64_bits():
    largest = 2**64 - 1
    sets = {"a": [[largest, largest - 1]], "b": [[largest, largest - 2]], "c": [[largest - 3]]}
    assert list(similarity_join(sets, sets, 0.3)) == [("a", "b", 1 / 3)]


def test_digits_as_texts_are_no_numbers():
    sets = {"a": [["1", "01"]], "b": [["1", "001"]]}
    assert list(similarity_join(sets, sets, 0.3)) == [("a", "b", 1 / 3)]


def test_without_rows_there_are_no_edges():
    assert list(similarity_join({}, {}, 0.8)) == []
    assert list(similarity_join({"a": [{1}]}, {}, 0.8)) == []
    assert list(similarity_join({"a": []}, {"b": [frozenset()]}, 0.8)) == []


@pytest.mark.slow
def test_too_little_memory_is_an_error_with_a_remedy(monkeypatch):
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    monkeypatch.setenv("PAIRSMITH_MEMORY", "2MB")
    rows = [set(range(row, row + 500)) for row in range(0, 500_000, 250)]
    with pytest.raises(UserError) as caught:
        join_sets(set_table(rows), None, 0.8)
    assert caught.value.fact.startswith(
        "the search for near-duplicates stopped: the database needs more memory than it may use"
    )
    assert "PAIRSMITH_MEMORY" in caught.value.remedy


def test_two_sets_of_one_row_are_no_edge():
    sets = {"a": [{1, 2}, {1, 2}], "b": [{1, 2}]}
    assert list(similarity_join(sets, sets, 0.5)) == [("a", "b", 1.0)]


@pytest.mark.slow
def test_order_threads_and_memory_change_nothing(monkeypatch):
    chance = random.Random(3)
    rows = []
    for _ in range(6_000):
        row = set(chance.sample(range(2**40), 40))
        rows += [row, set(sorted(row)[:38]) | {chance.randrange(2**40)}]
    shuffled = list(range(len(rows)))
    chance.shuffle(shuffled)

    # Note after each statement how much was written to disk.
    spilled_bytes = []
    execute = JoinRun.execute

    def execute_and_look(run, query, **values):
        execute(run, query, **values)
        with database.connect() as connection:
            files = connection.execute("SELECT size FROM duckdb_temporary_files()").fetchall()
        spilled_bytes.append(sum(size for (size,) in files))

    results = []
    for workers, memory, order in (("1", "1GB", range(len(rows))), ("2", "30MB", shuffled)):
        monkeypatch.setenv("PAIRSMITH_WORKERS", workers)
        monkeypatch.setenv("PAIRSMITH_MEMORY", memory)
        edges = join_sets(set_table(rows).take(list(order)), None, 0.8)
        results.append([column.tolist() for column in edges])
        monkeypatch.setattr(JoinRun, "execute", execute_and_look)
    assert len(results[0][0]) == 6_000
    assert results[0] == results[1]
    assert max(spilled_bytes) > 0


@pytest.mark.slow
def test_a_crowd_of_one_template_is_a_tree():
    # 5 % of each set differ: two of them share 36 of 44.
    rows = template(1_000) + template(100, first=50_000)
    edges = join_sets(set_table(rows), None, 0.8)
    in_crowd = edges.left < 1_000
    assert in_crowd.sum() == 999
    assert edges.crowd_rows.tolist() == list(range(1_000))
    assert set(edges.left[in_crowd]) | set(edges.right[in_crowd]) == set(range(1_000))

    # A group of a hundred has all its edges.
    assert (~in_crowd).sum() == 100 * 99 // 2

    # Each similarity is exact.
    for left, right, value in zip(*edges[:3], strict=True):
        assert value == jaccard(frozenset(rows[left]), frozenset(rows[right]))


@pytest.mark.slow
@pytest.mark.parametrize("most_met", [part_join.MOST_MET, 0])
@pytest.mark.parametrize("limit", [1, 2, 4])
@examples(25)
@given(sets=ALIKE_SETS | SETS, threshold=st.sampled_from([0.5, 0.7, 0.8]))
def test_crowds_leave_connected_what_is_connected(most_met, limit, sets, threshold):
    exact = brute_force(sets, sets, threshold)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crowds, "MAX_COMPLETE", limit)
        patch.setattr(part_join, "MOST_MET", most_met)
        edges = list(similarity_join(sets, sets, threshold))
    assert set(edges) <= set(exact)
    assert components(edges, sets) == components(exact, sets)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 2, 4])
@examples(25)
@given(sets=ALIKE_SETS, others=ALIKE_SETS, threshold=st.sampled_from([0.5, 0.7, 0.8]))
def test_crowds_of_two_tables_leave_each_row_a_partner(limit, sets, others, threshold):
    exact = brute_force(sets, others, threshold)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crowds, "MAX_COMPLETE", limit)
        edges = list(similarity_join(sets, others, threshold))
    assert set(edges) <= set(exact)
    assert {left for left, _, _ in edges} == {left for left, _, _ in exact}
    assert {right for _, right, _ in edges} == {right for _, right, _ in exact}


@pytest.mark.slow
def test_the_test_of_crowds_notices_a_tree_that_lost_an_edge(monkeypatch):
    rows = {f"{index:04}": [frozenset(row)] for index, row in enumerate(template(600))}
    whole = list(similarity_join(rows, rows, 0.8))
    assert len(set(components(whole, rows).values())) == 1

    # Without the last edge of the tree a row is alone.
    original = crowds._edge_table
    monkeypatch.setattr(crowds, "_edge_table", lambda found: original(found).slice(1))
    torn = list(similarity_join(rows, rows, 0.8))
    assert len(set(components(torn, rows).values())) == 2


FORBIDDEN = {
    "hash": r"\bhash\s*\(",
    "any_value": r"\bany_value\b",
    "unordered list": r"\b(list|array_agg|string_agg|group_concat)\s*\((?![^()]*ORDER BY)",
    # Counts are whole numbers, which have one sum in every order.
    "sum of floats": r"\b(sum(?!\(\w+_count\))|avg|mean|stddev|fsum)\s*\(",
    "first or last": r"\b(first|last|arbitrary)\s*\(",
    "random": r"\b(random|uuid|now|current_timestamp)\b",
}


def queries():
    """Return the SQL texts of the join, by name, and those in its functions."""
    names = {**vars(join_queries), **vars(partition_queries), **vars(part_join)}
    texts = {name: value for name, value in names.items() if isinstance(value, str)}
    texts = {name: text for name, text in texts.items() if name.isupper()}
    for file in (
        module,
        crowds,
        database,
        part_join,
        partition_steps,
        partitioned_join,
        partitioned_parts,
    ):
        for node in ast.walk(ast.parse(inspect.getsource(file))):
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, str) and re.match(r"\s*(SELECT|CREATE|INSERT|WITH)\b", value):
                texts[f"{file.__name__}:{node.lineno}"] = value
    return texts


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_no_query_depends_on_order_versions_or_rounding(name):
    assert len(queries()) > 40
    assert [key for key, text in queries().items() if re.search(FORBIDDEN[name], text, re.I)] == []


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("hash", "SELECT hash(text) FROM t"),
        ("any_value", "SELECT any_value(a) FROM t"),
        ("unordered list", "SELECT list(a) FROM t"),
        ("sum of floats", "SELECT avg(a) FROM t"),
        ("sum of floats", "SELECT sum(similarity) FROM t"),
        ("first or last", "SELECT first(a) FROM t"),
        ("random", "SELECT random()"),
    ],
)
def test_each_search_notices_its_construct(name, query):
    assert re.search(FORBIDDEN[name], query, re.I)


def test_what_leaves_the_database_is_ordered():
    fetched = ("EDGES", "NEAR_LEADERS", "LEADERS", "CROWD_ROWS")
    assert all("ORDER BY" in getattr(join_queries, name) for name in fetched)
    assert all("ORDER BY" in getattr(part_join, name) for name in ("SIZES", "NUMBERS"))


def test_a_forest_keeps_the_edges_that_connect():
    forest = Forest()
    edges = [(5, 6), (1, 2), (2, 6), (1, 5), (7, 8)]
    assert [forest.connects(*edge) for edge in edges] == [True, True, True, False, True]
    assert forest.members() == {1: 1, 2: 1, 5: 1, 6: 1, 7: 7, 8: 7}


def test_edges_are_numpy_columns_of_one_length():
    edges = join_sets(set_table([{1, 2, 3}, {1, 2, 3, 4}, {9}]), None, 0.7)
    assert edges.left.dtype == np.int64
    assert [column.tolist() for column in edges] == [[0], [1], [0.75], [], []]
