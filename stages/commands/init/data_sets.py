"""Data sets of a hub as `init` guesses them: configuration, splits and columns.

hf:OWNER/NAME                 its default configuration, at the newest commit
hf:OWNER/NAME/CONFIG          this configuration
hf:OWNER/NAME/CONFIG@REVISION at this branch, tag or commit
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stages.collect.kinds.huggingface import SPLIT_COLUMN
from stages.collect.labels import SPLIT_OF_NAME
from stages.collect.records import SourceRows
from stages.collect.snapshots import snapshot_path
from stages.collect.source import Source
from stages.commands.fetch.hub import DatasetSplits, Repository, find_repository, find_splits
from stages.commands.fetch.huggingface import readable_splits, write_splits
from stages.commands.init.columns import guess_columns
from stages.commands.init.formats import read_sample
from stages.commands.init.names import free_name, source_name
from stages.commands.init.tables import TableGuess
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash
from stages.lib.core.temporary_folders import lasting_folder

PREFIX = "hf:"
_ARGUMENT = re.compile(r"hf:([\w.-]+/[\w.-]+)(?:/([^/@\s]+))?(?:@(\S+))?")
_LISTED = 10


@dataclass(frozen=True)
class DataSetGuess:
    """A data set of a hub as a source of params.yaml.

    Attributes:
        argument: the argument of the user.
        repository: the data set at its commit.
        config: the configuration; None for the default.
        splits: what each of its splits is here.
        inner: its columns, as those of a table.
        snapshot: the file with its rows, in a temporary folder.
        rows: the number of rows.
        note: what is worth knowing about other configurations.
    """

    argument: str
    repository: Repository
    config: str | None
    splits: Mapping[str, str | None]
    inner: TableGuess
    snapshot: Path
    rows: int
    note: str = ""

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.inner.name

    @property
    def documents_of(self) -> str:
        """The source whose documents its pairs lead to; "" for its own documents."""
        return self.inner.documents_of

    @property
    def copies(self) -> Mapping[Path, Path]:
        """The path of the snapshot under data/raw/, and the file that is copied there."""
        return {self.inner.target: self.snapshot}

    def settings(self) -> dict[str, Any]:
        """Return the settings of the source as they stand in params.yaml."""
        settings = self.inner.settings()
        settings.pop("path")
        source: dict[str, Any] = {"reader": "huggingface", "id": self.repository.name}
        if self.config:
            source["config"] = self.config
        source |= {"revision": self.repository.commit, "splits": self._own_splits()}
        pins = {"sha256": file_hash(self.snapshot), "rows": self.rows}
        return {**source, **{key: settings[key] for key in settings if key != "reader"}, **pins}

    def description(self) -> list[str]:
        """Return lines that show the source: its splits, its columns and its first records."""
        first, *others = replace(self.inner, origin=Path(self.argument)).description()
        splits = [
            f"{split} as {own or 'rows to split'}" for split, own in self._own_splits().items()
        ]
        config = f"configuration {self.config}, " if self.config else ""
        lines = [first, f"  {config}commit {self.repository.commit[:12]}, {self.rows:,} rows"]
        lines.append(f"  splits: {', '.join(splits)}")
        if self.note:
            lines.append(f"  note: {self.note}")
        return [*lines, *others]

    def ask(self) -> DataSetGuess:
        """Return the source as a person confirms or corrects its columns."""
        named = replace(self.inner, origin=Path(self.argument)).ask()
        return replace(self, inner=replace(named, origin=self.snapshot))

    def read(
        self, sources: Mapping[str, Source], known_documents: Collection[str]
    ) -> tuple[DataSetGuess, SourceRows]:
        """Return the source, perhaps with other columns, and the rows that `collect` reads."""
        own_splits = self._own_splits()
        inner = self.inner
        if any(own_splits.values()):
            inner = _with_splits(inner, own_splits)
        read_inner, rows = inner.read(sources, known_documents)
        return replace(self, inner=_without_splits(read_inner)), rows

    def _own_splits(self) -> dict[str, str | None]:
        # Documents have no split of their own.
        if "anchor" in self.inner.guess.columns:
            return dict(self.splits)
        return dict.fromkeys(self.splits)


def recognise_data_set(argument: str, used: Collection[str]) -> DataSetGuess | None:
    """Return a guess for an argument such as hf:OWNER/NAME; None for another argument.

    Raises:
        UserError: the data set cannot be fetched, or holds no texts.
    """
    if not argument.startswith(PREFIX):
        return None
    match = _ARGUMENT.fullmatch(argument)
    if match is None:
        raise UserError(
            f"{argument} names no data set",
            "write hf:OWNER/NAME, hf:OWNER/NAME/CONFIG, or hf:OWNER/NAME/CONFIG@REVISION",
        )

    # A configuration, and its rows.
    name, config, revision = match.groups()
    repository = find_repository("dataset", name, revision or "", argument)
    chosen, note = _choose_config(repository, config, argument)
    splits = readable_splits(repository, chosen, argument)
    stem = source_name(name.partition("/")[2])
    own_name = free_name(stem, list(used))
    snapshot = lasting_folder() / snapshot_path(own_name).name
    rows = write_splits(repository, splits.files, snapshot, argument)

    # Its columns, without the one that names the splits.
    sample = read_sample(snapshot)
    values = {column: sample.values[column] for column in sample.values if column != SPLIT_COLUMN}
    guess = guess_columns(values)
    if "text" not in guess.columns:
        names = ", ".join(map(repr, [*values, *sample.nested][:20]))
        raise UserError(
            f"{argument}: no column holds texts; its columns are {names}",
            "name another configuration, as hf:OWNER/NAME/CONFIG",
        )

    inner = TableGuess(
        own_name, snapshot, Path(snapshot_path(own_name)), replace(sample, values=values), guess
    )
    return DataSetGuess(
        argument,
        repository,
        chosen if len(splits.configs) > 1 else None,
        guess_splits(list(splits.files)),
        inner=inner,
        snapshot=snapshot,
        rows=rows,
        note=note,
    )


def guess_splits(names: Sequence[str]) -> dict[str, str | None]:
    """Return what each split of a data set is here; None for rows that are split as ever.

    Rows are held out as they are where the data set has a split to choose on and one to report. A
    data set without the first has its training rows split, and without both all of its rows.

    >>> guess_splits(["train", "dev", "test"])
    {'train': 'train', 'dev': 'validation', 'test': 'test'}
    >>> guess_splits(["train", "test"]), guess_splits(["train"])
    ({'train': None, 'test': 'test'}, {'train': None})
    """
    split_of_name = {name: SPLIT_OF_NAME.get(name.casefold()) for name in names}
    own = set(split_of_name.values())
    if not own & {"validation", "test"}:
        return dict.fromkeys(names)
    if not own >= {"validation", "test"}:
        return {name: None if split == "train" else split for name, split in split_of_name.items()}
    return {name: split for name, split in split_of_name.items()}


def _choose_config(
    repository: Repository, config: str | None, argument: str
) -> tuple[str | None, str]:
    """Return the configuration, and a note on the others; the first where none is the default."""
    if config is not None:
        return config, ""

    splits: DatasetSplits = find_splits(repository, None, argument)
    chosen = splits.config or splits.configs[0]
    others = [name for name in splits.configs if name != chosen]
    if not others:
        return chosen, ""
    listed = ", ".join(others[:_LISTED])
    more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
    return chosen, (
        f"other configurations: {listed}{more}. Name one as hf:{repository.name}/{others[0]}"
    )


def _with_splits(inner: TableGuess, splits: Mapping[str, str | None]) -> TableGuess:
    guess = inner.guess
    columns = {**guess.columns, "split": SPLIT_COLUMN}
    settings = {**guess.settings, "split_names": dict(splits)}
    return replace(inner, guess=replace(guess, columns=columns, settings=settings))


def _without_splits(inner: TableGuess) -> TableGuess:
    guess = inner.guess
    columns = {field: column for field, column in guess.columns.items() if column != SPLIT_COLUMN}
    settings = {key: value for key, value in guess.settings.items() if key != "split_names"}
    return replace(inner, guess=replace(guess, columns=columns, settings=settings))
