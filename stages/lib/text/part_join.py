"""Candidates among sets whose shingles are all frequent, such as short texts by their characters.

Prefix lists are long there: a million short questions share the three letters of every rare word
with thousands of others, and the pairs that meet in a list grow with the square of the sets. So
these sets are compared by parts. The shingles are divided into parts, the same for all sets. Two
similar sets differ by few shingles. If they differ by d, and there are at least d // 2 + 2 parts,
then at least two parts differ by one shingle at most. Two parts are looked up as one number each:
equal ones, and those that are equal once a shingle is left out. All pairs that may be similar are
found, and hardly any others. The verification of the join decides as for other candidates.

Sources: Arasu, Ganti and Kaushik 2006 (PartEnum: parts of sets that few differences leave equal);
Deng, Li, Wen and Feng 2015 (parts that differ by one element, and how to look them up).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as arrow

if TYPE_CHECKING:
    from stages.lib.text.crowds import JoinRun

# A set is compared by parts if it meets more sets in the lists of its prefix than this. To compare
# it by parts costs as much as to meet some thousands of sets.
MOST_MET = 2000

# More sets than any table has.
NONE_MEETS_SO_MANY = 1 << 60

# Both sets of a pair are divided into the parts of the smaller one. Few numbers of parts mean that
# a set is divided in few ways. A number is at most five quarters of the one before it.
_PARTS = [2, 3, 4, 5]
while _PARTS[-1] < 1 << 20:
    _PARTS.append(_PARTS[-1] * 5 // 4)

# Two similar sets have so many parts at least that differ by one shingle at most. A single part is
# often equal by chance.
_PARTS_IN_COMMON = 2

# How many sets each set meets in the lists of its prefix.
MET_SETS = """
SELECT set_index, sum(set_count)::BIGINT AS met
FROM larger l
JOIN (
    SELECT rank_index, side, count(*) AS set_count FROM larger GROUP BY rank_index, side
) lists ON l.rank_index = lists.rank_index AND l.other = lists.side
GROUP BY set_index
"""

# Sets that are compared by parts: those that meet many sets, and are in no crowd.
SETS_OF_LONG_LISTS = f"""
CREATE TEMP TABLE frequent AS SELECT set_index FROM ({MET_SETS}) WHERE met > $most_met
"""
WITHOUT_CROWDS = "DELETE FROM frequent WHERE set_index IN (SELECT set_index FROM crowds)"
SIZES = "SELECT DISTINCT size FROM kept SEMI JOIN frequent USING (set_index) ORDER BY size"

# The largest size of a partner, and the order of the sets by size and index.
BOUNDS = """
    floor(size * $reach + 1e-9)::INTEGER AS most,
    size::BIGINT * 4294967296 + set_index AS size_order
"""

# Each such set with its number of parts as the smaller set of a pair, and the least one as the
# larger set. `sizes` has them by size.
DIVIDED_SETS = f"""
CREATE TEMP TABLE divided AS
SELECT set_index, row_index, side, other, size, parts, least_parts, {BOUNDS}
FROM kept SEMI JOIN frequent USING (set_index) JOIN sizes USING (size)
"""

NUMBERS = "SELECT DISTINCT parts FROM divided ORDER BY parts"

# The shingles of the sets that are divided into `parts`. The product scatters the ranks, so that a
# part gets rare and frequent shingles. It fits into 64 bits, as does that of a part below.
SCATTERED = "(rank_index::UBIGINT * 2654435761)"
SHINGLES_OF_PARTS = f"""
CREATE OR REPLACE TEMP TABLE scattered AS
SELECT set_index, {SCATTERED} AS number, (({SCATTERED} >> 16) % $parts)::INTEGER AS part
FROM members JOIN divided USING (set_index)
WHERE $parts BETWEEN least_parts AND parts
"""

# The number of each part: of its shingles, in any order, and of the part itself. Some are empty.
# `is_smaller` says whether the set may be the smaller one of a pair that is divided so.
NUMBERS_OF_PARTS = """
CREATE OR REPLACE TEMP TABLE part_numbers AS
SELECT set_index, is_smaller, part,
    xor(coalesce(number, 0::UBIGINT), part::UBIGINT * 6364136223846) AS number
FROM (
    SELECT set_index, parts = $parts AS is_smaller, unnest(range($parts))::INTEGER AS part
    FROM divided WHERE $parts BETWEEN least_parts AND parts
)
LEFT JOIN (
    SELECT set_index, part, bit_xor(number) AS number FROM scattered GROUP BY set_index, part
) USING (set_index, part)
"""

# The number of each part without one of its shingles, for each of them.
SHORTENED_PARTS = """
CREATE OR REPLACE TEMP TABLE shortened AS
SELECT set_index, is_smaller, xor(p.number, s.number) AS number
FROM scattered s JOIN part_numbers p USING (set_index, part)
"""

# The pairs of sets that have the same number, once for each. A part that both sets shorten differs
# by two, so it is no match. One query after the other, since each holds a table in memory.
CREATE_MATCHES = "CREATE OR REPLACE TEMP TABLE matches (first_set INTEGER, second_set INTEGER)"


def _add_matches(smaller: str, larger: str) -> str:
    return f"""
    INSERT INTO matches
    SELECT s.set_index, l.set_index
    FROM {smaller} s JOIN {larger} l ON s.number = l.number AND s.set_index <> l.set_index
    WHERE s.is_smaller
    """


ADD_MATCHES = (
    _add_matches("part_numbers", "part_numbers"),
    _add_matches("part_numbers", "shortened"),
    _add_matches("shortened", "part_numbers"),
)


def matched_pairs(least: int) -> str:
    """Return the query for how many numbers the sets of each pair have in common.

    `sizes` is the sum of their sizes.

    Args:
        least: the fewest numbers of a pair that comes back.
    """
    return f"""
    SELECT first_set, second_set, s.size + l.size AS sizes, part_count
    FROM (
        SELECT first_set, second_set, count(*) AS part_count
        FROM matches
        GROUP BY first_set, second_set
        HAVING count(*) >= {least}
    )
    JOIN divided s ON s.set_index = first_set
    JOIN divided l ON l.set_index = second_set
    WHERE s.size_order < l.size_order AND s.most >= l.size
        AND s.row_index <> l.row_index AND s.other = l.side
    """


def enough_parts(parts: str) -> str:
    """Return the condition that a pair with `part_count` of `parts` in common may be similar.

    A pair differs by both sizes less twice what it has to share, and at most half as many parts
    differ by two shingles or more.
    """
    differing = "sizes - 2 * ceil($own_share * sizes - 1e-9)"
    return f"part_count >= greatest({_PARTS_IN_COMMON}, {parts} - floor(({differing}) / 2))"


ADD_CANDIDATES = f"""
INSERT INTO pairs
SELECT first_set, second_set
FROM ({matched_pairs(_PARTS_IN_COMMON)}) WHERE {enough_parts("$parts")}
"""

# All of the above, in order, for one number of parts.
NUMBER_PARTS = (SHINGLES_OF_PARTS, NUMBERS_OF_PARTS, SHORTENED_PARTS, "DROP TABLE scattered")
MATCH_PARTS = (CREATE_MATCHES, *ADD_MATCHES, "DROP TABLE part_numbers", "DROP TABLE shortened")
OF_ONE_NUMBER = (*NUMBER_PARTS, *MATCH_PARTS, ADD_CANDIDATES, "DROP TABLE matches")


def find_frequent_sets(run: JoinRun, *, has_crowds: bool) -> None:
    """Make the table `frequent` of the sets to compare by parts, which may be empty.

    It is for Jaccard similarity alone. By containment two similar sets may differ by many shingles.
    """
    run.execute(SETS_OF_LONG_LISTS, most_met=most_met(run.values))
    if has_crowds:
        run.execute(WITHOUT_CROWDS)


def most_met(values: Mapping[str, Any]) -> int:
    """Return how many sets a set may meet that is not compared by parts."""
    return NONE_MEETS_SO_MANY if values["contained"] else MOST_MET


def add_candidates_by_parts(run: JoinRun) -> None:
    """Add all pairs of frequent sets that may be similar to `pairs`."""
    sizes = run.fetch(SIZES)["size"].tolist()
    if not sizes:
        return

    run.load("CREATE TEMP TABLE sizes AS SELECT * FROM incoming", table_of_sizes(sizes, run.values))
    run.execute(DIVIDED_SETS)

    # One number of parts after the other, so that the tables are small.
    for parts in run.fetch(NUMBERS)["parts"].tolist():
        for query in OF_ONE_NUMBER:
            run.execute(query, parts=parts)


def parts_of_size(size: int, share: float, reach: float) -> int:
    """Return into how many parts a set of `size` shingles and its larger partners are divided.

    Args:
        size: the size of the smaller set.
        share: two sets are similar only if they share this part of the sum of their sizes.
        reach: ... and only if the larger one has at most `reach` times the size.

    >>> parts_of_size(50, share=0.8 / 1.8, reach=1.25)
    8
    """
    # Of all partners the largest one differs most.
    largest = int(size * reach + 1e-9)
    differing = int((1 - 2 * share) * (size + largest) + 1e-6)
    needed = differing // 2 + _PARTS_IN_COMMON
    return next(parts for parts in _PARTS if parts >= needed)


def table_of_sizes(sizes: list[int], values: Mapping[str, Any]) -> arrow.Table:
    """Return size to the number of parts as the smaller set, and to the least as the larger one."""
    share = values["own_share"]
    reach = values["reach"]
    smallest = [max(1, _ceiling(size / reach)) for size in sizes]
    columns = {
        "size": sizes,
        "parts": [parts_of_size(size, share, reach) for size in sizes],
        "least_parts": [parts_of_size(size, share, reach) for size in smallest],
    }
    return arrow.table(columns)


def _ceiling(value: float) -> int:
    return -int(-(value - 1e-9) // 1)
