"""Typos: planted one in a hundred words, in medical definitions and in API documentation, beside symspellpy."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.faults.corpora import definitions, operations
from stages.augment.lexical_variants import NEIGHBOUR_KEYS
from stages.clean.spelling.correction import correct_text, names
from stages.clean.spelling.prose import english_words, prose_words
from stages.clean.spelling.speller import correct_vocabulary
from stages.lib.preprocessing.english_words import english

RATE = 0.01
Pair = tuple[str, str]


class Planted(NamedTuple):
    """Texts with typos in them, and per text each (typo, right word)."""

    texts: list[str]
    pairs: list[Counter[Pair]]


def measure(seed: int) -> dict[str, float]:
    """Return precision and recall of what was planted, per corpus and over both, and wrong edits on untouched text."""
    right = {(row["before"], row["after"]) for row in _judged()}
    told: dict[str, float] = {}
    sums: Counter[str] = Counter()
    for name, texts in (("definitions", definitions()), ("operations", operations())):
        for system, corrector in (("typos", ours), ("symspell", symspell)):
            # The peer looks every word up anew: a tenth of the texts tells enough.
            used = texts if system == "typos" else texts[::10]
            planted = plant(used, random.Random(seed))
            counts = compare(used, planted, corrector, right)
            sums.update({f"{system}.{key}": value for key, value in counts.items()})
            told |= {f"{system}.{name}.{key}": value for key, value in _shares(counts).items()}
    for system in ("typos", "symspell"):
        shares = _shares(
            Counter(
                {
                    key: sums[f"{system}.{key}"]
                    for key in ("hit", "wrong", "planted", "bad", "tokens")
                }
            )
        )
        told |= {f"{system}.{key}": value for key, value in shares.items()}
    told["wrong_edits_per_1000_tokens"] = told["typos.wrong_edits_per_1000_tokens"]
    return told


def plant(texts: Sequence[str], draw: random.Random) -> Planted:
    """Put a slip of the fingers into one of a hundred words of four letters or more; known words are no typos."""
    made, pairs = [], []
    for text in texts:
        held: Counter[Pair] = Counter()
        for word in reversed(prose_words(text)):
            if len(word.text) >= 4 and word.text.islower() and draw.random() < RATE:
                typo = slip(word.text, draw)
                if typo != word.text and typo not in english():
                    text = text[: word.start] + typo + text[word.end :]
                    held[typo, word.text] += 1
        made.append(text)
        pairs.append(held)
    return Planted(made, pairs)


def slip(word: str, draw: random.Random) -> str:
    """Return `word` with a letter left out, added or hit beside its key, two swapped, or one doubled."""
    at, key = draw.randrange(len(word)), draw.choice(["leave", "add", "miss", "swap", "double"])
    if key == "leave":
        return word[:at] + word[at + 1 :]
    if key == "swap":
        at = min(at, len(word) - 2)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if key == "double":
        return word[:at] + word[at] + word[at:]
    beside = draw.choice(NEIGHBOUR_KEYS[word[at]])
    return word[:at] + beside + word[at + (key == "miss") :]


def compare(
    texts: Sequence[str],
    planted: Planted,
    corrector: Callable[[Sequence[str]], list[Counter[Pair]]],
    right: set[Pair],
) -> Counter[str]:
    """Count hits and wrong edits on the planted texts, and wrong edits on the untouched ones."""
    untouched, edits = corrector(texts), corrector(planted.texts)
    found: Counter[str] = Counter(tokens=sum(len(text.split()) for text in texts))
    for before, after, pairs in zip(untouched, edits, planted.pairs, strict=True):
        hits = after & pairs
        found["hit"] += hits.total()
        # What is edited in the untouched text as well says nothing of the planted typos; it is judged below.
        found["wrong"] += (after - hits - before).total()
        found["planted"] += pairs.total()
        found["bad"] += sum(count for pair, count in before.items() if pair not in right)
    return found


def ours(texts: Sequence[str]) -> list[Counter[Pair]]:
    """Return the edits of each text, by the vocabulary of all of them."""
    counts: Counter[str] = Counter()
    name_counts: Counter[str] = Counter()
    for text in texts:
        words = prose_words(text)
        counts.update({word.text.lower() for word in english_words(text, words)})
        name_counts.update(names(text, words))
    capitalised = frozenset(name for name, count in name_counts.items() if count > 1)
    corrections = correct_vocabulary(counts, capitalised)
    return [
        Counter((edit.before, edit.after) for edit in correct_text(text, corrections.get))
        for text in texts
    ]


def symspell(texts: Sequence[str]) -> list[Counter[Pair]]:
    """Return the edits that symspellpy's first suggestion within two edits makes, word by word."""
    from symspellpy import SymSpell, Verbosity

    index = SymSpell()
    for word, count in english().items():
        index.create_dictionary_entry(word, count)
    known: dict[str, str] = {}
    edits = []
    for text in texts:
        made: Counter[Pair] = Counter()
        for one in prose_words(text):
            if one.text.islower():
                if one.text not in known:
                    known[one.text] = index.lookup(
                        one.text, Verbosity.TOP, max_edit_distance=2, include_unknown=True
                    )[0].term
                if known[one.text] != one.text:
                    made[one.text, known[one.text]] += 1
        edits.append(made)
    return edits


def _shares(counts: Counter[str]) -> dict[str, float]:
    return {
        "precision": counts["hit"] / max(1, counts["hit"] + counts["wrong"]),
        "recall": counts["hit"] / max(1, counts["planted"]),
        "wrong_edits_per_1000_tokens": 1000 * counts["bad"] / counts["tokens"],
    }


def _judged() -> list[dict[str, str]]:
    with Path(__file__).with_name("untouched.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))
