"""Misspellings of people in real text: what is corrected, and what is harmed where nothing is wrong.

    python bench/misspellings.py --dictionary FILE --texts NAME=FILE [NAME=FILE ...]
                                 [--rate 0.05] [--seed 1] [--show] [--json]

The dictionary is one of codespell: a line "misspelling->correction"; entries with several corrections are left out.
Each file of texts is JSON lines with "title" and "text", or plain text with empty lines between texts. A word that the
dictionary knows is misspelt at the given rate. `common` are misspellings that are themselves frequent on the web.

    NAME.all.precision, recall        edits over what was planted; edits of the untouched text do not count
    NAME.common.precision, recall     the same for common misspellings
    NAME.edits_per_1000_words         edits of the untouched text; --show lists them, to be judged by eye
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.faults.typos import Planted, compare, ours
from stages.clean.spelling.prose import prose_words
from stages.lib.preprocessing.english_words import web_counts

_PLAIN = re.compile("[a-z]{4,}")


def read_dictionary(path: Path) -> dict[str, list[str]]:
    """Return the misspellings of each word; entries with several corrections are left out."""
    misspellings: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text("utf-8").splitlines():
        wrong, _, right = line.partition("->")
        if _PLAIN.fullmatch(wrong) and _PLAIN.fullmatch(right):
            misspellings[right].append(wrong)

    return dict(misspellings)


def read_texts(path: Path) -> list[str]:
    """Return the different texts of a file, titles among them."""
    content = path.read_text("utf-8")
    texts: list[str] = []
    if path.suffix == ".jsonl":
        for line in content.splitlines():
            row = json.loads(line)
            texts += [row.get("title", ""), row["text"]]
    else:
        texts = re.split(r"\n\s*\n", content)

    return [text for text in dict.fromkeys(texts) if text]


def plant(
    texts: Sequence[str],
    misspellings: Mapping[str, Sequence[str]],
    rate: float,
    draw: random.Random,
) -> Planted:
    """Misspell words in lower case at `rate`."""
    planted: list[str] = []
    pairs: list[Counter[tuple[str, str]]] = []
    for text in texts:
        held: Counter[tuple[str, str]] = Counter()
        for word in reversed(prose_words(text)):
            wrong_words = misspellings.get(word.text)
            if wrong_words and draw.random() < rate:
                wrong = draw.choice(wrong_words)
                text = text[: word.start] + wrong + text[word.end :]
                held[wrong, word.text] += 1

        planted.append(text)
        pairs.append(held)

    return Planted(planted, pairs)


def measure(
    texts: Sequence[str],
    misspellings: Mapping[str, Sequence[str]],
    rate: float,
    seed: int,
) -> dict[str, float]:
    """Return precision and recall of what was planted, and the edits of untouched text."""
    counts = compare(texts, plant(texts, misspellings, rate, random.Random(seed)), ours, set())

    return {
        "precision": counts["hit"] / max(1, counts["hit"] + counts["wrong"]),
        "recall": counts["hit"] / max(1, counts["planted"]),
        "edits_per_1000_words": 1000 * counts["bad"] / max(1, counts["tokens"]),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dictionary", type=Path, required=True)
    parser.add_argument("--texts", nargs="+", required=True)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    every = read_dictionary(options.dictionary)
    common: dict[str, list[str]] = {}
    for right, wrong_words in every.items():
        frequent = [word for word in wrong_words if word in web_counts()]
        if frequent:
            common[right] = frequent

    figures: dict[str, float] = {}
    for name, _, file in (item.partition("=") for item in options.texts):
        texts = read_texts(Path(file))
        for kind, misspellings in (("all", every), ("common", common)):
            measured = measure(texts, misspellings, options.rate, options.seed)
            figures[f"{name}.edits_per_1000_words"] = measured.pop("edits_per_1000_words")
            figures |= {f"{name}.{kind}.{key}": value for key, value in measured.items()}

        if options.show:
            edits = sum(ours(texts), Counter[tuple[str, str]]())
            for (before, after), count in sorted(edits.items()):
                print(f"{name}\t{before}\t{after}\t{count}")

    shown = {name: round(value, 4) for name, value in sorted(figures.items())}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{name:44} {value:g}" for name, value in shown.items())
    )


if __name__ == "__main__":
    main()
