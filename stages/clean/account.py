"""The metrics of cleaning: rows that balance, edits by rule, and what the corpus taught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as parquet

from stages.clean import filters, private_data
from stages.clean.pipeline import Cleaned, count_lines
from stages.clean.rules import RULES
from stages.lib.ledger import balance

PAIR_REASONS = ("empty", "too_short", "too_long", "pattern", "unstable", "document_dropped")


def account(documents: Path, pairs: Path, cleaned: Cleaned) -> dict[str, int]:
    """Return the row accounting of documents and of pairs, and how many edits each rule made in both."""
    of_documents, of_pairs = (
        count_lines(cleaned.document_ledgers),
        count_lines(cleaned.pair_ledgers),
    )
    balanced = balance(
        rows([documents]),
        rows(cleaned.documents),
        _by_reason(of_documents, "drop"),
        reasons=filters.REASONS,
    )
    of_both = _by_reason(of_documents, "edit") + _by_reason(of_pairs, "edit")
    pairs_balanced = balance(
        rows([pairs]), rows(cleaned.pairs), _by_reason(of_pairs, "drop"), reasons=PAIR_REASONS
    )
    known = cleaned.knowledge
    found = known[known["kind"] == "private"].groupby("item")["documents"].sum()
    return {
        **balanced,
        **{f"pairs.{key}": value for key, value in pairs_balanced.items()},
        **{f"edits.{rule}": of_both[rule] for rule in RULES},
        **{f"private.{kind.lower()}": int(found.get(kind, 0)) for kind in private_data.KINDS},
        "passages": rows(cleaned.passages),
    }


def rows(paths: Sequence[Path]) -> int:
    """Return how many rows the files hold together."""
    return sum(parquet.read_metadata(path).num_rows for path in paths)


def _by_reason(lines: Counter[tuple[str, str]], action: str) -> Counter[str]:
    return Counter({reason: count for (what, reason), count in lines.items() if what == action})
