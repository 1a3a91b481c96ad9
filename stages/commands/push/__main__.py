"""Send the data set or the model of the last run to a hub, as one commit.

    python -m stages push data-set OWNER/NAME --dry-run    what would be sent
    HF_TOKEN=... python -m stages push model OWNER/NAME    send it

The data set is that of `export hugging-face`. Nothing is sent while a gate of validate fails, or
where the licence of a source forbids it. A new repository is private unless you say --public.
HF_TOKEN is the key of the hub, and HF_ENDPOINT its address.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stages.commands.export.formats import ExportFormat, copy_model, write_data_set
from stages.commands.fetch.hub_process import shown_endpoint
from stages.commands.json_output import AsJson, message_printer, say_json
from stages.commands.push.licences import check_licences, licences_at_hand
from stages.commands.push.readiness import check_passed
from stages.commands.push.remote import RemoteRepository, files_of, find_remote, send
from stages.lib.core.errors import UserError
from stages.lib.core.model_folders import is_repository
from stages.lib.core.secrets import read_key
from stages.lib.core.stage import command
from stages.lib.core.temporary_folders import temporary_folder


class PushedThing(StrEnum):
    """What can be sent."""

    data_set = "data-set"
    model = "model"


def main(
    thing: Annotated[PushedThing, typer.Argument(metavar="WHAT", help="data-set or model.")],
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository of the hub.")],
    may_share: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE", help="A source whose terms you have read, and may be passed on."
        ),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Everybody may see it; else a new one is private.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove other files of the repository as well.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing, and say what would be sent.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send the data set or the model of the last run to a hub, as one commit."""
    if not is_repository(name):
        raise UserError(f"'{name}' is no name of a repository", "give OWNER/NAME")
    has_model = thing is PushedThing.model
    check_passed(has_model=has_model)
    licences = check_licences(licences_at_hand(has_model=has_model), may_share or [])
    if not dry_run:
        _check_key()

    with temporary_folder() as parent:
        folder = Path(parent, "files")
        folder.mkdir()
        _write(thing, folder, name)
        kind = "model" if has_model else "dataset"
        sizes = {file: (folder / file).stat().st_size for file in files_of(folder)}
        tell = message_printer(as_json)
        target = f"{kind} {name} at {shown_endpoint()}"
        tell("\n".join(_description(thing, sizes, licences, target=target)))
        document: dict[str, object] = {
            "endpoint": shown_endpoint(),
            "files": sizes,
            "kind": kind,
            "licences": list(licences),
            "repository": name,
            "commit": None,
        }
        if dry_run:
            tell("Nothing was sent (--dry-run).")
        else:
            remote = find_remote(RemoteRepository(kind, name, is_private=not public))
            _check_visibility(remote, public=public, tell=tell)
            removed = _others(remote, list(sizes), replace=replace, tell=tell)
            sent = send(remote, folder, removed=removed)
            document |= {"commit": sent.commit, "url": sent.url, "removed": removed}
            tell(f"sent, and checked by size and hash: commit {sent.commit[:12]}, {sent.url}")
    if as_json:
        say_json(document)


def _check_key() -> None:
    """Check that the environment holds a key. No other place is asked for one."""
    if not read_key("HF_TOKEN", os.environ):
        raise UserError(
            "the environment variable HF_TOKEN is not set",
            "set it to a key of the hub that may write",
        )


def _write(thing: PushedThing, folder: Path, name: str) -> None:
    if thing is PushedThing.model:
        copy_model(folder)
    else:
        title = name.partition("/")[2]
        write_data_set(ExportFormat.hugging_face, folder, name=title)


def _description(
    thing: PushedThing, sizes: Mapping[str, int], licences: Sequence[str], *, target: str
) -> list[str]:
    """Return lines on what is sent where, and by which licences. Sizes are in bytes."""
    lines = [f"{thing}: {len(sizes)} files, {sum(sizes.values()):,} bytes, to the {target}"]
    lines += [f"  {size:>15,}  {file}" for file, size in sizes.items()]
    return [*lines, "licences", *(f"  {line}" for line in licences)]


def _check_visibility(
    remote: RemoteRepository, *, public: bool, tell: Callable[[str], None]
) -> None:
    if remote.exists and not remote.is_private and not public:
        raise UserError(
            f"{remote.title} is public: everybody could read what is sent",
            "add --public if that is meant, or name another repository",
        )
    if not remote.exists:
        tell(f"a new repository, {'public' if public else 'private'}")
    elif public and remote.is_private:
        tell("the repository is private, and stays so")


def _others(
    remote: RemoteRepository,
    files: Sequence[str],
    *,
    replace: bool,
    tell: Callable[[str], None],
) -> list[str]:
    """Return the other files of the repository if they go, and say what happens to them."""
    others = sorted(set(remote.files) - set(files))
    if not others:
        return []

    fate = "go" if replace else "stay (--replace removes them)"
    tell(f"other files of the repository {fate}: {', '.join(others[:10])}")
    return others if replace else []


app = command(main, "hub")

if __name__ == "__main__":
    app()
