"""Test collections as `init` recognises them: a folder with a corpus, queries and qrels."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import typer

from stages.collect.id_set import IdSet
from stages.collect.kinds.beir import BeirSource, check_beir, read_beir
from stages.collect.kinds.beir_files import (
    ROLES,
    MissingSplits,
    files_by_role,
    known_split,
    stem_of,
)
from stages.collect.records import SourceRows
from stages.collect.source import ReadRequest, Source, SplitName
from stages.commands.init.names import free_name, source_name
from stages.commands.init.raw_copies import (
    common_encoding,
    linked_raw,
    listed,
    raw_target,
    record_lines,
)
from stages.commands.init.sizes import DistinctValues, held_out_share
from stages.lib.core.terminal import say

_SPLITS = ("train", "validation", "test", "none")
# Queries of a held-out set that are enough for intervals with some room.
_QUERIES = 100


@dataclass(frozen=True)
class BeirGuess:
    """A test collection as a source of params.yaml.

    Attributes:
        name: its name.
        folder: the folder that the user named.
        files: role to the files of the folder that have it.
        split_names: the name of a qrels file to its split, where the name alone does not say it.
        encoding: the encoding of the files.
        missing_share: the share of queries that a missing held-out split gets; None for none.
        rows: the rows, once they have been read.
    """

    name: str
    folder: Path
    files: Mapping[str, Sequence[PurePosixPath]]
    split_names: Mapping[str, SplitName | None]
    encoding: str = "utf-8"
    missing_share: float | None = None
    rows: SourceRows | None = field(default=None, compare=False)

    @property
    def documents_of(self) -> str:
        """The documents are its own."""
        return ""

    @property
    def target(self) -> Path:
        """The folder under data/raw/."""
        return raw_target(self.folder, self.name)

    @property
    def copies(self) -> Mapping[Path, Path]:
        """The path under data/raw/ of each file, and the file that is copied there."""
        paths = [path for role in ROLES for path in self.files[role]]
        return {self.target / path: self.folder / path for path in paths}

    def settings(self) -> dict[str, Any]:
        """Return the settings of the source as they stand in params.yaml."""
        settings: dict[str, Any] = {"reader": "beir", "path": self.target.as_posix()}
        if self.encoding != "utf-8":
            settings["encoding"] = self.encoding
        if self.split_names:
            settings["split_names"] = dict(self.split_names)
        if self.missing_share is not None:
            settings["missing_split_share"] = self.missing_share
        return settings

    def description(self) -> list[str]:
        """Return lines that show the collection: its files, their splits, three records."""
        lines = [f"Source '{self.name}': {self.folder}, a test collection (reader: beir)"]
        for role in ROLES:
            lines.append(f"  {role:<8}  {listed([str(path) for path in self.files[role]])}")
        for path in self.files["qrels"]:
            split = known_split(str(path), self.split_names)
            lines.append(f"  {path} holds judgements of {split or 'no split: they are split here'}")
        if self.missing_share is not None:
            missing = self._missing_splits()
            lines.append(
                f"  note: no file holds {' or '.join(missing.missing)}, so it gets "
                f"{100 * self.missing_share:.0f} % of the queries of {missing.origin}"
            )
        if self.rows is None:
            return lines

        dropped = self.rows.ledger.dropped()
        if dropped["unjudged_query"]:
            lines.append(f"  note: {dropped['unjudged_query']:,} queries have no judgement")
        return lines + record_lines(self.rows)

    def ask(self) -> BeirGuess:
        """Return the collection as a person confirms it, with the splits that they name."""
        guess, _ = self.read({}, set())
        say("\n".join(guess.description()))
        if typer.confirm("Is this right?", default=True):
            return guess

        split_names: dict[str, SplitName | None] = {}
        say(f"The split of each file of judgements: {', '.join(_SPLITS)}.")
        for path in self.files["qrels"]:
            default = known_split(str(path), self.split_names) or "none"
            split = typer.prompt(f"  {path}", default=default)
            while split not in _SPLITS:
                say(f"  there is no split '{split}'")
                split = typer.prompt(f"  {path}", default=default)
            split_names[stem_of(str(path))] = None if split == "none" else split
        return replace(self, split_names=split_names, missing_share=None, rows=None).ask()

    def read(
        self, sources: Mapping[str, Source], known_documents: Collection[str]
    ) -> tuple[BeirGuess, SourceRows]:
        """Return the collection and its rows, as `collect` reads them."""
        if self.rows is not None:
            return self, self.rows

        rows = self._read(sources)

        # A held-out split that the set lacks would stop the run.
        missing = MissingSplits(self._splits(), 1.0)
        if missing.missing and self.missing_share is None:
            share = _share_of_missing(rows, missing.origin)
            return replace(self, missing_share=share).read(sources, known_documents)
        return replace(self, rows=rows), rows

    def _read(self, sources: Mapping[str, Source]) -> SourceRows:
        settings = BeirSource.model_validate(self.settings())
        check_beir(self.name, settings, sources)
        with linked_raw(self.copies) as raw:
            return read_beir(settings, ReadRequest(self.name, raw))

    def _splits(self) -> list[str]:
        return [known_split(str(path), self.split_names) or "" for path in self.files["qrels"]]

    def _missing_splits(self) -> MissingSplits:
        return MissingSplits(self._splits(), self.missing_share)


def recognise_beir(argument: str, used: Collection[str]) -> BeirGuess | None:
    """Return the guess for a folder with a corpus, queries and qrels; None for anything else."""
    folder = Path(argument)
    if not folder.is_dir():
        return None
    files = files_by_role(folder)
    if not all(files.values()):
        return None

    # A name without a split leaves the judgements to be split here, and so does training data
    # alone.
    splits = {path: known_split(str(path), {}) for path in files["qrels"]}
    has_train_alone = set(splits.values()) <= {"train", None}
    unknown = [path for path, split in splits.items() if split is None or has_train_alone]
    paths = [folder / path for role in ROLES for path in files[role]]
    return BeirGuess(
        free_name(source_name(folder.resolve().name), list(used)),
        folder,
        files,
        {stem_of(str(path)): None for path in unknown},
        encoding=common_encoding(paths),
    )


def _share_of_missing(rows: SourceRows, origin: str) -> float:
    """Return the share of the queries of a split that is enough for a held-out one."""
    pair_ids = IdSet(row[0] for row in rows.given_splits if row[1] == origin)
    anchors = DistinctValues()
    for pair_id, anchor, *_ in rows.pairs:
        if pair_id in pair_ids:
            anchors.add(anchor)
    count = anchors.count()
    if origin == "train":
        return held_out_share(count)

    # Two held-out sets out of one: as many as verdicts need, and no more than half.
    share = math.ceil(100 * _QUERIES / max(count, 1)) / 100
    return min(0.5, max(held_out_share(count), share))
