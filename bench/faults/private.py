"""Private data: made-up addresses and numbers planted in clean definitions."""

from __future__ import annotations

import random

from bench.faults.corpora import definitions, operations
from stages.clean.private_data import find


def measure(seed: int) -> dict[str, float]:
    """Return precision and recall over planted pieces, and how many are found in untouched text per 1,000 tokens."""
    draw = random.Random(seed)
    hits = found = planted = 0
    texts = definitions()[::4]
    for text in texts:
        kind, piece = make(draw)
        start = len(text) + len(" Contact: ")
        told = find(f"{text} Contact: {piece} today.")
        planted += 1
        found += len(told)
        hits += any(
            (one.start, one.end, one.kind) == (start, start + len(piece), kind) for one in told
        )
    untouched = [*definitions(), *operations()]
    tokens = sum(len(text.split()) for text in untouched)
    return {
        "private.precision": hits / max(1, found),
        "private.recall": hits / planted,
        "private.found_per_1000_untouched_tokens": 1000
        * sum(len(find(text)) for text in untouched)
        / tokens,
    }


def make(draw: random.Random) -> tuple[str, str]:
    """Return a kind and a piece of private data of that kind."""

    def digits(count: int) -> str:
        return "".join(draw.choices("0123456789", k=count))

    card = "4" + digits(14)
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(card + "0"))]
    check = -sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10
    return draw.choice(
        [
            (
                "EMAIL",
                f"{draw.choice(['ana', 'jo.smith', 'k_li'])}{digits(2)}@mail{digits(1)}.example.org",
            ),
            ("PHONE", f"+44 20 7{digits(3)} {digits(4)}"),
            ("PHONE", f"({draw.randint(201, 989)}) {draw.randint(200, 999)}-{digits(4)}"),
            ("PHONE", f"{draw.randint(201, 989)}-{draw.randint(200, 999)}-{digits(4)}"),
            ("IP", f"81.{draw.randint(100, 255)}.{draw.randint(100, 255)}.{draw.randint(1, 255)}"),
            ("CARD", f"{card[:4]} {card[4:8]} {card[8:12]} {card[12:]}{check}"),
            (
                "NATIONAL_ID",
                f"{draw.randint(100, 665)}-{draw.randint(10, 99)}-{draw.randint(1000, 9999)}",
            ),
        ]
    )
