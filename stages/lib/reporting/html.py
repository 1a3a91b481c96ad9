"""HTML pages: one file each, nothing to load, charts as inline SVG (`drawing`), light and dark.

A page holds no script and no address of another file. Its content security policy, which allows
inline styles alone, enforces that in the browser. Every function that takes text escapes it, once.
The type `Html` marks escaped text, so that mypy finds text that is not.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, NewType

import numpy as np
import pandas as pd

from stages.lib.core.plain_names import without_forbidden

Html = NewType("Html", str)
Tone = Literal["plain", "note", "good", "bad"]


class PageSection(NamedTuple):
    """A part of a page: its heading and its content."""

    title: str
    body: Sequence[Html]


class KeyFigure(NamedTuple):
    """A number that is shown large: its name, the number, and a note such as its interval."""

    label: str
    value: str
    note: str = ""


class InvariantCheck(NamedTuple):
    """An invariant of the data: its name, the number of violations (0 is right), its meaning."""

    name: str
    broken: int
    meaning: str


def html_page(title: str, lead: str, sections: Sequence[PageSection]) -> str:
    """Return a whole HTML document, with links to its sections under the lead.

    Raises ValueError if two sections have the same title.

    >>> section = PageSection("First part", [paragraph("Text.")])
    >>> text = html_page("Report", "In one line.", [section])
    >>> '<li><a href="#first-part">First part</a></li>' in text
    True
    """
    slugs = [_slug(section.title) for section in sections]
    if len(set(slugs)) < len(slugs):
        raise ValueError(f"two sections of '{title}' have the same title")

    # The table of contents and the sections, by the same slugs.
    links = []
    parts = []
    for slug, section in zip(slugs, sections, strict=True):
        heading = html.escape(section.title)
        body = "\n".join(section.body)
        links.append(f'<li><a href="#{slug}">{heading}</a></li>')
        parts.append(f'<section id="{slug}">\n<h2>{heading}</h2>\n{body}\n</section>')

    page = _TEMPLATE.format(
        title=html.escape(title),
        style=_STYLE,
        lead=inline(lead),
        links="".join(links),
        sections="\n".join(parts),
    )
    return without_forbidden(page)


def paragraph(text: str, tone: Tone = "plain") -> Html:
    """Return a paragraph, in which `words in backticks` become code.

    Any tone but "plain" gives it a box.

    >>> paragraph("See `mine.negatives`.", "note")
    '<p class="box note">See <code>mine.negatives</code>.</p>'
    """
    attribute = "" if tone == "plain" else f' class="box {tone}"'
    return Html(f"<p{attribute}>{inline(text)}</p>")


def bullets(items: Sequence[str]) -> Html:
    """Return a list, in which `words in backticks` become code.

    >>> bullets(["one", "two"])
    '<ul><li>one</li><li>two</li></ul>'
    """
    lines = [f"<li>{inline(item)}</li>" for item in items]
    return Html(f"<ul>{''.join(lines)}</ul>")


def key_figures(items: Sequence[KeyFigure]) -> Html:
    """Return large numbers side by side.

    >>> key_figures([KeyFigure("Gain", "+0.1")])
    '<dl class="figures"><div><dt>Gain</dt><dd>+0.1</dd></div></dl>'
    """
    cells = []
    for item in items:
        label = html.escape(item.label)
        value = html.escape(item.value)
        note = f"<small>{html.escape(item.note)}</small>" if item.note else ""
        cells.append(f"<div><dt>{label}</dt><dd>{value}{note}</dd></div>")

    return Html(f'<dl class="figures">{"".join(cells)}</dl>')


def invariant_list(items: Sequence[InvariantCheck]) -> Html:
    """Return one line per invariant, with a sign, a word and a colour for its state.

    >>> text = invariant_list([InvariantCheck("split.leaked_texts", 2, "no text is in two splits")])
    >>> "✗ broken: 2" in text
    True
    """
    lines = []
    for item in items:
        holds = item.broken == 0
        name = html.escape(item.name)
        meaning = html.escape(item.meaning)

        # The sign and the word show the state without colours too.
        state = "✓ holds" if holds else f"✗ broken: {item.broken:,}"
        css_class = "good" if holds else "bad"
        lines.append(
            f'<li class="{css_class}"><b>{state}</b> '
            f"<code>{name}</code> <span>{meaning}</span></li>"
        )

    return Html(f'<ul class="checks">{"".join(lines)}</ul>')


def collapsible(summary: str, *body: Html) -> Html:
    """Return `body` hidden behind the line `summary`, which opens it.

    >>> print(collapsible("More", paragraph("Text.")))
    <details><summary>More</summary>
    <p>Text.</p>
    </details>
    """
    content = "\n".join(body)
    return Html(f"<details><summary>{html.escape(summary)}</summary>\n{content}\n</details>")


def html_table(rows: pd.DataFrame, caption: str, formats: Mapping[str, str] | None = None) -> Html:
    """Return a table with the columns of `rows` as headings. The first column names each row.

    Integers get thousands separators and floats three decimals, unless `formats` has another
    format for the column (such as "+z.3f" or ".1%"). A missing value becomes a dash. Numbers are
    aligned right, text left. The index is not shown. Words in backticks of the caption become code.

    >>> text = html_table(pd.DataFrame({"stage": ["clean"], "rows": [21184]}), "Rows")
    >>> '<tr><th scope="row">clean</th><td class="n">21,184</td></tr>' in text
    True
    """
    formats = formats or {}

    # The class "n" aligns numbers right.
    attributes = []
    for name in rows.columns:
        is_number = pd.api.types.is_numeric_dtype(rows[name])
        attributes.append(' class="n"' if is_number else "")
    column_formats = [formats.get(str(name), "") for name in rows.columns]

    # One heading a column, one line a row.
    headings = [
        f'<th scope="col"{attribute}>{html.escape(str(name))}</th>'
        for name, attribute in zip(rows.columns, attributes, strict=True)
    ]
    lines = [
        _table_line(values, column_formats, attributes)
        for values in rows.itertuples(index=False, name=None)
    ]
    if not lines:
        lines = [f'<tr><td colspan="{max(1, len(rows.columns))}">none</td></tr>']

    # A wide table scrolls by itself, also from the keyboard, and leaves the page where it is.
    label = html.escape(caption.replace("`", ""))
    head = "".join(headings)
    body = "\n".join(lines)
    return Html(
        f'<div class="wide" role="region" aria-label="{label}" tabindex="0">\n'
        f"<table>\n<caption>{inline(caption)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _table_line(
    values: Sequence[Any],
    column_formats: Sequence[str],
    attributes: Sequence[str],
) -> str:
    cells: list[str] = []
    for value, column_format, attribute in zip(values, column_formats, attributes, strict=True):
        text = html.escape(_cell_text(value, column_format))

        # The first cell is the heading of its row.
        if cells:
            cells.append(f"<td{attribute}>{text}</td>")
        else:
            cells.append(f'<th scope="row"{attribute}>{text}</th>')

    return f"<tr>{''.join(cells)}</tr>"


def _cell_text(value: Any, column_format: str) -> str:
    is_nan = isinstance(value, float) and value != value
    if value is None or value is pd.NA or is_nan:
        return "\u2013"
    if column_format:
        return format(value, column_format)

    # Booleans come before integers, since a bool is an int in Python.
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return f"{value:.3f}"
    return str(value)


def inline(text: str) -> str:
    """Return escaped `text`, in which words in backticks become code.

    >>> inline("`a<b` & c")
    '<code>a&lt;b</code> &amp; c'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _slug(title: str) -> str:
    """Return the id of a section: its title in lower case, with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


# The frame of a page. The values are escaped.
_TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<header>
<h1>{title}</h1>
<p class="lead">{lead}</p>
<nav aria-label="Contents"><ul>{links}</ul></nav>
</header>
{sections}
</main>
</body>
</html>
"""

# A backslash continues a long line: the stylesheet itself has no line break there.
_STYLE = """\
:root { color-scheme: light dark; --paper: #fff; --card: #f6f8fa; --ink: #24292f; --soft: #59636e;
  --line: #d0d7de; --grey: #8c959f; --blue: #0072b2; --orange: #d55e00; --green: #00805d; \
--purple: #aa4a80;
  --good: #e8f5ef; --bad: #fdeceb; --alarm: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171c; --card: #1d2127; --ink: #e6e9ed; --soft: #a3adb8; --line: #39414b; \
--grey: #8f99a4;
    --blue: #56b4e9; --orange: #f0883e; --green: #3fc49a; --purple: #dd8fba; --good: #15291f; \
--bad: #371c1b;
    --alarm: #ff8f86; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, \
sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 5rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 3.2rem 0 .6rem; padding-top: .9rem;
  border-top: 1px solid var(--line); }
p, ul { max-width: 44rem; margin: .6rem 0; }
.lead { color: var(--soft); font-size: 1.1rem; }
a { color: var(--blue); text-underline-offset: .15em; }
nav li { margin: 0; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; \
max-width: none;
  font-size: .92rem; }
li { margin: .3rem 0; }
code { font: .88em ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; \
background: var(--card);
  border-radius: 4px; padding: .1em .3em; overflow-wrap: anywhere; }
.box { max-width: none; padding: .9rem 1.1rem; border-left: 4px solid var(--grey); border-radius: \
4px;
  background: var(--card); }
.box.good { border-color: var(--green); background: var(--good); }
.box.bad { border-color: var(--alarm); background: var(--bad); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: \
.8rem; margin: 1.2rem 0; }
.figures div { background: var(--card); border-radius: 8px; padding: .8rem 1rem; }
.figures dt { color: var(--soft); font-size: .9rem; }
.figures dd { margin: 0; font-size: 1.7rem; font-weight: 600; font-variant-numeric: tabular-nums; \
line-height: 1.35; }
.figures small { display: block; color: var(--soft); font-size: .82rem; font-weight: 400; \
line-height: 1.4; }
.checks { list-style: none; padding: 0; max-width: none; }
.checks li { display: grid; grid-template-columns: 8.5rem 19.5rem 1fr; gap: .2rem .8rem; padding: \
.3rem .7rem;
  margin: 0; border-left: 4px solid var(--green); align-items: baseline; }
.checks code { justify-self: start; }
.checks b { color: var(--green); font-weight: 600; }
.checks span { color: var(--soft); }
.checks .bad { border-color: var(--alarm); background: var(--bad); }
.checks .bad b, .checks .bad span { color: var(--alarm); }
.wide { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; font-size: .93rem; min-width: 50%; }
caption { position: sticky; left: 0; max-width: calc(100vw - 2rem); text-align: left;
  color: var(--soft); font-size: .9rem; padding: 0 .6rem .4rem 0; }
th, td { padding: .35rem .8rem; text-align: left; vertical-align: top; border-bottom: 1px solid \
var(--line);
  overflow-wrap: break-word; }
th:first-child, td:first-child { padding-left: .2rem; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; border-bottom-width: \
2px; }
tbody th { font-weight: 500; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead .n { white-space: normal; }
figure { margin: 1.2rem 0; }
figure svg { display: block; max-width: 100%; height: auto; overflow: visible; }
.drawing { overflow-x: auto; }
.wide, .drawing { background-repeat: no-repeat;
  background-size: 2.5rem 100%, 2.5rem 100%, .6rem 100%, .6rem 100%;
  background-attachment: local, local, scroll, scroll;
  background-position: 0 0, 100% 0, 0 0, 100% 0;
  background-image: linear-gradient(to right, var(--paper) 30%, transparent),
    linear-gradient(to left, var(--paper) 30%, transparent),
    linear-gradient(to right, var(--line), transparent),
    linear-gradient(to left, var(--line), transparent); }
figcaption { color: var(--soft); font-size: .9rem; max-width: 44rem; margin-top: .3rem; }
details { margin: 1rem 0; }
.rows, .hits { max-width: none; overflow-wrap: anywhere; }
.rows { list-style: none; padding: 0; }
.rows li { margin: 0; padding: .45rem .2rem; border-bottom: 1px solid var(--line); }
.rows small { color: var(--soft); }
.hits { margin: .2rem 0; padding-left: 1.6rem; font-size: .93rem; }
.hits .gold { font-weight: 600; }
.systems { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr));
  gap: 0 1.5rem; }
mark { background: var(--good); color: var(--green); padding: 0 .3em; border-radius: 4px; }
del { background: var(--bad); text-decoration: line-through; }
ins { background: var(--good); text-decoration: underline; }
summary { cursor: pointer; color: var(--blue); }
@media (max-width: 44rem) { .drawing svg { max-width: 34rem; }
  .wide table { width: max-content; } .wide th, .wide td { max-width: 18rem; }
  .checks li { grid-template-columns: 1fr; } main { padding: 1.5rem 1rem 3rem; } }
@media print { main { max-width: none; padding: 0; } nav { display: none; }
  figure, .wide, .checks { break-inside: avoid; } }
"""
