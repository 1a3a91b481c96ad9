"""Small tables by name, and the decisions of the stage on them."""

from collections import defaultdict

import pandas as pd

from stages.deduplicate.interface import DeduplicateParams
from stages.deduplicate.repeated_pairs import PairDecisions
from stages.deduplicate.representatives import (
    DuplicateEdge,
    choose_representatives,
    preference,
)
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.schemas.pairs import Pairs
from stages.lib.text.strict_form import strict_form


def d(name: str) -> str:
    return "d" + hash_hex(name)


def p(name: str) -> str:
    return "p" + hash_hex(name)


def documents(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Make documents of (name, source, text) and, where given, title, topic and group."""
    records = []
    for name, source, text, *more in rows:
        title, topic, group = [*more, "", "", ""][:3]
        records.append((d(name), source, title, text, topic, group))
    return pd.DataFrame(records, columns=list(Documents.empty().columns)).astype(
        Documents.empty().dtypes.to_dict()
    )


def pairs(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """Make pairs of (name, anchor, name of the document, score)."""
    records = [
        (p(name), anchor, d(document), "exact", score, "faq")
        for name, anchor, document, score in rows
    ]
    return pd.DataFrame(records, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def representatives(frame: pd.DataFrame, *authoritative: str, edges=(), order=()):
    """Return dropped id to its representative; `edges` name documents of two texts each."""
    documents_of_form = defaultdict(list)
    for doc_id, text in zip(frame["doc_id"], frame["text"], strict=True):
        documents_of_form[strict_form(text)].append(doc_id)

    # A text has the name of its first document.
    equal_documents = {min(doc_ids): doc_ids for doc_ids in documents_of_form.values()}
    text_of_document = {
        doc_id: name for name, doc_ids in equal_documents.items() for doc_id in doc_ids
    }
    near_edges = [
        DuplicateEdge(
            text_of_document[d(left)], text_of_document[d(right)], "near_copy", similarity
        )
        for left, right, similarity in edges
    ]
    return choose_representatives(
        equal_documents, near_edges, preference(frame, authoritative, order)
    )


def copies(frame: pd.DataFrame, *authoritative: str, **more) -> dict[str, str]:
    """Return dropped id to kept id."""
    chosen = representatives(frame, *authoritative, **more)
    return {doc_id: target.kept_id for doc_id, target in chosen.items()}


def settings(**changed) -> DeduplicateParams:
    """Return parameters of the stage."""
    values = {
        "near": "link",
        "near_threshold": 0.8,
        "measure": "jaccard",
        "semantic": "off",
        "semantic_threshold": 0.9,
        "authoritative": [],
        "source_order": [],
    }
    return DeduplicateParams.model_validate({**values, **changed})


def pair_ledger(pairs: pd.DataFrame, decisions: PairDecisions, chosen) -> LedgerWriter:
    """Return the ledger of the decisions on `pairs`."""
    from stages.deduplicate.__main__ import ledger_of_pairs

    return ledger_of_pairs(pairs, decisions, chosen)


def lines(ledger: LedgerWriter) -> list[tuple[str, ...]]:
    """Return the decisions, sorted."""
    frame = ledger.frame()
    return sorted(
        zip(frame["row_id"], frame["action"], frame["reason"], frame["partner_id"], strict=True)
    )
