"""Limits of params.yaml that data of unusual size need. No limit leaves documents out silently."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from stages.collect.record_tables import FAULTS, KIND_FAULTS
from stages.collect.records import DocumentRow, SourceRows

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
    clean = params["clean"]
    characters = largest = tags = 0
    for rows in rows_of_source.values():
        for document in map(DocumentRow._make, rows.documents):
            text = document.text
            largest = max(largest, len(text.encode("utf-8", "surrogatepass")))
            if len(text) > clean["max_document_characters"]:
                characters = max(characters, len(_TAG.sub("", text)))
            if text.count("<") > clean["max_nodes"]:
                tags = max(tags, len(_ANY_TAG.findall(text)))

    needs = {
        "clean.max_document_characters": (characters, _CHARACTERS),
        "clean.max_input_bytes": (largest, _BYTES),
        "clean.max_nodes": (tags, _TAGS),
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


def _rejected_share(rows: SourceRows) -> float:
    # What a rule leaves out has no fault. Questions are records beside the documents.
    dropped = rows.ledger.dropped()
    faults = sum(dropped[reason] for reason in (*FAULTS, *KIND_FAULTS))
    read = rows.records_read - rows.counts.get("questions", 0)
    return faults / max(1, read)
