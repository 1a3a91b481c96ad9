"""API documentation: operations as documents, and the task titles that should find them.

A title stands above each example of an operation.

A small fixed sample of the wheel `awscli`. It is read from the wheel file, which is never
installed. The text of an operation keeps its HTML: the stage `clean` extracts the text.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple
from zipfile import BadZipFile, ZipFile

from pydantic import Field

from stages.collect import wheels
from stages.collect.kinds.kind import Kind
from stages.collect.records import (
    DocumentRow,
    PairRow,
    SourceFacts,
    SourceRows,
    document_id,
    pair_id,
    stored_documents,
    stored_pairs,
)
from stages.collect.source import ReadRequest, Source
from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex

_MODEL = re.compile(r"awscli/botocore/data/([^/]+)/([^/]+)/service-2\.json")
_EXAMPLE = re.compile(r"awscli/examples/([^/]+)/([^/_][^/]*)\.rst")
_TITLE = re.compile(r"\*\*(.+)\*\*")
_NUMBER = re.compile(
    r"(?:example\s*+)?(?<!\d)\d++\w?\s*+(?:[:.)]|-\s)\s*"
    r"|example\s*+\d*+\s*+(?:[:.-]\s*+)?(?=$|to\b)",
    re.IGNORECASE,
)
# The command line gives some services another name than their model has. Its own `s3` is no
# service.
_SERVICE_OF_COMMAND = {
    "configservice": "config",
    "deploy": "codedeploy",
    "s3api": "s3",
    "s3": "",
}


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


class _ExamplePage(NamedTuple):
    """A page of examples in the wheel: the command it belongs to, and its path in the archive."""

    command: str
    entry: str


def read_operations(name: str, source: AwsSource) -> SourceRows:
    """Return the rows of source `name`: operations as documents, each of their titles as a pair.

    There are at most `source.documents` operations.
    A raw record is an operation or a title of the sample. The sample depends on the names of the
    operations alone.

    Raises:
        UserError: the wheel is missing, or is not the pinned one.
    """
    path = wheels.find_wheel("awscli")
    all_operations = documented_operations(path)
    sampled = sample_operations(all_operations, source.documents)

    documents: list[DocumentRow] = []
    pairs: list[PairRow] = []
    for operation in sampled:
        document = _document_row(operation, name)
        documents.append(document)
        pairs += _pair_rows(operation, document.doc_id, name)

    # Every record of the sample is kept.
    record_count = len(documents) + len(pairs)
    release = path.name.split("-")[1]

    return SourceRows(
        documents=stored_documents(documents),
        pairs=stored_pairs(pairs),
        records_read=record_count,
        records_kept=record_count,
        facts=_facts(release, len(sampled), len(all_operations)),
    )


def sample_operations(operations: Sequence[Operation], count: int) -> list[Operation]:
    """Return the `count` operations whose names hash smallest.

    A larger sample contains every smaller one, whatever the order of `operations`.
    """
    by_hash = sorted(
        operations,
        key=lambda operation: (hash_hex(operation.service, operation.name), operation),
    )
    return by_hash[:count]


def documented_operations(path: Path) -> list[Operation]:
    """Return the documented operations in the wheel that have a task title.

    Each service is read in its newest version.

    Examples of commands that are no operations are skipped; the command line has some of its own.

    Raises:
        UserError: the wheel is not readable.
    """
    try:
        with ZipFile(path) as archive:
            return list(_operations(archive))
    except (BadZipFile, json.JSONDecodeError, UnicodeDecodeError, KeyError) as error:
        raise UserError(
            f"{path.name} is not readable: {error}",
            "run 'make setup' to fetch it again",
        ) from None


def task_titles(page: str) -> tuple[str, ...]:
    """Return the task titles of an example page: bold lines, without their numbers.

    >>> task_titles("**Example 2: To create a VPC**")
    ('To create a VPC',)
    """
    titles: list[str] = []
    for line in page.splitlines():
        match = _TITLE.fullmatch(line.strip())
        if not match:
            continue

        unquoted = match[1].replace("``", "").strip()
        title = _NUMBER.sub("", unquoted, count=1).strip()

        # A single word ("title", "Output:") is a heading that names no task.
        if len(title.split()) > 1:
            titles.append(title)

    return tuple(titles)


def _operations(archive: ZipFile) -> Iterator[Operation]:
    version_of_service, pages_of_service = _list_archive(archive)
    for service in sorted(pages_of_service.keys() & version_of_service.keys()):
        # The model of the service describes its operations.
        version = version_of_service[service]
        model = json.loads(archive.read(f"awscli/botocore/data/{service}/{version}/service-2.json"))
        operations = model["operations"]
        name_of_command = {name.lower(): name for name in operations}

        # An example page belongs to the operation of its command.
        for page in pages_of_service[service]:
            name = name_of_command.get(page.command.replace("-", "").lower(), "")
            documentation = operations[name].get("documentation", "") if name else ""
            titles = task_titles(archive.read(page.entry).decode("utf-8"))
            if documentation.strip() and titles:
                yield Operation(service, name, documentation, titles=titles)


def _list_archive(
    archive: ZipFile,
) -> tuple[dict[str, str], dict[str, list[_ExamplePage]]]:
    """Return the newest version of each service's model, and the example pages of each service."""
    version_of_service: dict[str, str] = {}
    pages_of_service: dict[str, list[_ExamplePage]] = defaultdict(list)
    for entry in sorted(archive.namelist()):
        model = _MODEL.fullmatch(entry)
        example = _EXAMPLE.fullmatch(entry)
        if model:
            # Versions are dates, and entries are sorted: the newest comes last.
            version_of_service[model[1]] = model[2]
        elif example:
            service = _SERVICE_OF_COMMAND.get(example[1], example[1])
            pages_of_service[service].append(_ExamplePage(example[2], entry))

    return version_of_service, pages_of_service


def _document_row(operation: Operation, source_name: str) -> DocumentRow:
    key = f"{operation.service} {operation.name}"
    return DocumentRow(
        doc_id=document_id(source_name, key),
        source=source_name,
        title=key,
        text=operation.documentation,
        topic=operation.service,
        group=key,
    )


def _pair_rows(operation: Operation, doc_id: str, source_name: str) -> Iterator[PairRow]:
    key = f"{operation.service} {operation.name}"
    count_of_title: Counter[str] = Counter()
    for title in operation.titles:
        # Equal titles of an operation get an ordinal, from the second on.
        ordinal = count_of_title[title]
        title_key = [title, str(ordinal)] if ordinal else [title]
        count_of_title[title] += 1
        yield PairRow(
            pair_id=pair_id(source_name, key, *title_key),
            anchor=title,
            doc_id=doc_id,
            relation="task",
            score=1.0,
            source=source_name,
        )


def _facts(release: str, sample_size: int, operation_count: int) -> SourceFacts:
    return SourceFacts(
        origin=(
            f"documentation of the AWS command line, {sample_size:,} of "
            f"{operation_count:,} operations, from the wheel awscli"
        ),
        release=release,
        licence="Apache License 2.0",
        citation=f"Amazon Web Services, AWS CLI {release} (https://github.com/aws/aws-cli)",
    )


def _read(source: AwsSource, request: ReadRequest) -> SourceRows:
    return read_operations(request.name, source)


KIND = Kind(AwsSource, _read)
