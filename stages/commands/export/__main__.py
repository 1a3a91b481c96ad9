"""Write the data set, the runs or the model at hand for other tools: trainers, benchmarks, hubs.

Each folder has README.md, a card that says where the data comes from and what was checked, and
croissant.json, which describes the files and their hashes in the words of Croissant. The folder
holds texts of the data, so it does not belong into git.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stages.commands.export.formats import ExportFormat, copy_model, write_data_set
from stages.commands.export.onnx_model import write_onnx
from stages.commands.export.query_cleaner import write_query_cleaner
from stages.commands.export.trec_files import write_trec
from stages.commands.json_output import AsJson, say_json
from stages.lib.core import atomic
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.core.yaml_files import read_yaml

VERDICT = Path("data/validate/verdict.json")


def main(
    format_: Annotated[ExportFormat, typer.Argument(metavar="FORMAT", help="What is written.")],
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the files.")],
    as_json: AsJson = False,
) -> None:
    """Write the data set, the runs or the model at hand for other tools."""
    atomic.check_target(out, folder=True)
    atomic.check_free(out)

    # The folder appears as a whole, or not at all.
    with atomic.write(out, folder=True) as folder:
        folder.mkdir(parents=True)
        if format_ is ExportFormat.model:
            copy_model(folder)
        elif format_ is ExportFormat.onnx:
            write_onnx(folder)
        elif format_ is ExportFormat.trec:
            write_trec(folder)
        elif format_ is ExportFormat.query_cleaner:
            write_query_cleaner(folder)
        else:
            write_data_set(format_, folder, name=Path.cwd().name)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        size_of_file = {path.relative_to(folder): path.stat().st_size for path in files}

    has_passed = _has_passed()
    if as_json:
        say_json({"folder": out, "files": size_of_file, "gates_passed": has_passed})
        return
    say(f"{out}: {len(files)} files, {sum(size_of_file.values()) / 1e6:.1f} MB")
    if not has_passed:
        say(
            "The gates of validate have not passed: read data/validate/index.html before others "
            "train on this data."
        )


def _has_passed() -> bool:
    return VERDICT.is_file() and bool(read_yaml(VERDICT).get("passed"))


app = command(main)

if __name__ == "__main__":
    app()
