"""API documentation: operations as documents, and the task titles that should find them.

A title stands above each example of an operation.

All operations of the wheel `awscli`, or a fixed sample. They are read from the wheel file, which
is never installed. The text of an operation keeps its HTML: the stage `clean` extracts the text.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
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
    """Operations of the services, all of them or a sample.

    Attributes:
        documents: the most operations that are read; None for all.
        untitled: whether operations without a task title are read too. No pair leads to them, but
            they are searched.
        group: what is never in two splits: an `operation`, or all operations of a `service`.
    """

    reader: Literal["aws"]
    documents: int | None = Field(ge=1)
    untitled: bool = False
    group: Literal["operation", "service"] = "operation"


class Operation(NamedTuple):
    """An operation of a service, its documentation in HTML and the titles of its examples."""

    service: str
    name: str
    documentation: str
    titles: tuple[str, ...]

    @property
    def key(self) -> str:
        """The service and the name, which no other operation has."""
        return f"{self.service} {self.name}"


class _ExamplePage(NamedTuple):
    """A page of examples in the wheel: the command it belongs to, and its path in the archive."""

    command: str
    entry: str


def read_operations(name: str, source: AwsSource) -> SourceRows:
    """Return the rows of source `name`: operations as documents, each of their titles as a pair.

    There are at most `source.documents` operations, unless it is None.
    A raw record is an operation or a title of the sample. The sample depends on the names of the
    operations alone.

    Raises:
        UserError: the wheel is missing, or is not the pinned one.
    """
    path = wheels.find_wheel("awscli")
    all_operations = documented_operations(path, untitled=source.untitled)
    sampled = sample_operations(all_operations, source.documents)

    documents: list[DocumentRow] = []
    pairs: list[PairRow] = []
    for operation in sampled:
        group = operation.service if source.group == "service" else operation.key
        document = _document_row(operation, name, group)
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


def sample_operations(operations: Sequence[Operation], count: int | None) -> list[Operation]:
    """Return the `count` operations whose names hash smallest; None: all, in that order.

    A larger sample contains every smaller one, whatever the order of `operations`.
    """
    by_hash = sorted(
        operations,
        key=lambda operation: (hash_hex(operation.service, operation.name), operation),
    )
    return by_hash[:count]


def documented_operations(path: Path, *, untitled: bool = False) -> list[Operation]:
    """Return the documented operations in the wheel that have a task title.

    With `untitled` those without one follow, service by service. Each service is read in its
    newest version.

    Examples of commands that are no operations are skipped; the command line has some of its own.

    Raises:
        UserError: the wheel is not readable.
    """
    try:
        with ZipFile(path) as archive:
            return list(_operations(archive, untitled))
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


def _operations(archive: ZipFile, untitled: bool) -> Iterator[Operation]:
    version_of_service, pages_of_service = _list_archive(archive)
    for service, version in sorted(version_of_service.items()):
        pages = pages_of_service.get(service, [])
        if not pages and not untitled:
            continue

        # The model of the service describes its operations.
        model = json.loads(archive.read(f"awscli/botocore/data/{service}/{version}/service-2.json"))
        operations = model["operations"]
        titles_of_name = _titles(archive, pages, operations)

        # Operations with titles stand in the order of their example pages, before the others.
        names = list(titles_of_name)
        if untitled:
            names += sorted(operations.keys() - titles_of_name.keys())
        for name in names:
            documentation = operations[name].get("documentation", "")
            if documentation.strip():
                titles = titles_of_name.get(name, ())
                yield Operation(service, name, documentation, titles=titles)


def _titles(
    archive: ZipFile, pages: Sequence[_ExamplePage], operations: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Return the task titles of each operation of a service that has some."""
    name_of_command = {name.lower(): name for name in operations}
    titles_of_name: dict[str, tuple[str, ...]] = {}

    # An example page belongs to the operation of its command.
    for page in pages:
        name = name_of_command.get(page.command.replace("-", "").lower(), "")
        titles = task_titles(archive.read(page.entry).decode("utf-8")) if name else ()
        if titles:
            titles_of_name[name] = titles
    return titles_of_name


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


def _document_row(operation: Operation, source_name: str, group: str) -> DocumentRow:
    return DocumentRow(
        doc_id=document_id(source_name, operation.key),
        source=source_name,
        title=operation.key,
        text=operation.documentation,
        topic=operation.service,
        group=group,
    )


def _pair_rows(operation: Operation, doc_id: str, source_name: str) -> Iterator[PairRow]:
    count_of_title: Counter[str] = Counter()
    for title in operation.titles:
        # Equal titles of an operation get an ordinal, from the second on.
        ordinal = count_of_title[title]
        title_key = [title, str(ordinal)] if ordinal else [title]
        count_of_title[title] += 1
        yield PairRow(
            pair_id=pair_id(source_name, operation.key, *title_key),
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
