"""The pages of the site, and their order.

docs/README.md is the table of contents that people read in git. The sidebar of the site is made
from it, so that the order of the pages stands in one place.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import NamedTuple

# Every file that becomes a page of the site.
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "bench/RESULTS.md",
    "data/README.md",
    "docs/*.md",
    "docs/*/*.md",
    "examples/README.md",
    "metrics/README.md",
    "metrics/data_card.md",
    "packages/verdict/README.md",
]
CONTENTS = "docs/README.md"
DECISIONS = "docs/decisions/README"

_SECTION = re.compile(r"(?m)^## +(.+)$")
_LINK = re.compile(r"\]\(([^)#:\s]+\.md)\)")


class Section(NamedTuple):
    """A heading of the table of contents, and the pages that it lists, without their suffix."""

    title: str
    pages: list[str]


def sections(contents: str, folder: str = "docs") -> list[Section]:
    r"""Return the sections of a table of contents, whose links are relative to `folder`.

    A page that is listed twice belongs to the first section that lists it.

    >>> sections("# Pages\n\n## Begin\n\n- [data](../data/README.md): text\n")
    [Section(title='Begin', pages=['data/README'])]
    """
    parts = _SECTION.split(contents)
    listed: set[str] = set()
    result = []
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        pages = []
        for link in _LINK.findall(body):
            page = posixpath.normpath(posixpath.join(folder, link)).removesuffix(".md")
            if page not in listed:
                listed.add(page)
                pages.append(page)
        result.append(Section(title, pages))
    return result


def with_navigation(page: str, text: str, root: Path) -> str:
    """Return the text of a page with the lists of pages from which Sphinx makes the sidebar.

    The first page gets the sections of the table of contents, and the list of decisions gets its
    records. Other pages stay as they are.

    Args:
        page: the path of the page in the project, without its suffix.
        text: its Markdown.
        root: the root of the project.
    """
    if page == "README":
        contents = (root / CONTENTS).read_text("utf-8")
        listed = [Section("", [CONTENTS.removesuffix(".md")]), *sections(contents)]
        return text + "".join(map(_toctree, listed))
    if page == DECISIONS:
        files = sorted((root / DECISIONS).parent.glob("[0-9]*.md"))
        return text + _toctree(Section("", [f"docs/decisions/{file.stem}" for file in files]))
    return text


def _toctree(section: Section) -> str:
    """Return Sphinx's directive for a hidden list of pages."""
    caption = [f":caption: {section.title}"] if section.title else []
    pages = [f"/{page}" for page in section.pages]
    lines = ["", "```{toctree}", ":hidden:", *caption, "", *pages, "```", ""]
    return "\n".join(lines)
