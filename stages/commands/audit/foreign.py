"""Read a data set that this pipeline did not make: what is trained on, and what is held out.

A file has a column that names the split. A test collection has a file of judgements for each. Of
any other folder each file is a part by its name: train.jsonl, dev.csv, data/test-00000.parquet.
Everything is read as `init` would read it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stages.collect.labels import SPLIT_OF_NAME
from stages.collect.records import DocumentRow, PairRow, SourceRows
from stages.commands.audit.leaks import AuditData
from stages.commands.init.__main__ import read_sources
from stages.commands.init.beir import recognise_beir
from stages.commands.init.recognition import guess_sources
from stages.lib.core.errors import UserError
from stages.lib.core.params import ScoreThreshold, load_section

_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")
_PACKED = (".gz", ".zst", ".zip")
_SEPARATORS = re.compile(r"[-_.\s]+")
_REMEDY = (
    "name a file with a column of splits, a test collection with the folder qrels, or a folder "
    "with files such as train.jsonl and test.jsonl"
)


class ForeignData(NamedTuple):
    """A data set with its own splits.

    Attributes:
        data: its pairs and their texts.
        split_of_pair: train, validation or test.
    """

    data: AuditData
    split_of_pair: Mapping[str, str]

    def description(self, pair_id: str) -> str:
        """Return the split of a pair with the beginnings of its texts."""
        anchor, text = self.beginnings(pair_id, length=80)
        return f"{self.split_of_pair[pair_id]}: {anchor} | {text}"

    def beginnings(self, pair_id: str, *, length: int) -> tuple[str, str]:
        """Return the beginnings of the anchor and of the text of a pair, each on one line."""
        anchors = self.data.anchors[pair_id]
        texts = self.data.texts[self.data.document_of_pair[pair_id]]
        return _beginning(anchors[0], length), _beginning(texts[0], length)


def read_foreign(path: Path, against: Path | None = None) -> ForeignData:
    """Return the pairs of a file or folder, with the splits that it gives them.

    Args:
        path: the data set.
        against: public test sets. Then all of `path` is trained on, and all of these are tests.

    Raises:
        UserError: a file cannot be read, or there is nothing to compare.
    """
    if against is None:
        return _collect(_parts(path))

    # Every part of the one beside every part of the other.
    trained = [(rows, "train") for rows, _ in _parts(path)]
    tested = [(rows, "test") for rows, _ in _parts(against)]
    return _collect([*trained, *tested])


def _parts(path: Path) -> list[tuple[SourceRows, str]]:
    """Return the rows of each part and its split; "" if the rows themselves name it."""
    if not path.exists():
        raise UserError(f"{path} does not exist", _REMEDY)
    if path.is_file() or recognise_beir(str(path), ()):
        return [(rows, "") for rows in _read([path])]

    parts = []
    for split, files in files_of_splits(path).items():
        parts += [(rows, split) for rows in _read(files)]
    return parts


def files_of_splits(folder: Path) -> dict[str, list[Path]]:
    """Return the tables of a folder by the split that a word of their name, or their folder, says.

    Raises:
        UserError: no name says a split.
    """
    files: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(folder.rglob("*")):
        suffixes = [suffix for suffix in file.suffixes if suffix not in _PACKED]
        if not file.is_file() or not suffixes or suffixes[-1] not in _TABLES:
            continue

        # The name of the file decides before that of its folder.
        inner_folders = file.relative_to(folder).parts[:-1]
        for name in (file.name, *reversed(inner_folders)):
            words = _SEPARATORS.split(name.casefold())
            splits = [SPLIT_OF_NAME[word] for word in words if word in SPLIT_OF_NAME]
            if splits:
                files[splits[0]].append(file)
                break

    if not files:
        raise UserError(f"{folder}: no file of rows names its split", _REMEDY)
    return dict(files)


def _read(paths: Sequence[Path]) -> Iterator[SourceRows]:
    guesses = guess_sources([str(path) for path in paths])
    _, rows_of_source = read_sources(guesses)
    yield from rows_of_source.values()


def _collect(parts: Sequence[tuple[SourceRows, str]]) -> ForeignData:
    """Return the pairs of all parts. Rows of two parts with one id are told apart."""
    threshold = load_section(ScoreThreshold).positive_from
    anchors: dict[str, list[str]] = {}
    texts: dict[str, list[str]] = {}
    document_of_pair: dict[str, str] = {}
    group_of_document: dict[str, str] = {}
    split_of_pair: dict[str, str] = {}

    for number, (rows, split) in enumerate(parts):
        # The first letter of an id says what it is.
        own_splits = {row[0]: row[1] for row in rows.given_splits}
        for document in map(DocumentRow._make, rows.documents):
            doc_id = f"{document.doc_id}-{number}"
            texts[doc_id] = [document.text or document.title]
            if document.group:
                group_of_document[doc_id] = f"{number}\n{document.group}"

        for pair in map(PairRow._make, rows.pairs):
            pair_split = split or own_splits.get(pair.pair_id, "")
            doc_id = f"{pair.doc_id}-{number}"
            if not pair_split or pair.score < threshold or doc_id not in texts:
                continue
            pair_id = f"{pair.pair_id}-{number}"
            anchors[pair_id] = [pair.anchor]
            document_of_pair[pair_id] = doc_id
            split_of_pair[pair_id] = pair_split

    splits = set(split_of_pair.values())
    if len(splits) < 2:
        held = f"its rows are all of the split {splits.pop()}" if splits else "no row has a split"
        raise UserError(f"there is nothing to compare: {held}", _REMEDY)

    data = AuditData(
        anchors,
        document_of_pair,
        texts,
        group_of_document,
        # What recurs in many rows of a data set is boilerplate, whatever the part.
        source_of=dict.fromkeys([*anchors, *texts], ""),
    )
    return ForeignData(data, split_of_pair)


def _beginning(text: str, length: int) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= length else one_line[: length - 1] + "…"
