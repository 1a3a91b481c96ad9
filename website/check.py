"""Check the pages of the built site: dead links, dead anchors, and requests to other hosts.

    python website/check.py site

Links to other hosts are not followed: a reader may click them. What a browser loads by itself
(scripts, styles, pictures, fonts) must lie in the site.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

# Elements whose address a browser loads by itself, and links that it follows only on a click.
LOADED = {
    "audio",
    "embed",
    "iframe",
    "img",
    "input",
    "object",
    "script",
    "source",
    "track",
    "video",
}
CLICKED = {"a", "area"}
# Kinds of <link> that name another page and load nothing.
NAMING = {"author", "canonical", "help", "index", "next", "prev", "search"}

_IN_STYLE = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])([^'\")\s]+)")
# What a script would use to load something when the page opens, with a literal address.
_IN_SCRIPT = re.compile(r"(?:fetch|import|importScripts|Worker)\(\s*['\"`](?:https?:)?//")


class Link(NamedTuple):
    """An address in a page, and whether a browser loads it by itself."""

    address: str
    is_loaded: bool


class Page(HTMLParser):
    """The links and the anchors of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.anchors: set[str] = set()
        self._element = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the anchors and addresses of an element."""
        self._element = tag
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        self._add_styles(values.get("style", ""))

        for name in ("href", "src", "data", "action", "poster"):
            if name not in values or (name == "data" and tag != "object"):
                continue
            is_naming = tag == "link" and values.get("rel", "") in NAMING
            is_loaded = tag in LOADED or (tag == "link" and not is_naming)
            self.links.append(Link(values[name], is_loaded))
        for part in values.get("srcset", "").split(","):
            if part.strip():
                self.links.append(Link(part.split()[0], is_loaded=True))

    def handle_data(self, data: str) -> None:
        """Note what the text of a style or script loads."""
        if self._element == "style":
            self._add_styles(data)
        if self._element == "script" and _IN_SCRIPT.search(data):
            self.links.append(Link("https://script", is_loaded=True))

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        self._element = ""

    def _add_styles(self, style: str) -> None:
        self.links += [Link(address, is_loaded=True) for address in _IN_STYLE.findall(style)]


def read_page(text: str) -> Page:
    """Return the links and anchors of the HTML of a page."""
    page = Page()
    page.feed(text)
    page.close()
    return page


def faults(site: Path) -> list[str]:
    """Return a line for each fault of a built site: the file, and what is wrong in it.

    Args:
        site: the folder of the site.

    Raises:
        FileNotFoundError: the folder holds no page.
    """
    pages = {file: read_page(file.read_text("utf-8")) for file in sorted(site.rglob("*.html"))}
    if not pages:
        raise FileNotFoundError(f"{site} holds no page; 'make site' builds it")

    lines = []
    for file, page in pages.items():
        for link in page.links:
            fault = _fault(file, link, pages, site)
            if fault:
                lines.append(f"{file.relative_to(site)}: {fault}")

    # Styles load fonts and pictures, and scripts load data.
    for file in sorted(site.rglob("*.css")):
        for address in _IN_STYLE.findall(file.read_text("utf-8")):
            if _is_foreign(address):
                lines.append(f"{file.relative_to(site)}: loads {address}")
    for file in sorted(site.rglob("*.js")):
        if _IN_SCRIPT.search(file.read_text("utf-8")):
            lines.append(f"{file.relative_to(site)}: loads from another host")
    return lines


def _fault(file: Path, link: Link, pages: dict[Path, Page], site: Path) -> str:
    """Return what is wrong with a link of a page; "" if nothing is."""
    if _is_foreign(link.address):
        return f"loads {link.address}" if link.is_loaded else ""
    parts = urlsplit(link.address)
    if parts.scheme in {"data", "mailto"}:
        return ""
    if parts.scheme or parts.path.startswith("/"):
        return f"{link.address} leads out of the site"

    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_relative_to(site.resolve()) and target != file:
        return f"{link.address} leads out of the site"
    if not target.is_file():
        return f"{link.address} leads to no file"

    # "#" alone, and "#top", are the top of a page.
    anchor = unquote(parts.fragment)
    page = pages.get(target)
    if anchor not in {"", "top"} and page is not None and anchor not in page.anchors:
        return f"{link.address} leads to no heading"
    return ""


def _is_foreign(address: str) -> bool:
    return address.startswith(("http://", "https://", "//"))


def main(arguments: list[str]) -> int:
    """Print the faults of the site in the folder that is named, and return the exit code."""
    site = Path(arguments[0]).resolve()
    lines = faults(site)
    for line in lines:
        sys.stderr.write(f"{line}\n")
    if not lines:
        count = len(list(site.rglob("*.html")))
        sys.stdout.write(f"{site}: {count} pages, no dead link, no request to another host\n")
    return min(len(lines), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
