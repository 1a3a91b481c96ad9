"""Documents made of the documentation of installed packages, and what is planted among them."""

from __future__ import annotations

import ast
import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("numpy", "pandas", "scipy", "sklearn")
_SENTENCE = re.compile(r"[A-Z][^.!?\n]*(?:\n[^.!?\n]+)*[.!?]")
_STOP_OF_WORDS = re.compile(r"(?<=[a-z]{2})([.,])(?= [A-Za-z]{2}|$)")
TITLES = (
    "cancel my order",
    "what is VAT",
    "refund policy",
    "opening hours",
    "reset my password",
    "delete my account",
)
EDITED = 10
WORDS_OF_PARAGRAPH = 50
EMPTY = ("the", "of", "is", "that", "and")
WORDS_OF_QUESTIONS = """
reset router account invoice refund parcel address password order delivery window battery charger
cable screen update version install remove folder printer network signal contract number change
cancel renew payment receipt discount coupon return exchange warranty repair
"""


class Planted(NamedTuple):
    """Id to text, and ids of what was planted: which must stay, of which two one must go, and which of two must win."""

    texts: dict[str, str]
    titles: list[str]
    templated: list[str]
    copies: list[tuple[str, str]]
    twins: list[tuple[str, str]]


@lru_cache(maxsize=1)
def sentences() -> list[str]:
    """Return the sentences of five words or more in the docstrings of PACKAGES, each once, sorted."""
    found = set()
    for package in PACKAGES:
        spec = find_spec(package)
        for file in sorted(Path(spec.origin or "").parent.rglob("*.py")) if spec else []:
            if "tests" in file.parts:
                continue
            tree = ast.parse(file.read_text("utf-8", errors="replace"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    for match in _SENTENCE.finditer(ast.get_docstring(node) or ""):
                        sentence = " ".join(match[0].split())
                        if 5 <= len(sentence.split()) <= 40:
                            found.add(sentence)
    return sorted(found)


def documents(count: int, seed: int) -> list[str]:
    """Return `count` documents of forty words or a little more, of halves of sentences drawn at random.

    Whole sentences would be too few: a million documents of them would share each with dozens of others.
    """
    draw, pool = random.Random(seed), sentences()
    made = []
    for _ in range(count):
        text = ""
        while text.count(" ") < 40:
            words, half = draw.choice(pool).split(), draw.randrange(2)
            text += " ".join(words[len(words) // 2 :] if half else words[: len(words) // 2]) + " "
        made.append(text.strip())
    return made


def documents_of_words(count: int, words: int, seed: int) -> Iterator[str]:
    """Yield `count` documents of about `words` words, each word drawn by how often PACKAGES use it.

    Unlike those of `documents`, two of them share no sentence, however many there are. So the near
    pairs grow with the documents: each tenth document is an edit of the one before it. Paragraphs
    of about WORDS_OF_PARAGRAPH words have an empty line between them.
    """
    draw = random.Random(seed)
    counts = Counter(word.strip(",;:().") for sentence in sentences() for word in sentence.split())
    counts.pop("", None)
    pool = list(counts)
    sums = list(accumulate(counts.values()))

    paragraphs: list[str] = []
    for number in range(count):
        if number % EDITED == EDITED - 1:
            paragraphs = [
                edited(paragraph, draw.uniform(0.0, 0.1), draw) for paragraph in paragraphs
            ]
            yield "\n\n".join(paragraphs)
            continue

        paragraphs = []
        for _ in range(max(1, round(words / WORDS_OF_PARAGRAPH))):
            made = list[str]()
            length = 0
            while length < WORDS_OF_PARAGRAPH:
                size = draw.randint(8, 20)
                sentence = " ".join(draw.choices(pool, cum_weights=sums, k=size))
                made.append(sentence[0].upper() + sentence[1:] + ".")
                length += size
            paragraphs.append(" ".join(made))
        yield "\n\n".join(paragraphs)


def edited(text: str, share: float, draw: random.Random) -> str:
    """Return `text` with that share of its words replaced by words of other sentences, dropped or doubled."""
    words = text.split()
    for at in sorted(draw.sample(range(len(words)), round(share * len(words))), reverse=True):
        other = draw.choice(draw.choice(sentences()).split())
        words[at : at + 1] = draw.choice([[other], [], [words[at], other]])
    return " ".join(words)


def noisy(text: str) -> str:
    """Return `text` with doubled blanks, and with doubled stops between words: it says the same.

    Capitals would be no noise: a stop word in capitals may be a name. Nor would doubled stops be
    beside a digit or a sign, where they mean something: `a..b`, `3..5`.
    """
    return _STOP_OF_WORDS.sub(r"\1\1", text).replace(" ", "  ")


def planted(count: int, seed: int) -> Planted:
    """Return `count` documents and, for every four of them, one that is an edit, a copy, a twin or of a template."""
    draw = random.Random(seed)
    base = documents(count, seed)
    texts = [*base]
    copies, twins = list[tuple[int, int]](), list[tuple[int, int]]()

    def add(text: str) -> int:
        texts.append(text)
        return len(texts) - 1

    for at, text in enumerate(base[::4]):
        kind = at % 5
        if kind < 2:
            add(edited(text, draw.uniform(0.0, 0.1), draw))
        elif kind == 2:  # a chain: each link near the one before, the ends far apart
            link = text
            for _ in range(3):
                link = edited(link, 0.06, draw)
                add(link)
        elif kind == 3:
            words = text.split()
            place = draw.randrange(2, len(words))
            copies.append(
                (4 * at, add(" ".join([*words[:place], draw.choice(EMPTY), *words[place:]])))
            )
        else:
            twins.append((4 * at, add(noisy(text))))
    slots = [
        sentence.split()[at % 3] + f" {at}"
        for at, sentence in enumerate(draw.sample(sentences(), 400))
    ]
    template = " ".join(documents(1, seed + 1))
    templated = [add(f"{template} This applies to the setting {slot} alone.") for slot in slots]
    titles = [add(title) for title in TITLES]
    copies += [(at, add(title.title() + "?")) for at, title in zip(titles, TITLES, strict=True)]
    names = [f"d{name:016x}" for name in draw.sample(range(1 << 48), len(texts))]
    return Planted(
        dict(zip(names, texts, strict=True)),
        [names[at] for at in titles],
        [names[at] for at in templated],
        [(names[one], names[other]) for one, other in copies],
        [(names[clean], names[noisy]) for clean, noisy in twins],
    )


def questions(count: int, seed: int) -> list[str]:
    """Return questions of nine words, and of each tenth one a copy with a slip of the finger."""
    chance = random.Random(seed)
    words = WORDS_OF_QUESTIONS.split()
    texts: list[str] = []
    for number in range(count):
        if number % 10 == 9:
            place = chance.randrange(len(texts[-1]))
            texts.append(texts[-1][:place] + "x" + texts[-1][place:])
        else:
            texts.append(" ".join(chance.choices(words, k=9)))
    return texts
