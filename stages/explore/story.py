"""What the pipeline did to the shown documents, as the ledgers say it.

The words are those of `python -m stages explain`, which tells the whole story of one document. Here
stand the rules with their counts, and the rows that are affected because of a document: the copies
that were dropped in its favour, and the pairs that name it now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import pandas as pd

# So many rows are named for a rule.
LISTED_ROWS = 20


class OtherRows(NamedTuple):
    """Rows that a rule dropped or changed because of a document.

    Attributes:
        rule: the number of the rule.
        total: how many rows there are.
        row_ids: the first of them.
    """

    rule: int
    total: int
    row_ids: list[str]


class PipelineStory(NamedTuple):
    """What the pipeline did to documents.

    Attributes:
        rules: the decisions in words, such as "clean: edit text, typo".
        own: rule and count of what happened to a document, by its number, in order.
        others: what happened to other rows because of it, by its number, in order.
    """

    rules: list[str]
    own: dict[int, list[tuple[int, int]]]
    others: dict[int, list[OtherRows]]


def pipeline_story(
    ledgers: Mapping[str, Iterable[pd.DataFrame]],
    numbers: Mapping[str, int],
    hidden: Collection[str],
) -> PipelineStory:
    """Return what the ledgers say about the shown documents, and about others because of them.

    Args:
        ledgers: the ledger of each stage in pieces, in the order of the pipeline.
        numbers: the number of each shown document, by id.
        hidden: ids of rows that nobody may read.
    """
    counts: dict[int, dict[str, int]] = {}
    rows: dict[int, dict[str, list[str]]] = {}
    for stage, batches in ledgers.items():
        for batch in batches:
            own = batch[batch["row_id"].isin(numbers.keys())]
            for row_id, rule in zip(own["row_id"], _rules(stage, own), strict=True):
                count_of_rule = counts.setdefault(numbers[row_id], {})
                count_of_rule[rule] = count_of_rule.get(rule, 0) + 1

            # Rows for which a document was the partner, such as its dropped copies.
            is_partner = batch["partner_id"].isin(numbers.keys())
            others = batch[is_partner & ~batch["row_id"].isin(hidden)]
            for row_id, partner_id, rule in zip(
                others["row_id"], others["partner_id"], _rules(stage, others), strict=True
            ):
                rows.setdefault(numbers[partner_id], {}).setdefault(rule, []).append(row_id)

    # A number stands for a rule.
    distinct = {rule for count_of_rule in counts.values() for rule in count_of_rule}
    distinct |= {rule for ids_of_rule in rows.values() for rule in ids_of_rule}
    rules = sorted(distinct)
    rule_numbers = {rule: number for number, rule in enumerate(rules)}
    story = PipelineStory(rules, {}, {})
    for number, count_of_rule in sorted(counts.items()):
        story.own[number] = [(rule_numbers[rule], count) for rule, count in count_of_rule.items()]
    for number, ids_of_rule in sorted(rows.items()):
        story.others[number] = [
            OtherRows(rule_numbers[rule], len(row_ids), row_ids[:LISTED_ROWS])
            for rule, row_ids in ids_of_rule.items()
        ]
    return story


def _rules(stage: str, decisions: pd.DataFrame) -> list[str]:
    """Return each decision in words."""
    rules = []
    columns = (decisions["action"], decisions["field"], decisions["reason"])
    for action, field, reason in zip(*columns, strict=True):
        what = f"{action} {field}".rstrip()
        rules.append(f"{stage}: {what}, {reason.replace('_', ' ')}")
    return rules
