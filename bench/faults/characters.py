"""Characters: broken encodings, ligatures and invisible characters planted in clean definitions, beside ftfy alone."""

from __future__ import annotations

import random

from bench.faults.corpora import definitions
from stages.clean.rules import markup_rules, repair

FAULTS = {
    "mojibake": lambda text: text + " Sj\u00c3\u00b6gren.",
    "ligature": lambda text: text.replace("fi", "\ufb01", 1),
    "zero_width": lambda text: text[: len(text) // 2] + "\u200b" + text[len(text) // 2 :],
    "control": lambda text: text[: len(text) // 2] + "\x07" + text[len(text) // 2 :],
    "no_break": lambda text: text.replace(" ", "\u00a0", 1),
    "double_space": lambda text: text.replace(" ", "  ", 1),
    "full_width": lambda text: text + " \uff21\uff22\uff23",
}
RIGHT = {"mojibake": " Sj\u00f6gren.", "full_width": " ABC"}


def measure(seed: int) -> dict[str, float]:
    """Return the share of planted texts that come out as before planting, and edits on untouched text."""
    import ftfy

    draw, rules = random.Random(seed), markup_rules(lines=True)
    texts = [
        text for text in definitions() if text.isascii() and "&" not in text and "<" not in text
    ]
    hits = theirs = planted = wrong = tokens = 0
    for text in texts:
        tokens += len(text.split())
        wrong += len(repair(text, rules).edits)
        kind = draw.choice(sorted(FAULTS))
        broken, wanted = FAULTS[kind](text), text + RIGHT.get(kind, "")
        if broken != text:
            planted += 1
            hits += repair(broken, rules).text == wanted
            theirs += ftfy.fix_text(broken) == wanted
    return {
        "characters.recall": hits / planted,
        "characters.recall_ftfy": theirs / planted,
        "characters.wrong_edits_per_1000_tokens": 1000 * wrong / tokens,
    }
