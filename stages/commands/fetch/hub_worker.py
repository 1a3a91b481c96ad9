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
from typing import Any

# Seconds that a server may be silent, and the longest answer that is no file.
_SILENT_SECONDS = 60.0
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


def limit_clients() -> None:
    """Let the libraries wait no longer, read no more and go no further than a file needs.

    Files lie on other hosts than the hub, which sends the libraries there, without the key. What a
    hub says of a repository it says itself.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils import _http

    def client() -> Any:
        made = _http.default_client_factory()
        made.timeout = _SILENT_SECONDS
        made.event_hooks = {**made.event_hooks, "response": [_check_answer]}
        return made

    set_client_factory(client)


def _check_answer(answer: Any) -> None:
    """Refuse a redirect to another host for what is no file, and bound the answer."""
    url = answer.request.url
    if "/resolve/" in url.path:
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
            status = getattr(getattr(error, "response", None), "status_code", None)
            if status not in _BUSY:
                raise
        time.sleep(wait)

    return operation(**arguments)


_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "repository_files": repository_files,
    "download": download,
    "dataset_splits": dataset_splits,
}


def main() -> None:
    """Carry out the request on the standard input, and write the reply to the standard output."""
    request = json.load(sys.stdin)

    # What libraries print is no part of the reply.
    reply_stream = sys.stdout
    sys.stdout = sys.stderr
    try:
        limit_clients()
        result = _carry_out(_OPERATIONS[request["operation"]], request["arguments"])
        reply = {"result": result}
    # The libraries raise errors of many types.
    except Exception as error:
        names = [kind.__name__ for kind in type(error).__mro__]
        reply = {"error": names, "message": str(error)}

    json.dump(reply, reply_stream)


if __name__ == "__main__":
    os.environ.update(
        HF_HUB_OFFLINE="0",
        TRANSFORMERS_OFFLINE="0",
        HF_DATASETS_OFFLINE="0",
        HF_HUB_DISABLE_TELEMETRY="1",
    )
    main()
