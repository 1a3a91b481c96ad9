"""Draw the page of documents with what changed since a revision, or by the fine-tuned model.

    python -m stages explore --since v1 --html since.html
    python -m stages explore --finetuned --html models.html

The page is that of the stage `explore`, with more on it. `--since` marks the documents that are
new, edited or in another split than in the revision, and lists those that are gone. `--finetuned`
places the same documents by the fine-tuned model too, and a control chooses the model. Both go
together. Nothing of the test split is shown. Without any option the stage itself runs.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.commands.compare.versions import MODEL, find_version
from stages.commands.explore.since import changes_since, documents_of, revision_name
from stages.commands.json_output import AsJson, say_json
from stages.commands.run_at_hand import why_no_run
from stages.explore.gather import gather
from stages.explore.interface import Inputs, Params
from stages.explore.page import BASE_MODEL, FINETUNED_MODEL, render
from stages.explore.page_rows import PageRows
from stages.lib.core import atomic, tables
from stages.lib.core.device import choose_device
from stages.lib.core.errors import UserError
from stages.lib.core.interface import TableFile, inputs_of, sections_of
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import load_section
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.retrieval.encoder import Encoder


def main(
    html: Annotated[Path, typer.Option(help="Write the page to this file.")],
    since: Annotated[
        str | None, typer.Option(help="Revision or experiment to compare the documents with.")
    ] = None,
    finetuned: Annotated[
        bool, typer.Option("--finetuned", help="Place the documents by the fine-tuned model too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw the page of documents with what changed since a revision, or by the fine-tuned model."""
    # What is missing is found before the work begins.
    atomic.check_page(html)
    inputs = table_files()
    if finetuned:
        _check_model()
    before = None if since is None else find_version(since)
    old = None if before is None else documents_of(before)

    # The page of the stage, and what is more on this one.
    rows = _gather_rows(inputs, finetuned)
    if before is not None and old is not None:
        name = revision_name(before)
        changes = changes_since(name, old, find_version(None), rows.documents)
        rows = rows._replace(changes=changes)
    atomic.write_text(html, render(rows))
    if as_json:
        say_json(page_figures(rows, html))
    else:
        say(f"wrote {html}")


def page_figures(rows: PageRows, file: Path) -> dict[str, Any]:
    """Return what the page at `file` shows, as numbers for JSON."""
    figures: dict[str, Any] = {
        "file": file,
        "documents": len(rows.documents),
        "left_out": rows.left_out,
        "models": [placed.model for placed in rows.maps],
        "since": None,
    }
    if rows.changes is not None:
        figures["since"] = {
            "revision": rows.changes.revision,
            "states": Counter(rows.changes.states),
            "gone": len(rows.changes.gone),
            "hidden": rows.changes.hidden,
        }
    return figures


def table_files() -> Inputs:
    """Return the tables at hand, which the stage reads.

    Raises:
        UserError: a table is missing.
    """
    files: dict[str, Any] = {}
    for item in inputs_of(Inputs):
        assert item.table is not None
        tables.shards(Path(item.path))
        files[item.name] = TableFile(Path(item.path), item.table)
    return Inputs(**files)


def stage_params() -> Params:
    """Return the sections of params.yaml that the stage reads."""
    sections: dict[str, Any] = {
        name: load_section(model) for name, model in sections_of(Params).items()
    }
    return Params(**sections)


def _gather_rows(inputs: Inputs, finetuned: bool) -> PageRows:
    """Return what the page shows, from the tables at hand."""
    params = stage_params()
    device = choose_device(params.run)
    encoders = {BASE_MODEL: Encoder(find_base_model(params.model), device)}
    if finetuned:
        encoders[FINETUNED_MODEL] = Encoder(Path(MODEL), device)
    return gather(inputs, params, encoders)


def _check_model() -> None:
    """Check that there is a fine-tuned model, and that it is of the settings at hand.

    Raises:
        UserError: it is not.
    """
    remedy = "run 'dvc repro', or 'dvc pull' where a remote holds the run"
    if not Path(MODEL).is_dir():
        raise UserError(f"there is no fine-tuned model: {MODEL} does not exist", remedy)
    reason = why_no_run("finetune")
    if reason is not None:
        raise UserError(f"there is no fine-tuned model of this data: {reason}", remedy)


app = command(main, "tables", "model")

if __name__ == "__main__":
    app()
