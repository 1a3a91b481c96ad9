"""Apply rules to a text until none finds anything to do, and keep every edit.

The rules come in four steps, since each step learns from all texts as the step before left them:

    outline   page, markup, markdown, encoding, characters,     what is text at all
              whitespace
    strip     boilerplate                                       learned: lines that recur over a source
    expand    abbreviation                                      learned: definitions
    finish    typo, private_data, case                          learned: the vocabulary

Each step repeats the rules of `outline` beside its own: "&amp;lt;p&amp;gt;" is a tag that was escaped twice, and a
zero-width space can hide an entity. So cleaning what is clean changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from stages.clean import html_pages, markdown, markup, private_data, spelling, unicode
from stages.clean.abbreviation_expansion import Entries, expand
from stages.clean.edits import Edit, apply, between
from stages.clean.interface import CleanParams
from stages.clean.spelling import Correct
from stages.lib.protected import spans

RULES = (
    *("page", "markup", "markdown", "encoding", "characters", "whitespace"),
    *("boilerplate", "abbreviation", "typo", "private_data", "case"),
)
# Honest text settles in two or three rounds. What does not after this many was escaped for fun.
ROUNDS = 10

Rule = Callable[[str], list[Edit]]


class Repaired(NamedTuple):
    """A text after its rules, the edits that led there, and whether it settled within ROUNDS."""

    text: str
    edits: list[Edit]
    settled: bool


def repair(text: str, rules: Sequence[Rule], first: Sequence[Rule] = ()) -> Repaired:
    """Return `text` after `first`, once, and then `rules`, repeated in their order until none finds anything."""
    edits: list[Edit] = []
    for at in range(ROUNDS + 1):
        found = False
        for rule in rules if at else first:
            made = rule(text)
            if made:
                text, found = apply(text, made), True
                edits += made
        if at and not found:
            return Repaired(text, edits, True)
    return Repaired(text, edits, False)


def outline(lines: bool) -> list[Rule]:
    """Return the rules that tell text from what is none; with `lines` line breaks stay (documents)."""
    return [
        _whole("markup", markup.strip),
        *([_whole("markdown", markdown.strip)] if lines else []),
        _whole("encoding", unicode.repair),
        _whole("characters", unicode.remove),
        _whole("whitespace", partial(unicode.collapse, lines=lines)),
    ]


def page(text: str) -> list[Edit]:
    """Return the edit that takes the main text out of a whole HTML page, where it is one and has one."""
    return (
        between("page", text, html_pages.extract(text) or text) if html_pages.is_page(text) else []
    )


def abbreviations(entries: Entries, params: CleanParams) -> list[Rule]:
    """Return the rule that writes short forms out, if wished."""
    return (
        []
        if params.abbreviations == "off"
        else [partial(expand, entries=entries, mode=params.abbreviations)]
    )


def finish(correct: Correct | None, params: CleanParams) -> list[Rule]:
    """Return the rules on single words, as wished; without `correct` no word is corrected."""
    rules: list[Rule] = [partial(spelling.fix, correct=correct)] if correct else []
    if params.private_data != "off":
        rules.append(
            partial(
                private_data.redact,
                presidio=params.private_data == "presidio",
                model=params.presidio_model,
            )
        )
    if params.lowercase != "off":
        rules.append(_whole("case", partial(_lower, keep_protected=params.lowercase == "prose")))
    return rules


class Query(NamedTuple):
    """What an anchor goes through, as one function: production queries arrive as raw as anchors do."""

    params: CleanParams
    entries: Entries
    correct: Correct | None

    def clean(self, text: str) -> Repaired:
        """Return the cleaned query. It equals what the stage makes of an anchor with the same text."""
        steps = (abbreviations(self.entries, self.params), finish(self.correct, self.params))
        done = repair(text, outline(lines=False))
        for rules in steps:
            more = repair(done.text, [*outline(lines=False), *rules])
            done = Repaired(more.text, done.edits + more.edits, done.settled and more.settled)
        return done


def _whole(rule: str, function: Callable[[str], str]) -> Rule:
    return partial(_edits, rule, function)


def _edits(rule: str, function: Callable[[str], str], text: str) -> list[Edit]:
    return between(rule, text, function(text))


def _lower(text: str, keep_protected: bool) -> str:
    return unicode.lower(text, spans(text) if keep_protected else [])
