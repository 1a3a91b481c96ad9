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
from typing import ClassVar, NamedTuple

import pandas as pd
from pydantic import Field, model_validator

from stages.lib import tables
from stages.lib.benchmark import held_out
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


class Assignment(NamedTuple):
    """Id to component, component to split, and the ties that the audit added."""

    component_of: dict[str, str]
    split_of: dict[str, str]
    added: list[tuple[str, str]]


def grow(anchors: Texts, texts: Texts, ties: Sequence[tuple[str, str]], params: SplitParams) -> Assignment:
    """Return where everything belongs.

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
        split_of = {
            name: assign(name, params.train, params.validation) if name in paired else "corpus"
            for name in sorted(set(component_of.values()))
        }
        found = leaks([anchors, texts], {i: split_of[component_of[i]] for i in ids}, params.near_threshold)
        if not found:
            return Assignment(component_of, split_of, added)
        added.extend(found)


def read_ties(near: Path, aliases: Path, documents: pd.DataFrame, pairs: pd.DataFrame) -> list[tuple[str, str]]:
    """Return what ties rows whatever their texts: pair and document, copies, near edges, groups of a source."""
    edges, copies = tables.read(near, Near), tables.read(aliases, Aliases)
    groups: dict[str, list[str]] = defaultdict(list)
    for doc_id, source, group in zip(documents["doc_id"], documents["source"], documents["group"], strict=True):
        if group:
            groups[f"{source}\n{group}"].append(doc_id)
    return [
        *zip(pairs["pair_id"], pairs["doc_id"], strict=True),
        *zip(copies["doc_id"], copies["kept_id"], strict=True),
        *zip(edges["left_id"], edges["right_id"], strict=True),
        *star(groups),
    ]


def keep_sample(assigned: Assignment, pairs: pd.DataFrame, most: int | None) -> pd.DataFrame:
    """Return the Splits: training components that the sample leaves out become corpus."""
    component_of, split_of, _ = assigned
    counts = Counter(component_of[pair_id] for pair_id in pairs["pair_id"])
    kept = sample({name: count for name, count in counts.items() if split_of[name] == "train"}, most)
    where = {name: "corpus" if split == "train" and name not in kept else split for name, split in split_of.items()}
    ids = sorted(component_of)
    components = [component_of[identity] for identity in ids]
    return pd.DataFrame({"id": ids, "component_id": components, "split": [where[name] for name in components]})


def ask(
    asked: pd.DataFrame, cleaned: Mapping[str, str], splits: pd.DataFrame
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Return queries and qrels of each held-out split, from the pairs as collected.

    `cleaned` gives the anchor that cleaning left of a pair; a query whose pair it dropped is scored raw.
    Raises Problem when a split has none.
    """
    indexed = splits.set_index("id")
    pairs = asked.assign(
        raw=asked["anchor"],
        anchor=[cleaned.get(pair_id, raw) for pair_id, raw in zip(asked["pair_id"], asked["anchor"], strict=True)],
        component_id=indexed["component_id"].reindex(asked["pair_id"]).to_numpy(),
    )
    where = indexed["split"].reindex(asked["pair_id"]).to_numpy()
    sets = {name: held_out(pairs[where == name]) for name in HELD_OUT}
    for name, (queries, _) in sets.items():
        if not len(queries):
            raise Problem(
                f"the {len(asked)} collected pairs leave the {name} split empty: too few, or all tied together",
                "bring more data, give larger shares (lower split.train), or look at the groups under collect.sources",
            )
    return sets


def measure(
    assigned: Assignment,
    ties: Sequence[tuple[str, str]],
    splits: pd.DataFrame,
    every_pair: pd.DataFrame,
    built: pd.DataFrame,
) -> dict[str, float | int]:
    """Return the metrics: shares of all pairs before sampling, the built pairs in each split, what leaks.

    leaked_components is counted from the ties themselves, so a fault in joining them would show: components
    that a tie leads out of, into another split, from or to a held-out one.
    """
    component_of, split_of, added = assigned
    where = dict(zip(splits["id"], splits["split"], strict=True))
    torn = {component_of[a] for a, b in ties if where[a] != where[b] and {where[a], where[b]} & set(HELD_OUT)}
    shares = every_pair["pair_id"].map(lambda pair_id: split_of[component_of[pair_id]]).value_counts(normalize=True)
    pairs = built["pair_id"].map(where).value_counts()
    sizes = Counter(component_of[pair_id] for pair_id in every_pair["pair_id"])
    return {
        **{f"{name}_share": float(shares.get(name, 0.0)) for name in ("train", *HELD_OUT)},
        **{f"{name}_pairs": int(pairs.get(name, 0)) for name in ("train", *HELD_OUT)},
        "components": len(sizes),
        "largest_component_share": max(sizes.values()) / len(every_pair),
        "leaked_components": len(torn),
        "tied_by_audit": len(added),
    }


def fingerprints(kinds: Sequence[Texts], split_of: Mapping[str, str]) -> pd.DataFrame:
    """Return the hashes of every held-out text, from which the text cannot be read."""
    rows = {}
    for texts in kinds:
        for identity in sorted(texts):
            if split_of[identity] in HELD_OUT:
                for text in texts[identity]:
                    form = hash_hex(normal_form(text))
                    rows[identity, form] = (identity, split_of[identity], form, hash_shingles(shingles(text)))
    return (
        pd.DataFrame(list(rows.values()), columns=list(Fingerprints.empty().columns)) if rows else Fingerprints.empty()
    )


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
    final_documents, built = tables.read(built_documents, Documents), tables.read(built_pairs, Pairs)
    every_pair = pd.concat([raw_pairs, built]).drop_duplicates("pair_id") if len(raw_pairs) else built
    stages = (every_pair, clean_pairs, built)
    anchors = variants(*((frame, "pair_id", "anchor") for frame in stages))
    texts = variants(*((frame, "doc_id", "text") for frame in (raw_documents, clean_documents, final_documents)))

    ties = read_ties(near, aliases, raw_documents, every_pair)
    assigned = grow(anchors, texts, ties, params)
    splits = keep_sample(assigned, built, params.max_train_pairs)
    where = dict(zip(splits["id"], splits["split"], strict=True))
    cleaned = {
        pair_id: anchor
        for frame in stages[1:]
        for pair_id, anchor in zip(frame["pair_id"], frame["anchor"], strict=True)
    }
    # Real questions are the benchmark wherever there are any; made ones only stand in for them.
    sets = ask(raw_pairs if len(raw_pairs) else built, cleaned, splits)
    ledger = Ledger()
    for left, right in assigned.added:
        ledger.note(left, "tied_by_audit", partner_id=right)
    for pair_id in built["pair_id"]:
        if where[pair_id] == "corpus":
            ledger.drop(pair_id, "not_sampled")
    measured = measure(assigned, ties, splits, every_pair, built)
    measured["leaked_texts"] = len(leaks([anchors, texts], where, params.near_threshold))
    kept = int(built["pair_id"].map(where).ne("corpus").sum())
    balanced = balance(len(built), kept, ledger.dropped(), ["not_sampled"])

    tables.write(splits, out_splits, Splits)
    tables.write(fingerprints([anchors, texts], where), out_fingerprints, Fingerprints)
    tables.write(sets["validation"][0], out_validation_queries, Queries)
    tables.write(sets["validation"][1], out_validation_qrels, Qrels)
    tables.write(sets["test"][0], out_test_queries, Queries)
    tables.write(sets["test"][1], out_test_qrels, Qrels)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    queries = {f"{name}_queries": len(questions) for name, (questions, _) in sets.items()}
    write_metrics({**balanced, **measured, **queries}, metrics)


app = command(main, "tables")

if __name__ == "__main__":
    app()
