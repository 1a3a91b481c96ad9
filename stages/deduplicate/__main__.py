"""Drop exact copies and link near-duplicates.

Reads the cleaned documents and pairs. Writes them without copies, the edges between
near-duplicates, and the kept document that represents each dropped one. Documents are compared
by the text that is embedded, as `pair.document_text` says: their titles count where it holds them.

Linking and dropping are two decisions. "Upper" and "lower extremity hypokinesia" are
near-duplicates, and different findings. So near-duplicates are linked: `split` keeps them in one
split, and `mine` knows them. One of them is dropped only where the texts differ in stop words
alone, or where the user asks for it. What a person said of two texts outranks that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.deduplicate.interface import (
    DeduplicateParams,
    Filtered,
    Inputs,
    Outputs,
    Params,
)
from stages.deduplicate.invariants import count_violations, embedded_texts
from stages.deduplicate.near_duplicates import (
    DuplicateGroups,
    find_duplicates,
    near_table,
    semantic_edges,
)
from stages.deduplicate.repeated_pairs import JUDGED_PAIR, PairDecisions, deduplicate_pairs
from stages.deduplicate.representatives import (
    JUDGED_COPY,
    DuplicateEdge,
    Representative,
    choose_representatives,
    crowd_edges,
    equal_documents,
    judged_edges,
    preference,
    removable_edges,
)
from stages.lib.core.interface import Stage, TableFile
from stages.lib.preprocessing import table_parts
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases, NearDuplicates
from stages.lib.schemas.ledger import LedgerWriter, row_accounting
from stages.lib.schemas.reviews import NEAR_EDGES, Verdicts, read_verdicts
from stages.lib.text.document_text import document_texts

DOCUMENT_REASONS = ("exact_copy", "near_copy", "semantic_copy", JUDGED_COPY)
PAIR_REASONS = ("duplicate_pair", "near_pair", JUDGED_PAIR)


def run(inputs: Inputs, params: Params) -> Outputs:
    """Drop exact copies and link near-duplicates."""
    settings = params.deduplicate

    # Find equal texts and near-duplicates, among the documents and among the anchors of the pairs.
    document_groups, links, crowd_text_count = find_groups(inputs, params)

    # Choose the documents that go, and the kept document that represents each of them.
    documents = documents_to_compare(inputs.documents, document_groups, settings)
    verdicts = read_verdicts(inputs.reviews, NEAR_EDGES)
    representatives, semantic = represent_documents(documents, document_groups, verdicts, params)
    stays = np.array([doc_id not in representatives for doc_id in document_groups.ids], dtype=bool)

    # Let the pairs name kept documents only, and drop the pairs that repeat another.
    pairs = inputs.pairs.frame()
    grades = grades_of_pairs(inputs.grades.frame())
    pair_decisions = deduplicate_pairs(
        pairs, representatives, settings, grade_of_pair=grades, verdicts=verdicts
    )

    # Note every decision, and count the edges and the broken invariants.
    document_ledger = ledger_of_documents(semantic, representatives)
    pair_ledger = ledger_of_pairs(pairs, pair_decisions, representatives)
    violations = count_violations(
        embedded_texts(documents, params.rendering.document_text),
        representatives,
        pairs,
        pairs_after=pair_decisions.kept,
        excluded=pair_decisions.excluded,
        kept_documents=document_groups.ids[stays],
        params=settings,
        judged_same=verdicts.yes,
    )

    return Outputs(
        documents=Filtered(inputs.documents.path, stays),
        pairs=pair_decisions.kept,
        near_duplicates=links,
        aliases=alias_table(representatives),
        ledger=pd.concat([document_ledger.frame(), pair_ledger.frame()], ignore_index=True),
        details={
            **document_accounting(stays, document_ledger),
            **pair_accounting(len(pairs), pair_decisions, pair_ledger),
            "near_edges": int((links["rule"] == "near").sum()),
            "equal_edges": int((links["rule"] == "equal").sum()),
            "crowd_texts": crowd_text_count,
            "semantic_edges": len(semantic),
            **violations,
        },
    )


def find_groups(inputs: Inputs, params: Params) -> tuple[DuplicateGroups, pd.DataFrame, int]:
    """Return the groups of documents, the links of documents and pairs, and the texts in crowds.

    The ids of all pairs are not in memory for longer than this takes.
    """
    settings = params.deduplicate
    find = partial(find_duplicates, threshold=settings.near_threshold, measure=settings.measure)
    document_groups = find(
        inputs.documents,
        "doc_id",
        "text",
        template=params.rendering.document_text,
        scratch=inputs.scratch / "documents",
    )
    pair_groups = find(inputs.pairs, "pair_id", "anchor", scratch=inputs.scratch / "pairs")

    links = link_table([document_groups, pair_groups])
    crowd_text_count = len(document_groups.crowd_texts) + len(pair_groups.crowd_texts)
    return document_groups, links, crowd_text_count


def grades_of_pairs(grades: pd.DataFrame) -> dict[str, int]:
    """Return pair id to grade from a table PairGrades."""
    return dict(zip(grades["pair_id"], grades["grade"], strict=True))


def documents_to_compare(
    documents: TableFile[Documents], groups: DuplicateGroups, params: DeduplicateParams
) -> pd.DataFrame:
    """Return the documents that equal or nearly equal another; all if meaning is compared too."""
    mask = groups.has_duplicate()
    if params.semantic != "off":
        mask[:] = True
    return table_parts.select_rows(documents.path, mask, Documents)


def represent_documents(
    documents: pd.DataFrame, groups: DuplicateGroups, verdicts: Verdicts, params: Params
) -> tuple[dict[str, Representative], list[DuplicateEdge]]:
    """Return dropped document id to its representative, and the semantic duplicates.

    Args:
        documents: the Documents that may have a duplicate.
        groups: which of them are equal in coarse form, and which are near.
        verdicts: what people decided of two documents.
        params: the sections of the stage.
    """
    settings = params.deduplicate
    embedded = document_texts(documents, params.rendering.document_text)
    texts = dict(zip(documents["doc_id"], embedded, strict=True))
    ranks = preference(documents, settings.authoritative, settings.source_order)

    # Texts with one coarse form are copies only if they have one strict form.
    coarse_groups = documents_of_form(groups, list(texts))
    documents_of_text = equal_documents(coarse_groups, texts)
    edges = removable_edges(
        groups.edges(),
        coarse_groups,
        documents_of_text,
        texts=texts,
        ranks=ranks,
        near=settings.near,
    )
    semantic = find_semantic_duplicates(documents_of_text, texts, params)
    if settings.semantic == "drop":
        edges += semantic

    # A crowd is joined by a tree of edges, which need not join a copy to the text that stays.
    crowd_of_text: dict[str, int] = {}
    for form, crowd in groups.crowd_of_text().items():
        names = [doc_id for doc_id in coarse_groups[form] if doc_id in documents_of_text]
        crowd_of_text.update(dict.fromkeys(names, crowd))

    edges += crowd_edges(crowd_of_text, documents_of_text, texts, ranks, settings)
    edges = judged_edges(edges, documents_of_text, verdicts, texts=texts, params=settings)
    return choose_representatives(documents_of_text, edges, ranks), semantic


def documents_of_form(groups: DuplicateGroups, doc_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the first document of each coarse form to all documents of `doc_ids` that have it."""
    documents: dict[str, list[str]] = defaultdict(list)
    for doc_id, position in zip(doc_ids, np.searchsorted(groups.ids, doc_ids), strict=True):
        first_id = groups.ids[groups.first_equal[position]]
        documents[first_id].append(doc_id)
    return documents


def find_semantic_duplicates(
    documents_of_text: Mapping[str, Sequence[str]], texts: Mapping[str, str], params: Params
) -> list[DuplicateEdge]:
    """Return the pairs of texts with nearly the same embedding; none if `semantic` is off."""
    if params.deduplicate.semantic == "off":
        return []

    # Texts with one strict form are embedded once.
    text_of_group = {name: texts[name] for name in documents_of_text}
    threshold = params.deduplicate.semantic_threshold
    return semantic_edges(text_of_group, params.model, threshold)


def ledger_of_documents(
    semantic: Sequence[DuplicateEdge], representatives: Mapping[str, Representative]
) -> LedgerWriter:
    """Return a ledger with the semantic duplicates and the dropped documents."""
    ledger = LedgerWriter()

    # A semantic duplicate is a note, and a reason to drop only if the user says so.
    for edge in semantic:
        ledger.note(edge.left, "semantic_duplicate", partner_id=edge.right, score=edge.similarity)

    for doc_id, target in sorted(representatives.items()):
        ledger.drop(doc_id, target.reason, partner_id=target.kept_id, score=target.similarity)
    return ledger


def ledger_of_pairs(
    pairs: pd.DataFrame,
    decisions: PairDecisions,
    representatives: Mapping[str, Representative],
) -> LedgerWriter:
    """Return a ledger with the pairs that name another document now, and the dropped pairs."""
    ledger = LedgerWriter()

    # Pairs of dropped documents name the representative now.
    documents_before = pairs["doc_id"]
    documents_after = decisions.repointed["doc_id"]
    changes = zip(pairs["pair_id"], documents_before, documents_after, strict=True)
    for pair_id, before, after in changes:
        if before != after:
            reason = representatives[before].reason
            ledger.repoint(pair_id, "doc_id", reason, before=before, after=after)

    # Some pairs repeat another one.
    for pair in decisions.excluded:
        ledger.drop(pair.pair_id, pair.reason, partner_id=pair.kept_id, score=pair.similarity)
    return ledger


def link_table(groups: Sequence[DuplicateGroups]) -> pd.DataFrame:
    """Return the rows of NearDuplicates of several tables."""
    frames = [near_table(group) for group in groups]
    frames = [frame for frame in frames if len(frame)]
    return pd.concat(frames, ignore_index=True) if frames else NearDuplicates.empty()


def alias_table(representatives: Mapping[str, Representative]) -> pd.DataFrame:
    """Return the rows of Aliases."""
    empty = Aliases.empty()
    rows = [(doc_id, target.kept_id) for doc_id, target in representatives.items()]
    return pd.DataFrame(rows, columns=list(empty.columns)).astype(empty.dtypes.to_dict())


def document_accounting(stays: npt.NDArray[np.bool_], ledger: LedgerWriter) -> dict[str, int]:
    """Return the row accounting of the documents; `stays` is a mask of those that stay."""
    rows_out = int(stays.sum())
    return row_accounting(len(stays), rows_out, ledger.dropped(), reasons=DOCUMENT_REASONS)


def pair_accounting(rows_in: int, decisions: PairDecisions, ledger: LedgerWriter) -> dict[str, int]:
    """Return the row accounting of the pairs. Its keys begin with "pairs."."""
    accounting = row_accounting(
        rows_in, len(decisions.kept), ledger.dropped(), reasons=PAIR_REASONS
    )
    return {f"pairs.{key}": value for key, value in accounting.items()}


STAGE = Stage(run, groups=("tables", "sql"), optional_groups=("model",))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
