"""Remove what a killed run left damaged of DVC's own files. DVC makes each of them again.

None of them holds a user's work: they say who is at work, which hashes DVC remembers and what it
has run. An output in DVC's cache that is shorter than recorded would come back as a broken table.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from stages.lib.core import atomic

_RUN_NAME = re.compile(r"[0-9a-f]{64}")
_RUN_OUTPUTS = re.compile(r"^outs:\n", re.M)
_RUN_LAST_LINE = re.compile(r" +(?:size|nfiles): \d+")
# The name of a file that DVC will rename, or has moved away.
_DRAWN = re.compile(r"\.[A-Za-z0-9_-]{22}\.tmp")
_RECORDED = re.compile(
    r"^    - path: (.+)\n      hash: md5\n      md5: ([0-9a-f]{32}(?:\.dir)?)\n      size: (\d+)\n",
    re.M,
)


DVC_FOLDER = Path(".dvc")


class Places(NamedTuple):
    """Where DVC keeps its own files.

    Attributes:
        cache: the outputs by their hash, and the run cache.
        state: the databases of hashes that DVC remembers.
    """

    cache: Path
    state: Path

    @property
    def objects(self) -> Path:
        """The outputs by their hash."""
        return self.cache / "files/md5"

    @property
    def runs(self) -> Path:
        """The run cache: what each stage gave for which inputs."""
        return self.cache / "runs"


def find_places() -> Places:
    """Return where DVC keeps its own files, as its settings say."""
    repository = _closed_repository()
    folder = repository.config["cache"].get("dir") or Path(repository.dvc_dir, "cache")
    return Places(Path(folder), Path(repository.site_cache_dir))


def damaged_databases(places: Places) -> list[Path]:
    """Return the databases of DVC's state that SQLite refuses to read."""
    damaged = []
    for path in sorted(places.state.rglob("*.db")):
        try:
            with closing(sqlite3.connect(path)) as connection:
                answer = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError:
            # Another process has locked it, so it is in use.
            continue
        except sqlite3.DatabaseError:
            answer = None
        if answer != ("ok",):
            damaged.append(path)
    return damaged


def unfinished_runs(places: Places) -> list[Path]:
    """Return the entries of the run cache that a kill left unfinished.

    DVC takes the newest file as the result of a stage, also one that it had not finished.
    """
    return [path for path in sorted(places.runs.glob("*/*/*")) if not _is_finished_run(path)]


def temporary_files(places: Places, outputs: Iterable[Path] = ()) -> list[Path]:
    """Return what DVC was bringing into its cache, or to the folders `outputs`, when it was killed.

    In folders of outputs only the names that DVC draws count.
    """
    cached = [*places.objects.glob("*.tmp"), *places.objects.glob("*/*.tmp")]
    beside = [path for folder in outputs for path in folder.rglob(".*.tmp")]
    return sorted([*cached, *(path for path in beside if _DRAWN.fullmatch(path.name))])


def damaged_objects(lock: str, places: Places, *, deep: bool) -> Iterator[tuple[Path, Path]]:
    """Yield path in the project and path in DVC's cache of each cached file that is damaged.

    Args:
        lock: the content of dvc.lock, which records hash and size of each output.
        places: where DVC keeps its own files.
        deep: whether each file is read and hashed. Otherwise sizes are compared.
    """
    for path, md5, size in sorted(set(_RECORDED.findall(lock))):
        cached = object_path(places, md5)
        if not cached.is_file():
            continue
        if not md5.endswith(".dir"):
            if cached.stat().st_size != int(size) or (deep and _md5(cached) != md5):
                yield Path(path), cached
            continue

        # A folder is a list of its files.
        files = folder_listing(cached)
        if files is None:
            yield Path(path), cached
            continue
        for file in files if deep else ():
            inside = object_path(places, file["md5"])
            if inside.is_file() and _md5(inside) != file["md5"]:
                yield Path(path, file["relpath"]), inside


def folder_listing(path: Path) -> list[dict[str, Any]] | None:
    """Return hash and path of each file of a cached folder; None if the listing is damaged."""
    try:
        listing = json.loads(path.read_bytes())
    except ValueError:
        return None
    return listing if isinstance(listing, list) else None


def object_path(places: Places, md5: str) -> Path:
    """Return where DVC's cache keeps the file with hash `md5`."""
    return places.objects / md5[:2] / md5[2:]


def replace_object(path: Path, cached: Path) -> bool:
    """Replace a damaged file in DVC's cache by the file of the project, if that is right.

    Otherwise the damaged one is removed. Return whether it was replaced.
    """
    md5 = cached.parent.name + cached.name
    cached.unlink()
    if not path.is_file() or _md5(path) != md5:
        return False
    with atomic.write(cached) as temporary:
        shutil.copyfile(path, temporary)
        temporary.chmod(0o444)
    return True


def remove(path: Path) -> None:
    """Remove a file or folder. Of a database the whole folder goes, with its journal."""
    if path.suffix == ".db":
        path = path.parent
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _closed_repository() -> Any:
    """Return the repository of DVC, with its databases closed, since they may be damaged."""
    from dvc.fs import LocalFileSystem
    from dvc.repo import Repo

    class ClosedRepo(Repo):  # type: ignore[misc]
        def __init__(self) -> None:
            self._fs = LocalFileSystem()
            self._scm = None
            self._config = None
            self._remote = None
            self._remote_config = None
            self.root_dir, self.dvc_dir = self._get_repo_dirs(fs=self._fs)

    return ClosedRepo()


def _is_finished_run(path: Path) -> bool:
    if not _RUN_NAME.fullmatch(path.name):
        return False
    text = path.read_bytes().decode("utf-8", "replace")
    outputs = _RUN_OUTPUTS.search(text)
    if outputs is None or not text.endswith("\n"):
        return False
    last_line = text[outputs.end() :].removesuffix("\n").rpartition("\n")[2]
    return _RUN_LAST_LINE.fullmatch(last_line) is not None


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
