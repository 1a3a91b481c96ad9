"""Send a folder to a repository of a hub in one commit, and check what arrived."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages.commands.fetch.hub_process import HubError, ask_hub, is_unreachable, shown_endpoint
from stages.lib.core.errors import UserError

# Seconds for what a hub says of a repository, and for all files.
_MOST_SECONDS = 300
_MOST_SECONDS_OF_FILES = 24 * 3600
_CHUNK_BYTES = 1_000_000
# What a hub itself puts into a repository.
_OWN_FILES = (".gitattributes",)


class RemoteRepository(NamedTuple):
    """A repository of a hub, or a name for one.

    Attributes:
        kind: `dataset` or `model`.
        name: OWNER/NAME.
        exists: whether the hub has it.
        is_private: whether only its owner may see it.
        commit: the commit that it stands at.
        files: the paths of its files, without those that the hub put there.
    """

    kind: str
    name: str
    exists: bool = False
    is_private: bool = True
    commit: str = ""
    files: Sequence[str] = ()

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"the {self.kind} {self.name} at {shown_endpoint()}"


class Sent(NamedTuple):
    """The commit that has all files, and its address."""

    commit: str
    url: str


def files_of(folder: Path) -> list[str]:
    """Return the paths of all files in `folder`, sorted."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def find_remote(repository: RemoteRepository) -> RemoteRepository:
    """Return what the hub knows of a repository.

    Raises:
        UserError: the hub cannot be reached, or does not take the key.
    """
    state = _ask("repository_state", repository)
    if state is None:
        return repository._replace(exists=False)

    files = [file for file in state["files"] if file not in _OWN_FILES]
    return repository._replace(
        exists=True, is_private=state["is_private"], commit=state["commit"], files=files
    )


def send(repository: RemoteRepository, folder: Path, *, removed: Sequence[str]) -> Sent:
    """Send all files of `folder` in one commit, and return it once the hub has every byte.

    A repository that does not exist is created first.

    Args:
        repository: the repository, as `find_remote` returned it.
        folder: the files.
        removed: files of the repository that the commit removes.

    Raises:
        UserError: the hub refuses, or holds other bytes than the folder.
    """
    if not repository.exists:
        _ask("create_repository", repository, is_private=repository.is_private)
        repository = find_remote(repository)

    # One commit, which is there as a whole or not at all.
    files = files_of(folder)
    reply = _ask(
        "push",
        repository,
        parent=repository.commit,
        folder=str(folder),
        files=files,
        removed=list(removed),
    )
    differing = list(_differing(folder, files, reply["files"]))
    if differing:
        raise UserError(
            f"{repository.title}: commit {str(reply['commit'])[:12]} does not hold what was sent: "
            f"{', '.join(differing[:5])}",
            "do not use this commit; check HF_ENDPOINT, and run the command again",
        )
    return Sent(str(reply["commit"]), str(reply["url"]))


def _differing(
    folder: Path, files: Sequence[str], arrived: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield the files that the hub lacks, or holds with another size or hash."""
    for file in files:
        there = arrived.get(file)
        if there is None:
            yield f"{file} is missing"
            continue

        # A hub holds large files by their SHA-256, and others as git does.
        local = folder / file
        if there["sha256"]:
            is_equal = there["sha256"] == _sha256(local)
        else:
            is_equal = there["blob"] == git_hash(local.read_bytes())
        if there["size"] != local.stat().st_size or not is_equal:
            yield f"{file} has other bytes"


def git_hash(content: bytes) -> str:
    """Return the hash by which git names a file.

    >>> git_hash(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    head = f"blob {len(content)}\0".encode()
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _ask(operation: str, repository: RemoteRepository, **arguments: Any) -> Any:
    """Return the reply of the hub to an operation on a repository."""
    limit = _MOST_SECONDS_OF_FILES if operation == "push" else _MOST_SECONDS
    try:
        return ask_hub(
            operation, seconds=limit, kind=repository.kind, name=repository.name, **arguments
        )
    except HubError as error:
        raise _problem(repository, error) from None


def _problem(repository: RemoteRepository, error: HubError) -> UserError:
    title = repository.title
    if not error.names:
        return UserError(f"{title}: nothing was sent: {error.cause}", "run 'make setup'")
    if is_unreachable(error):
        return UserError(
            f"the hub at {shown_endpoint()} cannot be reached: {error.cause or error.names[0]}",
            "check the network, its proxy, and HF_ENDPOINT if you use another hub",
        )
    if error.status == 401:
        return UserError(
            f"{title}: the hub does not take the key in HF_TOKEN",
            "set HF_TOKEN to a key of this hub that may write",
        )
    if error.status == 403:
        return UserError(
            f"{title}: the key in HF_TOKEN may not write there: {error.cause}",
            "give the key the right to write, or name an owner whose repositories you may write",
        )
    if error.status in (409, 412):
        return UserError(
            f"{title} was changed by somebody else meanwhile, or its name is taken",
            "look at it on the hub, and run the command again",
        )
    return UserError(
        f"{title}: the hub made no commit that holds all files: {error.cause or error.names[0]}",
        "run the command again: what has arrived is not sent twice",
    )
