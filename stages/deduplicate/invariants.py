"""The invariants of the stage, counted anew from its results. All counts must be 0.

Texts are compared character by character, by other means than the rules that dropped them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as arrow
import pyarrow.compute as compute

from stages.deduplicate.interface import DeduplicateParams
from stages.deduplicate.repeated_pairs import ExcludedPair
from stages.deduplicate.representatives import Representative
from stages.deduplicate.text_differences import differ_in_empty_words, say_the_same
from stages.lib.schemas.reviews import RowIds
from stages.lib.text.normal_form import containment, similarity

# A field of the template, or a brace that stands twice for itself.
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\w+)\}")


def embedded_texts(documents: pd.DataFrame, template: str) -> dict[str, str]:
    """Return document id to the text that is embedded, from the Documents and the template.

    It shares no code with the rendering of the stage.
    """
    texts: dict[str, str] = {}
    for fields in documents.to_dict("records"):
        parts: list[str] = []
        end = 0
        for match in _PLACEHOLDER.finditer(template):
            value = str(fields[match[1]]) if match[1] else match[0][0]
            parts += [template[end : match.start()], value]
            end = match.end()
        texts[str(fields["doc_id"])] = "".join([*parts, template[end:]])

    return texts


def count_violations(
    texts: Mapping[str, str],
    representatives: Mapping[str, Representative],
    pairs_before: pd.DataFrame,
    *,
    pairs_after: pd.DataFrame,
    kept_documents: Sequence[str] | npt.NDArray[np.object_],
    params: DeduplicateParams,
    excluded: Sequence[ExcludedPair] = (),
    judged_same: Collection[RowIds] = (),
) -> dict[str, int]:
    """Return how often each invariant is broken.

    unsupported_drops counts documents whose representative is dropped or does not say the same,
    and dropped pairs whose partner is missing, has another document or another anchor.
    dangling_pairs counts pairs whose document is dropped. relabelled_pairs counts pairs whose
    document now says something else; only where a near copy stands for it may stop words differ. A
    drop that a person decided is supported by a verdict on two rows with these texts.

    Args:
        texts: the embedded texts of all documents that are dropped or represent one.
        representatives: dropped document id to its representative.
        pairs_before: the pairs that the stage read.
        pairs_after: the pairs that the stage writes.
        kept_documents: ids of all documents that stay.
        params: the threshold and the measure of near-duplicates, and which of them may go.
        excluded: the pairs that the stage dropped.
        judged_same: the ids of two rows each that a person judged to say the same.
    """
    kept_ids = arrow.array(kept_documents, arrow.string())
    unsupported = _unsupported_documents(texts, representatives, kept_ids, params, judged_same)

    # Pairs that name a document which says something else than before.
    relabelled = 0
    for before, after in _changed_documents(pairs_before, pairs_after):
        if _differs(before, after, texts, representatives):
            relabelled += 1

    # Pairs that name a document which is gone.
    named_documents = _columns(pairs_after).column("doc_id")
    is_known = compute.is_in(named_documents, value_set=kept_ids)

    return {
        "unsupported_drops": unsupported
        + _unsupported_pairs(pairs_before, excluded, representatives, judged_same),
        "dangling_pairs": len(is_known) - (compute.sum(is_known).as_py() or 0),
        "relabelled_pairs": relabelled,
    }


def _unsupported_documents(
    texts: Mapping[str, str],
    representatives: Mapping[str, Representative],
    kept_ids: arrow.Array,
    params: DeduplicateParams,
    judged_same: Collection[RowIds],
) -> int:
    """Return the number of documents whose representative is dropped or does not say the same."""
    judged_texts = [
        (texts[left], texts[right])
        for left, right in judged_same
        if left in texts and right in texts
    ]

    # Those of the named documents that stay.
    named_ids = {*representatives, *(target.kept_id for target in representatives.values())}
    kept_names = _those_in(sorted(named_ids), kept_ids)

    count = 0
    for doc_id, target in representatives.items():
        misplaced = target.kept_id not in kept_names or doc_id in kept_names
        dropped_text = texts[doc_id]
        kept_text = texts[target.kept_id]
        if target.reason == "judged_copy":
            is_supported = _is_judged(dropped_text, kept_text, judged_texts)
        else:
            is_supported = _is_supported(dropped_text, kept_text, target.reason, params)
        if misplaced or not is_supported:
            count += 1

    return count


def _columns(pairs: pd.DataFrame) -> arrow.Table:
    """Return the ids of Pairs and their documents as they lie in memory, without Python strings."""
    schema = arrow.schema([("pair_id", arrow.string()), ("doc_id", arrow.string())])
    return arrow.Table.from_pandas(pairs[schema.names], schema=schema, preserve_index=False)


def _those_in(ids: Sequence[str], known: arrow.Array) -> set[str]:
    """Return those of `ids` that are known."""
    array = arrow.array(ids, arrow.string())
    return set(array.filter(compute.is_in(array, value_set=known)).to_pylist())


def _changed_documents(
    pairs_before: pd.DataFrame, pairs_after: pd.DataFrame
) -> list[tuple[str, str]]:
    """Return the document before and after of each pair of `pairs_after` whose document changed.

    That of a pair which was not there before is "".
    """
    before = _columns(pairs_before).combine_chunks()
    after = _columns(pairs_after).combine_chunks()

    # The row of each pair before.
    rows = compute.index_in(after.column("pair_id"), value_set=before.column("pair_id"))
    old_ids = compute.fill_null(before.column("doc_id").take(rows), "")
    new_ids = after.column("doc_id")

    is_changed = compute.not_equal(old_ids, new_ids)
    old_and_new = (old_ids.filter(is_changed), new_ids.filter(is_changed))
    return list(zip(*(ids.to_pylist() for ids in old_and_new), strict=True))


def _is_judged(dropped_text: str, kept_text: str, judged_texts: Sequence[tuple[str, str]]) -> bool:
    """Return whether a person judged two texts, that say what these say, to be the same."""
    return any(
        (say_the_same(dropped_text, left) and say_the_same(kept_text, right))
        or (say_the_same(dropped_text, right) and say_the_same(kept_text, left))
        for left, right in judged_texts
    )


def _is_supported(
    dropped_text: str, kept_text: str, reason: str, params: DeduplicateParams
) -> bool:
    """Return whether one text may represent the other for the reason that the ledger gives."""
    if reason == "exact_copy":
        return say_the_same(dropped_text, kept_text)
    if reason != "near_copy":
        return reason == "semantic_copy"

    compare: Callable[[str, str], float] = similarity
    if params.measure == "containment":
        compare = containment
    is_near = compare(dropped_text, kept_text) >= params.near_threshold
    is_allowed = params.near == "drop" or differ_in_empty_words(dropped_text, kept_text)
    return is_near and is_allowed


def _differs(
    before: str,
    after: str,
    texts: Mapping[str, str],
    representatives: Mapping[str, Representative],
) -> bool:
    """Return whether two documents say different things. A missing one differs from all others."""
    if before not in texts or after not in texts or before not in representatives:
        return True

    # Whether a person decided is counted with the documents.
    if representatives[before].reason == "judged_copy":
        return False
    if representatives[before].reason == "exact_copy":
        return not say_the_same(texts[before], texts[after])
    return not differ_in_empty_words(texts[before], texts[after])


def _unsupported_pairs(
    pairs: pd.DataFrame,
    excluded: Sequence[ExcludedPair],
    representatives: Mapping[str, Representative],
    judged_same: Collection[RowIds],
) -> int:
    """Return the number of dropped pairs whose partner has another document or anchor."""
    dropped_ids = {row.pair_id for row in excluded} | {row.kept_id for row in excluded}
    rows = pairs[pairs["pair_id"].isin(dropped_ids)]
    anchor_of = dict(zip(rows["pair_id"], rows["anchor"], strict=True))

    # Documents as they are after pairs were re-pointed.
    kept_of = {doc_id: target.kept_id for doc_id, target in representatives.items()}
    documents = [kept_of.get(doc_id, doc_id) for doc_id in rows["doc_id"]]
    document_of = dict(zip(rows["pair_id"], documents, strict=True))

    count = 0
    for row in excluded:
        if row.kept_id not in anchor_of or document_of[row.pair_id] != document_of[row.kept_id]:
            count += 1
            continue

        # What a person decided may differ in any word.
        if row.reason == "judged_pair":
            ids = {(row.pair_id, row.kept_id), (row.kept_id, row.pair_id)}
            count += ids.isdisjoint(judged_same)
            continue
        is_same = say_the_same if row.reason == "duplicate_pair" else differ_in_empty_words
        count += not is_same(anchor_of[row.pair_id], anchor_of[row.kept_id])

    return count
