"""The SQL of the similarity join. `similarity_join` says what it does and why it is exact.

A join in one database executes all queries. A join in partitions executes the same queries on each
partition. It counts the lists in which candidates meet, and adds up the counts.

A shingle list is all sets that hold one shingle where it counts. "smaller" is the smaller set of
a pair, and of two sets of one size the one with the smaller index. Parameters: `own_share`,
`other_share`, `smaller_share`, `larger_share` and `reach` of `PairRule`, `threshold`,
`common`, and `limit`.
"""

from __future__ import annotations

from collections.abc import Callable

# Sets of both tables. `side` is the table of a set, and `other` the table that it is joined with.
CREATE_SETS = """
CREATE TEMP TABLE sets (
    set_index INTEGER, row_index INTEGER, side TINYINT, other TINYINT, size INTEGER,
    shingles UBIGINT[]
)
"""
_INCOMING_SETS = """
SELECT (set_index + $offset)::INTEGER AS set_index, (row_index + $offset)::INTEGER AS row_index,
    $side::TINYINT AS side, $other::TINYINT AS other, len(shingles)::INTEGER AS size, shingles
FROM incoming WHERE len(shingles) > 0
"""
INSERT_SETS = f"INSERT INTO sets {_INCOMING_SETS}"
LOAD_SETS = f"CREATE TEMP TABLE sets AS {_INCOMING_SETS}"


def frequencies(occurrences: str) -> str:
    """Return the query for shingles that two rows share, and how many sets have each of them.

    Those of one row alone, such as a document and its passages, are evidence of no pair.

    Args:
        occurrences: a table of the shingles of all sets, with side and row_index.
    """
    return f"""
    SELECT shingle, count(*) AS frequency
    FROM {occurrences}
    GROUP BY shingle
    HAVING CASE WHEN $two_tables THEN min(side) < max(side) ELSE min(row_index) < max(row_index) END
    """


# Such shingles, from the rarest to the most frequent. The value breaks ties.
RANK_SHINGLES = f"""
CREATE TEMP TABLE ranks AS
SELECT shingle, (row_number() OVER (ORDER BY frequency, shingle))::UINTEGER AS rank_index
FROM ({frequencies("(SELECT side, row_index, unnest(shingles) AS shingle FROM sets)")})
"""
MATCH_SHINGLES = """
CREATE TEMP TABLE ranked AS
SELECT set_index, rank_index
FROM (SELECT set_index, unnest(shingles) AS shingle FROM sets) JOIN ranks USING (shingle)
"""

# Tables go as soon as no query needs them. They take memory, or room on the disk.
DROP_RANKS = "DROP TABLE ranks"
DROP_SETS = "DROP TABLE sets"
DROP_RANKED = "DROP TABLE ranked"

# Sets with enough such shingles for the least that any partner asks for.
KEEP_SETS = """
CREATE TEMP TABLE kept AS
SELECT set_index, row_index, side, other, size, ranked_count
FROM sets
JOIN (SELECT set_index, count(*) AS ranked_count FROM ranked GROUP BY set_index) USING (set_index)
WHERE ranked_count >= $larger_share * size - 1e-9
"""

KEEP_MEMBERS = """
CREATE TEMP TABLE members AS
SELECT set_index, rank_index FROM ranked SEMI JOIN kept USING (set_index)
"""

# Prefix filter. `rest` counts the shingles of a set from this one on. Of n shingles that two sets
# have to share, the rarest has a rest of at least n in both sets, the next one of n - 1, and so on.
# So the rarest `common` of them have a rest of at least n - common + 1, or they are all n.
LARGER_PREFIXES = """
CREATE TEMP TABLE larger AS
SELECT set_index, row_index, side, other, size, rank_index, ranked_count + 1 - place AS rest
FROM (
    SELECT set_index, rank_index,
        row_number() OVER (PARTITION BY set_index ORDER BY rank_index) AS place
    FROM members
) JOIN kept USING (set_index)
WHERE rest >= $larger_share * size - $common + 1 - 1e-9
"""
SMALLER_PREFIXES = """
CREATE TEMP TABLE smaller AS
SELECT *, floor(size * $reach + 1e-9)::INTEGER AS most FROM larger
WHERE rest >= $smaller_share * size - $common + 1 - 1e-9
"""

# All of the above, in order: what a join does before it looks for candidates.
PREPARE = (
    *(RANK_SHINGLES, MATCH_SHINGLES, DROP_RANKS, KEEP_SETS, DROP_SETS),
    *(KEEP_MEMBERS, DROP_RANKED, LARGER_PREFIXES, SMALLER_PREFIXES),
)

# Candidates: the length filter, and the prefix filter for the sizes of this pair. A pair shares
# `common` shingles in its prefixes, or all that it has to share, where those are fewer.
# `size_order` orders the sets by size and index. `needs` is what a set adds to the number of
# shingles that a pair has to share, and `allows` is the most that its partner may add. Each
# condition compares a column of the one with a column of the other, so that the database checks it
# while it joins.
_BOUNDED = """(
    SELECT *, size::BIGINT * 4294967296 + set_index AS size_order,
        (${share} * size)::DOUBLE AS needs,
        (rest - ${share} * size + $common - 1 + 1e-9)::DOUBLE AS allows
    FROM {table}
)"""


def _smaller(table: str) -> str:
    return _BOUNDED.format(share="own_share", table=table)


def _larger(table: str) -> str:
    return _BOUNDED.format(share="other_share", table=table)


_IS_CANDIDATE = """
    s.size_order < l.size_order AND s.most >= l.size
    AND s.row_index <> l.row_index
    AND s.allows >= l.needs AND s.needs <= l.allows
"""
_ASKED = "least($common, ceil(min(s.needs + l.needs) - 1e-9))"


def _candidates(lists: str) -> str:
    """Return the query for the pairs of sets that meet in as many `lists` as they have to."""
    return f"""
    SELECT s.set_index AS first_set, l.set_index AS second_set
    {lists}
    WHERE {_IS_CANDIDATE}
    GROUP BY s.set_index, l.set_index
    HAVING count(*) >= {_ASKED}
    """


def _counts(lists: str) -> str:
    """Return the query for how many `lists` of a partition each pair of sets meets in."""
    return f"""
    SELECT s.set_index AS first_set, l.set_index AS second_set,
        count(*) AS list_count, {_ASKED}::TINYINT AS asked
    {lists}
    WHERE {_IS_CANDIDATE}
    GROUP BY s.set_index, l.set_index
    """


def _lists(smaller: str, larger: str) -> str:
    """Return the lists in which sets of two tables meet."""
    return f"""
    FROM {_smaller(smaller)} s
    JOIN {_larger(larger)} l ON s.rank_index = l.rank_index AND s.other = l.side
    """


# Two sets of the table `frequent` are compared by parts, and by no lists.
_BESIDE_FREQUENT = (
    _lists("smaller ANTI JOIN frequent USING (set_index)", "larger"),
    _lists(
        "smaller SEMI JOIN frequent USING (set_index)",
        "larger ANTI JOIN frequent USING (set_index)",
    ),
)
CANDIDATES = f"""
CREATE OR REPLACE TEMP TABLE pairs AS {" UNION ALL ".join(map(_candidates, _BESIDE_FREQUENT))}
"""

# All lists in partitions, and then the counts in partitions of the pairs.
COUNT_LISTS = f"CREATE TEMP TABLE counts AS {' UNION ALL '.join(map(_counts, _BESIDE_FREQUENT))}"
SUM_COUNTS = """
CREATE TEMP TABLE pairs AS
SELECT first_set, second_set
FROM counts
GROUP BY first_set, second_set
HAVING sum(list_count) >= min(asked)
"""

# Exact verification: how many shingles the sets of each pair share, of how many. A set and a
# shingle are looked up as one number.
PARTNER_SHINGLES = """
CREATE TEMP TABLE partner_shingles AS
SELECT set_index * 4294967296 + rank_index AS pair_key
FROM members WHERE set_index IN (SELECT second_set FROM pairs)
"""
SHARED_SHINGLES = """
CREATE OR REPLACE TEMP TABLE shared_shingles AS
SELECT first_set, second_set, count(*) AS shared
FROM pairs JOIN members ON set_index = first_set
WHERE second_set * 4294967296 + rank_index IN (SELECT pair_key FROM partner_shingles)
GROUP BY first_set, second_set
"""
DROP_PARTNERS = "DROP TABLE partner_shingles"
SIMILAR_PAIRS = """
CREATE OR REPLACE TEMP TABLE near AS
SELECT first_set, second_set, a.row_index AS first_row, b.row_index AS second_row, shared,
    CASE WHEN $contained THEN least(a.size, b.size) ELSE a.size + b.size - shared END AS whole
FROM shared_shingles
JOIN kept a ON a.set_index = first_set
JOIN kept b ON b.set_index = second_set
WHERE shared::DOUBLE / whole::DOUBLE >= $threshold
"""
# One after the other, since the tables of a single query would be in memory at once.
VERIFY = (PARTNER_SHINGLES, SHARED_SHINGLES, DROP_PARTNERS, SIMILAR_PAIRS)
EDGES = """
SELECT least(first_row, second_row) AS left_row, greatest(first_row, second_row) AS right_row,
    shared, whole
FROM near
ORDER BY left_row, right_row, shared, whole
"""

# Crowds. A list is dense if more pairs meet in it than `limit` sets have.
DENSE_LISTS = """
CREATE TEMP TABLE dense AS
WITH lists AS (
    SELECT rank_index, side, other, count(*) AS set_count
    FROM larger GROUP BY rank_index, side, other
)
SELECT DISTINCT a.rank_index
FROM lists a JOIN lists b ON a.rank_index = b.rank_index AND a.other = b.side
WHERE a.set_count * b.set_count > $limit * $limit
"""
COUNT_DENSE = "SELECT count(*) AS list_count FROM dense"
CREATE_SETTLED = "CREATE TEMP TABLE settled (set_index BIGINT)"

# The leader of a list is in most dense lists. It was not compared yet, and nothing joins it.
CHOOSE_LEADERS = """
CREATE OR REPLACE TEMP TABLE leaders AS
WITH crowded AS (SELECT * FROM larger SEMI JOIN dense USING (rank_index)),
lists AS (SELECT rank_index, side, count(*) AS set_count FROM crowded GROUP BY rank_index, side),
scores AS (SELECT set_index, count(*) AS score FROM crowded GROUP BY set_index),
ordered AS (
    SELECT c.*,
        count(*) OVER (PARTITION BY rank_index, side) AS open_count,
        row_number() OVER (
            PARTITION BY rank_index, side ORDER BY score DESC, set_index
        ) AS place
    FROM crowded c JOIN scores USING (set_index) ANTI JOIN settled USING (set_index)
)
SELECT o.set_index, o.row_index, o.size, o.rank_index, o.side, o.other, open_count
FROM ordered o JOIN lists l ON o.rank_index = l.rank_index AND o.other = l.side
WHERE place = 1 AND open_count * set_count > $limit * $limit
"""
LEADERS = "SELECT set_index FROM leaders ORDER BY set_index"
LEADER_PAIRS = """
CREATE OR REPLACE TEMP TABLE pairs AS
SELECT DISTINCT s.set_index AS first_set, l.set_index AS second_set
FROM leaders s JOIN larger l ON s.rank_index = l.rank_index AND s.other = l.side
WHERE s.row_index <> l.row_index
    AND greatest(s.size, l.size) <= least(s.size, l.size) * $reach + 1e-9
"""
NEAR_LEADERS = "SELECT first_set, second_set FROM near ORDER BY first_set, second_set"

# A list whose leader joins less than a tenth of its open sets is no crowd. It is not asked again.
CLOSE_LISTS = """
DELETE FROM dense WHERE rank_index NOT IN (
    SELECT rank_index
    FROM leaders
    JOIN (
        SELECT first_set, count(*) AS joined
        FROM near WHERE second_set NOT IN (SELECT set_index FROM settled)
        GROUP BY first_set
    ) ON set_index = first_set
    WHERE 10 * joined >= open_count
)
"""
SETTLE = """
INSERT INTO settled
SELECT set_index FROM leaders UNION SELECT second_set FROM near
EXCEPT SELECT set_index FROM settled
"""

# Candidates beside crowds: all pairs except those within one crowd. -1 stands for no crowd.
MARK_CROWDS = """
CREATE TEMP TABLE marked_{name} AS
SELECT p.*, coalesce(crowd, -1) AS crowd FROM {name} p LEFT JOIN crowds USING (set_index)
"""
MARK_SMALLER = MARK_CROWDS.format(name="smaller")
MARK_LARGER = MARK_CROWDS.format(name="larger")
_BRIDGES = """
bridges AS (
    SELECT rank_index, s.crowd AS first_crowd, l.crowd AS second_crowd, s.side, l.side AS other
    FROM (SELECT DISTINCT rank_index, crowd, side, other FROM marked_smaller WHERE crowd >= 0) s
    JOIN (SELECT DISTINCT rank_index, crowd, side FROM marked_larger WHERE crowd >= 0) l
        USING (rank_index)
    WHERE s.other = l.side AND s.crowd <> l.crowd
)
"""
_LISTS_OF_ONE_CROWD = _lists("marked_smaller WHERE crowd >= 0", "marked_larger WHERE crowd < 0")
_LISTS_OF_TWO_CROWDS = f"""
FROM bridges b
JOIN {_smaller("marked_smaller")} s
    ON s.rank_index = b.rank_index AND s.crowd = b.first_crowd AND s.side = b.side
JOIN {_larger("marked_larger")} l
    ON l.rank_index = b.rank_index AND l.crowd = b.second_crowd AND l.side = b.other
"""


# A set of `frequent` is in no crowd.
_NO_CROWD_BESIDE_FREQUENT = (
    _lists("marked_smaller ANTI JOIN frequent USING (set_index) WHERE crowd < 0", "larger"),
    _lists(
        "marked_smaller SEMI JOIN frequent USING (set_index)",
        "larger ANTI JOIN frequent USING (set_index)",
    ),
)


def _beside_crowds(query: Callable[[str], str]) -> str:
    """Return the rows of `query` over the lists of all pairs that are not within a crowd."""
    # No pair is in two of them.
    kinds = (*_NO_CROWD_BESIDE_FREQUENT, _LISTS_OF_ONE_CROWD, _LISTS_OF_TWO_CROWDS)
    return f"WITH {_BRIDGES} {' UNION ALL '.join(query(lists) for lists in kinds)}"


CANDIDATES_BESIDE_CROWDS = f"""
CREATE OR REPLACE TEMP TABLE pairs AS {_beside_crowds(_candidates)}
"""
COUNT_LISTS_BESIDE_CROWDS = f"CREATE TEMP TABLE counts AS {_beside_crowds(_counts)}"

# Of each edge, all pairs of a set of the one row and a set of the other.
PAIRS_OF_EDGES = """
CREATE OR REPLACE TEMP TABLE pairs AS
WITH edges AS (
    SELECT least(first_row, second_row) AS left_row, greatest(first_row, second_row) AS right_row
    FROM near
    UNION
    SELECT least(a.row_index, b.row_index), greatest(a.row_index, b.row_index)
    FROM spanning
    JOIN kept a ON a.set_index = first_set
    JOIN kept b ON b.set_index = second_set
)
SELECT a.set_index AS first_set, b.set_index AS second_set
FROM edges JOIN kept a ON a.row_index = left_row JOIN kept b ON b.row_index = right_row
"""
CROWD_ROWS = """
SELECT row_index, min(crowd) AS crowd FROM kept JOIN crowds USING (set_index)
WHERE side = 0
GROUP BY row_index
ORDER BY row_index
"""
