"""The clean texts that faults are planted in."""

from __future__ import annotations

from functools import lru_cache

from stages.clean.markup.fragments import strip_html
from stages.clean.unicode import collapse_whitespace


@lru_cache(maxsize=1)
def definitions() -> list[str]:
    """Return the definitions of the Human Phenotype Ontology."""
    from stages.collect.kinds.hpo import read_ontology

    return [" ".join(text.split()) for text in sorted(set(read_ontology("hpo").documents["text"]))]


@lru_cache(maxsize=1)
def operations() -> list[str]:
    """Return the documentation of 2,000 AWS operations, as plain text with its lines."""
    from stages.collect.kinds.aws import AwsSource, read_operations

    found = read_operations("aws", AwsSource(reader="aws", documents=2000)).documents["text"]
    return [
        text
        for text in (collapse_whitespace(strip_html(raw), lines=True) for raw in sorted(set(found)))
        if text
    ]
