"""Split 80/10/10 by connected component, and audit that nothing leaks.

Reads the rows as collected, as cleaned and as paired, the passages, and the near-duplicate edges.
Every collected pair and document gets a split, also those that cleaning or deduplication dropped:
so held-out queries stay the same whatever happens to the data. Edges join rows that share a
document, a group or a near-duplicate edge, synthetic pairs with their origin, and rows with equal,
near or overlapping texts: anchors, documents, passages and positives that recipes cut out. Joined
rows share a split, and the exact audit of the result must find no leak. `split.unit` chooses fewer
edges, or dates. Ids in data/frozen/ keep their split. Rows that equal, near or overlap a text of
data/protected/ leave training. Pairs whose source gives their split stay there, each query by
itself. Of a run of a sample, `run.sample`, the rows outside it are left out at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.core.interface import Stage
from stages.lib.schemas.pairs import is_synthetic, positive_pairs
from stages.lib.text.text_file import StoredVersions
from stages.split.audit import audit_result
from stages.split.columns import column_by_key, shared_strings
from stages.split.components import (
    Edge,
    edges_from_tables,
    synthetic_pair_edges,
    text_rows,
)
from stages.split.constraints import (
    Constraints,
    match_protected,
    moved_frozen_ids,
    read_frozen_folder,
    read_protected,
)
from stages.split.dissimilar import home_of_pairs
from stages.split.evaluation_set import (
    TopicRelevance,
    build_evaluation_sets,
    build_synthetic_set,
    query_grades,
    scored_pairs,
    with_grades,
)
from stages.split.fingerprints import FingerprintTable
from stages.split.giant_report import echo_giants, giant_metrics, giant_rows
from stages.split.given import (
    GivenRows,
    SplitTask,
    assign_with_given,
    without_given,
    without_keys,
)
from stages.split.given_results import (
    given_documents,
    given_metrics,
    given_query_ids,
    place_rows,
)
from stages.split.input_tables import Tables, read_tables
from stages.split.interface import (
    EvaluationSetTables,
    Inputs,
    Outputs,
    Params,
    SplitParams,
    SyntheticSetTables,
)
from stages.split.ledger import account_rows
from stages.split.masked_documents import mask_sets
from stages.split.metrics import split_metrics, topic_metrics
from stages.split.rows import Assignment, SplitRows
from stages.split.sample import Sample, SearchedPassages, draw_sample
from stages.split.texts import document_texts


def run(inputs: Inputs, params: Params) -> Outputs:
    """Split 80/10/10 by connected component, and audit that nothing leaks."""
    protected_texts = read_protected(params.split.protect, inputs.protected)
    tables = read_tables(inputs, params)
    given = tables.given

    # Texts in all their versions, and edges: rows that belong together, whatever their texts say.
    task = split_task(inputs, tables, params.split)

    # Assignment: the split of every row, with a sample of the training pairs; then `run.sample`.
    constraints = read_constraints(inputs, task, given, protected_texts, params=params.split)
    assignment = assign_with_given(task, given, constraints, params.split)
    splits = place_rows(assignment, task, given, constraints=constraints, params=params.split)
    split_of = column_by_key(splits, "id", "split")
    sample = draw_sample(splits, tables.every_pair, tables.kept_of, params.run.sample)

    # Evaluation sets: the queries of validation and test, and the leaks, counted anew.
    split_of_row = assignment.split_in_giants()
    evaluation = evaluation_sets(
        tables, splits, params.labels.positive_from, split_of_row=split_of_row, sample=sample
    )
    own_documents = given_documents(splits, assignment, task.rows, given)
    used = task.without(unused_pairs(assignment, given))
    audit = audit_result(used, split_of, given, documents=own_documents, params=params.split)
    moved_ids = moved_frozen_ids(assignment.component_of, assignment.split_of, constraints.frozen)
    ledger, row_counts = account_rows(assignment, tables, split_of, moved_ids, sample=sample)
    details = {
        **row_counts,
        **row_metrics(
            assignment, task, given, documents=own_documents, tables=tables, splits=splits
        ),
        **giant_metrics(assignment, pairs_of_units(tables), constraints, params.split),
        "frozen_moved": len(moved_ids),
        **audit.metrics(),
        **evaluation.metrics(),
        **sample.metrics(splits, tables.pairs.built),
    }

    echo_giants(details)
    return Outputs(
        splits=sample.splits(splits),
        passages=SearchedPassages(inputs.passages, sample),
        giants=giant_rows(assignment),
        fingerprints=FingerprintTable(
            task.rows.held_out_texts(split_of, own_documents),
            split_of,
            audit.tolerated,
            protected_texts,
            exact_ids=given.held_out,
            anchors_only=not params.split.splits_documents,
            common_runs=task.matches.common_runs,
            untrained=task.rows.untrained,
        ),
        validation=evaluation.validation,
        test=evaluation.test,
        synthetic=evaluation.synthetic,
        ledger=ledger.frame(),
        metrics={"leaks": audit.violations + int(details["leaked_components"]), **sample.mark},
        details=details,
    )


class EvaluationSets(NamedTuple):
    """The evaluation sets as tables, and whether they are synthetic for want of collected pairs."""

    validation: EvaluationSetTables
    test: EvaluationSetTables
    synthetic: SyntheticSetTables
    is_synthetic: bool

    def metrics(self) -> dict[str, int | bool]:
        """Return the number of queries of each set."""
        return {
            "validation_queries": len(self.validation.queries),
            "test_queries": len(self.test.queries),
            "synthetic_queries": len(self.synthetic.queries),
            "synthetic_exam": self.is_synthetic,
        }


def read_constraints(
    inputs: Inputs,
    task: SplitTask,
    given: GivenRows,
    protected_texts: Sequence[str],
    *,
    params: SplitParams,
) -> Constraints:
    """Return what is known of single rows: frozen ids, protected texts and times.

    Args:
        inputs: the folder of frozen ids, and the times.
        task: the rows, and the runs of words that many of them have.
        given: the given splits, whose rows are not frozen.
        protected_texts: texts that must not be trained on.
        params: the section `split`.
    """
    frozen_ids, frozen_giants = read_frozen_folder(inputs.frozen)
    return Constraints(
        frozen=without_given(frozen_ids, task.rows, given),
        protected=match_protected(
            protected_texts,
            task.rows.every_kind,
            params.near_threshold,
            task.matches.common_runs,
        ),
        time_of=read_times(inputs, params),
        frozen_giants=frozen_giants,
    )


def pairs_of_units(tables: Tables) -> pd.Series[str]:
    """Return the ids of all pairs that the unit splits: not those whose split is given."""
    pair_ids = tables.every_pair["pair_id"]
    return pair_ids[~pair_ids.isin(tables.given.apart)]


def read_times(inputs: Inputs, params: SplitParams) -> dict[str, str]:
    """Return id of a pair or document to its time; empty where the unit needs none."""
    if params.unit != "time":
        return {}

    timestamps = inputs.timestamps.frame()
    return column_by_key(timestamps, "id", "time")


def split_rows(inputs: Inputs, tables: Tables) -> SplitRows:
    """Return all pairs and documents with the versions of their texts."""
    every_pair = tables.every_pair
    documents_of_pairs = column_by_key(every_pair, "pair_id", "doc_id")
    document_of_pair = home_of_pairs(documents_of_pairs, tables.dissimilar)
    texts, untrained = document_texts(
        inputs.documents,
        [inputs.cleaned_documents, inputs.built_documents, inputs.passages],
        tables.synthetic_pairs,
        document_of_pair=document_of_pair,
    )
    documents = tables.collected_documents
    return SplitRows(
        anchors=StoredVersions(
            text_rows(
                (every_pair, "pair_id", "anchor"),
                (tables.pairs.cleaned, "pair_id", "anchor"),
                (tables.pairs.built, "pair_id", "anchor"),
            )
        ),
        texts=texts,
        document_of_pair=document_of_pair,
        untrained=untrained,
        source_of={
            **column_by_key(every_pair, "pair_id", "source"),
            **column_by_key(documents, "doc_id", "source"),
        },
    )


def split_task(inputs: Inputs, tables: Tables, params: SplitParams) -> SplitTask:
    """Return all rows with the versions of their texts, and what ties them."""
    rows = split_rows(inputs, tables)
    edges = find_edges(inputs, tables, rows, params)
    matches = rows.matches(params.near_threshold)
    return SplitTask(rows, edges, matches, kept_of=tables.kept_of)


def find_edges(inputs: Inputs, tables: Tables, rows: SplitRows, params: SplitParams) -> list[Edge]:
    """Return the edges that do not follow from texts."""
    edges = edges_from_tables(
        inputs.near_duplicates.frame(),
        inputs.aliases.frame(),
        tables.collected_documents,
        tables.every_pair[~tables.every_pair["pair_id"].isin(tables.dissimilar)],
        params=params,
    )

    return edges + synthetic_pair_edges(tables.synthetic_pairs, rows.document_of_pair, params)


def unused_pairs(assignment: Assignment, given: GivenRows) -> frozenset[str]:
    """Return the pairs that given splits or labels leave out of training and of the queries."""
    if not given.split_of:
        return given.irrelevant

    return given.irrelevant | assignment.excluded.keys()


def row_metrics(
    assignment: Assignment,
    task: SplitTask,
    given: GivenRows,
    *,
    documents: frozenset[str],
    tables: Tables,
    splits: pd.DataFrame,
) -> dict[str, float | int]:
    """Return the metrics of the splits, of their topics and of given splits.

    Edges to `documents`, those that are held out by given pairs alone, may leave a component.
    """
    split_of = column_by_key(splits, "id", "split")
    apart = (given.apart | documents | assignment.excluded.keys()) if given.split_of else documents
    edges = [edge for edge in assignment.edges if apart.isdisjoint(edge.ends)]
    return {
        **split_metrics(
            assignment,
            edges,
            splits,
            every_pair=tables.tying_pairs,
            built_pairs=tables.pairs.built,
        ),
        **topic_metrics(tables.pairs.built, tables.collected_documents, split_of),
        **given_metrics(task, given, split_of, excluded=assignment.excluded),
    }


def searched_anchors(tables: Tables) -> dict[str, str]:
    """Return pair id to the anchor that is searched, where that is another than as collected."""
    # An anchor as built is also one as cleaned; it comes last and wins.
    anchors: dict[str, str] = {}
    for frame in (tables.pairs.cleaned, tables.pairs.built):
        anchors.update(zip(shared_strings(frame["pair_id"]), frame["anchor"], strict=True))

    # Queries of a given split are searched as collected.
    return without_keys(anchors, tables.given.held_out)


def evaluation_sets(
    tables: Tables,
    all_splits: pd.DataFrame,
    positive_from: float,
    *,
    split_of_row: Mapping[str, str],
    sample: Sample,
) -> EvaluationSets:
    """Return the evaluation sets of the held-out pairs in the sample.

    Args:
        tables: documents and pairs.
        all_splits: the Splits of all rows.
        positive_from: the score from which a pair is a positive.
        split_of_row: id of a row of a divided component to its split before training is sampled.
        sample: the rows that are used.
    """
    splits = sample.splits(all_splits)
    collected = tables.pairs.collected
    built = tables.pairs.built
    topics = TopicRelevance(sample.documents(tables.built_documents), tables.synthetic_pairs)
    cleaned_anchors = searched_anchors(tables)

    # Collected positives are the queries. Without any, synthetic pairs stand in for them.
    positives = positive_pairs(collected, positive_from)
    has_positives = len(positives) > 0
    query_pairs = with_grades(positives, tables.grades) if has_positives else built
    sets = build_evaluation_sets(query_pairs, cleaned_anchors, splits, topics)

    # Beside collected queries, synthetic ones are an evaluation set of their own.
    synthetic_pairs = built[is_synthetic(built["source"])] if has_positives else built.iloc[:0]
    synthetic = build_synthetic_set(synthetic_pairs, splits, sets["validation"].queries, topics)

    # Where a component was cut, some documents of a query lie in another split. Queries of a given
    # split are asked as given all the same.
    tables_of_set = mask_sets(
        {**sets, "synthetic": synthetic},
        tables.every_pair,
        split_of_row,
        positive_from=positive_from,
        given_queries=given_query_ids(collected, tables.given),
    )

    # Grades are no scores: they count in nDCG alone.
    is_graded = collected["pair_id"].isin(tables.grades["pair_id"])
    scored = scored_pairs(collected[~is_graded], cleaned_anchors, splits)
    grades = query_grades(collected, tables.grades, splits)
    return EvaluationSets(
        validation=EvaluationSetTables(
            *tables_of_set["validation"], grades=grades["validation"], scored=scored["validation"]
        ),
        test=EvaluationSetTables(
            *tables_of_set["test"], grades=grades["test"], scored=scored["test"]
        ),
        synthetic=SyntheticSetTables(*tables_of_set["synthetic"]),
        is_synthetic=not has_positives,
    )


STAGE = Stage(run, groups=("tables", "sql", "cuts"))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
