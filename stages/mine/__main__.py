"""Mine hard negatives that are not hidden positives.

Reads the training pairs, the documents and the splits, the near-duplicate edges and the hierarchy.
Writes triplets. Candidates come from BM25 and from the base model, over documents of training and
documents without pairs, never over held-out ones. Filters exclude a candidate that is a known
positive of the anchor under any id, that has the text of the anchor or of a positive, or that
scores within the margin of the weakest positive. Parameters decide whether relatives and near-
duplicates of a positive are excluded. Documents that a person found dissimilar come first, whatever
they score. What a person called a false negative is removed, and nothing takes its place. An anchor
with too few negatives stays, without padding. Pairs that are trained on with their scores have no
negatives. The share of false negatives is estimated, with an interval.

Source: Moreira et al. 2024, NV-Retriever (arXiv 2407.15831), positive-aware mining.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.core.device import Device, choose_device
from stages.lib.core.errors import UserError
from stages.lib.core.interface import Stage
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import sample_mark
from stages.lib.retrieval.encoder import Encoder
from stages.lib.schemas.ledger import row_accounting
from stages.lib.schemas.pairs import positive_pairs
from stages.lib.schemas.reviews import NEGATIVES, read_judgements, read_verdicts
from stages.lib.text.normal_form import normal_form
from stages.mine.batch_conflicts import BatchConflicts, add_conflict_ids
from stages.mine.corpus import MiningCorpus
from stages.mine.cross_encoder import CrossEncoder
from stages.mine.faiss_search import check_index
from stages.mine.false_negatives import (
    count_known_positives,
    count_labelled,
    false_negative_rates,
    labels_by_cross_encoder,
    labels_by_review,
    labels_by_structure,
    most_trusted_rate,
    sample_negatives,
)
from stages.mine.interface import Inputs, MineParams, Outputs, Params
from stages.mine.mining import MiningResult, mine
from stages.mine.relations import KnownRelations, PairLabels, known_positives, pair_labels
from stages.mine.verdicts import count_left, note_removed, remove_false_negatives


def run(inputs: Inputs, params: Params) -> Outputs:
    """Mine hard negatives that are not hidden positives."""
    training = inputs.pairs.frame()
    if not len(training):
        raise UserError(
            f"{inputs.pairs.path} holds no training pairs",
            "raise split.train or split.max_train_pairs, or bring more data",
        )

    settings = mining_params(params)
    device = choose_device(params.run)
    check_index(settings.index)
    cross_encoder = find_cross_encoder(settings, device)

    # Known positives, the corpus, and the vectors of all texts.
    known = read_known_pairs(inputs, training, params)
    forms = training["anchor"].map(normal_form)
    row_positives = [known.positives[form] for form in forms]
    encoder = Encoder(find_base_model(params.model), device)
    corpus = read_corpus(inputs, row_positives, encoder, params)
    anchors = encoder.encode(list(training["anchor"]), params.model.anchor_prompt, "anchors")
    relations = read_relations(inputs, known, corpus, encoder=encoder, params=params)

    # Mine, and add what must not be in one batch with each row.
    mined = mine(
        training,
        anchors,
        corpus,
        relations,
        params=settings,
        seed=params.run.seed,
        cross_encoder=cross_encoder if settings.uses_cross_encoder else None,
        device=device,
    )

    # Estimate how many negatives are false, and then remove those that people found.
    rates = estimate_false_negatives(mined.rows, inputs, known, relations, cross_encoder, params)
    false_negatives = read_verdicts(inputs.reviews, NEGATIVES).yes
    left = remove_false_negatives(mined.rows, false_negatives, known.parent_of)
    note_removed(mined.ledger, left.removed)
    conflicts = batch_conflicts(inputs.splits.frame(), known, relations)
    triplets = add_conflict_ids(left.rows, conflicts, left.with_known(row_positives))

    return Outputs(
        triplets=triplets,
        ledger=mined.ledger.frame(),
        plot=mined.margin_sweep,
        metrics={**most_trusted_rate(rates), **sample_mark(params.run.sample)},
        details={
            **row_accounting(len(training), len(triplets), {}, []),
            **mining_metrics(mined._replace(rows=triplets), settings.negatives),
            "judged_negatives.removed": len(left.removed),
            "judged_negatives.left": count_left(triplets, false_negatives),
            **corpus_metrics(triplets, known.positives, corpus),
            **rates,
            **_origin(params, device),
        },
    )


def _origin(params: Params, device: Device) -> dict[str, float | str]:
    """Return of which rows the details are, and where they were computed."""
    return {**sample_mark(params.run.sample), "device": device.class_name}


class KnownPairs(NamedTuple):
    """What pairs say, trained on or not.

    Attributes:
        document_of_pair: pair id to document id, of the positives with a near-duplicate.
        parent_of: id of a variant to the pair that it varies.
        topic_of: document id to topic, where there is one.
        positives: normal form of an anchor that is trained on to its known positives.
        labels: what single pairs say beyond that.
    """

    document_of_pair: Mapping[str, str]
    parent_of: Mapping[str, str]
    topic_of: Mapping[str, str]
    positives: Mapping[str, frozenset[str]]
    labels: PairLabels


def mining_params(params: Params) -> MineParams:
    """Return the section `mine`; pairs that are trained on with their scores have no negatives."""
    if params.pair.shape == "scores":
        return params.mine.model_copy(update={"negatives": 0})

    return params.mine


def find_cross_encoder(settings: MineParams, device: Device) -> CrossEncoder | None:
    """Return the cross-encoder of params.yaml, which filters or only estimates; None without."""
    if not settings.cross_encoder:
        return None
    return CrossEncoder(settings.cross_encoder, settings.cross_encoder_sha256, device)


def read_known_pairs(inputs: Inputs, training: pd.DataFrame, params: Params) -> KnownPairs:
    """Return what the pairs say; `training` are those that are trained on."""
    # Pairs that a cap left out are not trained on, and are positives all the same.
    pairs = distinct_pairs([inputs.given_pairs.frame(), inputs.built_pairs.frame(), training])
    if params.pair.shape != "scores":
        pairs = positive_pairs(pairs, params.labels.positive_from)

    # Variants, which augmentation added.
    ledger = inputs.variant_ledger.frame()
    added = ledger[ledger["action"] == "add"]
    parent_of = dict(zip(added["row_id"], added["partner_id"], strict=True))

    # Documents of pairs that are near to another pair: most are near to none.
    near = inputs.near_duplicates.frame()
    is_near = pairs["pair_id"].isin(near["left_id"]) | pairs["pair_id"].isin(near["right_id"])
    near_pairs = pairs[is_near]

    # Texts and topics of single pairs.
    documents = inputs.documents.frame_without("text")
    documents = documents[documents["topic"] != ""]
    topic_of = dict(zip(documents["doc_id"], documents["topic"], strict=True))
    labels = pair_labels(
        training,
        inputs.synthetic_pairs.frame(),
        training_pairs(inputs.dissimilar.frame(), inputs.splits.frame()),
        topic_of=topic_of,
        parent_of=parent_of,
    )

    return KnownPairs(
        document_of_pair=dict(zip(near_pairs["pair_id"], near_pairs["doc_id"], strict=True)),
        parent_of=parent_of,
        topic_of=topic_of,
        positives=known_positives(pairs, parent_of, set(training["pair_id"])),
        labels=labels,
    )


def distinct_pairs(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all Pairs, each pair once, as the first frame has it.

    >>> frames = [pd.DataFrame({"pair_id": ["p1"]}), pd.DataFrame({"pair_id": ["p2", "p1"]})]
    >>> distinct_pairs(frames)["pair_id"].tolist()
    ['p1', 'p2']
    """
    # Tables are put together only where one has other pairs: that is a copy of both.
    pairs = frames[0]
    for frame in frames[1:]:
        others = frame[~frame["pair_id"].isin(pairs["pair_id"])]
        if len(others):
            pairs = pd.concat([pairs, others], ignore_index=True) if len(pairs) else others

    return pairs


def training_pairs(pairs: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Return the `pairs` that the Splits give to training. Held-out ones say nothing here."""
    training_ids = splits.loc[splits["split"] == "train", "id"]
    return pairs[pairs["pair_id"].isin(training_ids)]


def read_corpus(
    inputs: Inputs,
    row_positives: Iterable[frozenset[str]],
    encoder: Encoder,
    params: Params,
) -> MiningCorpus:
    """Return the corpus with its vectors; `row_positives` are the positives of the anchors."""
    prompt = params.model.document_prompt
    return MiningCorpus.from_tables(
        documents=inputs.documents.batches(),
        passages=inputs.passages.batches(),
        splits=inputs.splits.frame(),
        positive_ids=frozenset[str]().union(*row_positives),
        encode=lambda texts: encoder.encode(texts, prompt, "documents"),
    )


def read_relations(
    inputs: Inputs,
    known: KnownPairs,
    corpus: MiningCorpus,
    *,
    encoder: Encoder,
    params: Params,
) -> KnownRelations:
    """Return the relations of anchors and documents, with vectors of the texts that pairs bring."""
    texts = sorted(set(known.labels.text_of_pair.values()))
    vectors = encoder.encode(texts, params.model.document_prompt, "positives")
    return KnownRelations.from_tables(
        positives=known.positives,
        labels=known.labels,
        documents=inputs.documents.frame_without("text"),
        near_duplicates=inputs.near_duplicates.frame(),
        aliases=inputs.aliases.frame(),
        hierarchy=inputs.hierarchy.frame(),
        corpus_ids=corpus.ids,
        text_vectors=dict(zip(texts, vectors, strict=True)),
    )


def estimate_false_negatives(
    rows: pd.DataFrame,
    inputs: Inputs,
    known: KnownPairs,
    relations: KnownRelations,
    cross_encoder: CrossEncoder | None,
    params: Params,
) -> dict[str, float | int]:
    """Return the share of false negatives among mined ones, by each source of labels.

    Args:
        rows: the triplets as mined, with what verdicts will remove.
        inputs: the tables, and the verdicts of people.
        known: what the pairs say.
        relations: the hierarchy.
        cross_encoder: the model that labels, or None.
        params: the sections of the stage.
    """
    sample = sample_negatives(rows, params.mine.judged_negatives, params.run.seed)
    labels = {
        "structure": labels_by_structure(sample, known.positives, relations.relatives),
        "cross_encoder": labels_by_cross_encoder(sample, cross_encoder),
        "review": labels_by_review(sample, read_judgements(inputs.reviews, NEGATIVES)),
    }
    return false_negative_rates(sample, labels)


def batch_conflicts(
    splits: pd.DataFrame, known: KnownPairs, relations: KnownRelations
) -> BatchConflicts:
    """Return what decides which rows must not be in one batch; `splits` are the Splits."""
    return BatchConflicts(
        component_of=dict(zip(splits["id"], splits["component_id"], strict=True)),
        parent_of=known.parent_of,
        document_of_pair=known.document_of_pair,
        near_duplicates=relations.near_duplicates,
        topic_of_pair=known.labels.topic_of_pair,
        topic_of_document=known.topic_of,
    )


def mining_metrics(mined: MiningResult, negatives: int) -> dict[str, float | int]:
    """Return the counts of mining; `negatives` is the number that each anchor should have."""
    rows = mined.rows
    counts = rows["negative_ids"].map(len)
    metrics: dict[str, float | int] = {
        **{f"refused.{name}": count for name, count in mined.excluded.items()},
        "labelled_negatives": int(rows["negative_miners"].map(count_labelled).sum()),
        "negatives_per_anchor": float(counts.mean()),
        "short_anchors_share": float((counts < negatives).mean()),
        "near_positives.count": mined.near_positives,
        "near_positives.kept.negatives_per_anchor": mined.negatives_if_kept / len(rows),
        "near_positives.refused.negatives_per_anchor": mined.negatives_if_excluded / len(rows),
    }

    if mined.index_recall is not None:
        metrics["index_recall"] = mined.index_recall

    return metrics


def corpus_metrics(
    triplets: pd.DataFrame, positives: Mapping[str, frozenset[str]], corpus: MiningCorpus
) -> dict[str, int]:
    """Return the size of the corpus, and the number of negatives that are known positives."""
    return {
        "corpus_documents": corpus.searched,
        "known_positives_as_negatives": count_known_positives(triplets, positives, corpus),
    }


STAGE = Stage(run, groups=("tables", "lexical", "model"), optional_groups=("faiss",))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
