"""Send the data set or the model of the last run to a hub, as one commit.

    python -m stages push data-set OWNER/NAME --dry-run    what would be sent
    HF_TOKEN=... python -m stages push model OWNER/NAME    send it

The data set is that of `export hugging-face`. Nothing is sent while a gate of validate fails, or
where the licence of a source forbids it. A new repository is private unless you say --public.
HF_TOKEN is the key of the hub, and HF_ENDPOINT its address.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stages.commands.export.formats import ExportFormat, copy_model, write_data_set
from stages.commands.fetch.hub_process import shown_endpoint
from stages.commands.push.licences import check_licences, licences_at_hand
from stages.commands.push.readiness import check_passed
from stages.commands.push.remote import RemoteRepository, files_of, find_remote, send
from stages.lib.core.errors import UserError
from stages.lib.core.model_folders import is_repository
from stages.lib.core.secrets import read_key
from stages.lib.core.stage import command
from stages.lib.core.temporary_folders import temporary_folder
from stages.lib.core.terminal import say


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
        _describe(thing, folder, licences, target=f"{kind} {name} at {shown_endpoint()}")
        if dry_run:
            say("Nothing was sent (--dry-run).")
            return

        remote = find_remote(RemoteRepository(kind, name, is_private=not public))
        _check_visibility(remote, public=public)
        removed = _others(remote, files_of(folder), replace=replace)
        sent = send(remote, folder, removed=removed)
    say(f"sent, and checked by size and hash: commit {sent.commit[:12]}, {sent.url}")


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


def _describe(thing: PushedThing, folder: Path, licences: Sequence[str], *, target: str) -> None:
    """Say what is sent where, and by which licences."""
    files = files_of(folder)
    sizes = [(folder / file).stat().st_size for file in files]
    say(f"{thing}: {len(files)} files, {sum(sizes):,} bytes, to the {target}")
    for file, size in zip(files, sizes, strict=True):
        say(f"  {size:>15,}  {file}")
    say("licences")
    for line in licences:
        say(f"  {line}")


def _check_visibility(remote: RemoteRepository, *, public: bool) -> None:
    if remote.exists and not remote.is_private and not public:
        raise UserError(
            f"{remote.title} is public: everybody could read what is sent",
            "add --public if that is meant, or name another repository",
        )
    if not remote.exists:
        say(f"a new repository, {'public' if public else 'private'}")
    elif public and remote.is_private:
        say("the repository is private, and stays so")


def _others(remote: RemoteRepository, files: Sequence[str], *, replace: bool) -> list[str]:
    """Return the other files of the repository if they go, and say what happens to them."""
    others = sorted(set(remote.files) - set(files))
    if not others:
        return []

    fate = "go" if replace else "stay (--replace removes them)"
    say(f"other files of the repository {fate}: {', '.join(others[:10])}")
    return others if replace else []


app = command(main, "hub")

if __name__ == "__main__":
    app()
