"""Which file of a test collection holds what, by its name, and the split of a qrels file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from stages.collect.labels import SPLIT_OF_NAME
from stages.collect.raw_files import COMPRESSIONS, RAW, RawFile, compression_of, find_files
from stages.collect.source import SplitName
from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.normal_form import normal_form

ROLES = ("corpus", "queries", "qrels")

# The first word that stands in the name of a file, or of its folder, says what it holds.
_ROLE_OF_WORD = {
    "qrel": "qrels",
    "queries": "queries",
    "topics": "queries",
    "corpus": "corpus",
    "collection": "corpus",
}
# What lies beside the files of a set.
_IGNORED = (".dvc", ".md", ".gitignore")
_SUFFIXES = (".jsonl", ".json", ".tsv", ".csv", ".parquet", ".txt", ".xml", ".qrels", ".qrel")
_WORDS = re.compile(r"[^A-Za-z0-9]+")


class CollectionFiles(NamedTuple):
    """The files of a test collection."""

    corpus: list[RawFile]
    queries: list[RawFile]
    qrels: list[RawFile]


def role_of(path: PurePosixPath) -> str:
    """Return what a file holds by its path in the folder: one of ROLES; "" if no name says it.

    >>> role_of(PurePosixPath("qrels/test.tsv")), role_of(PurePosixPath("queries.dev.tsv"))
    ('qrels', 'queries')
    """
    names = [path.parts[0], path.name] if len(path.parts) == 2 else [path.name]
    is_ignored = path.name.endswith(_IGNORED) or path.name.startswith((".", "README"))
    if len(path.parts) > 2 or is_ignored:
        return ""

    for word, role in _ROLE_OF_WORD.items():
        if any(word in name.lower() for name in names):
            return role
    return ""


def files_by_role(folder: Path) -> dict[str, list[PurePosixPath]]:
    """Return role to the paths in the folder of its files, in the order of their names."""
    paths = [PurePosixPath(path.relative_to(folder).as_posix()) for path in folder.rglob("*")]
    files_of_role: dict[str, list[PurePosixPath]] = {role: [] for role in ROLES}
    for path in sorted(paths):
        role = role_of(path)
        if role and (folder / path).is_file():
            files_of_role[role].append(path)

    return files_of_role


def collection_files(
    raw: Path, path: str, named: Mapping[str, Sequence[str] | None], setting: str
) -> CollectionFiles:
    """Return the files of a set: the named ones, and else those that their names show.

    Args:
        raw: the folder that stands for data/raw.
        path: the folder of the set, which lies under data/raw.
        named: role to its files as the settings name them, or None.
        setting: the key of params.yaml that holds the settings.

    Raises:
        UserError: the folder or a file is missing or empty, or it is not clear which file to read.
    """
    folder = raw / PurePosixPath(path).relative_to(RAW)
    if not folder.is_dir():
        raise UserError(
            f"{path} is no folder", "put it there, or run 'dvc pull' if it is tracked by DVC"
        )

    by_role = files_by_role(folder)
    files_of_role: dict[str, list[RawFile]] = {}
    for role in ROLES:
        names = named[role]
        if names is None:
            _check_unambiguous(by_role[role], path, f"{setting}.{role}")
            names = [str(name) for name in by_role[role]]
        if not names:
            raise UserError(
                f"{path} holds no file of {role} by its name",
                f"name it in params.yaml: {setting}.{role}: [FILE]",
            )
        files_of_role[role] = [file for name in names for file in find_files(raw, f"{path}/{name}")]

    return CollectionFiles(**files_of_role)


def stem_of(name: str) -> str:
    """Return the name of a file without its folder, its format and its compression.

    >>> stem_of("qrels/test.tsv.gz"), stem_of("qrels.dev.small.tsv")
    ('test', 'qrels.dev.small')
    """
    path = PurePosixPath(name)
    while path.suffix.lower() in (*_SUFFIXES, *COMPRESSIONS):
        path = path.with_suffix("")
    return path.name


def known_split(name: str, split_names: Mapping[str, SplitName | None]) -> str | None:
    """Return the split of a qrels file by its name; "" for none, None if no word of it is known.

    >>> known_split("qrels/dev.tsv", {}), known_split("2019qrels-pass.txt", {})
    ('validation', None)
    """
    stem = stem_of(name)
    split_of_stem = {key.casefold(): split for key, split in split_names.items()}
    if stem.casefold() in split_of_stem:
        return split_of_stem[stem.casefold()] or ""

    words = [word.casefold() for word in _WORDS.split(stem)]
    return next((SPLIT_OF_NAME[word] for word in words if word in SPLIT_OF_NAME), None)


def split_of(file: RawFile, split_names: Mapping[str, SplitName | None], setting: str) -> str:
    """Return the split of a qrels file by its name; "" for judgements that are split as ever.

    Raises:
        UserError: the name says no split.
    """
    split = known_split(file.name, split_names)
    if split is None:
        raise UserError(
            f"{file.name}: its name is that of no split",
            f"map it in params.yaml: {setting}.split_names: {{{stem_of(file.name)}: test}}, or "
            "train, validation, or null for judgements that are split as ever",
        )
    return split


class MissingSplits:
    """Gives the held-out splits that a set lacks a share of the queries of another split.

    They come from train, or else from the one split that the set has. Judgements without a split
    are split as ever, and fill whatever is missing.
    """

    def __init__(self, present: Iterable[str], share: float | None) -> None:
        splits = set(present)
        has_all = "" in splits or share is None
        self.missing = [] if has_all else [name for name in EVALUATION_SPLITS if name not in splits]
        self.origin = "train" if "train" in splits else next(iter(sorted(splits)), "")
        self._share = share or 0.0

    def split_of_query(self, query: str, split: str) -> str:
        """Return the split of a query whose file gives it `split`. A hash of its text decides.

        So a query that is asked under two ids is in one split.
        """
        if split != self.origin or not self.missing:
            return split

        position = int(hash_hex("missing_split", normal_form(query)), 16) / 16 ** len(hash_hex(""))
        index = int(position / self._share) if self._share else len(self.missing)
        return self.missing[index] if index < len(self.missing) else split


def _check_unambiguous(paths: Sequence[PurePosixPath], folder: str, setting: str) -> None:
    """Check that no file stands there twice, packed and unpacked."""
    path_of_name: dict[str, PurePosixPath] = {}
    for path in paths:
        name = str(path)
        name = name.removesuffix(compression_of(name))
        other = path_of_name.setdefault(name, path)
        if other != path:
            raise UserError(
                f"{folder} holds both {other} and {path}",
                f"remove one of them, or name the files in params.yaml: {setting}",
            )
