"""Draw the plots of one or several revisions as a page that opens offline.

    python -m stages plots                  this workspace
    python -m stages plots HEAD             HEAD against the workspace
    python -m stages plots main my-branch   one revision against another

DVC's own page loads Vega from a content delivery network and is blank without a network. It also
writes names of branches into its scripts as they are. So this command takes the specifications from
`dvc plots --json` and writes a page of its own, which contains Vega. The plots are still those of
DVC. The page's content security policy names its two scripts by hash: nothing else in it runs.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.temporary_folders import temporary_folder
from stages.lib.core.terminal import say

# DVC's templates are written for Vega-Lite 5.
_VEGA_LITE = "5.21"
# The second script calls vegaEmbed by its global name.
_GLOBALS = "window.vegaEmbed = vegaEmbed; window.vega = vega; window.vegaLite = vegaLite;"
_DRAW = """
const specifications = JSON.parse(document.getElementById("specifications").textContent);
specifications.forEach((specification, index) => {
  vegaEmbed(`#plot-${index}`, specification);
});
"""


def plots_page(specifications: Mapping[str, Any]) -> str:
    """Return a page with Vega that draws each specification under its name.

    Args:
        specifications: name of a plot to its filled Vega-Lite specification.

    Raises:
        UserError: the scripts contain a text that would break the page.
    """
    import vl_convert

    # It would end the script early.
    scripts = vl_convert.javascript_bundle(_GLOBALS, _VEGA_LITE)
    if "</script" in scripts.lower():
        raise UserError(
            "the Vega bundle of vl-convert holds '</script'", "pin vl-convert-python as in git"
        )

    # Vega makes functions of its expressions, hence 'unsafe-eval'.
    hashes = " ".join(f"'{_script_hash(script)}'" for script in (scripts, _DRAW))
    policy = (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:"
    )
    plots = [
        f"<figure><figcaption>{html.escape(name)}</figcaption>"
        f'<div id="plot-{index}"></div></figure>'
        for index, name in enumerate(specifications)
    ]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">
<title>DVC plots</title>
<style>
body {{ font-family: system-ui, sans-serif; margin: 2rem; background: #fff; color: #24292f; }}
figure {{ display: inline-block; margin: 0 2rem 2rem 0; vertical-align: top; }}
figcaption {{ font-size: .9rem; color: #59636e; }}
</style>
<script>{scripts}</script>
</head>
<body>
{"".join(plots)}
<script type="application/json" id="specifications">{_data(list(specifications.values()))}</script>
<script>{_DRAW}</script>
</body>
</html>
"""


def specifications_of(output: str) -> dict[str, Any]:
    """Return name of a plot to its specification, from what `dvc plots --json` prints.

    Raises:
        UserError: DVC could not draw a plot, or there is none.
    """
    values = json.loads(output)
    errors = values.get("errors") or []
    if errors:
        raise UserError(
            f"dvc could not draw {len(errors):,} plots: {json.dumps(errors[0])[:300]}",
            "run 'dvc repro', or name revisions that have the plots",
        )

    specifications: dict[str, Any] = {}
    for name, drawings in (values.get("data") or {}).items():
        for drawing in drawings:
            if drawing.get("type") == "vega":
                content = drawing["content"]
                specifications[name] = json.loads(content) if isinstance(content, str) else content
    if not specifications:
        raise UserError(
            "dvc has no plot to draw", "run 'dvc repro', or name revisions that have the plots"
        )
    return specifications


def main(
    revisions: Annotated[
        list[str] | None,
        typer.Argument(help="Git revisions or experiments; none: the workspace alone."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that the page is written to.")] = Path(
        "dvc_plots"
    ),
) -> None:
    """Draw the plots of one or several revisions as a page that opens offline."""
    page = out / "index.html"
    atomic.check_page(page)
    specifications = specifications_of(_run_dvc(revisions or []))
    atomic.write_text(page, plots_page(specifications))
    say(page.resolve().as_uri())


def _run_dvc(revisions: Sequence[str]) -> str:
    """Return what DVC prints of the plots as JSON."""
    # A name that begins with a dash would be an option.
    options = [revision for revision in revisions if revision.startswith("-")]
    if options:
        raise UserError(
            f"{options[0]!r} is no revision", "name a branch, tag, commit or experiment"
        )

    # The DVC of this environment, whatever PATH says.
    plots = [sys.executable, "-m", "dvc", "plots"]
    plots += ["diff", *revisions] if revisions else ["show"]
    with temporary_folder() as scratch:
        process = subprocess.run(
            [*plots, "--json", "-o", scratch],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            check=False,
        )

    # DVC has printed the reason.
    if process.returncode:
        raise UserError(
            "dvc could not draw the plots, as it says above",
            "name revisions that 'git rev-parse' knows",
        )
    return process.stdout


def _script_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _data(values: Any) -> str:
    """Return JSON that holds no mark of HTML, so that no text in it can end the element."""
    text = json.dumps(values, ensure_ascii=True)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


app = command(main, "tables", "page")

if __name__ == "__main__":
    app()
