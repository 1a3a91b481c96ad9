"""Mine hard negatives that are not hidden positives.

Reads the training pairs, the documents and the splits, the near-duplicate edges and the hierarchy; writes triplets.
Candidates come from BM25 and from the base model, over documents of the training split and documents that no question
asks for, never over held-out ones. A candidate is refused when it is a known positive of the anchor under any id, says
the same as the anchor or as a positive, or scores within the margin of the weakest positive; relatives and
near-duplicates of a positive are refused by parameter. Documents that a person found dissimilar come first, whatever
they score. An anchor with too few negatives stays, and its missing negatives stay missing: padding would lie. Pairs
that are trained on with their scores have none. How many false negatives are left is estimated, with an interval.

Source: Moreira et al. 2024, NV-Retriever (arXiv 2407.15831), positive-aware mining.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from stages.lib import tables, written
from stages.lib.benchmark import real
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.hierarchy import Hierarchy
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.made import Made
from stages.lib.contracts.near import Near
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.triplets import Triplets
from stages.lib.embed import Encoder
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger, balance
from stages.lib.models import find_model
from stages.lib.params import Labels, Model, Run, Shape, load
from stages.lib.reviewed import NEGATIVES, read_verdicts
from stages.lib.stage import command, write_metrics
from stages.lib.text import normal_form
from stages.mine import corpus as corpora
from stages.mine.answers import families, known_positives, lines, neighbours
from stages.mine.crossing import CrossEncoder
from stages.mine.estimate import by_cross_encoder, by_review, by_structure, estimate, sample
from stages.mine.faults import count_known_positives, count_labelled
from stages.mine.judged import judged
from stages.mine.meetings import Meetings, meet
from stages.mine.mining import mine
from stages.mine.params import MineParams
from stages.mine.rules import World


def main(
    pairs: Path = Path("data/augment/pairs.parquet"),
    lineage: Path = Path("data/augment/ledger.parquet"),
    built_pairs: Path = Path("data/pair/pairs.parquet"),
    dissimilar: Path = Path("data/pair/dissimilar/pairs.parquet"),
    made: Path = Path("data/pair/made.parquet"),
    given_pairs: Path = Path("data/deduplicate/pairs.parquet"),
    documents: Path = Path("data/pair/documents.parquet"),
    passages: Path = Path("data/pair/passages.parquet"),
    splits: Path = Path("data/split/splits.parquet"),
    near: Path = Path("data/deduplicate/near.parquet"),
    aliases: Path = Path("data/deduplicate/aliases.parquet"),
    hierarchy: Path = Path("data/collect/hierarchy.parquet"),
    reviews: Path = Path("data/review/negatives.csv"),
    out_triplets: Path = Path("data/mine/triplets.parquet"),
    out_ledger: Path = Path("data/mine/ledger.parquet"),
    out_plot: Path = Path("metrics/plots/margins.tsv"),
    metrics: Path = Path("metrics/mine.json"),
) -> None:
    """Mine hard negatives that are not hidden positives."""
    params, model, seed, labels = load(MineParams), load(Model), load(Run).seed, load(Labels)
    scores = load(Shape).shape == "scores"
    params = params.model_copy(update={"negatives": 0}) if scores else params
    training, built, given = (
        tables.read(path, Pairs) for path in (pairs, built_pairs, given_pairs)
    )
    known, where = tables.read(documents, Documents), tables.read(splits, Splits)
    if not len(training):
        raise Problem(
            f"{pairs} holds no training pairs",
            "raise split.train or split.max_train_pairs, or bring more data",
        )
    cross = (
        CrossEncoder(params.cross_encoder, params.cross_encoder_sha256)
        if params.cross_encoder
        else None
    )
    added = tables.read(lineage, LedgerTable).query("action == 'add'")
    parents = dict(zip(added["row_id"], added["partner_id"], strict=True))
    # Pairs that a cap left out are not trained on, and stay positives all the same.
    every = pd.concat([given, built, training]).drop_duplicates("pair_id")
    every = every if scores else real(every, labels.positive_from)
    positives = known_positives(every, parents)
    answers = [positives[form] for form in training["anchor"].map(normal_form)]

    whole = dict(zip(known["doc_id"], known["text"], strict=True))
    allowed = where.loc[where["split"].isin(["train", "corpus"]), "id"]
    ids, searched = corpora.order(whole, allowed, {doc_id for found in answers for doc_id in found})
    texts = corpora.texts_of(tables.read(passages, Passages), ids)
    encoder = Encoder(find_model(model))
    vectors = encoder.encode(
        [text for found in texts for text in found], model.document_prompt, "documents"
    )
    anchors = encoder.encode(list(training["anchor"]), model.anchor_prompt, "anchors")
    corpus = corpora.build(ids, searched, texts, whole, vectors)

    copies = tables.read(aliases, Aliases)
    kept = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
    beside = neighbours(tables.read(near, Near), kept)
    topic_of = dict(zip(known["doc_id"], known["topic"], strict=True))
    said = judged(
        training, tables.read(made, Made), tables.read(dissimilar, Pairs), topic_of, parents
    )
    instead = sorted(set(said.trained.values()))
    world = World(
        positives,
        beside,
        lines(tables.read(hierarchy, Hierarchy), kept, ids),
        families(known),
        said,
        dict(
            zip(instead, encoder.encode(instead, model.document_prompt, "positives"), strict=True)
        ),
        {str(topic): frozenset(found) for topic, found in known.groupby("topic")["doc_id"]},
    )
    ledger = Ledger()
    mined = mine(
        training, anchors, corpus, world, params, seed, ledger, cross if params.crossed else None
    )
    component_of = dict(zip(where["id"], where["component_id"], strict=True))
    answer_of = dict(zip(every["pair_id"], every["doc_id"], strict=True))
    meetings = Meetings(component_of, parents, answer_of, beside, said.topics, topic_of)
    triplets = meet(mined.rows, meetings, answers)
    found = triplets["negative_ids"].map(len)
    drawn = sample(triplets, params.judged_negatives, seed)
    judges = {
        "structure": by_structure(drawn, positives, world.lineage),
        "cross_encoder": by_cross_encoder(drawn, cross),
        "review": by_review(drawn, read_verdicts(reviews, NEGATIVES)),
    }
    tables.write(triplets, out_triplets, Triplets)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    with written.atomically(out_plot) as temporary:
        mined.curve.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    write_metrics(
        {
            **balance(len(training), len(triplets), {}, []),
            **{f"refused.{rule}": count for rule, count in mined.refused.items()},
            "corpus_documents": searched,
            "known_positives_as_negatives": count_known_positives(triplets, positives, corpus),
            "labelled_negatives": int(triplets["negative_miners"].map(count_labelled).sum()),
            "negatives_per_anchor": float(found.mean()),
            "short_anchors_share": float((found < params.negatives).mean()),
            "near_positives": mined.near,
            "near_positives.kept.negatives_per_anchor": mined.if_kept / len(training),
            "near_positives.refused.negatives_per_anchor": mined.if_refused / len(training),
            **({} if mined.index_recall is None else {"index_recall": mined.index_recall}),
            **estimate(drawn, judges),
        },
        metrics,
    )


app = command(main, "tables", "lexical", "model")

if __name__ == "__main__":
    app()
