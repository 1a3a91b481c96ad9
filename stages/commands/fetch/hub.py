"""A hub such as Hugging Face: what a repository holds, and its files, with short errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from stages.commands.fetch.hub_process import HubError, ask_hub, is_unreachable, shown_endpoint
from stages.lib.core.errors import UserError

# The branch where the hub keeps Parquet files of data sets in other formats.
CONVERTED = "refs/convert/parquet"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# Seconds for what a hub says of a repository, and for a file.
_MOST_SECONDS = 300
_MOST_SECONDS_OF_FILE = 6 * 3600
_LOGIN = "for a private repository set HF_TOKEN, or run 'hf auth login'"


class Repository(NamedTuple):
    """A repository at a commit.

    Attributes:
        kind: `dataset` or `model`.
        name: its name, such as OWNER/NAME.
        commit: the commit.
        files: the paths of its files.
    """

    kind: str
    name: str
    commit: str
    files: Sequence[str]

    @property
    def title(self) -> str:
        """How errors call it."""
        return f"the {'data set' if self.kind == 'dataset' else 'model'} {self.name}"


class DatasetSplits(NamedTuple):
    """What a data set holds.

    Attributes:
        configs: the names of all configurations.
        config: the chosen one; None if there are several and none is the default.
        format: the format of its files, such as `parquet`.
        files: the files of each split.
    """

    configs: Sequence[str]
    config: str | None
    format: str
    files: dict[str, list[str]]


def find_repository(kind: str, name: str, revision: str, setting: str) -> Repository:
    """Return the repository at the commit that `revision` stands for; "" for the main branch.

    Raises:
        UserError: there is none, or the hub cannot be reached.
    """
    repository = Repository(kind, name, revision or "main", ())
    reply = _ask("repository_files", repository, setting, kind=kind, name=name, revision=revision)
    commit = reply["commit"]
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise _damaged(repository, "no commit", setting)

    _check_paths(repository, reply["files"], setting)
    return repository._replace(commit=commit, files=reply["files"])


def find_splits(repository: Repository, config: str | None, setting: str) -> DatasetSplits:
    """Return the splits of a configuration of a data set; without `config` of its default.

    Raises:
        UserError: it holds no data, or the hub cannot be reached.
    """
    reply = _ask(
        "dataset_splits",
        repository,
        setting,
        name=repository.name,
        commit=repository.commit,
        config=config,
    )
    splits = DatasetSplits(**reply)
    for files in splits.files.values():
        _check_paths(repository, files, setting)
    return splits


def download(
    repository: Repository, files: Sequence[str], folder: Path, setting: str
) -> list[Path]:
    """Write files of the repository to `folder`, and return where they are.

    Raises:
        UserError: the hub cannot be reached.
    """
    _ask(
        "download",
        repository,
        setting,
        kind=repository.kind,
        name=repository.name,
        commit=repository.commit,
        files=list(files),
        folder=str(folder),
    )
    return [folder / file for file in files]


def _check_paths(repository: Repository, files: Sequence[str], setting: str) -> None:
    """Check that no file of a repository would be written outside of its folder."""
    for file in files:
        path = PurePosixPath(file)
        is_inside = file.isprintable() and not path.is_absolute() and ".." not in path.parts
        if not is_inside or not path.parts or "\\" in file:
            raise _damaged(repository, f"a file with the path {file[:80]!r}", setting)


def _damaged(repository: Repository, fact: str, setting: str) -> UserError:
    return UserError(
        f"{setting}: {repository.title} cannot be fetched: the hub names {fact}",
        "do not trust this hub; check HF_ENDPOINT",
    )


def _ask(operation: str, repository: Repository, setting: str, **arguments: Any) -> Any:
    """Return the reply of the process that talks to the hub."""
    limit = _MOST_SECONDS_OF_FILE if operation == "download" else _MOST_SECONDS
    try:
        return ask_hub(operation, seconds=limit, **arguments)
    except HubError as fault:
        raise _problem(repository, fault, setting) from None


def _problem(repository: Repository, fault: HubError, setting: str) -> UserError:
    """Return the error for a user, by the class of what happened and the classes above it."""
    title = repository.title
    names = fault.names
    if not names:
        return UserError(f"{title} cannot be fetched: {fault.cause}", "run 'make setup'")
    if "Late" in names:
        return UserError(
            f"{setting}: {title} cannot be fetched: {fault.cause}",
            "check the network, and run the command again",
        )
    if "GatedRepoError" in names:
        return UserError(
            f"{setting}: {title} is gated",
            f"accept its terms on its page at the hub, then set HF_TOKEN ({_LOGIN})",
        )
    if "RevisionNotFoundError" in names:
        return UserError(
            f"{setting}: {title} has no revision '{repository.commit}'",
            "name a branch, a tag or a commit of it, or remove the revision for its main branch",
        )
    if "RepositoryNotFoundError" in names or "DatasetNotFoundError" in names:
        return UserError(
            f"{setting}: the hub has no such {title.removeprefix('the ')}, or it is private",
            f"correct the name, OWNER/NAME; {_LOGIN}",
        )
    if "scripts are no longer supported" in fault.cause:
        return UserError(
            f"{setting}: {title} is made by a script, which is never run",
            f"set revision to {CONVERTED}, where the hub keeps a conversion of most data sets",
        )
    if "EmptyDatasetError" in names or "DataFilesNotFoundError" in names:
        return UserError(
            f"{setting}: {title} holds no data files", "name a data set with Parquet files"
        )
    if is_unreachable(fault):
        return UserError(
            f"{setting}: the hub at {shown_endpoint()} cannot be reached: "
            f"{fault.cause or names[0]}",
            "check the network, its proxy, and HF_ENDPOINT if you use another hub",
        )
    return UserError(
        f"{setting}: {title} cannot be fetched: {fault.cause or names[0]}",
        "check it on its page at the hub, and run the command again",
    )
