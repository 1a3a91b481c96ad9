"""Splits that a source gives: its pairs stay where it puts them, and the other rows keep clear.

Held-out queries of a given split are asked exactly as given. Each is a component of its own, so
neither the size of components nor their weights apply. Public sets share documents between their
splits by design, so a leak is a training pair whose anchor equals a held-out one. All other rows
are split as ever, tied to the given training pairs as the unit says, and never against given pairs.

A pair whose grade says "not relevant" ties nothing either. It follows the other pairs of its query.
So does a given pair whose score says it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

import pandas as pd

from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.queries_from_pairs import query_id_of
from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.matches import TextMatches
from stages.lib.text.normal_form import normal_form
from stages.split.assign import assign
from stages.split.assignment import exclude_protected
from stages.split.columns import column_by_key, shared_strings
from stages.split.components import Edge, is_pair_id
from stages.split.constraints import Constraints
from stages.split.interface import SplitParams
from stages.split.leakage import enforced_matches
from stages.split.rows import Assignment, SplitRows, TrainingExclusion

# Above this share of the training pairs, `repair` stops: the split is then wrong as a whole.
MAX_REPAIRED_SHARE = 0.2
EXAMPLES = 3

Value = TypeVar("Value")


class GivenRows(NamedTuple):
    """The pairs whose split is given, and those that tie nothing.

    Attributes:
        split_of: pair id to its given split.
        irrelevant: pairs whose grade, or score beside a given split, says that the document is not
            relevant.
        built: the pairs that may be trained on.
        synthetic: those of them that a recipe built.
    """

    split_of: Mapping[str, str]
    irrelevant: frozenset[str]
    built: frozenset[str]
    synthetic: frozenset[str]

    @property
    def held_out(self) -> frozenset[str]:
        """The pairs that are given to validation or test."""
        return frozenset(
            pair_id for pair_id, split in self.split_of.items() if split in EVALUATION_SPLITS
        )

    @property
    def apart(self) -> frozenset[str]:
        """The pairs that form no component with others."""
        return self.irrelevant | self.split_of.keys()


class SplitTask(NamedTuple):
    """What is split.

    Attributes:
        rows: the pairs and documents.
        edges: edges that do not follow from texts.
        matches: equal and near texts among all rows.
        kept_of: document id of a dropped copy to the document that was kept for it.
    """

    rows: SplitRows
    edges: Sequence[Edge]
    matches: TextMatches
    kept_of: Mapping[str, str] = {}

    def without(self, pair_ids: Collection[str]) -> SplitTask:
        """Return the task without some pairs; the documents stay."""
        if not pair_ids:
            return self

        excluded = frozenset(pair_ids)
        anchors = without_keys(self.rows.anchors, excluded)
        document_of_pair = without_keys(self.rows.document_of_pair, excluded)
        return SplitTask(
            self.rows._replace(anchors=anchors, document_of_pair=document_of_pair),
            [edge for edge in self.edges if excluded.isdisjoint(edge.ends)],
            matches_without(self.matches, excluded),
            self.kept_of,
        )


def given_rows(
    given_splits: pd.DataFrame,
    grades: pd.DataFrame,
    built_pairs: pd.DataFrame,
    synthetic_pairs: pd.DataFrame,
    *,
    dissimilar: Collection[str] = (),
) -> GivenRows:
    """Return what the tables GivenSplits, PairGrades, Pairs and SyntheticPairs say of each pair.

    `dissimilar` are the pairs whose score says that the document is no answer.
    """
    split_of = column_by_key(given_splits, "id", "split")
    irrelevant = frozenset(grades.loc[grades["role"] == "irrelevant", "pair_id"])
    return GivenRows(
        split_of=split_of,
        irrelevant=irrelevant | (split_of.keys() & frozenset(dissimilar)),
        built=frozenset(shared_strings(built_pairs["pair_id"])),
        synthetic=frozenset(shared_strings(synthetic_pairs["pair_id"])),
    )


def without_keys(mapping: Mapping[str, Value], keys: Collection[str]) -> dict[str, Value]:
    """Return `mapping` without some keys.

    >>> without_keys({"d1": 1, "d2": 2}, ["d2"])
    {'d1': 1}
    """
    excluded = frozenset(keys)
    return {key: value for key, value in mapping.items() if key not in excluded}


def matches_without(matches: TextMatches, row_ids: Collection[str]) -> TextMatches:
    """Return `matches` without some rows."""
    excluded = frozenset(row_ids)
    equal: dict[str, list[str]] = {}
    for form, ids in matches.equal.items():
        kept = [row_id for row_id in ids if row_id not in excluded]
        if len(kept) > 1:
            equal[form] = kept

    # Both ends of a near match must stay.
    near: list[tuple[list[str], list[str]]] = []
    for left, right in matches.near:
        kept_left = [row_id for row_id in left if row_id not in excluded]
        kept_right = [row_id for row_id in right if row_id not in excluded]
        if kept_left and kept_right:
            near.append((kept_left, kept_right))

    overlapping: list[list[str]] = []
    for ids in matches.overlapping:
        kept = [row_id for row_id in ids if row_id not in excluded]
        if len(kept) > 1:
            overlapping.append(kept)

    return matches._replace(equal=equal, near=near, overlapping=overlapping)


def without_given(
    frozen: Mapping[str, str], rows: SplitRows, given: GivenRows
) -> Mapping[str, str]:
    """Return the `frozen` ids without given pairs and without documents of given pairs alone.

    A given split says anew in each run where they are.
    """
    if not given.split_of:
        return frozen

    of_given: set[str] = set()
    of_others: set[str] = set()
    for pair_id, doc_id in rows.document_of_pair.items():
        (of_given if pair_id in given.split_of else of_others).add(doc_id)

    return without_keys(frozen, given.split_of.keys() | (of_given - of_others))


def assign_with_given(
    task: SplitTask, given: GivenRows, constraints: Constraints, params: SplitParams
) -> Assignment:
    """Return the split of every row: pairs of given splits as given, the others as ever.

    A row that is tied to a given training pair goes to training. A training pair whose anchor
    equals a given held-out one leaves training, as `params.given` says.

    Raises:
        UserError: the given split leaks more than `params.given` allows, or `assign` raises it.
    """
    if not given.apart:
        return assign(task.rows, task.edges, task.matches, constraints=constraints, params=params)

    # The rows that are split as ever. Frozen ids come before ties: they were held out earlier.
    ties = training_ties(task, given, params)
    pins = {} if params.unit == "time" else {tie.right: "train" for tie in ties}
    free = task.without(given.apart)
    assignment = assign(
        free.rows,
        free.edges,
        free.matches,
        constraints=constraints._replace(frozen={**pins, **constraints.frozen}),
        params=params,
    )

    # The given rows, each query by itself.
    split_of_row = assignment.split_by_row()
    placed = _place_given(assignment, task.rows, given, constraints=constraints)

    # Given training pairs that are tied to a row which stays held out, and repeated anchors.
    left_out = {tie.left: tie.right for tie in ties if split_of_row[tie.right] in EVALUATION_SPLITS}
    repeats = repeated_anchors(task, given)
    check_repeats(repeats, placed, task.rows, given=given, mode=params.given)
    if params.given == "trust":
        repeats = without_keys(repeats, given.split_of)

    left_out |= repeats
    return _place_irrelevant(_leave_out(placed, left_out), task.rows, given)


def training_ties(task: SplitTask, given: GivenRows, params: SplitParams) -> list[Edge]:
    """Return the edges from given training pairs to rows that are split as ever, sorted.

    They are those that the unit counts: a shared document, an equal or near text, a recipe.
    """
    training = {pair_id for pair_id, split in given.split_of.items() if split == "train"}
    if not training:
        return []

    ties: set[Edge] = set()
    if params.splits_documents:
        for pair_id in training - given.irrelevant:
            doc_id = task.rows.document_of_pair[pair_id]
            if doc_id in task.rows.texts:
                ties.add(Edge(pair_id, doc_id, "shared document"))

    # Edges of tables, and texts. Whole groups are few, so that all their pairs of rows are listed.
    groups = [(edge.kind, [edge.left], [edge.right]) for edge in task.edges]
    groups += enforced_matches(task.matches, params.unit).groups()
    for _, left_ids, right_ids in groups:
        members = {*left_ids, *right_ids}
        inside = sorted(members & training)
        for row_id in members - given.apart if inside else ():
            if params.splits_documents or is_pair_id(row_id):
                ties.add(Edge(inside[0], row_id, "given"))

    return sorted(ties)


def repeated_anchors(task: SplitTask, given: GivenRows) -> dict[str, str]:
    """Return the pairs that no split may hold beside given held-out ones, each with one of these.

    Their anchor equals that of a given held-out pair, or a recipe built them from its anchor.
    """
    held_out = given.held_out
    partner_of: dict[str, str] = {}
    for row_ids in task.matches.equal.values():
        partners = [row_id for row_id in row_ids if row_id in held_out]
        for row_id in row_ids if partners else ():
            if is_pair_id(row_id) and row_id not in held_out:
                partner_of[row_id] = min(partners[0], partner_of.get(row_id, partners[0]))

    for edge in task.edges:
        if edge.kind == "recipe" and edge.right in held_out and edge.left not in held_out:
            partner_of.setdefault(edge.left, edge.right)

    return partner_of


def check_repeats(
    repeats: Mapping[str, str],
    assignment: Assignment,
    rows: SplitRows,
    *,
    given: GivenRows,
    mode: str,
) -> None:
    """Check that not too many training pairs repeat a given held-out anchor.

    Args:
        repeats: pairs that repeat one, with the held-out pair.
        assignment: where all pairs are.
        rows: the rows.
        given: the given splits.
        mode: `split.given`.

    Raises:
        UserError: `refuse` and there is one, or `repair` and they are more than a fifth of the
            training pairs.
    """
    split_of = assignment.split_by_row()
    training = [pair_id for pair_id in sorted(given.built) if split_of.get(pair_id) == "train"]
    leaking = [pair_id for pair_id in training if pair_id in repeats]
    collected = [pair_id for pair_id in leaking if pair_id not in given.synthetic]
    is_refused = mode == "refuse" and bool(collected)
    is_too_many = mode == "repair" and len(leaking) > MAX_REPAIRED_SHARE * len(training)
    if not (is_refused or is_too_many):
        return

    # The facts, with examples.
    shown = collected or leaking
    examples = "\n".join(
        f"  {pair_id} {rows.anchors[pair_id][0][:60]!r} is {repeats[pair_id]} in "
        f"{given.split_of[repeats[pair_id]]}"
        for pair_id in shown[:EXAMPLES]
    )
    allowed = "split.given is 'refuse'" if is_refused else "a fifth is the most that is left out"
    trust = "set split.given to 'trust' to train on the rows of a given split all the same"
    repair = "set split.given to 'repair' to leave them out"
    raise UserError(
        f"{len(leaking):,} of {len(training):,} training pairs have the anchor of a query that "
        f"collect.sources gives to validation or test; {allowed}\n{examples}",
        f"remove these rows from the training file, or {repair if is_refused else trust}",
    )


def _place_given(
    assignment: Assignment, rows: SplitRows, given: GivenRows, *, constraints: Constraints
) -> Assignment:
    """Return `assignment` with the given pairs: each query of a split is a component."""
    component_of: dict[str, str] = {}
    split_of: dict[str, str] = {}
    for pair_id, split in sorted(given.split_of.items()):
        name = "p" + hash_hex("given", split, query_id_of(rows.anchors[pair_id][0]))
        component_of[pair_id] = name
        split_of[name] = split

    # Training pairs with a protected text leave, as of all components.
    anchors = {pair_id: rows.anchors[pair_id] for pair_id in component_of}
    documents = {pair_id: rows.document_of_pair[pair_id] for pair_id in component_of}
    own = exclude_protected(
        Assignment(component_of, split_of, [], {}),
        SplitRows(anchors, {}, documents),
        constraints.protected,
    )

    # Giants and edges are those of the other rows.
    return assignment._replace(
        component_of={**assignment.component_of, **own.component_of},
        split_of={**assignment.split_of, **own.split_of},
        excluded={**assignment.excluded, **own.excluded},
    )


def _leave_out(assignment: Assignment, partner_of: Mapping[str, str]) -> Assignment:
    """Return `assignment` with the pairs of `partner_of` in no split, each by itself."""
    component_of = dict(assignment.component_of)
    split_of = dict(assignment.split_of)
    excluded = dict(assignment.excluded)
    for pair_id, partner_id in sorted(partner_of.items()):
        # Irrelevant pairs are placed later.
        if pair_id not in component_of:
            continue

        name = "p" + hash_hex("left out", pair_id)
        component_of[pair_id] = name
        split_of[name] = "corpus"
        excluded[pair_id] = TrainingExclusion("repeats_held_out", partner_id, float("nan"))

    # A giant keeps its other rows.
    return assignment._replace(
        component_of=component_of,
        split_of=split_of,
        excluded=excluded,
        giant_of=without_keys(assignment.giant_of, partner_of),
    )


def _place_irrelevant(assignment: Assignment, rows: SplitRows, given: GivenRows) -> Assignment:
    """Return `assignment` with each irrelevant pair in the component of its query, if any."""
    others = given.irrelevant - given.split_of.keys()
    if not others:
        return assignment

    # Of several components the held-out one, then the first.
    component_of = dict(assignment.component_of)
    split_of = dict(assignment.split_of)
    names_of_form: dict[str, set[tuple[bool, str]]] = defaultdict(set)
    for pair_id in rows.anchors:
        if pair_id in component_of and pair_id not in given.split_of:
            name = component_of[pair_id]
            is_held_out = split_of[name] in EVALUATION_SPLITS
            names_of_form[_form(rows, pair_id)].add((not is_held_out, name))

    for pair_id in sorted(others):
        names = names_of_form.get(_form(rows, pair_id))
        name = min(names)[1] if names else "p" + hash_hex("irrelevant", pair_id)
        component_of[pair_id] = name
        split_of.setdefault(name, "corpus")

    return assignment._replace(component_of=component_of, split_of=split_of)


def _form(rows: SplitRows, pair_id: str) -> str:
    return normal_form(rows.anchors[pair_id][0])
