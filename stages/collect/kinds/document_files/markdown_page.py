"""Markdown as HTML, by markdown-it: CommonMark with tables, and the properties above the text.

As HTML a document needs no sign that it is Markdown, and its sentences are not broken by the lines
of its file.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from stages.collect.kinds.document_files.outcome import Page
from stages.collect.kinds.document_files.titles import sensible_title
from stages.lib.core.yaml_text import load_yaml

# Longer texts are not parsed. Cleaning drops fields of more than a megabyte by default.
MOST_CHARACTERS = 4_000_000
_DEEPEST = 100
_FRONT_MATTER = re.compile(
    r"\A(?P<mark>---|\+\+\+)[ \t]*\n(?P<lines>.*?)^(?:(?P=mark)|\.\.\.)[ \t]*(?:\n|\Z)",
    re.MULTILINE | re.DOTALL,
)
_MOST_FRONT_MATTER = 20_000
# Properties that are words of the document.
_WORDS = ("subtitle", "description", "summary", "abstract", "excerpt")
_TITLES = ("title", "Title", "TITLE")
_TITLE_LINE = re.compile(r"^title[ \t]*[:=][ \t]*(\S.*)$", re.MULTILINE | re.IGNORECASE)
_NOTE = re.compile(r"\[\^([\w-]{1,40})\]")
_TASK = re.compile(r"(<li>(?:\n?<p>)?)\[([ xX])\]\s")
_ATTRIBUTES = re.compile(r"(?<!\s)\s*+\{:?\s*([#.][^{}<>\n]{1,100})\}\s*(?=</h[1-6]>)")
# Code at the top level of MDX. It goes on to the next empty line.
_MDX_CODE = re.compile(r"^(?:import|export)\s(?:[^\n]*\n?)(?:[^\n]+\n?)*", re.MULTILINE)
_MDX_COMMENT = re.compile(r"\{/\*(.*?)\*/\}", re.DOTALL)
_FENCE = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})", re.MULTILINE)


def read_markdown(text: str, *, is_mdx: bool = False) -> Page:
    """Return a Markdown text as HTML, with the title of its properties.

    Properties that are no words of the document stay in an element that readers do not see.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MOST_CHARACTERS:
        return Page(text, is_plain=True)

    front_matter, properties = _front_matter(text)
    body = text[len(front_matter) :]
    hidden = [front_matter] if front_matter else []
    if is_mdx:
        body, code = _without_code(body)
        hidden += code

    tokens = _parser().parse(body)
    # What is nested deeper would be lost.
    if any(token.level >= _DEEPEST - 1 for token in tokens):
        return Page(text, is_plain=True)
    rendered = _rendered(tokens)

    # The title and the description of the properties are words of the document.
    title = sensible_title(_first_text(properties, _TITLES))
    lead = [
        f"<p>{html.escape(str(properties[key]))}</p>" for key in _WORDS if _is_text(properties, key)
    ]
    has_title = bool(re.search(r"<h1[ >]", rendered))
    if title and not has_title:
        lead.insert(0, f"<h1>{html.escape(title)}</h1>")
    notes = "".join(_hidden(part) for part in hidden)
    return Page("\n".join([*([notes] if notes else []), *lead, rendered]), title)


def _front_matter(text: str) -> tuple[str, Mapping[str, Any]]:
    """Return the block of properties at the beginning, and the properties; ("", {}) for none."""
    if not text.startswith(("---", "+++")):
        return "", {}
    match = _FRONT_MATTER.match(text[:_MOST_FRONT_MATTER])
    if not match:
        return "", {}

    properties = _parsed_properties(match["lines"], is_toml=match["mark"] == "+++")
    return (match[0], properties) if properties is not None else ("", {})


def _parsed_properties(lines: str, *, is_toml: bool) -> Mapping[str, Any] | None:
    """Return the properties; {} where they are broken; None if the lines are no properties."""
    looks_like_properties = re.search(r"^\"?[\w-]+\"?[ \t]*[:=]", lines, re.MULTILINE) is not None
    if not lines.strip():
        return {}
    try:
        values = tomllib.loads(lines) if is_toml else load_yaml(lines)
    except (ValueError, RecursionError):
        # Properties that are broken still say the title.
        match = _TITLE_LINE.search(lines)
        broken = {"title": match[1].strip("\"' ")} if match else {}
        return broken if looks_like_properties else None
    return values if isinstance(values, dict) else None


def _first_text(properties: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        if _is_text(properties, key):
            return str(properties[key])
    return ""


def _is_text(properties: Mapping[str, Any], key: str) -> bool:
    value = properties.get(key)
    return isinstance(value, (str, int, float)) and not isinstance(value, bool) and bool(str(value))


def _without_code(body: str) -> tuple[str, list[str]]:
    """Return MDX without the code and the comments between its paragraphs, and that code."""
    code: list[str] = []

    def take(match: re.Match[str]) -> str:
        code.append(match[0])
        return "\n"

    # Code within fences stays.
    parts: list[str] = []
    position = 0
    fence = ""
    for mark in [*_FENCE.finditer(body), None]:
        end = mark.start() if mark else len(body)
        part = body[position:end]
        parts.append(part if fence else _without_comments(_MDX_CODE.sub(take, part), take))
        position = end
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
    return "".join(parts), code


def _without_comments(part: str, take: Callable[[re.Match[str]], str]) -> str:
    """Return MDX with what `take` returns in the place of each closed comment."""
    # No comment ends behind the last mark. A search there would read on to the end each time.
    last = part.rfind("*/}") + len("*/}") if "*/}" in part else 0

    return _MDX_COMMENT.sub(take, part[:last]) + part[last:]


def _rendered(tokens: list[Any]) -> str:
    parser = _parser()
    for token in tokens:
        for child in token.children or ():
            if child.type == "text":
                child.content = _NOTE.sub(r"[\1]", child.content)
    rendered = str(parser.renderer.render(tokens, parser.options, {}))
    rendered = _ATTRIBUTES.sub(r"<!--\1-->", rendered)
    return _TASK.sub(_checkbox, rendered)


def _checkbox(match: re.Match[str]) -> str:
    checked = "" if match[2] == " " else " checked"
    return f'{match[1]}<input type="checkbox"{checked}> '


def _hidden(text: str) -> str:
    return f'<script type="text/plain">{html.escape(text, quote=False)}</script>\n'


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block.reference import reference

    def reference_but_no_note(state: Any, start: int, end: int, silent: bool) -> bool:
        position = state.bMarks[start] + state.tShift[start]
        if state.src.startswith("[^", position):
            return False
        return reference(state, start, end, silent)

    # The text of a note is no link target, even if it is one word.
    parser: Any = MarkdownIt("commonmark", {"html": True, "maxNesting": _DEEPEST})
    parser.enable(["table", "strikethrough"])
    parser.block.ruler.at("reference", reference_but_no_note)

    # Addresses stay as they are written: nobody follows them here.
    parser.normalizeLink = str
    parser.validateLink = bool
    return parser
