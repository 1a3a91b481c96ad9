"""Single rules of cleaning that a person judged: a correction, an abbreviation, a line.

A rule is what the stage does in every text alike: it writes "teh" as "the", "ECG" as
"electrocardiogram (ECG)", or takes the line "Print this page" away. One verdict holds for all
texts. The file of verdicts names a rule by an id, so that it holds no text.

Each long form of an ambiguous short form is a rule too, which nothing applies by itself. A person
can call it right, in all texts or in one document: abbreviations/meanings.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.lib.core.ids import hash_hex
from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.schemas.reviews import EDITS, read_verdicts

# The kinds of rules, named as the edits in the ledger.
TYPO = "typo"
ABBREVIATION = "abbreviation"
BOILERPLATE = "boilerplate"

# The second id of a verdict that holds for all texts. Otherwise it is the id of one document.
ALL_TEXTS = (TYPO, ABBREVIATION, BOILERPLATE)

# The reason in the ledger.
JUDGED = "judged_wrong"


class WrongRule(NamedTuple):
    """A rule that is not applied, since a person judged it wrong.

    Attributes:
        edit: TYPO, ABBREVIATION or BOILERPLATE.
        before: the word, the short form, or the source of the line.
        after: the correction, the long form, or the hash of the line.
    """

    edit: str
    before: str
    after: str

    @property
    def id(self) -> str:
        """Return the id that the file of verdicts has."""
        return rule_id(*self)


def rule_id(edit: str, before: str, after: str) -> str:
    """Return the id of a rule: the letter e, and 16 hexadecimal digits.

    >>> rule_id("typo", "teh", "the") == rule_id("typo", "teh", "ten")
    False
    """
    return "e" + hash_hex(edit, before, after)


class RuleVerdicts(NamedTuple):
    """What people decided about rules. Rules on which they differ are nowhere in it.

    Attributes:
        wrong: ids of the rules that are wrong in all texts.
        right: ids of the rules that are right in all texts.
        of_document: document id to rule id to whether the rule is right in this document.
    """

    wrong: frozenset[str] = frozenset()
    right: frozenset[str] = frozenset()
    of_document: Mapping[str, Mapping[str, bool]] = {}


NO_VERDICTS = RuleVerdicts()


def read_rule_verdicts(path: Path) -> RuleVerdicts:
    """Return what people decided about rules.

    Raises:
        UserError: the file is missing, malformed, or contradicts itself.
    """
    lines = read_verdicts(path, EDITS)

    # A verdict on one document says nothing of the others.
    of_document: dict[str, dict[str, bool]] = {}
    for ids, is_right in ((lines.yes, True), (lines.no, False)):
        for name, scope in ids:
            if scope not in ALL_TEXTS:
                of_document.setdefault(scope, {})[name] = is_right

    return RuleVerdicts(
        wrong=frozenset(name for name, scope in lines.no if scope in ALL_TEXTS),
        right=frozenset(name for name, scope in lines.yes if scope in ALL_TEXTS),
        of_document=of_document,
    )


def is_wrong(edit: str, before: str, after: str, wrong: Collection[str]) -> bool:
    """Return whether a person judged a rule wrong; `wrong` are the ids of such rules."""
    return bool(wrong) and rule_id(edit, before, after) in wrong


def wrong_rule_notes(rules: Collection[WrongRule]) -> pd.DataFrame:
    """Return a Ledger with a line for each rule that is not applied."""
    ledger = LedgerWriter()
    for rule in sorted(rules):
        ledger.note(f"rule:{rule.id}", JUDGED, partner_id=rule.edit, after=rule.after)

    return ledger.frame()
