"""What is held out: the questions with their answers, and the fingerprints by which later stages know them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from stages.lib.benchmark import held_out, query_id
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.scored import Scored
from stages.lib.contracts.splits import HELD_OUT
from stages.lib.errors import Problem
from stages.lib.text import hash_hex, hash_shingles, normal_form, shingles
from stages.split.components import Texts, Tie


class Labelled:
    """Knows which documents answer a query that asks for any of a topic: all of it but the one that asks.

    `documents` are those to be found, `made` (Made) tells of which document a pair's anchor is the text.
    """

    def __init__(self, documents: pd.DataFrame, made: pd.DataFrame) -> None:
        self._topic_of = dict(zip(documents["doc_id"], documents["topic"], strict=True))
        self._members = {
            str(topic): sorted(found) for topic, found in documents.groupby("topic")["doc_id"]
        }
        self._origin_of = dict(zip(made["pair_id"], made["origin_id"], strict=True))

    def answers(self, pair_id: str, doc_id: str) -> list[str]:
        """Return what answers a pair of the recipe same_label, whose document is `doc_id`."""
        members = self._members.get(self._topic_of.get(doc_id, ""), [])
        return [one for one in members if one != self._origin_of[pair_id]]


def variants(*frames: tuple[pd.DataFrame, str, str]) -> dict[str, list[str]]:
    """Return id to its distinct texts over several tables, each given as (frame, id column, text column)."""
    found: dict[str, list[str]] = defaultdict(list)
    for frame, key, column in frames:
        for identity, text in zip(frame[key], frame[column], strict=True):
            if text not in found[identity]:
                found[identity].append(text)
    return dict(found)


def ask(
    asked: pd.DataFrame, cleaned: Mapping[str, str], splits: pd.DataFrame, labelled: Labelled
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Return queries and qrels of each held-out split, from the pairs as collected.

    `cleaned` gives the anchor that cleaning left of a pair; a query whose pair it dropped is scored raw.
    Raises Problem when a split has none.
    """
    pairs = _placed(asked, cleaned, splits)
    sets = {name: _held_out(pairs[pairs["split"] == name], labelled) for name in HELD_OUT}
    for name, (queries, _) in sets.items():
        if not len(queries):
            raise Problem(
                f"the {len(asked)} collected pairs leave the {name} split empty: too few, or all tied together",
                "bring more data, give larger shares (lower split.train), or look at the groups under collect.sources",
            )
    return sets


def rehearse(
    made: pd.DataFrame, splits: pd.DataFrame, asked: pd.DataFrame, labelled: Labelled
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return queries and qrels of the `made` pairs in validation: a slice of its own, which decides nothing.

    Left out are those that say what a real question of validation, the queries `asked`, says. Those in the test split
    are never asked.
    """
    pairs = _placed(made, {}, splits)
    queries, qrels = _held_out(pairs[pairs["split"] == "validation"], labelled)
    new = ~queries["query_id"].isin(asked["query_id"])
    return queries[new], qrels[qrels["query_id"].isin(queries.loc[new, "query_id"])]


def scored(
    collected: pd.DataFrame, cleaned: Mapping[str, str], splits: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return the Scored pairs of each held-out split; none where all scores are the same, which judges nothing."""
    judged = collected if collected["score"].nunique() > 1 else collected.iloc[:0]
    pairs = _placed(judged, cleaned, splits)
    types = Scored.empty().dtypes.to_dict()
    return {name: pairs.loc[pairs["split"] == name, list(types)].astype(types) for name in HELD_OUT}


def _held_out(pairs: pd.DataFrame, labelled: Labelled) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return queries and qrels of one split, with all documents of a topic where any of them is asked for."""
    queries, qrels = held_out(pairs)
    asking = pairs[pairs["source"] == "pair.same_label"]
    more = [
        (query_id(raw), other, 1.0)
        for pair_id, raw, doc_id in zip(
            asking["pair_id"], asking["raw"], asking["doc_id"], strict=True
        )
        for other in labelled.answers(pair_id, doc_id)
    ]
    if more:
        types = Qrels.empty().dtypes.to_dict()
        found = pd.DataFrame(more, columns=["query_id", "doc_id", "grade"]).astype(types)
        qrels = pd.concat([qrels, found]).drop_duplicates(["query_id", "doc_id"])
    return queries, qrels


def _placed(pairs: pd.DataFrame, cleaned: Mapping[str, str], splits: pd.DataFrame) -> pd.DataFrame:
    """Return `pairs` with their raw and their cleaned anchor, their component and their split."""
    indexed = splits.set_index("id")
    anchors = [
        cleaned.get(pair_id, raw)
        for pair_id, raw in zip(pairs["pair_id"], pairs["anchor"], strict=True)
    ]
    return pairs.assign(
        raw=pairs["anchor"],
        anchor=pd.Series(anchors, index=pairs.index, dtype="str"),
        component_id=indexed["component_id"].reindex(pairs["pair_id"]).to_numpy(),
        split=indexed["split"].reindex(pairs["pair_id"]).to_numpy(),
    )


def fingerprints(
    kinds: Sequence[Texts],
    split_of: Mapping[str, str],
    tolerated: Collection[Tie] = (),
    protected: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the hashes of every held-out text, from which the text cannot be read, and of every `protected` one.

    What training holds anyway, since the unit of the split allows it (the `tolerated` leaks), is not told as held
    out: equal texts have no line, near ones no shingles. A protected text stands for an anchor and for a document.
    """
    equal = {
        end
        for leak in tolerated
        if leak.kind.startswith("equal")
        for end in (leak.left, leak.right)
    }
    near = {
        end for leak in tolerated if leak.kind.startswith("near") for end in (leak.left, leak.right)
    }
    rows = {}
    for texts in kinds:
        for identity in sorted(texts):
            if split_of[identity] in HELD_OUT and identity not in equal:
                for text in texts[identity]:
                    form = hash_hex(normal_form(text))
                    items = [] if identity in near else hash_shingles(shingles(text))
                    rows[identity, form] = (identity, split_of[identity], form, items)
    for text in protected:
        form = hash_hex(normal_form(text))
        for letter in "dp":
            identity = letter + hash_hex("protected", form)
            rows[identity, form] = (identity, "protected", form, hash_shingles(shingles(text)))
    return (
        pd.DataFrame(list(rows.values()), columns=list(Fingerprints.empty().columns))
        if rows
        else Fingerprints.empty()
    )
