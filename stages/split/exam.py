"""What is held out: the questions with their answers, and the fingerprints by which later stages know them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from stages.lib.benchmark import held_out
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.scored import Scored
from stages.lib.contracts.splits import HELD_OUT
from stages.lib.errors import Problem
from stages.lib.text import hash_hex, hash_shingles, normal_form, shingles
from stages.split.components import Texts, Tie


def variants(*frames: tuple[pd.DataFrame, str, str]) -> dict[str, list[str]]:
    """Return id to its distinct texts over several tables, each given as (frame, id column, text column)."""
    found: dict[str, list[str]] = defaultdict(list)
    for frame, key, column in frames:
        for identity, text in zip(frame[key], frame[column], strict=True):
            if text not in found[identity]:
                found[identity].append(text)
    return dict(found)


def ask(
    asked: pd.DataFrame, cleaned: Mapping[str, str], splits: pd.DataFrame
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Return queries and qrels of each held-out split, from the pairs as collected.

    `cleaned` gives the anchor that cleaning left of a pair; a query whose pair it dropped is scored raw.
    Raises Problem when a split has none.
    """
    pairs = _placed(asked, cleaned, splits)
    sets = {name: held_out(pairs[pairs["split"] == name]) for name in HELD_OUT}
    for name, (queries, _) in sets.items():
        if not len(queries):
            raise Problem(
                f"the {len(asked)} collected pairs leave the {name} split empty: too few, or all tied together",
                "bring more data, give larger shares (lower split.train), or look at the groups under collect.sources",
            )
    return sets


def rehearse(made: pd.DataFrame, splits: pd.DataFrame, asked: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return queries and qrels of the `made` pairs in validation: a slice of its own, which decides nothing.

    Left out are those that say what a real question of validation, the queries `asked`, says. Those in the test split
    are never asked.
    """
    pairs = _placed(made, {}, splits)
    queries, qrels = held_out(pairs[pairs["split"] == "validation"])
    new = ~queries["query_id"].isin(asked["query_id"])
    return queries[new], qrels[qrels["query_id"].isin(queries.loc[new, "query_id"])]


def scored(collected: pd.DataFrame, cleaned: Mapping[str, str], splits: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the Scored pairs of each held-out split; none where all scores are the same, which judges nothing."""
    judged = collected if collected["score"].nunique() > 1 else collected.iloc[:0]
    pairs = _placed(judged, cleaned, splits)
    types = Scored.empty().dtypes.to_dict()
    return {name: pairs.loc[pairs["split"] == name, list(types)].astype(types) for name in HELD_OUT}


def _placed(pairs: pd.DataFrame, cleaned: Mapping[str, str], splits: pd.DataFrame) -> pd.DataFrame:
    """Return `pairs` with their raw and their cleaned anchor, their component and their split."""
    indexed = splits.set_index("id")
    anchors = [cleaned.get(pair_id, raw) for pair_id, raw in zip(pairs["pair_id"], pairs["anchor"], strict=True)]
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
    equal = {end for leak in tolerated if leak.kind.startswith("equal") for end in (leak.left, leak.right)}
    near = {end for leak in tolerated if leak.kind.startswith("near") for end in (leak.left, leak.right)}
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
        pd.DataFrame(list(rows.values()), columns=list(Fingerprints.empty().columns)) if rows else Fingerprints.empty()
    )
