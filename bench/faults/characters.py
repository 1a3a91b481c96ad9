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
    "presentation_form": lambda text: text + " \ufe8d\ufedf\ufeb4\ufefc\ufee1",
    "radical": lambda text: text + " \u2f08\u2f1d\u2ed3",
    "mathematical": lambda text: text + " \U0001d40f\U0001d42b\U0001d428\U0001d428\U0001d41f",
    "enclosed": lambda text: text + " \u24bd\u24d4\u24db\u24db\u24de \u2460",
    "joiner": lambda text: text + " Auf\u200cla\u00dfen",
    "flag_of_tags": lambda text: text + f" {FLAG}",
    "quoted_mojibake": lambda text: text + QUOTED,
}
FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
QUOTED = " Not \u201cSj\u00c3\u00b6gren\u201d but \u201cSj\u00f6gren\u201d."
# What is to stand behind the text; "" for faults within it.
RIGHT = {
    "mojibake": " Sj\u00f6gren.",
    "full_width": " ABC",
    "presentation_form": " \u0627\u0644\u0633\u0644\u0627\u0645",
    "radical": " \u4eba\u53e3\u957f",
    "mathematical": " Proof",
    "enclosed": " Hello (1)",
    "joiner": " Aufla\u00dfen",
    "flag_of_tags": f" {FLAG}",
    "quoted_mojibake": QUOTED,
}


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
