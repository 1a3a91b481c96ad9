"""API documentation: operations as documents, the task titles of their examples as the texts that should find them.

A small fixed sample of the wheel `awscli`, read from the wheel file, which is never installed. The text of
an operation keeps its HTML: extraction is the work of clean.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple
from zipfile import BadZipFile, ZipFile

from pydantic import Field

from stages.collect.records import (
    Collected,
    DocumentRow,
    Facts,
    PairRow,
    Source,
    document_id,
    documents_frame,
    pair_id,
    pairs_frame,
)
from stages.lib import wheels
from stages.lib.errors import Problem
from stages.lib.text import hash_hex

_MODEL = re.compile(r"awscli/botocore/data/([^/]+)/([^/]+)/service-2\.json")
_EXAMPLE = re.compile(r"awscli/examples/([^/]+)/([^/_][^/]*)\.rst")
_TITLE = re.compile(r"\*\*(.+)\*\*")
_NUMBER = re.compile(
    r"(?:example\s*)?\d+\w?\s*(?:[:.)]|-\s)\s*|example\s*\d*\s*[:.-]?\s*(?=$|to\b)", re.IGNORECASE
)
# The command line calls some services by another name than their model does; its own `s3` is no service.
_SERVICES = {"configservice": "config", "deploy": "codedeploy", "s3api": "s3", "s3": ""}


class AwsSource(Source):
    """A sample of the operations that have at least one task title."""

    reader: Literal["aws"]
    documents: int = Field(ge=1, le=2000)


class Operation(NamedTuple):
    """An operation of a service, its documentation in HTML and the titles of its examples."""

    service: str
    name: str
    documentation: str
    titles: tuple[str, ...]


def read(name: str, source: AwsSource) -> Collected:
    """Return `source.documents` operations as documents of source `name`, and each of their titles as a pair.

    A raw record is an operation or a title of the sample. The sample follows from the names of the
    operations alone. Raises Problem when the wheel is missing, or is not the pinned one.
    """
    path = wheels.find("awscli")
    everything = operations(path)
    chosen = sample(everything, source.documents)
    documents: list[DocumentRow] = []
    pairs: list[PairRow] = []
    for operation in chosen:
        key = f"{operation.service} {operation.name}"
        doc_id = document_id(name, key)
        documents.append((doc_id, name, key, operation.documentation, operation.service, key))
        seen: Counter[str] = Counter()
        for title in operation.titles:
            again = [str(seen[title])] if seen[title] else []
            pairs.append((pair_id(name, key, title, *again), title, doc_id, "task", 1.0, name))
            seen[title] += 1
    count = len(documents) + len(pairs)
    facts = _facts(path.name.split("-")[1], len(chosen), len(everything))
    return Collected(documents_frame(documents), pairs_frame(pairs), count, count, facts)


def sample(everything: list[Operation], count: int) -> list[Operation]:
    """Return the `count` operations whose names hash smallest: a larger sample contains every smaller one."""
    return sorted(
        everything, key=lambda operation: (hash_hex(operation.service, operation.name), operation)
    )[:count]


def operations(path: Path) -> list[Operation]:
    """Return the documented operations in the wheel that have a task title, each service in its newest version.

    An example whose command is no operation (the command line has some of its own) is passed over.
    """
    try:
        with ZipFile(path) as archive:
            return list(_operations(archive))
    except (BadZipFile, json.JSONDecodeError, UnicodeDecodeError, KeyError) as error:
        raise Problem(
            f"{path.name} is not readable: {error}", "run 'make setup' to fetch it again"
        ) from None


def titles(text: str) -> tuple[str, ...]:
    """Return the task titles of an example page: bold lines, without their numbers.

    >>> titles("**Example 2: To create a VPC**")
    ('To create a VPC',)
    """
    found = (_TITLE.fullmatch(line.strip()) for line in text.splitlines())
    told = (
        _NUMBER.sub("", match[1].replace("``", "").strip(), count=1).strip()
        for match in found
        if match
    )
    # A single word ("title", "Output:") is a heading that names no task.
    return tuple(title for title in told if len(title.split()) > 1)


def _operations(archive: ZipFile) -> Iterator[Operation]:
    versions: dict[str, str] = {}
    pages: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for entry in sorted(archive.namelist()):
        if match := _MODEL.fullmatch(entry):
            versions[match[1]] = max(
                versions.get(match[1], ""), match[2]
            )  # dates: the newest sorts last
        elif match := _EXAMPLE.fullmatch(entry):
            pages[_SERVICES.get(match[1], match[1])].append((match[2], entry))
    for service in sorted(pages.keys() & versions.keys()):
        model = json.loads(
            archive.read(f"awscli/botocore/data/{service}/{versions[service]}/service-2.json")
        )
        by_command = {name.lower(): name for name in model["operations"]}
        for command, entry in pages[service]:
            name = by_command.get(command.replace("-", "").lower(), "")
            documentation = model["operations"][name].get("documentation", "") if name else ""
            found = titles(archive.read(entry).decode("utf-8"))
            if documentation.strip() and found:
                yield Operation(service, name, documentation, found)


def _facts(version: str, chosen: int, everything: int) -> Facts:
    return Facts(
        origin=f"documentation of the AWS command line, {chosen:,} of {everything:,} operations, from the wheel awscli",
        release=version,
        licence="Apache License 2.0",
        citation=f"Amazon Web Services, AWS CLI {version} (https://github.com/aws/aws-cli)",
    )
