"""Pairs, fingerprints and word lists that are easy to read."""

import pandas as pd

from stages.augment.lexical_variants import swap_abbreviations, swap_spelling
from stages.lib.core.ids import hash_hex
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.schemas.pairs import Pairs
from stages.lib.text.held_out import TEXTS, HeldOutText, fingerprint_rows
from stages.lib.text.matches import NO_RUNS

ABBREVIATIONS = Abbreviations(
    {"ECG": "electrocardiogram", "EKG": "electrocardiogram", "LDL": "low-density lipoprotein"},
    {"MS": ["mitral stenosis", "multiple sclerosis"]},
)
BRITISH = {"anemia": "anaemia", "tumor": "tumour", "color": "colour"}
AUGMENTERS = {
    "abbreviations": lambda _, anchor: swap_abbreviations(anchor, ABBREVIATIONS),
    "spelling": lambda _, anchor: swap_spelling(anchor, BRITISH),
}


def pairs(*rows: tuple[str, str]) -> pd.DataFrame:
    """Return pairs of (anchor, name of the document)."""
    values = [
        ("p" + hash_hex(anchor, name), anchor, "d" + hash_hex(name), "exact", 0.5, "hpo")
        for anchor, name in rows
    ]
    return pd.DataFrame(values, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def fingerprints(*texts: str) -> pd.DataFrame:
    """Return the fingerprints of held-out texts."""
    held_out = [HeldOutText("p" + hash_hex(text), "test", text, TEXTS) for text in texts]
    return fingerprint_rows(held_out, NO_RUNS)
