"""Settings of Sphinx for the documentation as a site: `make site` builds it.

The source is the root of the project, so that a link between two Markdown files is the same in git
and on the site. Every warning is an error: a page that docs/README.md does not list, a link to a
file or heading that does not exist, a block in a language that nobody knows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from website.diagram import draw_diagrams  # noqa: E402
from website.navigation import PAGES, with_navigation  # noqa: E402

project = "Pairsmith"
author = "The Pairsmith contributors"
project_copyright = author
language = "en"

extensions = ["myst_parser"]
root_doc = "README"
include_patterns = PAGES
# Folders that hold no page are not searched for one.
exclude_patterns = [
    ".*",
    "data/*/*",
    "dvc_plots",
    "metrics/*/*",
    "runs",
    "site",
    "stages",
    "tests",
    "website",
]
nitpicky = True
# A block that names no language is output, and no Python.
highlight_language = "none"

# The anchors of headings are those of GitHub.
myst_heading_anchors = 3

html_theme = "furo"
html_title = "Pairsmith"
html_use_index = False
html_additional_pages = {"index": "to_first_page.jinja"}
html_copy_source = False
html_css_files = ["wide_tables.css"]
html_show_sourcelink = False
html_static_path = ["static"]
templates_path = ["templates"]


def prepare(_app: Any, name: str, source: list[str]) -> None:
    """Add the navigation to the text of a page, and draw its graphs."""
    source[0] = draw_diagrams(with_navigation(name, source[0], ROOT))


def setup(app: Any) -> None:
    """Let Sphinx call `prepare` for each page that it reads."""
    app.connect("source-read", prepare)
