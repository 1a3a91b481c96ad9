"""Split 80/10/10 by connected component, and audit that nothing leaks.

Reads the rows as collected, as cleaned and as paired, and the near-duplicate edges. Every collected pair
and document gets a split, also those that cleaning or deduplication dropped: held-out queries stay the
same whatever happens to the data. Rows are tied when they share a document, an anchor or a text in normal
form, a group, or a near edge; what ties cannot be separated, and the exact audit of the result is fed
back as ties until it finds nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pandas as pd
from pydantic import Field, model_validator

from stages.lib import tables
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.near import Near
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.queries import Queries
from stages.lib.contracts.splits import HELD_OUT, Splits
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger, balance
from stages.lib.params import Section, load
from stages.lib.stage import command, write_metrics
from stages.lib.text import hash_hex, hash_shingles, normal_form, shingles
from stages.split.audit import Texts, equal_groups, leaks
from stages.split.benchmark import held_out
from stages.split.components import assign, sample, star, tie


class SplitParams(Section):
    """How large the splits are, what ties rows together, and how many pairs are trained on."""

    section: ClassVar[str] = "split"
    train: float = Field(gt=0.0, lt=1.0)
    validation: float = Field(gt=0.0, lt=1.0)
    near_threshold: float = Field(ge=0.5, le=1.0)
    max_train_pairs: int | None = Field(ge=1)

    @model_validator(mode="after")
    def _leaves_room_for_test(self) -> SplitParams:
        if self.train + self.validation >= 1.0:
            raise ValueError("train + validation leave nothing for test; they must add up to less than 1")
        return self


def variants(*frames: tuple[pd.DataFrame, str, str]) -> dict[str, list[str]]:
    """Return id to its distinct texts over several tables, each given as (frame, id column, text column)."""
    found: dict[str, list[str]] = defaultdict(list)
    for frame, key, column in frames:
        for identity, text in zip(frame[key], frame[column], strict=True):
            if text not in found[identity]:
                found[identity].append(text)
    return dict(found)


def grow(
    anchors: Texts, texts: Texts, ties: Sequence[tuple[str, str]], params: SplitParams
) -> tuple[dict[str, str], dict[str, str], list[tuple[str, str]]]:
    """Return id to component, component to split, and the ties that the audit added.

    Components are assigned, audited, and joined where the audit finds a leak, until it finds none: each
    round joins at least two components, so it ends.
    """
    ids = sorted({*anchors, *texts})
    edges = [*ties, *star(equal_groups(anchors, texts))]
    added: list[tuple[str, str]] = []
    while True:
        component_of = tie(ids, [*edges, *added])
        paired = {component_of[pair_id] for pair_id in anchors}
        # What no question asks for is corpus: searched in, never asked, and good for negatives.
        split_of = {name: assign(name, params.train, params.validation) if name in paired else "corpus" for name in sorted(set(component_of.values()))}
        found = leaks([anchors, texts], {i: split_of[component_of[i]] for i in ids}, params.near_threshold)
        if not found:
            return component_of, split_of, added
        added.extend(found)


def fingerprints(kinds: Sequence[Texts], split_of: Mapping[str, str]) -> pd.DataFrame:
    """Return the hashes of every held-out text, from which the text cannot be read."""
    rows = {}
    for texts in kinds:
        for identity in sorted(texts):
            if split_of[identity] in HELD_OUT:
                for text in texts[identity]:
                    form = hash_hex(normal_form(text))
                    rows[identity, form] = (identity, split_of[identity], form, hash_shingles(shingles(text)))
    return pd.DataFrame(list(rows.values()), columns=list(Fingerprints.empty().columns)) if rows else Fingerprints.empty()


def main(
    documents: Path = Path("data/collect/documents.parquet"),
    pairs: Path = Path("data/collect/pairs.parquet"),
    cleaned_documents: Path = Path("data/clean/documents.parquet"),
    cleaned_pairs: Path = Path("data/clean/pairs.parquet"),
    near: Path = Path("data/deduplicate/near.parquet"),
    aliases: Path = Path("data/deduplicate/aliases.parquet"),
    built_documents: Path = Path("data/pair/documents.parquet"),
    built_pairs: Path = Path("data/pair/pairs.parquet"),
    out_splits: Path = Path("data/split/splits.parquet"),
    out_fingerprints: Path = Path("data/split/fingerprints.parquet"),
    out_validation_queries: Path = Path("data/split/validation/queries.parquet"),
    out_validation_qrels: Path = Path("data/split/validation/qrels.parquet"),
    out_test_queries: Path = Path("data/split/test/queries.parquet"),
    out_test_qrels: Path = Path("data/split/test/qrels.parquet"),
    out_ledger: Path = Path("data/split/ledger.parquet"),
    metrics: Path = Path("metrics/split.json"),
) -> None:
    """Split 80/10/10 by connected component, and audit that nothing leaks."""
    params = load(SplitParams)
    raw_documents, raw_pairs = tables.read(documents, Documents), tables.read(pairs, Pairs)
    clean_documents, clean_pairs = tables.read(cleaned_documents, Documents), tables.read(cleaned_pairs, Pairs)
    final_documents, final_pairs = tables.read(built_documents, Documents), tables.read(built_pairs, Pairs)
    made = final_pairs[~final_pairs["pair_id"].isin(set(raw_pairs["pair_id"]))]
    every_pair = pd.concat([raw_pairs, made], ignore_index=True) if len(made) else raw_pairs
    anchors = variants((every_pair, "pair_id", "anchor"), (clean_pairs, "pair_id", "anchor"), (final_pairs, "pair_id", "anchor"))
    texts = variants((raw_documents, "doc_id", "text"), (clean_documents, "doc_id", "text"), (final_documents, "doc_id", "text"))

    edges, copies = tables.read(near, Near), tables.read(aliases, Aliases)
    groups = raw_documents[raw_documents["group"] != ""].groupby(["source", "group"])["doc_id"].agg(list)
    ties = [
        *zip(every_pair["pair_id"], every_pair["doc_id"], strict=True),
        *zip(copies["doc_id"], copies["kept_id"], strict=True),
        *zip(edges["left_id"], edges["right_id"], strict=True),
        *star(groups.to_dict()),
    ]
    component_of, split_of, added = grow(anchors, texts, ties, params)

    ledger = Ledger()
    for left, right in added:
        ledger.note(left, "tied_by_audit", partner_id=right)
    per_component = Counter(component_of[pair_id] for pair_id in final_pairs["pair_id"])
    training = {name: count for name, count in per_component.items() if split_of[name] == "train"}
    kept = sample(training, params.max_train_pairs)
    where = {name: "corpus" if split == "train" and name not in kept else split for name, split in split_of.items()}
    final_split = final_pairs["pair_id"].map(lambda pair_id: where[component_of[pair_id]])
    for pair_id in final_pairs.loc[final_split == "corpus", "pair_id"]:
        ledger.drop(pair_id, "not_sampled")
    ids = sorted(component_of)
    splits = pd.DataFrame(
        {"id": ids, "component_id": [component_of[i] for i in ids], "split": [where[component_of[i]] for i in ids]}
    )
    by_id = dict(zip(splits["id"], splits["split"], strict=True))

    # Real questions are the benchmark wherever there are any; made ones only stand in for them.
    asked = raw_pairs if len(raw_pairs) else every_pair
    cleaned_anchor = {**dict(zip(final_pairs["pair_id"], final_pairs["anchor"], strict=True)), **dict(zip(clean_pairs["pair_id"], clean_pairs["anchor"], strict=True))}
    asked = asked.assign(
        raw=asked["anchor"],
        anchor=[cleaned_anchor.get(pair_id, raw) for pair_id, raw in zip(asked["pair_id"], asked["anchor"], strict=True)],
        component_id=asked["pair_id"].map(component_of),
    )
    sets = {name: held_out(asked[asked["pair_id"].map(by_id) == name]) for name in HELD_OUT}
    for name, (queries, _) in sets.items():
        if not len(queries):
            raise Problem(
                f"{pairs}: {len(asked)} pairs leave the {name} split empty",
                "bring more data, or larger shares: lower split.train",
            )
    leaked = leaks([anchors, texts], by_id, params.near_threshold)
    spread = splits[splits["split"].isin(["train", *HELD_OUT])].groupby("component_id")["split"].nunique()
    shares = every_pair["pair_id"].map(lambda pair_id: split_of[component_of[pair_id]]).value_counts(normalize=True)
    balanced = balance(len(final_pairs), int((final_split != "corpus").sum()), ledger.dropped(), ["not_sampled"])

    tables.write(splits, out_splits, Splits)
    tables.write(fingerprints([anchors, texts], by_id), out_fingerprints, Fingerprints)
    tables.write(sets["validation"][0], out_validation_queries, Queries)
    tables.write(sets["validation"][1], out_validation_qrels, Qrels)
    tables.write(sets["test"][0], out_test_queries, Queries)
    tables.write(sets["test"][1], out_test_qrels, Qrels)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    write_metrics(
        {
            **balanced,
            **{f"{name}_share": float(shares.get(name, 0.0)) for name in ("train", *HELD_OUT)},
            **{f"{name}_pairs": int((final_split == name).sum()) for name in ("train", *HELD_OUT)},
            **{f"{name}_queries": len(queries) for name, (queries, _) in sets.items()},
            "components": sum(split != "corpus" for split in split_of.values()),
            "largest_component_share": max(per_component.values()) / len(final_pairs),
            "leaked_components": int((spread > 1).sum()),
            "leaked_texts": len(leaked),
            "tied_by_audit": len(added),
        },
        metrics,
    )


app = command(main, "tables", "near")

if __name__ == "__main__":
    app()
