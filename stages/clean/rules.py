"""Rules: apply them to a text until none finds anything, and keep every edit.

The rules come in four steps, because each step learns from all texts as the step before left them:

    markup        page, markup, markdown, encoding,     find the text
                  characters, whitespace
    boilerplate   boilerplate                           learned: lines that recur over a source
    expansion     abbreviation                          learned: definitions
    words         typo, private_data, case              learned: the vocabulary

Each step repeats the rules of markup beside its own: "&amp;lt;p&amp;gt;" is a tag that was
escaped twice, and a zero-width space can hide an entity. So cleaning a clean text changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from stages.clean import private_data, unicode
from stages.clean.abbreviations.expansion import Entries, expand
from stages.clean.abbreviations.meanings import verdict_of_edit
from stages.clean.edits import Edit, apply, between
from stages.clean.interface import CleanParams
from stages.clean.markup import fragments, markdown
from stages.clean.pages import extraction
from stages.clean.spelling import correction
from stages.clean.spelling.correction import Correct
from stages.clean.spelling.source_language import is_english_text
from stages.lib.preprocessing.language import verbatim_spans

# Every rule, in the order of their application.
RULES = (
    "page",
    "markup",
    "markdown",
    "encoding",
    "characters",
    "whitespace",
    "boilerplate",
    "abbreviation",
    "typo",
    "private_data",
    "case",
)
# Normal text settles in two or three rounds. A text that does not settle in this many was
# escaped on purpose.
ROUNDS = 10

# From a text to the edits that the rule makes in it.
Rule = Callable[[str], list[Edit]]


class Repaired(NamedTuple):
    """A text after its rules.

    Attributes:
        text: the text.
        edits: all edits, in order.
        settled: whether the last of at most ROUNDS rounds found nothing.
    """

    text: str
    edits: list[Edit]
    settled: bool


def repair(
    text: str,
    rules: Sequence[Rule],
    first: Sequence[Rule] = (),
) -> Repaired:
    """Return `text` after `first`, once, and then `rules`, repeated until none finds anything."""
    # The rules of the first round are applied once.
    start = _apply_round(text, first)
    text = start.text
    edits = list(start.edits)

    # One rule can uncover work for another, so all are repeated.
    for _ in range(ROUNDS):
        done = _apply_round(text, rules)
        if done.settled:
            return Repaired(text, edits, settled=True)

        text = done.text
        edits += done.edits

    return Repaired(text, edits, settled=False)


def _apply_round(text: str, rules: Sequence[Rule]) -> Repaired:
    """Apply each rule once; the text has settled if none finds anything."""
    edits: list[Edit] = []
    for rule in rules:
        new_edits = rule(text)
        if new_edits:
            text = apply(text, new_edits)
            edits += new_edits

    return Repaired(text, edits, settled=not edits)


def page_rule(text: str) -> list[Edit]:
    """Return the edit that leaves only the main text of a whole HTML page; [] for other texts."""
    if not extraction.is_page(text):
        return []

    return between("page", text, extraction.main_text(text) or text)


def markup_rules(lines: bool) -> list[Rule]:
    """Return the rules that find the text; with `lines`, line breaks stay (documents)."""
    rules = [_text_rule("markup", fragments.strip_html)]

    # Anchors are single lines, and so no Markdown documents.
    if lines:
        rules.append(_text_rule("markdown", markdown.strip_markdown))

    rules.append(_text_rule("encoding", unicode.repair_encoding))
    rules.append(_text_rule("characters", unicode.remove_invisible))
    collapse = partial(unicode.collapse_whitespace, lines=lines)
    rules.append(_text_rule("whitespace", collapse))
    return rules


def abbreviation_rules(
    entries: Entries,
    params: CleanParams,
    *,
    defined_entries: Entries = (),
    context: str = "",
    chosen: Entries = (),
) -> list[Rule]:
    """Return the rule that writes short forms out, if params.yaml asks for it.

    `defined_entries` are the abbreviations that the corpus defines. They need their long form in
    the text or in `context`. `chosen` are those of `entries` that a person chose: their edits name
    the verdict.
    """
    if params.abbreviations == "off":
        return []

    rule: Rule = partial(
        expand,
        entries=entries,
        mode=params.abbreviations,
        defined_entries=defined_entries,
        context=context,
    )
    return [partial(_with_verdicts, rule, chosen)] if chosen else [rule]


def _with_verdicts(rule: Rule, chosen: Entries, text: str) -> list[Edit]:
    """Return the edits of a rule, each with the verdict that asks for it."""
    return [edit._replace(verdict=verdict_of_edit(edit, chosen)) for edit in rule(text)]


def word_rules(correct: Correct | None, params: CleanParams) -> list[Rule]:
    """Return the rules on single words that params.yaml asks for; without `correct`, typos stay."""
    rules: list[Rule] = []
    if correct:
        rules.append(partial(correction.correct_text, correct=correct))

    # Redaction comes before lower case, since its patterns need capitals.
    if params.private_data != "off":
        redact = partial(
            private_data.redact,
            presidio=params.private_data == "presidio",
            model=params.presidio_model,
        )
        rules.append(redact)

    if params.lowercase != "off":
        lowercase = partial(_lowercase, keep_verbatim=params.lowercase == "prose")
        rules.append(_text_rule("case", lowercase))

    return rules


class QueryCleaner(NamedTuple):
    """The cleaner of queries: production queries are as raw as anchors.

    Attributes:
        params: the parameters of the run.
        entries: the abbreviations that the run learned.
        correct: the corrections that the run learned; None if typos stay.
        english_sources: the sources whose short anchors are in English.
        is_english: whether the anchors of all sources together are.
    """

    params: CleanParams
    entries: Entries
    correct: Correct | None
    english_sources: frozenset[str] = frozenset()
    is_english: bool = False

    def clean(self, text: str, source: str | None = None) -> Repaired:
        """Return the cleaned query. It equals the cleaned anchor with the same text and source.

        Typos are corrected in English alone. A query that is too short to show its language is what
        the anchors of `source` are, or those of all sources.
        """
        # Steps follow each other as in pipeline.py, each with the rules of markup.
        result = repair(text, markup_rules(lines=False))
        result = _repair_on(result, abbreviation_rules(self.entries, self.params))

        by_source = self.is_english if source is None else source in self.english_sources
        correct = self.correct if is_english_text(result.text, by_source) else None

        return _repair_on(result, word_rules(correct, self.params))


def _repair_on(result: Repaired, rules: Sequence[Rule]) -> Repaired:
    """Return the text after one more step for anchors, with all edits."""
    step = repair(result.text, [*markup_rules(lines=False), *rules])

    return Repaired(
        text=step.text,
        edits=result.edits + step.edits,
        settled=result.settled and step.settled,
    )


def _text_rule(name: str, function: Callable[[str], str]) -> Rule:
    """Return a rule from a function that returns the whole text anew."""
    return partial(_edits_of, name, function)


def _edits_of(
    name: str,
    function: Callable[[str], str],
    text: str,
) -> list[Edit]:
    return between(name, text, function(text))


def _lowercase(text: str, keep_verbatim: bool) -> str:
    return unicode.lowercase(text, verbatim_spans(text) if keep_verbatim else [])
