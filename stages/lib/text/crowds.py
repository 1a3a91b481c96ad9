"""Crowds of near-duplicates: a tree of edges in place of all pairs.

n texts of one template have n (n - 1) / 2 near pairs. A crowd is found by its leaders: a leader is
compared with all sets of its shingle lists, and those that are near join it. A pair within a crowd
may be left out, since the edges of the tree connect its ends. All other pairs are compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as arrow

from stages.lib.core.errors import UserError
from stages.lib.core.machine_faults import machine_fault
from stages.lib.text import join_queries
from stages.lib.text.part_join import add_candidates_by_parts, find_frequent_sets

if TYPE_CHECKING:
    import duckdb

# Groups of up to so many sets have all their edges.
MAX_COMPLETE = 500

# How many rows leave the database at a time.
_BATCH_ROWS = 100_000

_PARAMETER = re.compile(r"\$([a-z_]+)")


class JoinRun:
    """A connection, and the values of the parameters in the SQL of one join.

    Attributes:
        values: parameter name to value.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any]) -> None:
        self._connection = connection
        self.values = {**values, "limit": MAX_COMPLETE}

    def execute(self, query: str, **values: Any) -> None:
        """Execute `query` with the parameters that it names.

        Raises:
            UserError: the memory or the disk was not enough.
        """
        import duckdb

        try:
            self._connection.execute(query, self._named(query, values))
        except duckdb.Error as error:
            raise _explained(error) from None

    def verify(self) -> None:
        """Count what the sets of each of `pairs` share, and write the similar ones to `near`."""
        for query in join_queries.VERIFY:
            self.execute(query)

    def load(self, query: str, incoming: Any, **values: Any) -> None:
        """Execute `query`, which reads `incoming`, an Arrow table or reader."""
        self._connection.register("incoming", incoming)
        self.execute(query, **values)
        self._connection.unregister("incoming")

    def export(
        self, query: str, write: Callable[[arrow.RecordBatchReader], int], **values: Any
    ) -> int:
        """Return what `write` returns, which gets the rows of `query` in batches.

        Raises:
            UserError: the memory or the disk was not enough.
        """
        import duckdb

        try:
            relation = self._connection.sql(query, params=self._named(query, values))
            return write(relation.to_arrow_reader(_BATCH_ROWS))
        except (duckdb.Error, arrow.ArrowException) as error:
            raise _explained(error) from None

    def fetch(self, query: str) -> dict[str, npt.NDArray[np.int64]]:
        """Return the columns of the result of `query`."""
        self.execute(query)
        columns = self._connection.fetchnumpy()
        return {name: np.asarray(values, dtype=np.int64) for name, values in columns.items()}

    def _named(self, query: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that `query` names."""
        known = {**self.values, **values}
        return {name: known[name] for name in _PARAMETER.findall(query)}


def _explained(error: Exception) -> Exception:
    """Return the UserError of a fault of the machine, and any other error as it is."""
    fault = machine_fault(error)
    if fault is None:
        return error
    return UserError(f"the search for near-duplicates stopped: {fault.fact}", fault.remedy)


class Forest:
    """Trees over numbers. An edge is kept if it connects two trees.

    >>> forest = Forest()
    >>> [forest.connects(1, 2), forest.connects(2, 3), forest.connects(1, 3)]
    [True, True, False]
    >>> forest.members()
    {1: 1, 2: 1, 3: 1}
    """

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def connects(self, left: int, right: int) -> bool:
        """Return True if the ends were in two trees; then these are one tree now."""
        left_root = self._root(left)
        right_root = self._root(right)
        self._parent[max(left_root, right_root)] = min(left_root, right_root)
        return left_root != right_root

    def members(self) -> dict[int, int]:
        """Return each number and the smallest number of its tree."""
        return {number: self._root(number) for number in sorted(self._parent)}

    def _root(self, number: int) -> int:
        # Each number on the way is moved nearer to the root.
        parent = self._parent
        parent.setdefault(number, number)
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number


class Crowds:
    """Sets in crowds, and the tree of edges of each crowd.

    Attributes:
        crowd_of_set: the crowd of each set.
        edges: pairs of sets.
    """

    def __init__(self, crowd_of_set: dict[int, int], edges: list[tuple[int, int]]) -> None:
        self.crowd_of_set = crowd_of_set
        self.edges = edges


def find_crowds(run: JoinRun) -> Crowds | None:
    """Return the crowds among the sets of `run`; None if there are none."""
    # Most tables have no list that is long enough.
    run.execute(join_queries.DENSE_LISTS)
    if not run.fetch(join_queries.COUNT_DENSE)["list_count"].item():
        return None

    run.execute(join_queries.CREATE_SETTLED)

    forest = Forest()
    edges: list[tuple[int, int]] = []
    while True:
        # The most typical set of each dense list that was not compared yet.
        run.execute(join_queries.CHOOSE_LEADERS)
        if not len(run.fetch(join_queries.LEADERS)["set_index"]):
            break

        # Compare each leader with the sets of its lists.
        run.execute(join_queries.LEADER_PAIRS)
        run.verify()
        near = run.fetch(join_queries.NEAR_LEADERS)
        for pair in zip(near["first_set"].tolist(), near["second_set"].tolist(), strict=True):
            if forest.connects(*pair):
                edges.append(pair)

        # Go on with lists in which that helped.
        run.execute(join_queries.CLOSE_LISTS)
        run.execute(join_queries.SETTLE)

    return _large_crowds(forest.members(), edges)


def candidates_beside_crowds(run: JoinRun, crowds: Crowds) -> None:
    """Verify all pairs but those within one crowd, and add the edges of the trees."""
    load_crowds(run, crowds)

    # Pairs that are not within a crowd.
    find_frequent_sets(run, has_crowds=True)
    run.execute(join_queries.MARK_SMALLER)
    run.execute(join_queries.MARK_LARGER)
    run.execute(join_queries.CANDIDATES_BESIDE_CROWDS)
    add_candidates_by_parts(run)
    run.verify()

    # Two rows may be more similar by another pair of their sets, which a crowd left out.
    run.execute(join_queries.PAIRS_OF_EDGES)
    run.verify()


def load_crowds(run: JoinRun, crowds: Crowds) -> None:
    """Make the tables `crowds`, the sets in crowds, and `spanning`, the edges of the trees."""
    run.load("CREATE TEMP TABLE crowds AS SELECT * FROM incoming", _crowd_table(crowds))
    run.load("CREATE TEMP TABLE spanning AS SELECT * FROM incoming", _edge_table(crowds))


def _large_crowds(crowd_of_set: dict[int, int], edges: list[tuple[int, int]]) -> Crowds | None:
    """Return the crowds of more than MAX_COMPLETE sets. Smaller groups get all their edges."""
    sizes = Counter(crowd_of_set.values())
    large = {
        set_index: crowd for set_index, crowd in crowd_of_set.items() if sizes[crowd] > MAX_COMPLETE
    }
    if not large:
        return None

    return Crowds(large, [edge for edge in edges if edge[0] in large])


def _crowd_table(crowds: Crowds) -> arrow.Table:
    columns = {
        "set_index": list(crowds.crowd_of_set),
        "crowd": list(crowds.crowd_of_set.values()),
    }
    return arrow.table(columns)


def _edge_table(crowds: Crowds) -> arrow.Table:
    columns = {
        "first_set": [first for first, _ in crowds.edges],
        "second_set": [second for _, second in crowds.edges],
    }
    return arrow.table(columns)
