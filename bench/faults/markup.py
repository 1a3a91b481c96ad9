"""Markup: formulas, tables, readings and Markdown planted in clean definitions, and tags that are the subject.

Right texts are written by hand here, so that they do not follow from the rules that are measured.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from bench.faults.corpora import definitions
from stages.clean.rules import markup_rules, repair

# A draw to the text as found and the text as it should be.
Plant = Callable[[random.Random], tuple[str, str]]


def _numbers(draw: random.Random) -> tuple[int, int]:
    return draw.randint(2, 99), draw.randint(2, 12)


def _power(draw: random.Random) -> tuple[str, str]:
    base, exponent = _numbers(draw)
    return f"About {base}<sup>{exponent}</sup> cells.", f"About {base}^{exponent} cells."


def _unit(draw: random.Random) -> tuple[str, str]:
    unit, exponent = draw.choice(["m", "cm", "kg", "s", "mol"]), draw.choice(["2", "3", "-1", "-2"])
    return f"In {unit}<sup>{exponent}</sup> units.", f"In {unit}^{exponent} units."


def _footnote(draw: random.Random) -> tuple[str, str]:
    number = draw.randint(1, 9)
    return f"It was shown.<sup>[{number}]</sup> Later.", f"It was shown.[{number}] Later."


def _ordinal(draw: random.Random) -> tuple[str, str]:
    number = draw.randint(4, 19)
    return f"The {number}<sup>th</sup> week.", f"The {number}th week."


def _chemistry(draw: random.Random) -> tuple[str, str]:
    html, text = draw.choice(
        [
            ("H<sub>2</sub>O", "H₂O"),
            ("CO<sub>2</sub>", "CO₂"),
            ("CaCl<sub>2</sub>", "CaCl₂"),
            ("K<sup>+</sup>", "K⁺"),
        ]
    )
    return f"With {html} in it.", f"With {text} in it."


def _fraction(draw: random.Random) -> tuple[str, str]:
    above, below = _numbers(draw)
    html = f"<math><mfrac><mn>{above}</mn><mn>{below}</mn></mfrac></math>"
    return f"A ratio of {html} is high.", f"A ratio of {above}/{below} is high."


def _correction(draw: random.Random) -> tuple[str, str]:
    old, new = _numbers(draw)
    return f"Take <del>{old}</del><ins>{new}</ins> mg.", f"Take {new} mg."


def _term(draw: random.Random) -> tuple[str, str]:
    number, _ = _numbers(draw)
    return f"<dl><dt>Age</dt><dd>{number}</dd></dl>", f"\nAge: {number}"


def _span(draw: random.Random) -> tuple[str, str]:
    left, right = _numbers(draw)
    html = f"<table><tr><td rowspan=2>A</td><td>{left}</td></tr><tr><td>{right}</td></tr></table>"
    return html, f"\nA | {left}\nA | {right}"


def _emphasis(draw: random.Random) -> tuple[str, str]:
    number, _ = _numbers(draw)
    return (
        f"\n## Dose\n*{number}* mg, [see][s] **this**.\n[s]: https://e.org",
        f"\nDose\n{number} mg, see this.",
    )


def _tag_as_subject(draw: random.Random) -> tuple[str, str]:
    name = draw.choice(["hr", "br", "div", "wbr", "center"])
    return f" Why does <{name}> need no end?", f" Why does `<{name}>` need no end?"


def _entity_as_subject(draw: random.Random) -> tuple[str, str]:
    name = draw.choice(["shy", "nbsp", "amp", "zwj"])
    return f" What does &{name}; mean?", f" What does `&{name};` mean?"


PLANTS: dict[str, Plant] = {
    "chemistry": _chemistry,
    "correction": _correction,
    "emphasis": _emphasis,
    "entity_as_subject": _entity_as_subject,
    "footnote": _footnote,
    "fraction": _fraction,
    "ordinal": _ordinal,
    "power": _power,
    "span": _span,
    "tag_as_subject": _tag_as_subject,
    "term": _term,
    "unit": _unit,
}


def measure(seed: int) -> dict[str, float]:
    """Return the share of planted texts that come out right, of each kind and for a parser alone, and wrong edits."""
    from selectolax.lexbor import LexborHTMLParser

    draw, rules = random.Random(seed), markup_rules(lines=True)
    texts = [
        text
        for text in definitions()
        if text.isascii() and not any(sign in text for sign in "&<*#[`")
    ]
    hits = dict.fromkeys(PLANTS, 0)
    planted = dict.fromkeys(PLANTS, 0)
    parser_hits = wrong = tokens = 0
    for text in texts:
        tokens += len(text.split())
        wrong += len(repair(text, rules).edits)
        kind = draw.choice(sorted(PLANTS))
        found, right = PLANTS[kind](draw)
        expected = f"{text} {right}".replace(" \n", "\n").replace("  ", " ")
        planted[kind] += 1
        hits[kind] += repair(f"{text} {found}", rules).text == expected
        root = LexborHTMLParser(f"{text} {found}").root
        parsed = str(root.text()).split() if root is not None else []
        parser_hits += parsed == expected.split()

    shares = {
        f"markup.recall.{kind}": hits[kind] / max(1, planted[kind]) for kind in sorted(PLANTS)
    }
    return shares | {
        "markup.recall": sum(hits.values()) / sum(planted.values()),
        "markup.recall_parser": parser_hits / sum(planted.values()),
        "markup.wrong_edits_per_1000_tokens": 1000 * wrong / tokens,
    }
