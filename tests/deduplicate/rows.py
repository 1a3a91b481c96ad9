"""Small tables by name, and what the stage makes of them."""

from collections import defaultdict

import pandas as pd

from stages.deduplicate.stars import Edge, ranks, stand_ins
from stages.lib.content import noise
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.pairs import Pairs
from stages.lib.ledger import Ledger
from stages.lib.text import hash_hex, normal_form


def d(name: str) -> str:
    return "d" + hash_hex(name)


def p(name: str) -> str:
    return "p" + hash_hex(name)


def documents(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Make documents of (name, source, text) and, where given, title, topic and group."""
    made = []
    for name, source, text, *more in rows:
        title, topic, group = [*more, "", "", ""][:3]
        made.append((d(name), source, title, text, topic, group))
    return pd.DataFrame(made, columns=list(Documents.empty().columns)).astype(
        Documents.empty().dtypes.to_dict()
    )


def pairs(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """Make pairs of (name, anchor, name of the document, score)."""
    made = [
        (p(name), anchor, d(document), "exact", score, "faq")
        for name, anchor, document, score in rows
    ]
    return pd.DataFrame(made, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def stands_for(frame: pd.DataFrame, *authoritative: str, edges=(), order=()):
    """Return dropped id to its stand-in; `edges` name documents of two texts each."""
    equal = defaultdict(list)
    for doc_id, text in zip(frame["doc_id"], frame["text"], strict=True):
        equal[normal_form(text)].append(doc_id)
    named = {min(ids): ids for ids in equal.values()}
    centre = {doc_id: name for name, ids in named.items() for doc_id in ids}
    joined = [
        Edge(centre[d(left)], centre[d(right)], "near_copy", similarity)
        for left, right, similarity in edges
    ]
    return stand_ins(named, joined, ranks(frame, authoritative, order, noise))


def copies(frame: pd.DataFrame, *authoritative: str, **more) -> dict[str, str]:
    """Return dropped id to kept id."""
    return {
        doc_id: told.kept_id for doc_id, told in stands_for(frame, *authoritative, **more).items()
    }


def lines(ledger: Ledger) -> list[tuple[str, ...]]:
    """Return the decisions, sorted."""
    frame = ledger.frame()
    return sorted(
        zip(frame["row_id"], frame["action"], frame["reason"], frame["partner_id"], strict=True)
    )
