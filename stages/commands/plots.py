"""Draw the plots of one or several revisions as a page that opens offline.

    python -m stages plots                  this workspace
    python -m stages plots HEAD             HEAD against the workspace
    python -m stages plots main my-branch   one revision against another

DVC's own page loads Vega from a content delivery network and is blank without a network. This
command gives DVC a template that contains Vega (`dvc plots --html-template`). The plots are still
those of DVC.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from stages.lib.core.errors import UserError
from stages.lib.core.stage import command

# DVC's templates are written for Vega-Lite 5.
_VEGA_LITE = "5.21"
# The divs that DVC writes call vegaEmbed by its global name.
_GLOBALS = "window.vegaEmbed = vegaEmbed; window.vega = vega; window.vegaLite = vegaLite;"


def template() -> str:
    """Return a page with Vega, Vega-Lite, Vega-Embed and DVC's placeholder for the plots.

    Raises:
        UserError: the scripts contain a text that would break the page.
    """
    import vl_convert

    scripts = vl_convert.javascript_bundle(_GLOBALS, _VEGA_LITE)

    # The first would end the script early. DVC replaces the others wherever they are.
    for forbidden in ("</script", "{plot_divs}", "{scripts}", "{refresh_tag}"):
        if forbidden in scripts:
            raise UserError(
                f"the Vega bundle of vl-convert holds '{forbidden}'",
                "pin vl-convert-python as in git",
            )

    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>DVC plots</title>
<style>
body {{ font-family: system-ui, sans-serif; margin: 2rem; background: #fff; color: #24292f; }}
body > div {{ display: inline-block; margin: 0 2rem 2rem 0; vertical-align: top; }}
</style>
<script>
{scripts}
</script>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


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
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "template.html"
        page.write_text(template(), "utf-8")

        # The DVC of this environment, whatever PATH says.
        plots = [sys.executable, "-m", "dvc", "plots"]
        plots += ["diff", *revisions] if revisions else ["show"]
        process = subprocess.run(
            [*plots, "--html-template", str(page), "-o", str(out)], check=False
        )

    # DVC has printed the reason.
    if process.returncode:
        raise UserError(
            "dvc could not draw the plots, as it says above",
            "name revisions that 'git rev-parse' knows",
        )


app = command(main, "tables", "page")

if __name__ == "__main__":
    app()
