"""The process that talks to a hub such as Hugging Face: a request as JSON in, a reply out.

Stages run with the hub switched off, for the whole process and before its libraries are imported.
So a process of its own reaches the hub, as pip does for wheels. Nothing that it downloads is run.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

# Seconds that a server may be silent, and the longest answer that is no file.
_SILENT_SECONDS = 60.0
_SILENT_SECONDS_OF_COMMIT = 600.0
_MOST_BYTES = 64_000_000
# Seconds before the next attempts, where a server is busy.
_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
_BUSY = (429, 503)


def repository_files(kind: str, name: str, revision: str) -> dict[str, Any]:
    """Return the commit of a revision, and the files of it.

    Args:
        kind: `dataset` or `model`.
        name: the repository, such as OWNER/NAME.
        revision: a branch, tag or commit; "" for the main branch.
    """
    from huggingface_hub import HfApi

    info: Any = HfApi().repo_info(name, repo_type=kind, revision=revision or None)
    files = sorted(file.rfilename for file in info.siblings or [])
    return {"commit": info.sha, "files": files}


def download(kind: str, name: str, commit: str, *, files: list[str], folder: str) -> None:
    """Write files of a commit to a folder."""
    from huggingface_hub import hf_hub_download

    for file in files:
        hf_hub_download(name, file, repo_type=kind, revision=commit, local_dir=folder)


def dataset_splits(name: str, commit: str, config: str | None) -> dict[str, Any]:
    """Return the configurations of a data set, and the files of each split of one.

    Without `config` it is the only one, or the default.
    """
    from datasets import get_dataset_config_names, load_dataset_builder

    configs = get_dataset_config_names(name, revision=commit)
    if config is None and len(configs) > 1 and "default" not in configs:
        return {"configs": configs, "config": None, "format": "", "files": {}}

    chosen = config or (configs[0] if len(configs) == 1 else "default")
    if chosen not in configs:
        return {"configs": configs, "config": None, "format": "", "files": {}}

    builder = load_dataset_builder(name, chosen, revision=commit)
    files: dict[str, list[str]] = {}
    for split, paths in (builder.config.data_files or {}).items():
        # A path is hf://datasets/OWNER/NAME@COMMIT/FILE.
        files[str(split)] = [path.partition(f"@{commit}/")[2] or path for path in paths]

    file_format = type(builder).__module__.split(".")[-1]
    return {"configs": configs, "config": chosen, "format": file_format, "files": files}


def repository_state(kind: str, name: str) -> dict[str, Any] | None:
    """Return who may see a repository, its commit and its files; None if there is none."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info: Any = _api().repo_info(name, repo_type=kind)
    except RepositoryNotFoundError as error:
        # The library also says so where the hub does not take the key.
        if _status(error) != 404:
            raise
        return None
    files = sorted(file.rfilename for file in info.siblings or [])
    return {"is_private": bool(info.private), "commit": info.sha, "files": files}


def create_repository(kind: str, name: str, *, is_private: bool) -> None:
    """Create an empty repository."""
    _api().create_repo(name, repo_type=kind, private=is_private)


def push(
    kind: str, name: str, parent: str, *, folder: str, files: list[str], removed: list[str]
) -> dict[str, Any]:
    """Add files to a repository, and remove others, in one commit.

    Args:
        kind: `dataset` or `model`.
        name: the repository, such as OWNER/NAME.
        parent: the commit that the repository stands at. If it stands elsewhere, nothing is sent.
        folder: where the files are.
        files: their paths in the folder and in the repository.
        removed: paths of files that are removed.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    api = _api()
    additions = [CommitOperationAdd(file, Path(folder, file)) for file in files]
    deletions = [CommitOperationDelete(file, is_folder=False) for file in removed]

    # Without this, a file .gitignore of the repository would leave files out.
    api.preupload_lfs_files(
        name, additions, repo_type=kind, free_memory=False, gitignore_content=""
    )
    title = "data set" if kind == "dataset" else "model"
    result = api.create_commit(
        name,
        [*additions, *deletions],
        commit_message=f"Send the {title}",
        repo_type=kind,
        parent_commit=parent,
    )

    # What the hub says that it holds now.
    arrived: Any = api.get_paths_info(name, files, repo_type=kind, revision=result.oid)
    return {
        "commit": result.oid,
        "url": result.commit_url,
        "files": {
            file.path: {"size": file.size, "blob": file.blob_id, "sha256": _sha256(file)}
            for file in arrived
        },
    }


def _api() -> Any:
    """Return the client of the hub, with the key of the environment and no other."""
    from huggingface_hub import HfApi

    return HfApi(token=os.environ["HF_TOKEN"].strip())


def _sha256(file: Any) -> str:
    """Return the hash of a large file; "" for one that git holds itself."""
    return file.lfs.sha256 if file.lfs else ""


def limit_clients(*, sends: bool) -> None:
    """Let the libraries wait no longer, read no more and go no further than a file needs.

    Files lie on other hosts than the hub, which sends the libraries there, without the key. What a
    hub says of a repository it says itself.

    Args:
        sends: whether files are sent. A hub works for a while on what it got.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils import _http

    def client() -> Any:
        made = _http.default_client_factory()
        made.timeout = _SILENT_SECONDS_OF_COMMIT if sends else _SILENT_SECONDS
        requests = [*made.event_hooks["request"], _check_request]
        made.event_hooks = {"request": requests, "response": [_check_answer]}
        return made

    set_client_factory(client)


def _check_request(request: Any) -> None:
    """Refuse to send the key to another host than the hub, whatever the hub says."""
    from httpx2 import URL
    from huggingface_hub import constants

    hub = URL(constants.ENDPOINT)
    is_hub = (request.url.scheme, request.url.host, request.url.port) == (
        hub.scheme,
        hub.host,
        hub.port,
    )
    if "authorization" in request.headers and not is_hub:
        raise OSError("it asks for the key on another host, which is refused")


def _check_answer(answer: Any) -> None:
    """Refuse a redirect to another host for what is no file to read, and bound the answer."""
    url = answer.request.url
    is_reading = answer.request.method in ("GET", "HEAD")
    if is_reading and "/resolve/" in url.path:
        return

    if answer.has_redirect_location:
        target = url.join(answer.headers["location"])
        if (target.scheme, target.netloc) != (url.scheme, url.netloc):
            raise OSError("it redirects to another host, which is not followed")
    answer.stream = _bounded(answer.stream)


def _bounded(stream: Any) -> Any:
    """Return a stream that breaks off where it becomes too long."""
    from httpx2 import SyncByteStream

    class Bounded(SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for part in stream:
                size += len(part)
                if size > _MOST_BYTES:
                    raise OSError(f"its answer is longer than {_MOST_BYTES:,} bytes")
                yield part

        def close(self) -> None:
            stream.close()

    return Bounded()


def _carry_out(operation: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Return the result of an operation. A server that is busy is asked again."""
    for wait in _WAITS:
        try:
            return operation(**arguments)
        # The libraries raise errors of many types.
        except Exception as error:
            if _status(error) not in _BUSY:
                raise
        time.sleep(wait)

    return operation(**arguments)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that led to it."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _status(error: BaseException) -> int | None:
    """Return the status of the answer that led to an error; None if there was none."""
    answers = [getattr(cause, "response", None) for cause in _causes(error)]
    statuses = [answer.status_code for answer in answers if answer is not None]
    return statuses[0] if statuses else None


def _message(error: BaseException) -> str:
    """Return what an error says; of a failed upload also why."""
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        return f"{error} {error.__cause__}"
    return str(error)


_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "repository_files": repository_files,
    "download": download,
    "dataset_splits": dataset_splits,
    "repository_state": repository_state,
    "create_repository": create_repository,
    "push": push,
}


def main() -> None:
    """Carry out the request on the standard input, and write the reply to the standard output."""
    request = json.load(sys.stdin)

    # What libraries print is no part of the reply.
    reply_stream = sys.stdout
    sys.stdout = sys.stderr
    try:
        sends = request["operation"] == "push"
        if sends:
            # The other way has a client of its own, which knows no limit of ours.
            os.environ["HF_HUB_DISABLE_XET"] = "1"
        limit_clients(sends=sends)
        result = _carry_out(_OPERATIONS[request["operation"]], request["arguments"])
        reply = {"result": result}
    # The libraries raise errors of many types.
    except Exception as error:
        names = [kind.__name__ for kind in type(error).__mro__]
        reply = {"error": names, "message": _message(error), "status": _status(error)}

    json.dump(reply, reply_stream)


if __name__ == "__main__":
    os.environ.update(
        HF_HUB_OFFLINE="0",
        TRANSFORMERS_OFFLINE="0",
        HF_DATASETS_OFFLINE="0",
        HF_HUB_DISABLE_TELEMETRY="1",
    )
    main()
