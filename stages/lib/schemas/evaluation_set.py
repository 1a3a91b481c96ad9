"""The tables of an evaluation set: Queries, Qrels, Masked, QueryGrades and ScoredPairs."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.core.ids import DOC_ID, PAIR_ID, QUERY_ID
from stages.lib.core.tables import Table


class Queries(Table):
    """One row is a query of an evaluation set: an anchor, unique in strict form."""

    query_id: str = pa.Field(
        str_matches=QUERY_ID, description="hash of the strict form of the raw anchor"
    )
    component_id: str = pa.Field(
        description="connected component of its pairs; intervals resample components"
    )
    raw: str = pa.Field(
        str_length={"min_value": 1},
        description="the string as collected; it is part of the benchmark",
    )
    text: str = pa.Field(
        str_length={"min_value": 1},
        description="the cleaned string, which is searched; as collected if cleaning dropped it, "
        "or if its split is given",
    )
    relation: str = pa.Field(description="relation of its first pair, for slices")
    source: str = pa.Field(
        str_length={"min_value": 1},
        description="source of its first pair; pair.<recipe> for a synthetic query",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["query_id"]


class Qrels(Table):
    """One row is a relevance grade, as in TREC: of a document for a query."""

    query_id: str = pa.Field(str_matches=QUERY_ID, description="the query")
    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="the document as collected; it may be a dropped copy"
    )
    grade: float = pa.Field(
        gt=0.0,
        description="relevance: the score, or the grade of a graded pair; the gain in nDCG is "
        "linear in it",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["query_id", "doc_id"]


class Masked(Table):
    """One row is a document that answers a held-out query, but lies in another split.

    It is relevant, and no miss of a system that ranks it high. So it is taken out of the ranking of
    this query before anything is measured. Only components that were cut have such documents.
    """

    query_id: str = pa.Field(str_matches=QUERY_ID, description="the query")
    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="the document as collected; it may be a dropped copy"
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["query_id", "doc_id"]


class QueryGrades(Table):
    """One row is a document that has a grade for a query, relevant or not."""

    query_id: str = pa.Field(str_matches=QUERY_ID, description="the query")
    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="the document as collected; it may be a dropped copy"
    )
    grade: int = pa.Field(ge=0, description="the grade; 0: not relevant at all")

    class Config(Table.Config):
        """The key of the table."""

        unique = ["query_id", "doc_id"]


class ScoredPairs(Table):
    """One row is a held-out pair, similar or not, of a source that has scores."""

    pair_id: str = pa.Field(str_matches=PAIR_ID, description="the pair as collected")
    component_id: str = pa.Field(
        description="connected component of the pair; intervals resample components"
    )
    anchor: str = pa.Field(
        str_length={"min_value": 1},
        description="the cleaned anchor; as collected if cleaning dropped it",
    )
    doc_id: str = pa.Field(
        str_matches=DOC_ID, description="the document as collected; it may be a dropped copy"
    )
    score: float = pa.Field(ge=0.0, le=1.0, description="similarity that a person assigned")

    class Config(Table.Config):
        """The key of the table."""

        unique = ["pair_id"]
