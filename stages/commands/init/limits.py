"""Limits of params.yaml that data of unusual size need. No limit leaves documents out silently."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.collect.record_tables import FAULTS, KIND_FAULTS
from stages.collect.records import SourceRows

# Limits are rounded up to these steps.
_CHARACTERS = 10_000
_BYTES = 1_000_000
_TAGS = 10_000
_HUNDREDTHS = 100

_TAG = re.compile(r"<(script|style)\b(?:(?!<\1\b).)*?</\1\s*+>|<[^<>]*>", re.DOTALL | re.IGNORECASE)
_ANY_TAG = re.compile(r"</?[a-z]", re.IGNORECASE)


def limits_for(
    rows_of_source: Mapping[str, SourceRows], params: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return the limits that must be higher by dotted key, and sentences on them.

    Args:
        rows_of_source: the rows of all sources by name.
        params: the present values of params.yaml.
    """
    texts = pd.concat([rows.documents["text"] for rows in rows_of_source.values()])
    clean = params["clean"]
    needs = {
        "clean.max_document_characters": (_longest_text(texts, clean), _CHARACTERS),
        "clean.max_input_bytes": (int(texts.map(_count_bytes).max()), _BYTES),
        "clean.max_nodes": (_most_tags(texts, clean), _TAGS),
    }
    values: dict[str, Any] = {}
    for key, (need, step) in needs.items():
        if need > clean[key.partition(".")[2]]:
            values[key] = step * math.ceil(need / step)

    sentences: list[str] = []
    if values:
        sentences.append("Limits of 'clean' are raised, so that it drops no long document.")

    # A share of rejected records that the stage would stop at.
    share = max(_rejected_share(rows) for rows in rows_of_source.values())
    if share > params["collect"]["max_rejected_share"]:
        values["collect.max_rejected_share"] = math.ceil(share * _HUNDREDTHS) / _HUNDREDTHS
        sentences.append(
            f"{100 * share:.0f} % of the records of a source are rejected, as listed above. Look "
            "at them: collect.max_rejected_share is set to allow them."
        )
    return values, sentences


def _longest_text(texts: pd.Series[str], clean: Mapping[str, Any]) -> int:
    """Return the number of characters of the longest text without its tags."""
    long = texts[texts.str.len() > clean["max_document_characters"]]
    return int(long.map(lambda text: len(_TAG.sub("", text))).max()) if len(long) else 0


def _count_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _most_tags(texts: pd.Series[str], clean: Mapping[str, Any]) -> int:
    many = texts[texts.str.count("<") > clean["max_nodes"]]
    return int(many.map(lambda text: len(_ANY_TAG.findall(text))).max()) if len(many) else 0


def _rejected_share(rows: SourceRows) -> float:
    # What a rule leaves out has no fault. Questions are records beside the documents.
    dropped = rows.ledger.dropped()
    faults = sum(dropped[reason] for reason in (*FAULTS, *KIND_FAULTS))
    read = rows.records_read - rows.counts.get("questions", 0)
    return faults / max(1, read)
