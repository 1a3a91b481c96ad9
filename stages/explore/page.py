"""The page: one file with its style, its script and its rows, which asks for nothing else.

The content security policy names the script by its hash, so that no other script runs. The rows
are JSON, compressed and in base64, so that no text of theirs can end the element that holds them.
The script sets all texts as text.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as arrow

from stages.explore.clusters import Region
from stages.explore.layout import Neighbours, Positions
from stages.explore.shown import ShownRow, SimilarDocument

# Neighbours of a document that the page lists.
LISTED_NEIGHBOURS = 6

_FOLDER = Path(__file__).parent


class PageRows(NamedTuple):
    """What the page shows.

    Attributes:
        documents: n rows with the columns doc_id, title, text, topic, source and split.
        positions: shape (n, 2).
        neighbours: the nearest documents of each, by their vectors.
        queries: anchors of validation by the number of their document.
        training: rows of training by the number of their document.
        near: near-duplicates by the number of the document.
        regions: parts of the map that have a name, the largest first.
        left_out: documents that could be shown, and are too many.
    """

    documents: pd.DataFrame
    positions: Positions
    neighbours: Neighbours
    queries: Mapping[int, Sequence[str]]
    training: Mapping[int, Sequence[ShownRow]]
    near: Mapping[int, Sequence[SimilarDocument]]
    regions: Sequence[Region]
    left_out: int


def render(rows: PageRows) -> str:
    """Return the page."""
    script = (_FOLDER / "explorer.js").read_text("utf-8")
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return _TEMPLATE.format(
        script_hash=base64.b64encode(digest).decode("ascii"),
        style=(_FOLDER / "explorer.css").read_text("utf-8"),
        lead=html.escape(_lead(rows)),
        rows=packed(rows),
        script=script,
    )


def packed(rows: PageRows) -> str:
    """Return the rows as the script reads them: JSON, compressed with gzip, in base64."""
    columns = json.dumps(_columns(rows), ensure_ascii=False, separators=(",", ":"))
    content = columns.encode("utf-8")

    # This codec writes no time, and its version is fixed with that of the library.
    compressed = arrow.Codec("gzip", compression_level=9).compress(content, asbytes=True)
    return base64.b64encode(compressed).decode("ascii")


def _columns(rows: PageRows) -> dict[str, Any]:
    """Return each column as a list, with numbers in place of names that recur."""
    documents = rows.documents
    topics = sorted(set(documents["topic"]))
    sources = sorted(set(documents["source"]))
    topic_numbers = {topic: number for number, topic in enumerate(topics)}
    source_numbers = {source: number for number, source in enumerate(sources)}
    listed = rows.neighbours.positions[:, :LISTED_NEIGHBOURS]
    return {
        "ids": list(documents["doc_id"]),
        "titles": list(documents["title"]),
        "texts": list(documents["text"]),
        "splits": list(documents["split"]),
        "topics": topics,
        "topic": [topic_numbers[topic] for topic in documents["topic"]],
        "sources": sources,
        "source": [source_numbers[source] for source in documents["source"]],
        "x": rows.positions[:, 0].round(2).tolist(),
        "y": rows.positions[:, 1].round(2).tolist(),
        "neighbours": listed.tolist(),
        "queries": rows.queries,
        "training": rows.training,
        "near": rows.near,
        "regions": rows.regions,
    }


def _lead(rows: PageRows) -> str:
    count = len(rows.documents)
    lead = (
        f"{count:,} documents of training, validation and the corpus, as the base model embeds "
        "them: near ones lie together. Nothing of the test split is here."
    )
    if rows.left_out:
        lead += (
            f" {rows.left_out:,} more are left out; a hash chose them. explore.points says how "
            "many are shown."
        )
    return lead


# Braces of the frame are those of `format`. The parts come from files of their own.
_TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script_hash}'">
<title>Documents</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>Documents</h1>
<p class="lead">{lead}</p>
<noscript><p>The map and the table need a script, which is part of this file.</p></noscript>
<form role="search">
<label>Search <input id="search" type="search" autocomplete="off" \
placeholder="words of a title, text or id"></label>
<label>Colour by <select id="by"><option value="topic">topic</option>\
<option value="split">split</option><option value="source">source</option>\
<option value="use">use</option><option value="copies">copies</option></select></label>
<label>Split <select id="facet-split"></select></label>
<label>Topic <select id="facet-topic"></select></label>
<label>Source <select id="facet-source"></select></label>
<label>Use <select id="facet-use"></select></label>
<label>Copies <select id="facet-copies"></select></label>
<label>Dragging <select id="drag">
<option value="move">moves the map</option>
<option value="box">draws a box</option>
<option value="around">draws around documents</option>
</select></label>
<button id="noarea" type="button" hidden>Leave the area</button>
<button id="in" type="button" aria-label="Zoom in">+</button>
<button id="out" type="button" aria-label="Zoom out">&minus;</button>
<button id="reset" type="button">Reset</button>
<button id="save" type="button">Save ids as CSV</button>
</form>
<div class="split">
<div class="stage">
<canvas id="map" tabindex="0" role="img" aria-label="Map of the documents. The table below holds \
the same documents. Arrow keys move the map, plus and minus zoom, 0 shows all."></canvas>
<div id="tip" hidden></div>
<ul id="legend" aria-label="Colours"></ul>
</div>
<section id="details" tabindex="-1" aria-label="The chosen document"></section>
</div>
<p id="count" role="status" aria-live="polite"></p>
<div class="wide" role="region" aria-label="Documents" tabindex="0">
<table>
<caption>Margin: the cosine of the positive minus that of the hardest negative, at its least.\
</caption>
<thead><tr>
<th scope="col"><button type="button" data-sort="title">Document</button></th>
<th scope="col"><button type="button" data-sort="topic">Topic</button></th>
<th scope="col"><button type="button" data-sort="split">Split</button></th>
<th scope="col"><button type="button" data-sort="training">Training rows</button></th>
<th scope="col"><button type="button" data-sort="margin">Margin</button></th>
<th scope="col"><button type="button" data-sort="near">Near-duplicates</button></th>
</tr></thead>
<tbody id="body"></tbody>
</table>
</div>
<p><button id="more" type="button" hidden>Show 100 more</button></p>
</main>
<script type="application/octet-stream" id="rows">{rows}</script>
<script>{script}</script>
</body>
</html>
"""
