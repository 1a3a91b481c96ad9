"""Ask questions: the first documents of the base model and of the fine-tuned one.

    python -m stages ask "Why does it beep?" "Where is my parcel?"
    python -m stages ask "Why does it beep?" --k 10 --json

Questions are cleaned as the queries of the run were. Both models rank the same corpus with the same
prompts, as `evaluate` does, and a document scores by its best passage. The command prints that
passage. What a model has embedded before comes from the cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from stages.clean.corpus_model import query_cleaner
from stages.clean.interface import CleanParams
from stages.commands.run_at_hand import why_no_run
from stages.lib.core import tables
from stages.lib.core.device import choose_device
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, RunParams, load_section
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.evaluation.ranking_metrics import DEPTH
from stages.lib.retrieval.corpus import Corpus, read_corpus
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Vectors, dense_search, document_ranks
from stages.lib.schemas.documents import Documents

MODEL = Path("data/finetune/model")
PASSAGES = Path("data/split/passages.parquet")
DOCUMENTS = Path("data/pair/documents.parquet")
COUNTS = Path("data/clean/corpus_counts.parquet")
GLOSSARY = Path("data/glossary")
EDITS = Path("data/review/edits.csv")

# Characters of a passage on a line of text. JSON has all.
SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class RankedDocument:
    """A document that a model ranks first.

    Attributes:
        rank: its rank, from 1.
        score: the cosine of the question and its best passage.
        doc_id: its id.
        title: its title; "" if it has none.
        passage: its best passage, as the model reads it.
        rank_before: its rank by the base model, from 1.
    """

    rank: int
    score: float
    doc_id: str
    title: str
    passage: str
    rank_before: int


@dataclass(frozen=True)
class QuestionResult:
    """A question with its first documents.

    Attributes:
        question: the question as a person wrote it.
        asked_as: what the models get: the cleaned question, without a prompt.
        before: the first documents by the base model.
        after: the first documents by the fine-tuned model.
    """

    question: str
    asked_as: str
    before: list[RankedDocument]
    after: list[RankedDocument]


def clean_questions(questions: Sequence[str]) -> list[str]:
    """Return the questions as the run cleaned its queries; one that would be empty as it is."""
    cleaner = query_cleaner(COUNTS, GLOSSARY, load_section(CleanParams), EDITS)
    return [cleaner.clean(question).text or question.strip() for question in questions]


def ask(
    questions: Sequence[str],
    corpus: Corpus,
    title_of_id: Mapping[str, str],
    encoders: Mapping[str, Encoder],
    *,
    model: ModelParams,
    k: int,
) -> list[QuestionResult]:
    """Return the first `k` documents of each question by both models.

    Args:
        questions: what people ask, raw.
        corpus: the documents that are searched.
        title_of_id: the title of each document.
        encoders: the models, as "base" and "finetuned".
        model: the prompts of both models.
        k: how many documents of each model; fewer if the corpus is smaller.
    """
    cleaned = clean_questions(questions)

    # Both models embed the questions and all passages.
    vectors_of_system: dict[str, tuple[Vectors, Vectors]] = {}
    for name, encoder in encoders.items():
        passage_vectors = encoder.encode(corpus.texts, model.document_prompt, f"documents, {name}")
        query_vectors = encoder.encode(cleaned, model.anchor_prompt, f"questions, {name}")
        vectors_of_system[name] = (query_vectors, passage_vectors)

    ranked: dict[str, list[list[RankedDocument]]] = {}
    for name in encoders:
        ranked[name] = _first_documents(
            vectors_of_system[name], vectors_of_system["base"], corpus, title_of_id=title_of_id, k=k
        )

    rows = zip(questions, cleaned, ranked["base"], ranked["finetuned"], strict=True)
    return [QuestionResult(*row) for row in rows]


def _first_documents(
    own: tuple[Vectors, Vectors],
    base: tuple[Vectors, Vectors],
    corpus: Corpus,
    *,
    title_of_id: Mapping[str, str],
    k: int,
) -> list[list[RankedDocument]]:
    """Return the first `k` documents of each question.

    `own` and `base` are the vectors of the questions, shape (questions, dimension), and of the
    passages, shape (passages, dimension): by the model that ranks, and by the base model.
    """
    query_vectors, passage_vectors = own
    base_queries, base_passages = base
    hits = dense_search(query_vectors, passage_vectors, k, corpus.passage_starts)

    documents_of_question: list[list[RankedDocument]] = []
    for row, positions in enumerate(hits.positions.tolist()):
        # The same documents, where the base model ranks them.
        repeated = np.repeat(base_queries[row : row + 1], len(positions), axis=0)
        ranks = document_ranks(repeated, base_passages, positions, corpus.passage_starts)

        documents: list[RankedDocument] = []
        for index, position in enumerate(positions):
            passage_range = corpus.passage_range(position)
            own_scores = passage_vectors[passage_range.start : passage_range.stop]
            best = int(np.argmax(own_scores @ query_vectors[row]))
            doc_id = str(corpus.doc_ids[position])
            documents.append(
                RankedDocument(
                    rank=index + 1,
                    score=round(float(hits.scores[row, index]), 4),
                    doc_id=doc_id,
                    title=title_of_id.get(doc_id, ""),
                    passage=corpus.texts[passage_range[best]],
                    rank_before=int(ranks[index]),
                )
            )
        documents_of_question.append(documents)
    return documents_of_question


def result_lines(results: Sequence[QuestionResult]) -> list[str]:
    """Return the results as lines of text."""
    lines: list[str] = []
    for result in results:
        lines += ["", f"Question: {result.question}"]
        if result.asked_as != result.question:
            lines.append(f"Cleaned:  {result.asked_as}")
        lines += ["  before: base model", *_document_lines(result.before, has_rank_before=False)]
        lines += ["  after: fine-tuned", *_document_lines(result.after, has_rank_before=True)]
    return lines[1:]


def _document_lines(documents: Sequence[RankedDocument], *, has_rank_before: bool) -> list[str]:
    lines: list[str] = []
    for document in documents:
        # A passage has lines of its own.
        text = " ".join(document.passage.split())
        if document.title and not text.startswith(document.title):
            text = f"{document.title}: {text}"
        if len(text) > SHOWN_CHARACTERS:
            text = f"{text[: SHOWN_CHARACTERS - 3]}..."

        # The rank by the base model, where it is another one.
        before = ""
        if has_rank_before:
            is_same = document.rank == document.rank_before
            before = "" if is_same else f"(was {document.rank_before}) "
            before = before.ljust(9)
        lines.append(f"    {document.rank:>2}  {document.score:.3f}  {before}{text}")
    return lines


def main(
    questions: Annotated[list[str], typer.Argument(help="The questions, each in quotes.")],
    k: Annotated[
        int, typer.Option("--k", min=1, max=DEPTH, help="How many documents of each model.")
    ] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a list with everything, as JSON.")
    ] = False,
) -> None:
    """Ask questions: the first documents of the base model and of the fine-tuned one."""
    if not all(question.strip() for question in questions):
        raise UserError("a question is empty", 'write it in quotes: ask "Where is my parcel?"')
    _check_run()

    # The models, and what they search.
    model = load_section(ModelParams)
    device = choose_device(load_section(RunParams))
    encoders = {
        "base": Encoder(find_base_model(model), device),
        "finetuned": Encoder(MODEL, device),
    }
    documents: pd.DataFrame = tables.read(DOCUMENTS, Documents)
    title_of_id = dict(zip(documents["doc_id"], documents["title"], strict=True))
    results = ask(questions, read_corpus(PASSAGES), title_of_id, encoders, model=model, k=k)

    if as_json:
        say(json.dumps([asdict(result) for result in results], indent=2, ensure_ascii=False))
    else:
        say("\n".join(result_lines(results)))


def _check_run() -> None:
    """Check that there are a model and tables, and that they are of the settings at hand.

    Raises:
        UserError: they are not.
    """
    for path in (COUNTS, DOCUMENTS, PASSAGES, MODEL):
        if not path.exists():
            raise UserError(
                f"{path} does not exist",
                "run 'make repro' first, or 'dvc pull' where a remote holds the run",
            )

    # A model of other settings would get questions that it was not trained for.
    reason = why_no_run("finetune")
    if reason is not None:
        raise UserError(f"there is no fine-tuned model of this data: {reason}", "run 'make repro'")


app = command(main, "tables", "model")

if __name__ == "__main__":
    app()
