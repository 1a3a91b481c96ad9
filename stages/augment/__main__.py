"""Add variants of training anchors by word lists, slips of the finger and back-translation.

Reads the pairs, their splits, the passages, the fingerprints of held-out texts and
data/glossary/. Writes the training pairs with their accepted variants, and a ledger. A variant
leads to the document of its parent. A back-translation is rejected unless it still says what its
parent says. Any variant is rejected if it repeats a known anchor, equals or nearly equals a
held-out text (compared by hashes), or would lead to two documents. A share limits how many
variants a method adds. Variants that a person judged wrong are not added. Validation and test are
never touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from stages.augment import paraphrases
from stages.augment.back_translation import make_translator, round_trips
from stages.augment.content_words import learn_word_contexts, vocabulary_of
from stages.augment.filters import (
    REASONS,
    Rejection,
    reject_by_text,
    reject_changed_meaning,
    reject_judged_wrong,
    reject_over_share,
    without_judged_right,
    without_rejected,
)
from stages.augment.interface import AugmentParams, Inputs, Outputs, Params
from stages.augment.lexical_variants import (
    METHODS,
    Augmenter,
    Variant,
    generate_variants,
    mistype,
    swap_abbreviations,
    swap_spelling,
)
from stages.augment.paraphrases import ParaphraseScorer
from stages.lib.core.errors import UserError
from stages.lib.core.interface import Stage
from stages.lib.core.model_files import find_base_model
from stages.lib.core.stage import check_pins
from stages.lib.preprocessing.word_lists import read_abbreviations, read_spelling
from stages.lib.retrieval.corpus import corpus_from_passages
from stages.lib.retrieval.encoder import Encoder
from stages.lib.schemas.ledger import LedgerWriter, row_accounting
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.reviews import VARIANTS, read_verdicts
from stages.lib.text.held_out import HeldOutHashes

# Rows that are not held out.
VISIBLE_SPLITS = ("train", "corpus")


def run(inputs: Inputs, params: Params) -> Outputs:
    """Add variants of training anchors by word lists, slips of the finger and back-translation."""
    settings = params.augment
    uses_models = settings.back_translation != "off"
    if uses_models:
        check_pins(("text", "model", "paraphrase"))

    # The pairs to train on, and all pairs that are not held out.
    splits = inputs.splits.frame()
    pairs = inputs.pairs.frame()
    training = training_pairs(pairs, splits)
    known = visible_pairs(pairs, splits)

    # All variants, before any filter.
    known_words: frozenset[str] = frozenset()
    if settings.keyboard:
        parts = visible_passages(inputs.passages.batches(), splits)
        texts = chain.from_iterable(part["text"] for part in parts)
        known_words = vocabulary_of(chain(known["anchor"], texts))

    variants = generate_variants(
        training,
        augmenters(settings, training, known_words, glossary=inputs.glossary),
    )

    # A model may change the meaning. The other methods do not. A person knows better than scores.
    verdicts = read_verdicts(inputs.reviews, VARIANTS)
    rejected: dict[str, Rejection] = {}
    if uses_models:
        passages = pd.concat(visible_passages(inputs.passages.batches(), splits), ignore_index=True)
        scorer = ParaphraseScorer(
            params.model,
            Encoder(find_base_model(params.model)),
            corpus_from_passages(passages),
            contexts=learn_word_contexts(known, passages["text"]),
        )
        changed = reject_changed_meaning(variants, training, scorer, params=settings)
        rejected |= without_judged_right(variants, changed, verdicts.yes)

    # Variants that say something known, held out or ambiguous. Then the share of each method.
    rejected |= reject_by_text(
        without_rejected(variants, rejected),
        known,
        HeldOutHashes(inputs.fingerprints.batches()),
        near_threshold=settings.near_threshold,
    )
    limit = int(settings.max_share * len(training))
    rejected |= reject_over_share(without_rejected(variants, rejected), limit)

    # What a person judged wrong comes last: no other variant takes its place.
    rejected |= reject_judged_wrong(without_rejected(variants, rejected), verdicts.no)

    return make_outputs(training, variants, rejected)


def training_pairs(pairs: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs to train on.

    Raises:
        UserError: a pair has no split. It might be held out.
    """
    # A pair without a split might be held out, so none may be missing.
    split = _split_of(pairs["pair_id"], splits)
    if split.isna().any():
        missing = pairs.loc[split.isna(), "pair_id"]
        raise UserError(
            f"pair {missing.iloc[0]} (one of {len(missing)}) has no split",
            "run 'dvc repro split', so that pairs and splits fit together",
        )

    return pairs[split == "train"]


def visible_pairs(pairs: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs that are not held out."""
    return pairs[_split_of(pairs["pair_id"], splits).isin(VISIBLE_SPLITS)]


def visible_passages(
    passages: Iterable[pd.DataFrame], splits: pd.DataFrame
) -> Iterator[pd.DataFrame]:
    """Yield the passages of documents that are not held out, a part of the table at a time."""
    visible_ids = frozenset(splits.loc[splits["split"].isin(VISIBLE_SPLITS), "id"])
    for part in passages:
        is_visible = [doc_id in visible_ids for doc_id in part["doc_id"]]
        yield part[is_visible]


def _split_of(ids: pd.Series[str], splits: pd.DataFrame) -> pd.Series[str]:
    """Return the split of each id; missing where it has none."""
    return ids.map(splits.set_index("id")["split"])


def augmenters(
    params: AugmentParams,
    training: pd.DataFrame,
    known_words: frozenset[str],
    *,
    glossary: Path,
) -> dict[str, Augmenter]:
    """Return the function of each method that is switched on.

    All anchors are translated here, at once.

    Args:
        params: the methods.
        training: the Pairs that variants are made of.
        known_words: words that no typing error may make.
        glossary: the folder of the word lists.
    """
    # The word lists of the user.
    abbreviations = read_abbreviations(glossary / "abbreviations.csv")
    british = read_spelling(glossary / "spelling.csv")
    augmenter_of_method: dict[str, Augmenter] = {}
    if params.abbreviations:
        augmenter_of_method["abbreviations"] = lambda _, anchor: swap_abbreviations(
            anchor, abbreviations
        )

    if params.spelling:
        augmenter_of_method["spelling"] = lambda _, anchor: swap_spelling(anchor, british)

    if params.keyboard:
        augmenter_of_method["keyboard"] = lambda pair_id, anchor: mistype(
            anchor, pair_id, known_words
        )

    # A model is loaded once, for all anchors together.
    translator = make_translator(params.back_translation, params.marian_models)
    if translator is not None:
        translation_of = round_trips(translator, list(training["anchor"]))
        augmenter_of_method["back_translation"] = lambda _, anchor: (
            [translation_of[anchor]] if translation_of[anchor] else []
        )

    return augmenter_of_method


def make_outputs(
    training: pd.DataFrame,
    variants: Sequence[Variant],
    rejected: Mapping[str, Rejection],
) -> Outputs:
    """Return the training pairs with the accepted variants, the ledger and the metrics."""
    accepted = without_rejected(variants, rejected)
    rows = pd.concat([training, variant_rows(accepted, training)], ignore_index=True)
    ledger = variant_ledger(variants, rejected)

    # `added` counts all proposed variants. A rejected one is also counted under `dropped`, as in
    # the ledger.
    proposed_count = Counter(variant.method for variant in variants)
    metrics = row_accounting(
        len(training),
        len(rows),
        ledger.dropped(),
        reasons=(*paraphrases.REASONS, *REASONS),
        added=proposed_count,
        added_reasons=METHODS,
    )

    return Outputs(
        pairs=rows,
        ledger=ledger.frame(),
        details={**metrics, **method_metrics(variants, rejected)},
    )


def method_metrics(
    variants: Sequence[Variant], rejected: Mapping[str, Rejection]
) -> dict[str, float]:
    """Return the number of accepted variants of each method, and the share that passed the filters.

    Variants beyond the share of their method have passed the filters, and so have those that a
    person judged wrong: the share says what the filters do.
    """
    proposed_count: Counter[str] = Counter()
    accepted_count: Counter[str] = Counter()
    failed_count: Counter[str] = Counter()
    for variant in variants:
        proposed_count[variant.method] += 1
        rejection = rejected.get(variant.pair_id)
        if rejection is None:
            accepted_count[variant.method] += 1
        elif rejection.reason not in ("over_share", "judged_wrong"):
            failed_count[variant.method] += 1

    # A method without variants has no share.
    metrics: dict[str, float] = {}
    for method in METHODS:
        metrics[f"accepted.{method}"] = accepted_count[method]

    for method, count in sorted(proposed_count.items()):
        metrics[f"passed_share.{method}"] = 1 - failed_count[method] / count

    return metrics


def variant_ledger(variants: Sequence[Variant], rejected: Mapping[str, Rejection]) -> LedgerWriter:
    """Return the ledger: an `add` line for each variant, then a `drop` line if it is rejected."""
    ledger = LedgerWriter()
    for variant in variants:
        ledger.add(
            variant.pair_id,
            variant.method,
            partner_id=variant.parent_id,
            after=variant.anchor,
        )

        # A rejected variant has a second line, with the reason.
        if variant.pair_id in rejected:
            rejection = rejected[variant.pair_id]
            ledger.drop(
                variant.pair_id,
                rejection.reason,
                partner_id=rejection.partner_id,
                score=rejection.score,
            )

    return ledger


def variant_rows(variants: Sequence[Variant], pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the variants as Pairs. All but id, anchor and source are those of their parent."""
    if not variants:
        return Pairs.empty()

    # Each variant begins as a copy of its parent.
    parent_ids = [variant.parent_id for variant in variants]
    parents = pairs.set_index("pair_id").loc[parent_ids].reset_index(drop=True)
    rows = parents.assign(
        pair_id=[variant.pair_id for variant in variants],
        anchor=[variant.anchor for variant in variants],
        source=[f"augment.{variant.method}" for variant in variants],
    )

    return rows[list(pairs.columns)].astype(Pairs.empty().dtypes.to_dict())


STAGE = Stage(
    run,
    groups=("tables", "sql"),
    optional_groups=("text", "model", "paraphrase", "translate"),
)
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
