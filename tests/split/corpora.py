"""Small corpora with quoted passages and copied sections, through recipes, split and fingerprints.

The checks search the raw texts for raw substrings. They use no normal form and no hash.
"""

from typing import NamedTuple

import pandas as pd

from stages.clean.passages import passages
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.pairs import Pairs
from stages.lib.text.matches import match_texts
from stages.pair.candidates import candidate_rows, synthetic_rows
from stages.pair.recipes import propose_candidates
from stages.pair.render import source_documents
from stages.split.assign import assign
from stages.split.assignment import assign_documents, sample_training
from stages.split.components import edges_from_tables, synthetic_pair_edges, text_versions
from stages.split.constraints import Constraints
from stages.split.fingerprints import FingerprintTable
from stages.split.leakage import find_leaks, tolerated_leaks
from stages.split.rows import SplitRows
from stages.split.texts import document_texts
from stages.validate.row_quality import leaked_rows
from tests.split.faq import aliases, d, near, pairs, typed

RECIPES = ("title", "heading", "question", "first_sentence", "neighbours", "same_label", "synonyms")
PASSAGE_WORDS = 80


def line(name, count):
    """Return a line of `count` words that no other name has: a sentence."""
    words = [hash_hex("corpus", str(name), str(index))[:7] for index in range(count)]
    return " ".join(words) + "."


SECTIONS = [line(f"section {number}", 55) for number in range(3)]
SENTENCES = [line(f"sentence {number}", 22) for number in range(3)]
NEAR = [line(f"near {number}", 12) for number in range(3)]


class Corpus(NamedTuple):
    """Documents and pairs as collected: titles and texts by document, and pairs of it."""

    documents: pd.DataFrame
    pairs: pd.DataFrame


class Result(NamedTuple):
    """What the split did: triplets of the training rows, held-out texts, and leaked rows."""

    triplets: pd.DataFrame
    held_out: dict[str, str]
    leaked: list[str]


class _Table:
    """A table in memory that is read in batches."""

    def __init__(self, frame):
        self.frame = frame

    def batches(self):
        yield self.frame


def corpus(texts, anchors, topics=()):
    """Return the corpus of texts; anchors are (anchor, number of its document)."""
    rows = []
    for index, text in enumerate(texts):
        topic = topics[index] if topics else ""
        rows.append((d(index), "faq", f"Title {line(index, 3)}", text, topic, ""))

    named = [(f"pair {number}", anchor, index) for number, (anchor, index) in enumerate(anchors)]
    return Corpus(typed(rows, Documents), pairs(*named))


def split_corpus(data, params, recipes=(), times=None):
    """Return what the real functions of pair, split and validate make of the corpus."""
    cut = passages(data.documents, PASSAGE_WORDS, 20, lambda texts: [len(t.split()) for t in texts])
    given = {}
    for row in data.pairs.itertuples():
        given.setdefault(row.doc_id, []).append((row.pair_id, row.anchor))

    candidates = list(
        propose_candidates(
            recipes,
            source_documents(data.documents, cut),
            collected_text=dict(zip(data.documents["doc_id"], data.documents["text"], strict=True)),
            given_anchors=given,
        )
    )
    synthetic = synthetic_rows(candidates)
    every_pair = pd.concat([data.pairs, candidate_rows(candidates)], ignore_index=True)
    every_pair = every_pair.drop_duplicates("pair_id").astype(Pairs.empty().dtypes.to_dict())

    # The split, as the stage makes it.
    document_of_pair = dict(zip(every_pair["pair_id"], every_pair["doc_id"], strict=True))
    tables = [_Table(data.documents), _Table(cut)]
    texts, untrained = document_texts(
        tables[0], tables, synthetic, document_of_pair=document_of_pair
    )
    anchors = text_versions((every_pair, "pair_id", "anchor"))
    rows = SplitRows(anchors, texts, document_of_pair, untrained)
    matches = match_texts(rows.kinds, params.near_threshold, untrained=untrained)
    edges = edges_from_tables(near(), aliases(), data.documents, every_pair, params=params)
    edges += synthetic_pair_edges(synthetic, document_of_pair, params)
    assignment = assign(
        rows, edges, matches, constraints=Constraints({}, {}, times or {}), params=params
    )
    splits = sample_training(assignment, every_pair, None)
    if not params.splits_documents:
        splits = assign_documents(splits, rows, {})

    split_of = dict(zip(splits["id"], splits["split"], strict=True))
    leaks = find_leaks(matches, split_of, document_of_pair)
    table = FingerprintTable(
        rows.every_text(),
        split_of,
        tolerated_leaks(leaks, params.unit, split_of),
        anchors_only=not params.splits_documents,
        common_runs=matches.common_runs,
        untrained=untrained,
    ).frame()
    hashed = [table]
    triplets = training_rows(every_pair, cut, synthetic, split_of)
    held_out = {}
    for row_id, versions in rows.every_text().items():
        if split_of[row_id] in ("validation", "test"):
            held_out.update({f"{row_id} {number}": body for number, body in enumerate(versions)})

    return Result(triplets, held_out, leaked_rows(triplets, hashed, params.near_threshold))


def training_rows(every_pair, cut, synthetic, split_of):
    """Return a row for each training pair and passage; all documents of training are negatives."""
    texts_of = cut.groupby("doc_id")["text"].agg(list).to_dict()
    positive_of = dict(zip(synthetic["pair_id"], synthetic["positive"], strict=True))
    negatives = sorted(
        body
        for doc_id, bodies in texts_of.items()
        if split_of[doc_id] in ("train", "corpus")
        for body in bodies
    )
    rows = []
    for row in every_pair.itertuples():
        if split_of[row.pair_id] != "train":
            continue

        positives = [positive_of.get(row.pair_id, "")]
        for positive in positives if positives[0] else texts_of[row.doc_id]:
            rows.append((row.pair_id, row.anchor, positive, negatives))

    return pd.DataFrame(rows, columns=["pair_id", "anchor", "positive", "negatives"])


def raw_leaks(result, unit):
    """Return (training text, held-out text) that leak by a search for raw substrings."""
    held_out = {body for name, body in result.held_out.items()}
    training = set(result.triplets["anchor"])
    if unit in ("component", "group"):
        training.update(result.triplets["positive"])
        training.update(body for bodies in result.triplets["negatives"] for body in bodies)
    else:
        held_out = {body for name, body in result.held_out.items() if name.startswith("p")}

    contains = _is_same if unit == "group" else _is_leak
    return [(text, other) for text in training for other in held_out if contains(text, other)]


def _is_same(text, other):
    return text.strip() == other.strip()


def _is_leak(text, other):
    if _is_same(text, other):
        return True

    # Twelve words and one more are near. A long sentence, or fifty words, stand in both.
    if text.startswith(other) or other.startswith(text):
        longer, shorter = sorted((len(text.split()), len(other.split())), reverse=True)
        if longer - shorter == 1 and shorter >= 12:
            return True
    if any(sentence in text and sentence in other for sentence in SENTENCES):
        return True

    words = text.split()
    spaced = f" {' '.join(other.split())} "
    return any(
        f" {' '.join(words[start : start + 50])} " in spaced for start in range(len(words) - 49)
    )
