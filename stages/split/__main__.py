"""Split 80/10/10 by connected component, and audit that nothing leaks.

Reads the rows as collected, as cleaned and as paired, and the near-duplicate edges. Every collected pair
and document gets a split, also those that cleaning or deduplication dropped: held-out queries stay the
same whatever happens to the data. Rows are tied when they share a document, an anchor or a text in normal
form, a group, or a near edge, or one was made from the other; what ties cannot be separated, and the exact
audit of the result is fed back as ties until it finds nothing. `split.unit` chooses looser ties, or dates.
What data/frozen/ lists keeps its split, and what equals or nears a text of data/protected/ leaves training.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from stages.lib import tables
from stages.lib.benchmark import is_made, real
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.made import Made
from stages.lib.contracts.near import Near
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.queries import Queries
from stages.lib.contracts.scored import Scored
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.times import Times
from stages.lib.ledger import Ledger, balance
from stages.lib.params import Labels, load
from stages.lib.stage import command, write_metrics
from stages.split.assignment import Assignment, Rows, follow, grow, keep_sample, shield
from stages.split.audit import alike, forbidden, leaks, tolerated
from stages.split.dates import by_date
from stages.split.exam import Labelled, ask, fingerprints, rehearse, scored, variants
from stages.split.frozen import NAME, moved, read_frozen
from stages.split.measures import measure, of_topics
from stages.split.params import SplitParams
from stages.split.protect import matches, read_protected
from stages.split.ties import made_ties, ties_of

REASONS = ("not_sampled", "protected", "repeats_held_out")


def tell(
    assigned: Assignment, built: pd.DataFrame, where: Mapping[str, str], gone: Collection[str]
) -> Ledger:
    """Return the ledger: what the audit tied, which frozen ids moved (`gone`), which built pairs are not used."""
    ledger = Ledger()
    for one in assigned.added:
        ledger.note(one.left, "tied_by_audit", partner_id=one.right)
    for identity in gone:
        name = assigned.component_of[identity]
        ledger.note(identity, "frozen_moved", partner_id=name, after=assigned.split_of[name])
    for pair_id in built["pair_id"]:
        if pair_id in assigned.left:
            reason, partner_id, score = assigned.left[pair_id]
            ledger.drop(pair_id, reason, partner_id=partner_id, score=score)
        elif where[pair_id] == "corpus":
            ledger.drop(pair_id, "not_sampled")
    return ledger


def main(
    documents: Path = Path("data/collect/documents.parquet"),
    pairs: Path = Path("data/collect/pairs.parquet"),
    times: Path = Path("data/collect/times.parquet"),
    cleaned_documents: Path = Path("data/clean/documents.parquet"),
    cleaned_pairs: Path = Path("data/clean/pairs.parquet"),
    near: Path = Path("data/deduplicate/near.parquet"),
    aliases: Path = Path("data/deduplicate/aliases.parquet"),
    built_documents: Path = Path("data/pair/documents.parquet"),
    built_pairs: Path = Path("data/pair/pairs.parquet"),
    made: Path = Path("data/pair/made.parquet"),
    frozen: Path = Path("data/frozen"),
    protected: Path = Path("data/protected"),
    out_splits: Path = Path("data/split/splits.parquet"),
    out_fingerprints: Path = Path("data/split/fingerprints.parquet"),
    out_validation_queries: Path = Path("data/split/validation/queries.parquet"),
    out_validation_qrels: Path = Path("data/split/validation/qrels.parquet"),
    out_test_queries: Path = Path("data/split/test/queries.parquet"),
    out_test_qrels: Path = Path("data/split/test/qrels.parquet"),
    out_validation_scored: Path = Path("data/split/validation/scored.parquet"),
    out_test_scored: Path = Path("data/split/test/scored.parquet"),
    out_synthetic_queries: Path = Path("data/split/synthetic/queries.parquet"),
    out_synthetic_qrels: Path = Path("data/split/synthetic/qrels.parquet"),
    out_ledger: Path = Path("data/split/ledger.parquet"),
    metrics: Path = Path("metrics/split.json"),
) -> None:
    """Split 80/10/10 by connected component, and audit that nothing leaks."""
    params, labels = load(SplitParams), load(Labels)
    kept, secrets = read_frozen(frozen / NAME), read_protected(params.protect, protected)
    raw_documents, raw_pairs = tables.read(documents, Documents), tables.read(pairs, Pairs)
    clean_documents, clean_pairs = (
        tables.read(cleaned_documents, Documents),
        tables.read(cleaned_pairs, Pairs),
    )
    final_documents, built = (
        tables.read(built_documents, Documents),
        tables.read(built_pairs, Pairs),
    )
    recipes = tables.read(made, Made)
    every_pair = (
        pd.concat([raw_pairs, built]).drop_duplicates("pair_id") if len(raw_pairs) else built
    )
    stages = (every_pair, clean_pairs, built)
    rows = Rows(
        variants(*((frame, "pair_id", "anchor") for frame in stages)),
        variants(
            *(
                (frame, "doc_id", "text")
                for frame in (raw_documents, clean_documents, final_documents)
            )
        ),
        dict(zip(every_pair["pair_id"], every_pair["doc_id"], strict=True)),
    )
    kinds = [rows.anchors, rows.texts]
    taken = matches(secrets, kinds, params.near_threshold)
    same = alike(kinds, params.near_threshold)

    ties = [
        *ties_of(
            tables.read(near, Near),
            tables.read(aliases, Aliases),
            raw_documents,
            every_pair,
            params,
        ),
        *made_ties(recipes, rows.answers, params),
    ]
    if params.unit == "time":
        known = tables.read(times, Times)
        assigned = by_date(
            rows, dict(zip(known["id"], known["time"], strict=True)), same, params, kept, taken
        )
    else:
        assigned = shield(grow(rows, ties, same, params, kept), rows, taken)
    splits = keep_sample(assigned, built, params.max_train_pairs, kept)
    if not params.splits_documents:
        splits = follow(splits, rows, taken)
    where = dict(zip(splits["id"], splits["split"], strict=True))
    cleaned = {
        pair_id: anchor
        for frame in stages[1:]
        for pair_id, anchor in zip(frame["pair_id"], frame["anchor"], strict=True)
    }
    # Real questions are the benchmark wherever there are any; made ones only stand in for them.
    answers = real(raw_pairs, labels.positive_from)
    labelled = Labelled(final_documents, recipes)
    sets = ask(answers if len(answers) else built, cleaned, splits, labelled)
    rehearsed = built[is_made(built["source"])] if len(answers) else built.iloc[:0]
    synthetic = rehearse(rehearsed, splits, sets["validation"][0], labelled)
    gone = moved(assigned.component_of, assigned.split_of, kept)
    ledger = tell(assigned, built, where, gone)
    found = leaks(same, where)
    allowed = tolerated(found, params.unit, where)
    rows_out = int(built["pair_id"].map(where).isin(["train", "validation", "test"]).sum())
    measured: dict[str, float | int | str | bool] = {
        **balance(len(built), rows_out, ledger.dropped(), REASONS),
        **measure(assigned, ties, splits, every_pair, built),
        **of_topics(built, raw_documents, where),
        "frozen_moved": len(gone),
        "leaked_texts": sum(forbidden(leak, params.unit, where) for leak in found),
        "tolerated_texts": len(allowed),
        **{f"{name}_queries": len(questions) for name, (questions, _) in sets.items()},
        "synthetic_queries": len(synthetic[0]),
        "synthetic_exam": not len(answers),
    }

    tables.write(splits, out_splits, Splits)
    tables.write(fingerprints(kinds, where, allowed, secrets), out_fingerprints, Fingerprints)
    tables.write(sets["validation"][0], out_validation_queries, Queries)
    tables.write(sets["validation"][1], out_validation_qrels, Qrels)
    tables.write(sets["test"][0], out_test_queries, Queries)
    tables.write(sets["test"][1], out_test_qrels, Qrels)
    judged = scored(raw_pairs, cleaned, splits)
    tables.write(judged["validation"], out_validation_scored, Scored)
    tables.write(judged["test"], out_test_scored, Scored)
    tables.write(synthetic[0], out_synthetic_queries, Queries)
    tables.write(synthetic[1], out_synthetic_qrels, Qrels)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    write_metrics(measured, metrics)


app = command(main, "tables")

if __name__ == "__main__":
    app()
