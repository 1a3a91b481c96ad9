"""The recipe `generated`: a query that a model writes for each passage, kept if it finds the passage again.

Sources: Nogueira et al. 2019 (doc2query, arXiv 1904.08375), Dai et al. 2022 (Promptagator, arXiv 2209.11755).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stages.lib import cache
from stages.lib.embed import Encoder
from stages.lib.ledger import Ledger
from stages.lib.lexical import Lexical
from stages.lib.models import find_model
from stages.lib.params import Model
from stages.lib.retrieval import Hits, dense
from stages.lib.stage import progress
from stages.pair.params import Generated
from stages.pair.proposals import Made, made
from stages.pair.render import Source
from stages.pair.writers import Writer

_LEADING = re.compile(r"^(?:[-*#>\u2022\s]+|\d{1,2}[.)]\s+)+")
_AROUND = " \t\"'`*\u201c\u201d"
_AT_A_TIME = 64  # answers between two visits to the cache: what a run that breaks off loses at most


def generated(found: Sequence[Source], params: Generated, writer: Writer) -> list[Made]:
    """Return a pair per passage: what the model writes for it should find it. Empty answers give none."""
    proposed = []
    places = [
        (source, at, source.text[start:end])
        for source in found
        for at, (start, end) in enumerate(source.passages)
    ]
    prompts = [params.prompt.format(text=text, title=source.title) for source, _, text in places]
    answers = _answers(prompts, writer)
    for (source, at, text), prompt in zip(places, prompts, strict=True):
        query = first_line(answers[prompt])
        if query:
            proposed.append(made("generated", source, (str(at),), query, text))
    return proposed


def _answers(prompts: Sequence[str], writer: Writer) -> dict[str, str]:
    distinct, answers = sorted(set(prompts)), dict[str, bytes]()

    def write(missing: list[str]) -> dict[str, bytes]:
        return {
            prompt: answer.encode()
            for prompt, answer in zip(missing, writer.write(missing), strict=True)
        }

    starts = range(0, len(distinct), _AT_A_TIME)
    for start in progress(starts, len(starts), "writing queries"):
        answers |= cache.through(
            "generated", writer.key, distinct[start : start + _AT_A_TIME], write
        )
    return {prompt: answer.decode("utf-8", "replace") for prompt, answer in answers.items()}


def first_line(answer: str) -> str:
    """Return the first line of an answer that says anything, without numbers, quotes and marks around it."""
    lines = (_LEADING.sub("", line).strip(_AROUND) for line in answer.splitlines())
    return " ".join(next((line for line in lines if line), "").split())


def retrieved(proposed: Sequence[Made], first: int, model: Model, ledger: Ledger) -> list[Made]:
    """Return the generated proposals that BM25 or the base model finds again; the others get their line.

    Found is a query whose own passage, as it is embedded, is among the `first` of all passages that a query was
    written for.
    """
    texts = [one.positive for one in proposed]
    if not texts:
        return []
    encoder = Encoder(find_model(model))
    asked = [one.anchor for one in proposed]
    vectors = encoder.encode(texts, model.document_prompt, "passages")
    hits = [
        Lexical(texts).search(asked, first),
        dense(encoder.encode(asked, model.anchor_prompt), vectors, first),
    ]
    left = []
    for at, one in enumerate(proposed):
        if any(at in _found(one_way, at) for one_way in hits):
            left.append(one)
        else:
            ledger.drop(one.pair_id, "not_retrieved", partner_id=one.doc_id, score=float(first))
    return left


def _found(hits: Hits, row: int) -> Iterator[int]:
    # BM25 gives 0 to what shares no word.
    pairs = zip(hits.positions[row].tolist(), hits.scores[row].tolist(), strict=True)
    return (position for position, score in pairs if score > 0.0)
