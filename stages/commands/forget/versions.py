"""Where older versions still hold a record: the cache of DVC, its remotes, and git.

The objects in the local cache are searched, so each commit that names one that holds the record is
known. What only a remote has cannot be searched from here; such commits are named too.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from stages.commands.forget.sought import Sought, file_holds
from stages.lib.core.errors import UserError

_MD5 = re.compile(r"\bmd5: ([0-9a-f]{32})(\.dir)?")
_ENTRY = re.compile(r'"md5": "([0-9a-f]{32})"')
_DVC_FILES = ("dvc.lock", "*.dvc")
_OBJECT = "[0-9a-f][0-9a-f]/*"


class HeldVersions(NamedTuple):
    """What still holds the record.

    Attributes:
        objects: files of DVC's cache that hold it.
        commits: commits that name one of them, newest first, each with its subject.
        unsearched: commits that name objects which are not in the cache here.
        remotes: the names of all remotes.
        git_commits: commits whose own files hold a text of it.
    """

    objects: list[Path]
    commits: list[str]
    unsearched: list[str]
    remotes: list[str]
    git_commits: list[str]


def held_versions(root: Path, sought: Sought) -> HeldVersions:
    """Return what still holds the record in DVC's cache, by commit, and in git."""
    cache, remotes = _dvc_places(root)
    present = {_hash_of(path): path for path in _objects(cache)}
    held = {name for name, path in present.items() if file_holds(path, sought)}

    # Folders name their files in an object of their own.
    for name, path in present.items():
        if name.endswith(".dir") and held & set(_ENTRY.findall(path.read_text("utf-8"))):
            held.add(name)

    commits: list[str] = []
    unsearched: list[str] = []
    names_of_blob: dict[str, set[str]] = {}
    for commit, subject in _commits(root, _DVC_FILES):
        names = _names_in(root, commit, names_of_blob)
        if names & held:
            commits.append(f"{commit[:10]} {subject}")
        elif names - present.keys():
            unsearched.append(f"{commit[:10]} {subject}")
    files = [present[name] for name in sorted(held)]
    return HeldVersions(files, commits, unsearched, remotes, _git_commits(root, sought))


def _dvc_places(root: Path) -> tuple[Path | None, list[str]]:
    """Return the folder of DVC's cache, and the names of its remotes (addresses hold secrets)."""
    if not (root / ".dvc").is_dir():
        return None, []
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repository:
            return Path(repository.cache.local.path), sorted(repository.config["remote"])
    except DvcException as error:
        raise UserError(
            f"DVC cannot be asked for its cache: {str(error).splitlines()[0]}",
            "run 'dvc doctor', and mend what it names",
        ) from None


def _objects(cache: Path | None) -> list[Path]:
    """Return the files of DVC's cache, also those that versions before DVC 3 wrote."""
    if cache is None:
        return []
    folders = [cache, cache.parent.parent] if cache.parent.name == "files" else [cache]
    paths: list[Path] = []
    for folder in folders:
        paths += [path for path in sorted(folder.glob(_OBJECT)) if path.is_file()]
    return paths


def _hash_of(path: Path) -> str:
    return path.parent.name + path.name


def _commits(root: Path, paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return hash and subject of the commits of all branches that changed `paths`."""
    log = _git(root, "log", "--all", "--format=%H %s", "--", *paths)
    return [(line[:40], line[41:]) for line in log.splitlines()]


def _names_in(root: Path, commit: str, names_of_blob: dict[str, set[str]]) -> set[str]:
    """Return the names of DVC's objects in the files of a commit."""
    names: set[str] = set()
    for line in _git(root, "ls-tree", "-r", commit).splitlines():
        entry, _, path = line.partition("\t")
        if path == "dvc.lock" or path.endswith(".dvc"):
            blob = entry.split()[2]
            if blob not in names_of_blob:
                text = _git(root, "cat-file", "blob", blob)
                names_of_blob[blob] = {"".join(match) for match in _MD5.findall(text)}
            names |= names_of_blob[blob]
    return names


def _git_commits(root: Path, sought: Sought) -> list[str]:
    """Return the commits that bring or remove one of the texts."""
    commits: set[str] = set()
    for text in sorted(sought.texts):
        # One line of a text is enough, and git compares lines.
        line = max(text.splitlines() or [""], key=len)
        log = _git(root, "log", "--all", "--format=%h %s", f"-S{line}") if line else ""
        commits |= set(log.splitlines())
    return sorted(commits)


def _git(root: Path, *arguments: str) -> str:
    process = subprocess.run(
        ["git", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return process.stdout if process.returncode == 0 else ""
