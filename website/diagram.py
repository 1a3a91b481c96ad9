"""Draw the graphs of the documentation.

A page holds a graph as a block of Mermaid, which git hosts draw. Mermaid itself is a program of
several megabytes that most sites load from another host. The graphs of this project need boxes and
arrows, so they are drawn here as SVG while the site is built.
"""

from __future__ import annotations

import re
from html import escape
from typing import NamedTuple

_BLOCK = re.compile(r"(?ms)^```mermaid\ngraph TD\n(.*?)^```$")
_NODE = re.compile(r"^ *(\w+)(\[\(|\[)([^\])]+)\)?\]$")
_EDGE = re.compile(r"^ *(\w+) --> (\w+)$")

# Sizes in pixels.
BOX_WIDTH = 190
BOX_HEIGHT = 32
COLUMN = 226
ROW = 58
MARGIN = 12


class Graph(NamedTuple):
    """Nodes and arrows of a block of Mermaid."""

    labels: dict[str, str]
    is_file: dict[str, bool]
    edges: list[tuple[str, str]]


def read_graph(lines: list[str]) -> Graph:
    """Return the graph of the lines of a block: `a[label]`, `a[(label)]` and `a --> b`.

    Raises:
        ValueError: a line is of another form, or an arrow names a node that does not exist.
    """
    graph = Graph({}, {}, [])
    for line in lines:
        node = _NODE.match(line)
        edge = _EDGE.match(line)
        if node:
            name, bracket, label = node.groups()
            graph.labels[name] = label
            graph.is_file[name] = bracket == "[("
        elif edge and set(edge.groups()) <= set(graph.labels):
            start, end = edge.groups()
            graph.edges.append((start, end))
        else:
            raise ValueError(f"the drawing of graphs does not know the line {line.strip()!r}")
    return graph


def rows(graph: Graph) -> dict[str, int]:
    """Return node to row: stages below all that they follow, files one row above their reader.

    >>> rows(read_graph(["a[a]", "b[b]", "f[(f)]", "a --> b", "f --> b"]))
    {'a': 0, 'b': 1, 'f': 0}
    """
    row_of = dict.fromkeys(graph.labels, 0)
    # In a graph without cycles the longest way has fewer arrows than there are nodes.
    for _ in graph.labels:
        for start, end in graph.edges:
            row_of[end] = max(row_of[end], row_of[start] + 1)

    # A file that nothing writes stands beside the stage before its first reader.
    written = {end for _, end in graph.edges}
    for name in graph.labels:
        readers = [row_of[end] for start, end in graph.edges if start == name]
        if graph.is_file[name] and name not in written and readers:
            row_of[name] = min(readers) - 1
    return row_of


def places(graph: Graph) -> dict[str, tuple[int, int]]:
    """Return node to left and top edge of its box, in pixels; stages stand in the first column."""
    row_of = rows(graph)
    used: dict[int, int] = {}
    place_of = {}
    for name in sorted(graph.labels, key=lambda name: graph.is_file[name]):
        row = row_of[name]
        column = used.get(row, 0)
        used[row] = column + 1
        place_of[name] = (MARGIN + column * COLUMN, MARGIN + row * ROW)
    return place_of


def draw(graph: Graph) -> str:
    """Return the graph as SVG, in the colour of the text of the page."""
    place_of = places(graph)
    width = max(left for left, _ in place_of.values()) + BOX_WIDTH + MARGIN
    height = max(top for _, top in place_of.values()) + BOX_HEIGHT + MARGIN
    names = ", ".join(graph.labels[name] for name in graph.labels if not graph.is_file[name])
    parts = [
        f'<svg class="graph" role="img" viewBox="0 0 {width} {height}" width="{width}" '
        f'xmlns="http://www.w3.org/2000/svg" aria-label="Graph of {escape(names)}">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor"/>'
        "</marker></defs>",
    ]
    parts += [_arrow(place_of[start], place_of[end]) for start, end in graph.edges]
    for name, (left, top) in place_of.items():
        parts.append(_box(left, top, graph.labels[name], is_file=graph.is_file[name]))
    return "\n".join([*parts, "</svg>"])


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return an arrow from the lower edge of one box to the upper edge of another one."""
    from_x = start[0] + BOX_WIDTH // 2
    from_y = start[1] + BOX_HEIGHT
    to_x = end[0] + BOX_WIDTH // 2
    # Arrows that come from the side end beside the one from above.
    if from_x > to_x:
        to_x += BOX_WIDTH // 4
    return (
        f'<line x1="{from_x}" y1="{from_y}" x2="{to_x}" y2="{end[1]}" stroke="currentColor" '
        'stroke-width="1.3" marker-end="url(#arrow)"/>'
    )


def _box(left: int, top: int, label: str, *, is_file: bool) -> str:
    """Return a box with its label; files have a dashed frame."""
    dashes = ' stroke-dasharray="5 3"' if is_file else ""
    weight = "400" if is_file else "600"
    middle = left + BOX_WIDTH // 2
    return (
        f'<rect x="{left}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="5" '
        f'class="box" stroke="currentColor" stroke-width="1.3"{dashes}/>'
        f'<text x="{middle}" y="{top + 21}" text-anchor="middle" font-size="14" '
        f'font-weight="{weight}" fill="currentColor">{escape(label)}</text>'
    )


def draw_diagrams(text: str) -> str:
    """Return the Markdown of a page with each block of Mermaid replaced by its drawing."""

    def drawn(block: re.Match[str]) -> str:
        svg = draw(read_graph(block.group(1).splitlines()))
        return f"```{{raw}} html\n{svg}\n```"

    return _BLOCK.sub(drawn, text)
