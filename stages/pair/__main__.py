"""Build the (anchor, positive) pairs to learn from, and the documents as they are embedded.

Reads documents and pairs without copies, and both as collected. Writes the documents with their
text filled into `pair.document_text`, and the pairs: the given ones, and those of the recipes
that are switched on. A recipe never invents a positive: it pairs a document with a part of
itself, or with its like. Without any real queries the synthetic pairs are also the evaluation
set. Then a text that became an anchor is removed from the passages that are searched, as it is
from the positives. A pair that a person judged wrong is not built.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.lib.core.errors import UserError
from stages.lib.core.interface import Stage, TableFile
from stages.lib.preprocessing import table_parts
from stages.lib.preprocessing.table_parts import MergedParts
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.ledger import LedgerWriter, row_accounting
from stages.lib.schemas.pairs import positive_pairs
from stages.lib.schemas.reviews import MISPAIRED, RowIds, read_verdicts
from stages.lib.text.document_text import fill
from stages.pair.candidates import PairCandidate, candidate_rows, synthetic_rows
from stages.pair.filters import (
    CAP_REASONS,
    REASONS,
    CandidateFilter,
    Exclusion,
    balance_metrics,
    cap_pairs,
    filter_candidates,
    select_given_pairs,
    text_filters,
)
from stages.pair.interface import SYNTHETIC_RECIPES, Inputs, Outputs, PairParams, Params
from stages.pair.judged_pairs import exclude_judged_wrong, without_judged_wrong
from stages.pair.query_generation import (
    generate_queries,
    query_generator,
    round_trip_filter,
)
from stages.pair.recipes import propose_candidates
from stages.pair.render import (
    SourceDocument,
    Span,
    remove_anchors,
    render,
    render_passage_batches,
    source_documents,
)
from stages.pair.word_overlap import WordOverlap


def run(inputs: Inputs, params: Params) -> Outputs:
    """Build the (anchor, positive) pairs to learn from, and the documents as they are embedded."""
    settings = params.pair
    documents = inputs.documents.frame_without("text")
    given_pairs = inputs.pairs.frame()
    topic_of_document = dict(zip(documents["doc_id"], documents["topic"], strict=True))

    # The pairs that the sources gave, and the candidates that recipes propose.
    wrong = read_verdicts(inputs.reviews, MISPAIRED).no
    weak = weak_pairs(inputs.grades.frame(), settings)
    given = without_judged_wrong(select_given_pairs(given_pairs, settings, weak), wrong)
    sources = read_sources(inputs, settings)
    candidates = make_candidates(sources, inputs.collected, given.similar, params=settings)

    # Filters leave the candidates that say something true and new.
    filtered = filter_candidates(candidates, candidate_filters(given.similar, wrong, params))
    uncapped = pd.concat([given.built, candidate_rows(filtered.accepted)], ignore_index=True)
    check_any_pairs(uncapped, inputs.pairs.path)

    # No document, topic or relation has too many pairs.
    capped = cap_pairs(uncapped, caps_of(settings), topic_of_document)
    pairs = capped.pairs
    built = built_candidates(filtered.accepted, pairs)

    # Without real queries the synthetic pairs are the evaluation set too.
    shortened: dict[str, str] = {}
    if not len(positive_pairs(inputs.collected_pairs.frame(), settings.positive_from)):
        shortened = remove_anchors(sources, anchor_spans(built))

    # The text that is embedded, a batch at a time.
    overlap = WordOverlap(pairs, {candidate.pair_id: candidate.positive for candidate in built})
    rendered = render_tables(
        inputs, documents, settings.document_text, overlap=overlap, shortened=shortened
    )

    # What was decided about each pair, and how the pairs look now.
    ledger = pair_ledger(candidates, [*given.excluded, *filtered.excluded, *capped.excluded])
    return Outputs(
        documents=MergedParts([rendered.documents]),
        passages=MergedParts([rendered.passages]),
        pairs=pairs,
        dissimilar=given.dissimilar,
        synthetic_pairs=synthetic_rows(built),
        ledger=ledger.frame(),
        metrics={"pairs": len(pairs)},
        details={
            **pair_accounting(len(given_pairs), len(pairs), ledger, candidates=candidates),
            **balance_metrics(uncapped, topic_of_document, "before"),
            **balance_metrics(pairs, topic_of_document, "after"),
            **overlap.metrics(),
            "documents": rendered.document_count,
            "passages": rendered.passage_count,
            "paired_documents": int(pairs["doc_id"].nunique()),
            "dissimilar": len(given.dissimilar),
        },
    )


class RenderedTables(NamedTuple):
    """The parts of both tables with the text that is embedded, and the numbers of their rows."""

    documents: list[Path]
    document_count: int
    passages: list[Path]
    passage_count: int


def render_tables(
    inputs: Inputs,
    fields: pd.DataFrame,
    template: str,
    *,
    overlap: WordOverlap,
    shortened: Mapping[str, str],
) -> RenderedTables:
    """Write documents and passages with the text that is embedded, a batch at a time.

    Args:
        inputs: the tables, and the folder of the parts.
        fields: doc_id, title and topic of all documents, in ascending order of id.
        template: the setting `pair.document_text`.
        overlap: counts the pairs of each document.
        shortened: the text of passages, by id, from which anchors were removed.
    """
    documents = table_parts.write_parts(
        rendered_documents(inputs.documents.batches(), template, overlap),
        inputs.scratch / "documents",
        Documents,
    )
    passages = table_parts.write_parts(
        render_passage_batches(inputs.passages.batches(), fields, template, shortened=shortened),
        inputs.scratch / "passages",
        Passages,
    )
    return RenderedTables(*documents, *passages)


def rendered_documents(
    batches: Iterable[pd.DataFrame], template: str, overlap: WordOverlap
) -> Iterator[pd.DataFrame]:
    """Yield each batch of Documents with the text that is embedded, and count its pairs.

    Raises:
        UserError: nothing of a document is embedded.
    """
    for batch in batches:
        rendered = render(batch, template)
        overlap.add(rendered)
        yield rendered


def candidate_filters(
    similar: pd.DataFrame, wrong: Collection[RowIds], params: Params
) -> list[CandidateFilter]:
    """Return the filters of candidates, in their order.

    Args:
        similar: the given Pairs whose document is a positive.
        wrong: the pair and the document of each pair that a person judged wrong.
        params: the sections of the stage.
    """
    first = params.pair.generated.first
    round_trip = partial(round_trip_filter, first=first, model=params.model)
    return [partial(exclude_judged_wrong, wrong=wrong), round_trip, *text_filters(similar)]


def weak_pairs(grades: pd.DataFrame, params: PairParams) -> frozenset[str]:
    """Return the pairs of PairGrades whose document is relevant, but no positive to train on.

    Raises:
        UserError: the shape is `scores`, which grades are not.
    """
    if params.shape == "scores" and len(grades):
        raise UserError(
            f"pair.shape is 'scores', but {len(grades):,} pairs have grades, which are no scores",
            "map the column to 'score' with a score_range under collect.sources, "
            "or set pair.shape to 'ranking'",
        )

    return frozenset(grades.loc[grades["role"] == "relevant", "pair_id"])


def built_candidates(
    candidates: Iterable[PairCandidate], pairs: pd.DataFrame
) -> list[PairCandidate]:
    """Return the candidates that are among the built Pairs."""
    built_ids = frozenset(pairs["pair_id"])
    return [candidate for candidate in candidates if candidate.pair_id in built_ids]


def read_sources(inputs: Inputs, params: PairParams) -> list[SourceDocument]:
    """Return the documents that recipes make pairs of: none where only given pairs are built.

    Recipes cut pairs out of texts, so memory holds the texts of all documents then.
    """
    if set(params.recipes) == {"given"}:
        return []

    return source_documents(inputs.documents.frame(), inputs.passages.frame())


def make_candidates(
    sources: Sequence[SourceDocument],
    collected: TableFile[Documents],
    similar: pd.DataFrame,
    *,
    params: PairParams,
) -> list[PairCandidate]:
    """Return the pairs that the recipes propose, their positives with the text that is embedded.

    Args:
        sources: the documents that pairs are made of.
        collected: the Documents as collected, for their headings.
        similar: the given Pairs whose document is a positive.
        params: the recipes and their settings.
    """
    if not sources:
        return []

    # The given anchors of each document are names of it.
    given_anchors: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pair_id, anchor, doc_id in zip(
        similar["pair_id"], similar["anchor"], similar["doc_id"], strict=True
    ):
        given_anchors[doc_id].append((pair_id, anchor))

    # Each recipe makes its pairs, in the order of the documents.
    as_collected = collected.frame()
    candidates = list(
        propose_candidates(
            params.recipes,
            sources,
            collected_text=dict(zip(as_collected["doc_id"], as_collected["text"], strict=True)),
            given_anchors=given_anchors,
        )
    )
    if "generated" in params.recipes:
        # A title alone is no passage.
        with_text = [source for source in sources if source.text]
        generator = query_generator(params.generated)
        candidates += generate_queries(with_text, params.generated, generator)

    # Positives read as documents do.
    source_of_id = {source.doc_id: source for source in sources}

    return [
        _with_embedded_positive(candidate, source_of_id[candidate.doc_id], params.document_text)
        for candidate in candidates
    ]


def _with_embedded_positive(
    candidate: PairCandidate, source: SourceDocument, template: str
) -> PairCandidate:
    """Return the candidate with its positive filled into the template of documents."""
    # A synonym is a name, not a part of a document.
    if candidate.recipe == "synonyms" or not candidate.positive:
        return candidate

    positive = fill(template, candidate.positive, source.title, topic=source.topic)

    return candidate._replace(positive=positive)


def check_any_pairs(pairs: pd.DataFrame, given_path: Path) -> None:
    """Check that there is a pair to build, given or synthetic.

    Raises:
        UserError: there is none. The message names the file of the given pairs.
    """
    if not len(pairs):
        raise UserError(
            f"{given_path} holds no pairs, and no recipe makes any",
            "map an anchor column under collect.sources, "
            "or add to pair.recipes: [given, title, first_sentence]",
        )


def caps_of(params: PairParams) -> dict[str, int | None]:
    """Return the largest number of pairs per document, topic and relation; None for no cap."""
    return {
        "document": params.max_pairs_per_document,
        "topic": params.max_pairs_per_topic,
        "relation": params.max_pairs_per_relation,
    }


def anchor_spans(candidates: Iterable[PairCandidate]) -> dict[str, list[Span]]:
    """Return the spans of each document that became anchors, by document id."""
    spans_of_document: dict[str, list[Span]] = defaultdict(list)
    for candidate in candidates:
        if candidate.anchor_span:
            spans_of_document[candidate.doc_id].append(candidate.anchor_span)

    return spans_of_document


def pair_ledger(candidates: Iterable[PairCandidate], excluded: Iterable[Exclusion]) -> LedgerWriter:
    """Return the ledger: a line for each candidate, then one for each pair that is not built."""
    ledger = LedgerWriter()
    for candidate in candidates:
        ledger.add(candidate.pair_id, candidate.recipe, partner_id=candidate.origin_id)

    # Each pair is excluded at most once.
    for exclusion in excluded:
        ledger.drop(
            exclusion.pair_id,
            exclusion.reason,
            partner_id=exclusion.partner_id,
            score=exclusion.score,
        )

    return ledger


def pair_accounting(
    given_count: int,
    pair_count: int,
    ledger: LedgerWriter,
    *,
    candidates: Iterable[PairCandidate],
) -> dict[str, int]:
    """Return the number of pairs that came in, were added, were dropped, and left."""
    return row_accounting(
        given_count,
        pair_count,
        ledger.dropped(),
        reasons=(*REASONS, *CAP_REASONS),
        added=Counter(candidate.recipe for candidate in candidates),
        added_reasons=SYNTHETIC_RECIPES,
    )


STAGE = Stage(run, groups=("tables", "text", "lexical", "model"))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
