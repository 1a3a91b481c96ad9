"""Mining itself: candidates, rules, choice, and a row for every training pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.ledger import Ledger
from stages.lib.lexical import Lexical
from stages.lib.text import normal_form
from stages.lib.topk import Integers, Vectors
from stages.mine.candidates import (
    DENSE,
    Candidates,
    by_people,
    index_recall,
    merge,
    miners,
    names,
    propose,
)
from stages.mine.choose import Ask, Names, choose, everybody, room
from stages.mine.corpus import Corpus
from stages.mine.crossing import CrossEncoder, Judge
from stages.mine.margins import Curve
from stages.mine.params import MineParams
from stages.mine.rules import CERTAIN, PASSED, RULES, World, bar, judge, passed, reasons, rules_on

BLOCK = 256  # anchors at a time


class Answered(NamedTuple):
    """What answers each anchor: the passage that is trained on, its cosine, all texts, and their lowest cosine.

    The passage is -1 where another text is trained on; that is the first of the texts, and the cosine is its own.
    """

    passages: Integers
    scores: npt.NDArray[np.float64]
    texts: list[list[str]]
    weakest: npt.NDArray[np.float64]


class Mined(NamedTuple):
    """A row per pair, how many candidates each rule refused, and what other settings would have given.

    `near` counts candidates that only `near_positive` refuses, or would refuse; `if_kept` and `if_refused` are the
    negatives there are, or would be, with them and without. `index_recall` is None where the search is exact.
    """

    rows: pd.DataFrame
    refused: dict[str, int]
    near: int
    if_kept: int
    if_refused: int
    curve: pd.DataFrame
    index_recall: float | None


def mine(
    pairs: pd.DataFrame,
    anchors: Vectors,
    corpus: Corpus,
    world: World,
    params: MineParams,
    seed: int,
    ledger: Ledger,
    cross: CrossEncoder | None = None,
) -> Mined:
    """Return the training `pairs` (with the vectors `anchors` of their anchors) with negatives from `corpus`.

    Of a document in several passages the positive is the one that BM25 ranks best for the anchor, with a ledger
    note; as a negative stands the one closest to the anchor. An anchor with too few negatives gets a note.
    """
    asked = list(pairs["anchor"])
    forms = list(map(normal_form, asked))
    answered = answer(pairs, forms, anchors, corpus, world)
    thresholds = np.array([params.threshold(score) for score in answered.weakest.tolist()])
    barred = bar(forms, list(pairs["pair_id"]), corpus, world)
    proposed = propose(asked, anchors, corpus, params, seed, world.judged.dissimilar)
    further = Judge(cross, asked, answered.texts, anchors, corpus, params) if cross else None
    rules, curve, sums = (
        rules_on(params),
        Curve(params, bool(world.lineage)),
        np.zeros(3, dtype=np.int64),
    )
    refused = np.zeros(len(RULES), dtype=np.int64)
    rows: list[dict[str, object]] = []
    for start in range(0, len(asked), BLOCK):
        end = min(start + BLOCK, len(asked))
        found = merge(proposed, start, end, anchors, corpus)
        hits = judge(found, barred, thresholds, corpus, params)
        curve.add(end - start, found, hits, answered.weakest)
        with_near = passed(hits, [rule for rule in rules if rule != "near_positive"])
        far = with_near & ~hits["near_positive"]
        sums += [
            (with_near ^ far).sum(),
            *(room(found.rows[mask], params).sum() for mask in (with_near, far)),
        ]
        why = reasons(hits, rules)
        chosen = choose(
            found, why, _identified(pairs, corpus, found), params, seed, _ask(further, found)
        )
        refused += np.bincount(why[why != PASSED], minlength=len(RULES))
        rows += _rows(
            pairs.iloc[start:end], start, found, chosen, anchors, corpus, answered, params, further
        )
    _note(rows, params, corpus, answered, ledger)
    near, if_kept, if_refused = sums.tolist()
    counted = dict(zip(RULES, refused.tolist(), strict=True))
    recall = (
        index_recall(proposed[DENSE], anchors, corpus)
        if params.index != "exact" and DENSE in proposed
        else None
    )
    return Mined(pd.DataFrame(rows), counted, near, if_kept, if_refused, curve.frame(), recall)


def answer(
    pairs: pd.DataFrame, forms: Sequence[str], anchors: Vectors, corpus: Corpus, world: World
) -> Answered:
    """Return what answers each of `pairs`, whose anchors have the normal forms `forms`."""
    passages, scores, weakest, texts = [], [], [], []
    columns = (pairs["pair_id"], pairs["anchor"], pairs["doc_id"], forms)
    for row, (pair_id, anchor, doc_id, form) in enumerate(zip(*columns, strict=True)):
        own, vector, at = corpus.number[doc_id], anchors[row], -1
        text = world.judged.trained.get(pair_id)
        if text is None:
            part = corpus.passages(own)
            at = best_passage(anchor, corpus.texts[part])
            text, trained = corpus.texts[part.start + at], corpus.vectors[part.start + at]
        else:
            trained = world.trained[text]
        score = round(float(trained @ vector), 6)
        answers = sorted(corpus.number[other] for other in world.positives[form])
        passages.append(at)
        scores.append(score)
        # No negative may score above the very passage that is trained on.
        weakest.append(min(score, *(corpus.cosine(other, vector) for other in answers)))
        texts.append(
            [
                text,
                *(corpus.closest(other, vector) for other in answers if other != own),
            ]
        )
    return Answered(np.array(passages, dtype=np.int64), np.array(scores), texts, np.array(weakest))


def best_passage(anchor: str, texts: Sequence[str]) -> int:
    """Return which of a document's passages BM25 ranks best for `anchor`; the first of equals."""
    return int(Lexical(texts).scores(anchor).argmax()) if len(texts) > 1 else 0


def _identified(pairs: pd.DataFrame, corpus: Corpus, found: Candidates) -> Names:
    pair_ids = pairs["pair_id"].to_numpy()
    return lambda at: (str(pair_ids[found.rows[at]]), corpus.ids[found.documents[at]])


def _ask(further: Judge | None, found: Candidates) -> Ask:
    return everybody if further is None else lambda asked: further.passes(found, asked)


def _rows(
    pairs: pd.DataFrame,
    start: int,
    found: Candidates,
    chosen: Integers,
    anchors: Vectors,
    corpus: Corpus,
    answered: Answered,
    params: MineParams,
    further: Judge | None,
) -> list[dict[str, object]]:
    """Return the triplets of `pairs`, the first of which is anchor number `start`."""
    ends = np.searchsorted(found.rows[chosen], np.arange(start, start + len(pairs) + 1))
    rules, people = "+".join(rules_on(params)), by_people(found, params)
    rows: list[dict[str, object]] = []
    for at, pair in enumerate(pairs.itertuples(index=False)):
        row, mine = start + at, chosen[ends[at] : ends[at + 1]]
        documents = found.documents[mine].tolist()
        rows.append(
            {
                "pair_id": pair.pair_id,
                "anchor": pair.anchor,
                "doc_id": pair.doc_id,
                "positive": answered.texts[row][0],
                "positive_score": answered.scores[row],
                "negative_ids": [corpus.ids[document] for document in documents],
                "negatives": [corpus.closest(document, anchors[row]) for document in documents],
                "negative_scores": found.cosines[mine].astype(np.float64).round(6).tolist(),
                "negative_cross_scores": [
                    further.scores[row, document] if further else float("nan")
                    for document in documents
                ],
                "negative_miners": [
                    names(miners(params), bits) for bits in found.miners[mine].tolist()
                ],
                "negative_ranks": found.ranks[mine].tolist(),
                "negative_rules": [
                    "+".join(CERTAIN) if person else rules for person in people[mine].tolist()
                ],
            }
        )
    return rows


def _note(
    rows: Sequence[dict[str, object]],
    params: MineParams,
    corpus: Corpus,
    answered: Answered,
    ledger: Ledger,
) -> None:
    for row, at in zip(rows, answered.passages.tolist(), strict=True):
        pair_id, doc_id, count = (
            str(row["pair_id"]),
            str(row["doc_id"]),
            len(cast("list[str]", row["negative_ids"])),
        )
        if count < params.negatives:
            ledger.note(pair_id, "too_few_negatives", score=float(count))
        part = corpus.passages(corpus.number[doc_id])
        if at >= 0 and part.stop - part.start > 1:
            ledger.note(pair_id, "best_passage", partner_id=f"{doc_id}-{at:04d}", score=float(at))
