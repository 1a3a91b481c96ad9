"""Abbreviations: definitions against sentences labelled by hand, and short forms with several meanings.

abbreviations.tsv: sentences of the Human Phenotype Ontology, the awscli API documentation and the docstrings of scipy,
pandas and scikit-learn, drawn at random among those with brackets; the definitions in each as a reader would give
them, short and long as written there. definitions.txt: sentences written in the style of biomedical abstracts and of
law, software, commerce, engineering, German and French, with traps. The algorithm was tuned on rows of both, so
its figures on them are no estimate of those on other texts.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.clean.abbreviations.definitions import find_definitions
from stages.clean.abbreviations.dictionary import build_dictionary
from stages.clean.abbreviations.expansion import expand
from stages.lib.preprocessing.word_lists import Abbreviations, read_abbreviations

GOLD = Path(__file__).with_suffix(".tsv")
WRITTEN = Path(__file__).with_name("definitions.txt")

Labelled = tuple[str, frozenset[tuple[str, str]]]


def gold() -> list[Labelled]:
    """Return the sentences with their definitions as (short, long), the long form in lower case."""
    with GOLD.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["sentence"], frozenset(_pairs(row["definitions"]))) for row in rows]


def written() -> list[Labelled]:
    """Return the sentences of definitions.txt with their definitions, as `gold` does."""
    rows: list[tuple[str, set[tuple[str, str]]]] = []
    for line in WRITTEN.read_text("utf-8").splitlines():
        if line.startswith("> "):
            short, long = line[2:].split(" = ")
            rows[-1][1].add((short, long.casefold()))
        elif line and not line.startswith("#"):
            rows.append((line, set()))
    return [(sentence, frozenset(pairs)) for sentence, pairs in rows]


def score(rows: Iterable[Labelled]) -> dict[str, float]:
    """Return F1, precision and recall of the definitions found: short form exact, long form up to case."""
    right = found = wanted = 0
    for sentence, pairs in rows:
        mine = {
            (definition.short, definition.long.casefold())
            for definition in find_definitions(sentence)
        }
        right, found, wanted = right + len(mine & pairs), found + len(mine), wanted + len(pairs)
    return {
        "abbreviations.f1": 2 * right / (found + wanted),
        "abbreviations.precision": right / found if found else 0.0,
        "abbreviations.recall": right / wanted,
    }


def measure(seed: int) -> dict[str, float]:
    """Return the scores on all labelled sentences; nothing is planted here, so `seed` changes nothing."""
    del seed
    of_written = score(written())
    return score(gold()) | {
        name.replace("abbreviations", "abbreviations.written"): value
        for name, value in of_written.items()
    }


def ambiguous(path: Path) -> dict[str, float]:
    """Return which share of the short forms with several meanings is flagged, and how many are expanded.

    `path` is a CSV with the columns abbreviation and meaning. A short form counts as having several meanings when
    two of its meanings differ in more than case.
    """
    meanings: dict[str, dict[str, str]] = defaultdict(dict)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            short, long = (" ".join(row[column].split()) for column in ("abbreviation", "meaning"))
            if short and long:
                meanings[short].setdefault(long.casefold(), long)
    several = [short for short, longs in meanings.items() if len(longs) > 1]
    with TemporaryDirectory() as folder:
        converted = Path(folder) / "abbreviations.csv"
        with converted.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerow(("short", "long"))
            writer.writerows(
                (short, long) for short, longs in meanings.items() for long in longs.values()
            )
        read = read_abbreviations(converted)
    known = build_dictionary({}, read, 2)
    return {
        "abbreviations.ambiguous_flagged": sum(short in known.ambiguous for short in several)
        / max(1, len(several)),
        "abbreviations.ambiguous_expanded": float(
            sum(_is_expanded(short, known) for short in several)
        ),
    }


def _is_expanded(short: str, known: Abbreviations) -> bool:
    entries = tuple(known.known.items())
    return any(
        edit.before.endswith(short)
        for mode in ("first", "all")
        for edit in expand(f"There was {short} here.", entries, mode)
    )


def _pairs(cell: str) -> Iterable[tuple[str, str]]:
    for pair in cell.split("; ") if cell else ():
        short, long = pair.split("=")
        yield short, long.casefold()
