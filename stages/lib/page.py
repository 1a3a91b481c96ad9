"""Pages that a person reads: one HTML file each, nothing to load, charts as inline SVG (`drawing`), light and dark.

A page holds no script and no address of anything else, and says so to the browser (its content
security policy allows inline styles alone). What comes from data is escaped here, once, by every
function that takes text; `Html` marks what has been through it, so that mypy finds what has not.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, NewType

import numpy as np
import pandas as pd

Html = NewType("Html", str)
Tone = Literal["plain", "note", "good", "bad"]


class Section(NamedTuple):
    """A part of a page: its heading and what stands under it."""

    title: str
    body: Sequence[Html]


class Figure(NamedTuple):
    """A number to be seen from afar: what it is, the number, and what to hold it against."""

    label: str
    value: str
    note: str = ""


class Check(NamedTuple):
    """A promise about the data: its name, how often it is broken (0 is right), and what it means."""

    name: str
    broken: int
    meaning: str


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Return a whole HTML document. Sections are listed under the lead; equal titles raise ValueError."""
    slugs = [_slug(section.title) for section in sections]
    if len(set(slugs)) < len(slugs):
        raise ValueError(f"two sections of '{title}' have the same title")
    links = "".join(
        f'<li><a href="#{slug}">{html.escape(section.title)}</a></li>'
        for slug, section in zip(slugs, sections, strict=True)
    )
    body = "\n".join(
        f'<section id="{slug}">\n<h2>{html.escape(section.title)}</h2>\n'
        + "\n".join(section.body)
        + "\n</section>"
        for slug, section in zip(slugs, sections, strict=True)
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{html.escape(title)}</title>
<style>
{_STYLE}</style>
</head>
<body>
<main>
<header>
<h1>{html.escape(title)}</h1>
<p class="lead">{inline(lead)}</p>
<nav aria-label="Contents"><ul>{links}</ul></nav>
</header>
{body}
</main>
</body>
</html>
"""


def paragraph(text: str, tone: Tone = "plain") -> Html:
    """Return a paragraph; `words in backticks` become code. Any tone but plain sets it in a box."""
    kind = "" if tone == "plain" else f' class="box {tone}"'
    return Html(f"<p{kind}>{inline(text)}</p>")


def bullets(items: Sequence[str]) -> Html:
    """Return a list; `words in backticks` become code."""
    return Html("<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>")


def figures(items: Sequence[Figure]) -> Html:
    """Return numbers side by side, large."""
    cells = "".join(
        f"<div><dt>{html.escape(item.label)}</dt><dd>{html.escape(item.value)}"
        + (f"<small>{html.escape(item.note)}</small>" if item.note else "")
        + "</dd></div>"
        for item in items
    )
    return Html(f'<dl class="figures">{cells}</dl>')


def checks(items: Sequence[Check]) -> Html:
    """Return one line per promise, marked by sign, word and colour when it is broken."""
    lines = []
    for item in items:
        kept = item.broken == 0
        mark = "✓ holds" if kept else f"✗ broken: {item.broken:,}"
        lines.append(
            f'<li class="{"good" if kept else "bad"}"><b>{mark}</b> '
            f"<code>{html.escape(item.name)}</code> <span>{html.escape(item.meaning)}</span></li>"
        )
    return Html(f'<ul class="checks">{"".join(lines)}</ul>')


def folded(summary: str, *body: Html) -> Html:
    """Return `body` behind a line that opens it."""
    return Html(
        f"<details><summary>{html.escape(summary)}</summary>\n" + "\n".join(body) + "\n</details>"
    )


def table(rows: pd.DataFrame, caption: str, formats: Mapping[str, str] | None = None) -> Html:
    """Return a table whose headings are the columns of `rows` and whose first column names each row.

    Counts get thousands separators and floats three digits, unless `formats` gives a column another format
    (such as "+.3f" or ".1%"). A missing value is a dash. Numbers stand right, text left. The index is not shown.
    """
    formats = formats or {}
    numeric = {name: pd.api.types.is_numeric_dtype(rows[name]) for name in rows.columns}
    kinds = {name: ' class="n"' if numeric[name] else "" for name in rows.columns}
    head = "".join(
        f'<th scope="col"{kinds[name]}>{html.escape(str(name))}</th>' for name in rows.columns
    )
    lines = []
    for values in rows.itertuples(index=False, name=None):
        cells = []
        for at, (name, value) in enumerate(zip(rows.columns, values, strict=True)):
            tag, scope = ("th", ' scope="row"') if at == 0 else ("td", "")
            shown = html.escape(_shown(value, formats.get(str(name), "")))
            cells.append(f"<{tag}{scope}{kinds[name]}>{shown}</{tag}>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    if not lines:
        lines = [f'<tr><td colspan="{max(1, len(rows.columns))}">none</td></tr>']
    body = "\n".join(lines)
    label = html.escape(caption)
    # A wide table scrolls by itself, also from the keyboard, and leaves the page where it is.
    return Html(
        f'<div class="wide" role="region" aria-label="{label}" tabindex="0">\n'
        f"<table>\n<caption>{label}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _shown(value: Any, wanted: str) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return "\u2013"
    if wanted:
        return format(value, wanted)
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return f"{value:.3f}"
    return str(value)


def inline(text: str) -> str:
    """Return escaped `text`, in which what stands in backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


_STYLE = """\
:root { color-scheme: light dark; --paper: #fff; --card: #f6f8fa; --ink: #24292f; --soft: #59636e;
  --line: #d0d7de; --grey: #8c959f; --blue: #0072b2; --orange: #d55e00; --green: #00805d; --purple: #aa4a80;
  --good: #e8f5ef; --bad: #fdeceb; --alarm: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171c; --card: #1d2127; --ink: #e6e9ed; --soft: #a3adb8; --line: #39414b; --grey: #8f99a4;
    --blue: #56b4e9; --orange: #f0883e; --green: #3fc49a; --purple: #dd8fba; --good: #15291f; --bad: #371c1b;
    --alarm: #ff8f86; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 5rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 3.2rem 0 .6rem; padding-top: .9rem;
  border-top: 1px solid var(--line); }
p, ul { max-width: 44rem; margin: .6rem 0; }
.lead { color: var(--soft); font-size: 1.1rem; }
a { color: var(--blue); text-underline-offset: .15em; }
nav li { margin: 0; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; max-width: none;
  font-size: .92rem; }
li { margin: .3rem 0; }
code { font: .88em ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; background: var(--card);
  border-radius: 4px; padding: .1em .3em; overflow-wrap: anywhere; }
.box { max-width: none; padding: .9rem 1.1rem; border-left: 4px solid var(--grey); border-radius: 4px;
  background: var(--card); }
.box.good { border-color: var(--green); background: var(--good); }
.box.bad { border-color: var(--alarm); background: var(--bad); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .8rem; margin: 1.2rem 0; }
.figures div { background: var(--card); border-radius: 8px; padding: .8rem 1rem; }
.figures dt { color: var(--soft); font-size: .9rem; }
.figures dd { margin: 0; font-size: 1.7rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.35; }
.figures small { display: block; color: var(--soft); font-size: .82rem; font-weight: 400; line-height: 1.4; }
.checks { list-style: none; padding: 0; max-width: none; }
.checks li { display: grid; grid-template-columns: 8.5rem 19.5rem 1fr; gap: .2rem .8rem; padding: .3rem .7rem;
  margin: 0; border-left: 4px solid var(--green); align-items: baseline; }
.checks code { justify-self: start; }
.checks b { color: var(--green); font-weight: 600; }
.checks span { color: var(--soft); }
.checks .bad { border-color: var(--alarm); background: var(--bad); }
.checks .bad b, .checks .bad span { color: var(--alarm); }
.wide { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; font-size: .93rem; min-width: 50%; }
caption { text-align: left; color: var(--soft); font-size: .9rem; padding: 0 .6rem .4rem 0; }
th, td { padding: .35rem .8rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  overflow-wrap: break-word; }
th:first-child, td:first-child { padding-left: .2rem; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; border-bottom-width: 2px; }
tbody th { font-weight: 500; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1.2rem 0; }
figure svg { display: block; max-width: 100%; height: auto; overflow: visible; }
figcaption { color: var(--soft); font-size: .9rem; max-width: 44rem; margin-top: .3rem; }
details { margin: 1rem 0; }
summary { cursor: pointer; color: var(--blue); }
@media (max-width: 44rem) { .checks li { grid-template-columns: 1fr; } main { padding: 1.5rem 1rem 3rem; } }
@media print { main { max-width: none; padding: 0; } nav { display: none; }
  figure, .wide, .checks { break-inside: avoid; } }
"""
