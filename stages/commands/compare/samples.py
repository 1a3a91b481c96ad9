"""Versions that were run on a sample, `run.sample`: what compares, and what they searched."""

from __future__ import annotations

from stages.commands.compare.versions import Version
from stages.lib.core.errors import UserError


def sample_of(version: Version) -> float | None:
    """Return the share of the components that the results of `version` are of; None for all.

    The mark in the details decides: in the working tree params.yaml may say something new.
    """
    share = version.details("evaluate").get("sample")
    return None if share is None else float(share)


def check_same_sample(before: Version, after: Version) -> None:
    """Check that both versions were run on all rows, or on the same sample.

    Raises:
        UserError: they were not.
    """
    before_share = sample_of(before)
    after_share = sample_of(after)
    if before_share != after_share:
        raise UserError(
            f"not comparable: {before.name} was run on {rows_in_words(before_share)}, "
            f"and {after.name} on {rows_in_words(after_share)}",
            "compare runs with the same run.sample: run one of the two again with that of the "
            "other, such as 'dvc exp run -S run.sample=null' for all rows",
        )


def rows_in_words(share: float | None) -> str:
    """Return on which rows a version was run.

    >>> rows_in_words(None), rows_in_words(0.02)
    ('all rows', 'a sample (run.sample: 0.02)')
    """
    return "all rows" if share is None else f"a sample (run.sample: {share:g})"


def corpus_path(version: Version) -> str:
    """Return the table of the passages that were searched.

    Of all rows it is that of `pair`, which versions from before `run.sample` have too.
    """
    stage = "pair" if sample_of(version) is None else "split"
    return f"data/{stage}/passages.parquet"


def searched_documents(version: Version) -> frozenset[str]:
    """Return the ids of the documents that were searched."""
    is_sample = sample_of(version) is not None
    path = corpus_path(version) if is_sample else "data/pair/documents.parquet"
    return frozenset(version.table(path, "doc_id")["doc_id"])


def searches_everything(version: Version) -> bool:
    """Return True if all collected documents were searched."""
    searched = version.details("evaluate").get("corpus_documents")
    collected = version.details("collect").get("documents", -1)
    return bool(searched == collected)
