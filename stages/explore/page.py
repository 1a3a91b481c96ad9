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
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as arrow

from stages.explore.page_rows import DocumentChanges, ModelMap, PageRows

# The models that place documents, as the page names them.
BASE_MODEL = "base model"
FINETUNED_MODEL = "fine-tuned model"

# What became of a document since an older version, as the page says it.
NEW = "new"
EDITED = "edited"
MOVED = "moved to another split"
EDITED_AND_MOVED = "edited and moved"
UNCHANGED = "unchanged"
STATES = (NEW, EDITED, MOVED, EDITED_AND_MOVED, UNCHANGED)

# Neighbours of a document that the page lists.
LISTED_NEIGHBOURS = 6

_FOLDER = Path(__file__).parent


def render(rows: PageRows) -> str:
    """Return the page."""
    script = (_FOLDER / "explorer.js").read_text("utf-8")
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return _TEMPLATE.format(
        script_hash=base64.b64encode(digest).decode("ascii"),
        style=(_FOLDER / "explorer.css").read_text("utf-8"),
        lead=_lead(rows),
        map_choice=_map_choice(rows.maps),
        **_change_parts(rows.changes),
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
    columns = {
        "ids": list(documents["doc_id"]),
        "titles": list(documents["title"]),
        "texts": list(documents["text"]),
        "splits": list(documents["split"]),
        "topics": topics,
        "topic": [topic_numbers[topic] for topic in documents["topic"]],
        "sources": sources,
        "source": [source_numbers[source] for source in documents["source"]],
        "maps": [_map_columns(placed) for placed in rows.maps],
        "queries": rows.queries,
        "training": rows.training,
        "near": rows.near,
        "rules": rows.story.rules,
        "own": rows.story.own,
        "others": rows.story.others,
    }
    if rows.changes is not None:
        columns["changes"] = _change_columns(rows.changes)
    return columns


def _map_columns(placed: ModelMap) -> dict[str, Any]:
    listed = placed.neighbours.positions[:, :LISTED_NEIGHBOURS]
    return {
        "model": placed.model,
        "x": placed.positions[:, 0].round(2).tolist(),
        "y": placed.positions[:, 1].round(2).tolist(),
        "neighbours": listed.tolist(),
        "regions": placed.regions,
    }


def _change_columns(changes: DocumentChanges) -> dict[str, Any]:
    state_numbers = {state: number for number, state in enumerate(STATES)}
    return {
        "revision": changes.revision,
        "states": STATES,
        "state": [state_numbers[state] for state in changes.states],
        "old_splits": changes.old_splits,
        "old_texts": changes.old_texts,
        "gone": changes.gone,
    }


def _lead(rows: PageRows) -> str:
    """Return the paragraphs above the map, which can be read without the script."""
    count = len(rows.documents)
    models = " and ".join(f"the {placed.model}" for placed in rows.maps)
    embeds = "embeds" if len(rows.maps) == 1 else "embed"
    lead = (
        f"{count:,} documents of training, validation and the corpus, as {models} {embeds} them: "
        "near ones lie together. Nothing of the test split is here."
    )
    if rows.left_out:
        lead += (
            f" {rows.left_out:,} more are left out; a hash chose them. explore.points says how "
            "many are shown."
        )
    paragraphs = [lead]
    if rows.changes is not None:
        paragraphs.append(_change_sentence(rows.changes))
    return "\n".join(f'<p class="lead">{html.escape(text)}</p>' for text in paragraphs)


def _change_sentence(changes: DocumentChanges) -> str:
    """Return in words how many documents differ from the older version."""
    counts = Counter(changes.states)
    listed = [f"{counts[state]:,} {state}" for state in STATES if counts[state]]
    sentence = f"Since {changes.revision}: {', '.join(listed) or 'no document is shown'}."
    gone = len(changes.gone)
    if gone:
        sentence += f" {gone:,} {'is' if gone == 1 else 'are'} gone, and listed below the table."
    else:
        sentence += " None is gone."
    if changes.hidden:
        verb = "was" if changes.hidden == 1 else "were"
        sentence += f" {changes.hidden:,} more that {verb} shown then may not be read now."
    return sentence


def _map_choice(maps: Sequence[ModelMap]) -> str:
    """Return the control that chooses a model; "" where there is one model."""
    if len(maps) < 2:
        return ""
    options = "".join(
        f'<option value="{number}">{html.escape(placed.model)}</option>'
        for number, placed in enumerate(maps)
    )
    return f'<label>Placed by <select id="placed">{options}</select></label>\n'


def _change_parts(changes: DocumentChanges | None) -> dict[str, str]:
    """Return the parts of the template that only a page with changes has."""
    if changes is None:
        return {"change_colour": "", "change_facet": "", "gone": ""}
    revision = html.escape(changes.revision)
    return {
        "change_colour": f'<option value="since">since {revision}</option>',
        "change_facet": f'<label>Since {revision} <select id="facet-since"></select></label>\n',
        "gone": _GONE.format(revision=revision) if changes.gone else "",
    }


_GONE = """\
<section id="gone" aria-label="Gone documents">
<h2>Gone since {revision}</h2>
<div class="wide" role="region" aria-label="Documents that are gone" tabindex="0">
<table>
<thead><tr><th scope="col">Document</th><th scope="col">Id</th><th scope="col">Why</th></tr></thead>
<tbody id="gone-body"></tbody>
</table>
</div>
<p id="gone-count"></p>
<p><button id="gone-more" type="button" hidden>Show 100 more</button></p>
</section>
"""

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
{lead}
<noscript><p>The map and the table need a script, which is part of this file.</p></noscript>
<form role="search">
<label>Search <input id="search" type="search" autocomplete="off" \
placeholder="words of a title, text or id"></label>
<label>Colour by <select id="by"><option value="topic">topic</option>\
<option value="split">split</option><option value="source">source</option>\
<option value="use">use</option><option value="copies">copies</option>{change_colour}</select>\
</label>
{map_choice}<label>Split <select id="facet-split"></select></label>
<label>Topic <select id="facet-topic"></select></label>
<label>Source <select id="facet-source"></select></label>
<label>Use <select id="facet-use"></select></label>
<label>Copies <select id="facet-copies"></select></label>
{change_facet}<label>Dragging <select id="drag">
<option value="move">moves the map</option>
<option value="box">draws a box</option>
<option value="around">draws around documents</option>
</select></label>
<div class="buttons">
<button id="noarea" type="button" hidden>Leave the area</button>
<button id="in" type="button" aria-label="Zoom in">+</button>
<button id="out" type="button" aria-label="Zoom out">&minus;</button>
<button id="reset" type="button">Reset</button>
<button id="save" type="button">Save ids as CSV</button>
</div>
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
{gone}</main>
<script type="application/octet-stream" id="rows">{rows}</script>
<script>{script}</script>
</body>
</html>
"""
