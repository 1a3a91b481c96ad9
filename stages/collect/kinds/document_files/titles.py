"""The title of a file: what it declares, its first heading, or its name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

from stages.collect.kinds.document_files.headings import Heading, list_headings
from stages.collect.kinds.document_files.page_tree import PageTree
from stages.collect.kinds.document_files.questions import without_label
from stages.collect.kinds.document_files.schema_questions import plain_words

LONGEST_TITLE = 300
# What programs write where nobody wrote a title.
_NO_TITLES = re.compile(
    r"untitled.*|unbenannt.*|sans titre.*|sin título.*|senza titolo.*|document\d*|dokument\d*|"
    r"new (page|document).*|neues dokument.*|title|titel|titre|title of (the )?(document|page)|"
    r"(microsoft )?(word|powerpoint|excel|outlook)( -)?|home|index|default|page|slide \d+|"
    r"presentation\d*|book\d+|blank|none|null|test|\W*|\d[\d\W]*|"
    r".*\.(docx?|pdf|indd|qxd|qxp|dvi|tex|ps|rtf|odt|pptx?|xlsx?|html?|txt|md|pmd|fm|ai|cdr)",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    r"^(?:microsoft (?:office )?(?:word|powerpoint|excel)\s*-\s*)+", re.IGNORECASE
)
_GENERIC_NAMES = frozenset(["index", "readme", "default", "home", "_index", "main"])
_TITLE_TAG = re.compile(r"<title\b[^<>]*>([^<]{0,1000})</title", re.IGNORECASE)


def sensible_title(text: str) -> str:
    """Return a declared title on one line; "" for what programs write by themselves.

    >>> sensible_title("Microsoft Word - Contract of Sale"), sensible_title("report_v2.docx")
    ('Contract of Sale', '')
    """
    plain = _PROGRAM.sub("", " ".join(text.replace("\0", "").split()))
    if len(plain) > LONGEST_TITLE or _NO_TITLES.fullmatch(plain) or not re.search(r"\w", plain):
        return ""
    return plain


def readable_name(key: str) -> str:
    """Return the name of a file as words. A name such as "index" is that of its folder.

    >>> readable_name("guides/return-policy_2024.pdf"), readable_name("shipping/index.html")
    ('return policy 2024', 'shipping')
    """
    path = PurePosixPath(key)
    stem = path.stem
    if stem.lower() in _GENERIC_NAMES and path.parent.name:
        stem = path.parent.name
    words = re.sub(r"[-_+\s]+|(?<=[^\W\d_])\.(?=[^\W\d_])", " ", unquote(stem)).strip()
    return words or stem


def page_title(tree: PageTree) -> str:
    """Return the title of a page: the heading that its <title> holds, <title>, og:title, a heading.

    The <title> of most pages is their heading with the name of the site.
    """
    headings = list_headings(tree)
    highest = _highest(headings)
    declared = sensible_title(_title_element(tree))
    heading = sensible_title(without_label(highest.text)) if highest else ""
    if heading and _is_own_part(plain_words(heading), plain_words(declared)):
        return heading
    return declared or _open_graph_title(tree) or heading


def _is_own_part(heading: str, declared: str) -> bool:
    """Return whether a heading is the title without the name of the site, and not that name."""
    is_long = 2 * len(heading) > len(declared)
    return declared.startswith(heading) or (is_long and declared.endswith(heading))


def title_of_html(html: str) -> str:
    """Return the <title> of a page that is too large for a tree."""
    match = _TITLE_TAG.search(html)
    return sensible_title(match[1]) if match else ""


def _highest(headings: list[Heading]) -> Heading | None:
    """Return the first heading of level 1, or else the first one."""
    first = [heading for heading in headings if heading.level == 1]
    return next(iter([*first, *headings]), None)


def _title_element(tree: PageTree) -> str:
    for index in tree.elements("title"):
        parent = tree.parent(index)
        if parent >= 0 and tree.nodes[parent].tag in ("head", "body"):
            return str(tree.nodes[index].text(deep=True) or "")
    return ""


def _open_graph_title(tree: PageTree) -> str:
    for index in tree.elements("meta"):
        attributes = tree.nodes[index].attributes
        if (attributes.get("property") or attributes.get("name")) == "og:title":
            return sensible_title(attributes.get("content") or "")
    return ""
