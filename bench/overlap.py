"""Time and memory of the search for shared runs, and whether it finds the copied sections.

    python bench/overlap.py 20000

Documents have about 200 words out of the documentation of installed packages (bench/corpus.py). One
in ten quotes 60 words of another one, at any place. The peak of the process covers the texts, their
normal forms and the runs, and not the join of near texts (bench/deduplicate.py measures that one).
"""

from __future__ import annotations

import random
import sys
import time
from typing import NamedTuple

from bench.corpus import documents
from bench.process_memory import status
from stages.lib.text.matches import ids_by_normal_form
from stages.lib.text.normal_form import normal_form
from stages.lib.text.normal_form import words as word_list
from stages.lib.text.overlap import RUN_WORDS, shared_runs

WORDS = 200
QUOTED_WORDS = 60


class Corpus(NamedTuple):
    """Document id to text, and the pairs of ids of which the second quotes the first."""

    texts: dict[str, str]
    quotes: list[tuple[str, str]]


def corpus(count: int, seed: int) -> Corpus:
    """Return `count` documents, of which one in ten quotes another one."""
    draw = random.Random(seed)
    parts = documents(5 * count, seed)
    texts = [" ".join(" ".join(parts[index::count]).split()[:WORDS]) for index in range(count)]

    # The quoted words stand somewhere in place of others.
    ids = [f"d{index:07d}" for index in range(count)]
    quotes: list[tuple[str, str]] = []
    for index in range(0, count, 10):
        origin = draw.randrange(1, count // 10) * 10 + 1
        words, quoted = texts[index].split(), texts[origin].split()
        start = draw.randrange(len(quoted) - QUOTED_WORDS)
        place = draw.randrange(len(words) - QUOTED_WORDS)
        words[place : place + QUOTED_WORDS] = quoted[start : start + QUOTED_WORDS]
        texts[index] = " ".join(words)
        # Signs between spaces are no words of the normal form.
        quote = " ".join(words[place : place + QUOTED_WORDS])
        if len(word_list(normal_form(quote))) >= RUN_WORDS:
            quotes.append((ids[origin], ids[index]))

    return Corpus(dict(zip(ids, texts, strict=True)), quotes)


def main(count: int) -> None:
    """Print one line of figures."""
    made = corpus(count, seed=1)
    before = _peak()
    rows = {row_id: [text] for row_id, text in made.texts.items()}

    start = time.process_time()
    forms = ids_by_normal_form(rows)
    forms_seconds = time.process_time() - start

    start = time.process_time()
    shared = shared_runs(rows, {})
    seconds = time.process_time() - start

    groups = [set(group) for group in shared.groups]
    groups_of_row: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        for row_id in group:
            groups_of_row.setdefault(row_id, []).append(number)

    missed = 0
    for origin, quoting in made.quotes:
        numbers = groups_of_row.get(quoting, [])
        missed += not any(origin in groups[number] for number in numbers)

    print(
        f"{count:,} documents: normal forms {forms_seconds:.1f} s, runs {seconds:.1f} s of CPU, "
        f"{missed} of {len(made.quotes):,} quotes missed, {len(groups):,} groups, "
        f"peak {_peak():,} MB (before the search {before:,} MB), {len(forms):,} forms"
    )


def _peak() -> int:
    return status("VmHWM") // 1024


if __name__ == "__main__":
    main(int(sys.argv[1]))
