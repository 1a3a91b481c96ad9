"""The SQL that a join in partitions has beside that of `join_queries`.

It says which partition a row goes to, and gathers what several partitions know. It decides nothing
about a pair of texts. Parameters: `partition`, the number of the partition of a task, and
`partition_count`.
"""

from __future__ import annotations

from stages.lib.text import join_queries, part_join

# The partition of a shingle, a set, a shingle list and a pair. Shingles are hashes of 64 bits. A
# partition has a range of them, so that partitions in order hold the shingles in order.
OF_SHINGLE = "((shingle >> 32) * $partition_count) >> 32"
OF_SET = "set_index % $partition_count"
OF_LIST = "rank_index % $partition_count"
OF_PAIR = "second_set % $partition_count"
OF_NUMBER = "number % $partition_count"


def loading(table: str, columns: str = "*") -> str:
    """Return the query that makes a table of what comes in.

    >>> loading("pairs")
    'CREATE TEMP TABLE pairs AS SELECT * FROM incoming'
    """
    return f"CREATE TEMP TABLE {table} AS SELECT {columns} FROM incoming"


# The shingles of the sets of some parts.
SETS = "(SELECT set_index, row_index, side, other, size FROM sets)"
OCCURRENCES = "(SELECT set_index, row_index, side, unnest(shingles) AS shingle FROM sets)"

# The order of shingles by frequency and value. A partition knows the place of a shingle among its
# own of the same frequency.
COUNT_SHINGLES = f"""
CREATE TEMP TABLE counted AS
SELECT shingle, frequency, row_number() OVER (PARTITION BY frequency ORDER BY shingle) AS place
FROM ({join_queries.frequencies("occurrences")})
"""
FREQUENCIES = """(
    SELECT $partition AS shingle_partition, frequency, count(*) AS shingle_count
    FROM counted GROUP BY frequency
)"""
PLACES = """(
    SELECT set_index, $partition AS shingle_partition, frequency, place
    FROM occurrences JOIN counted USING (shingle)
)"""

# How many shingles come before the first one of a partition and a frequency.
RANK_STARTS = """(
    SELECT shingle_partition, frequency,
        (sum(shingle_count) OVER (
            ORDER BY frequency, shingle_partition
        ) - shingle_count)::BIGINT AS start
    FROM frequencies
)"""
RANK_PLACES = """
CREATE TEMP TABLE ranked AS
SELECT set_index, (start + place)::UINTEGER AS rank_index
FROM places JOIN starts USING (shingle_partition, frequency)
"""

# What a partition of lists has of dense lists.
DENSE_ROWS = "(SELECT * FROM larger SEMI JOIN dense USING (rank_index))"
DENSE_SETS = "(SELECT DISTINCT set_index FROM larger SEMI JOIN dense USING (rank_index))"

# Frequent sets. A partition of lists reports the sets that meet many others in it, and leaves out
# what is less than its share. Which sets are reported changes no edge.
MET_SETS = f"""(
    SELECT set_index, met, $partition AS asker
    FROM ({part_join.MET_SETS}) WHERE met > $most_met // $partition_count
)"""
SETS_OF_LONG_LISTS = """
CREATE TEMP TABLE frequent AS
SELECT set_index FROM met GROUP BY set_index HAVING sum(met) > $most_met
"""
SETS_MET = "SELECT set_index FROM met"
FREQUENT_IN_LISTS = "(SELECT set_index, asker FROM met SEMI JOIN frequent USING (set_index))"
FREQUENT_SETS = "(SELECT kept.* FROM kept SEMI JOIN frequent USING (set_index))"
SIZES = "(SELECT DISTINCT size FROM kept SEMI JOIN frequent USING (set_index))"
NO_FREQUENT_SETS = "CREATE TEMP TABLE frequent (set_index INTEGER)"

# Frequent sets that are divided into `parts`, and the numbers of their parts. The partition of a
# number also gets what it has to know of the sets.
SETS_OF_PARTS = """
SELECT set_index FROM kept JOIN sizes USING (size) WHERE $parts BETWEEN least_parts AND parts
"""
ALL_ARE_FREQUENT = "CREATE TEMP VIEW frequent AS SELECT set_index FROM kept"
_NUMBERS = "(SELECT n.*, row_index, size FROM {table} n JOIN divided USING (set_index))"
PART_NUMBERS = _NUMBERS.format(table="part_numbers")
SHORTENED_PARTS = _NUMBERS.format(table="shortened")
DIVIDED_SETS = f"""
CREATE TEMP TABLE divided AS
SELECT DISTINCT set_index, row_index, 0 AS side, 0 AS other, size, {part_join.BOUNDS}
FROM (
    SELECT set_index, row_index, size FROM part_numbers
    UNION ALL SELECT set_index, row_index, size FROM shortened
)
"""
MATCHED_PAIRS = f"(SELECT *, $parts::INTEGER AS parts FROM ({part_join.matched_pairs(1)}))"

# The numbers that a pair has in common, over all partitions of numbers. Some pairs were found by
# their lists.
ADD_PART_COUNTS = "INSERT INTO part_counts SELECT * FROM incoming"
SUM_PART_COUNTS = f"""
INSERT INTO pairs
SELECT first_set, second_set
FROM (
    SELECT first_set, second_set, sizes, parts, sum(part_count) AS part_count
    FROM part_counts
    GROUP BY first_set, second_set, sizes, parts
)
ANTI JOIN pairs USING (first_set, second_set)
WHERE {part_join.enough_parts("parts")}
"""

# A partition of pairs has the second set of each. It asks other partitions for the first sets.
ASKED = """(
    SELECT DISTINCT first_set AS set_index, $partition AS asker
    FROM pairs WHERE first_set % $partition_count <> $partition
)"""
LENT_MEMBERS = "(SELECT set_index, rank_index, asker FROM members JOIN asked USING (set_index))"
LENT_SETS = "(SELECT kept.*, asker FROM kept JOIN asked USING (set_index))"
OF_ASKER = "asker"
ADD_MEMBERS = "INSERT INTO members SELECT set_index, rank_index FROM incoming"
ADD_SETS = """
INSERT INTO kept SELECT set_index, row_index, side, other, size, ranked_count FROM incoming
"""


def loading_sets(table: str, chosen: str) -> str:
    """Return the query that makes a table of those rows that come in whose set is chosen.

    >>> loading_sets("kept", "SELECT 7")
    'CREATE TEMP TABLE kept AS SELECT * FROM incoming WHERE set_index IN (SELECT 7)'
    """
    return f"{loading(table)} WHERE set_index IN ({chosen})"


SETS_OF_PAIRS = "SELECT first_set FROM pairs UNION SELECT second_set FROM pairs"
SETS_ASKED = "SELECT set_index FROM asked"
SETS_OF_DENSE_LISTS = "SELECT set_index FROM dense_sets"

# The rows of which a set is in a crowd, or that have an edge.
ROWS_OF_EDGES = """(
    SELECT first_row AS row_index FROM near
    UNION SELECT second_row FROM near
    UNION SELECT row_index FROM larger SEMI JOIN crowds USING (set_index)
)"""
LOAD_SETS_OF_EDGES = f"{loading('kept')} WHERE row_index IN (SELECT row_index FROM rows_of_edges)"
