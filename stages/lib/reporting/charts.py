"""Charts: Altair specifications, and their SVG as it stands in a page."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from stages.lib.core.plain_names import drawable
from stages.lib.reporting.html import Html, collapsible, html_table, inline

if TYPE_CHECKING:
    import altair


# Colours of marks: Okabe and Ito's palette, distinct for colour-blind readers. They are names of
# the page's stylesheet, so that a chart follows light and dark. The value after the comma is for an
# SVG without its page.
INK = "var(--ink, #24292f)"
SOFT = "var(--soft, #6a737d)"
LINE = "var(--line, #d0d7de)"
GREY = "var(--grey, #8c959f)"
BLUE = "var(--blue, #0072b2)"
ORANGE = "var(--orange, #d55e00)"
GREEN = "var(--green, #009e73)"
PURPLE = "var(--purple, #aa4a80)"

# vl_convert carries the font that text is measured in. The reader's browser shows a font of the
# same widths. `_rendered` hides the fonts of the machine, so they change nothing, not even another
# version of this one.
_MEASURING_FONT = "Liberation Sans"
_SHOWN_FONTS = "Arial, Helvetica, Liberation Sans, Arimo, sans-serif"
_VEGA_LITE = "6.4"
_FONTCONFIG = "FONTCONFIG_FILE"

# A mark with HOVER and the encoding `description` shows that text where the pointer rests on it. It
# is a `<title>` of the mark, which needs no script.
HOVER: dict[str, Any] = {"aria": True}

# Vega gives each group of marks a role, and no name: readers would hear a row of empty graphics.
_TAG = re.compile(r"<[a-z][^<>]*>")
_ROLE = re.compile(r' (?:role="graphics-[a-z]+"|aria-[a-z]+="[^"]*")')
_MARK_NAME = re.compile(r' aria-label="([^"]*)" role="graphics-symbol"')


def svg_figure(drawing: altair.TopLevelMixin, alt: str, caption: str = "") -> Html:
    """Return an Altair chart as inline SVG in a figure.

    `alt` says in words what the chart shows, for readers who cannot see it. The same chart gives
    the same bytes, with any charts drawn before it and any fonts installed. Its ids begin with a
    hash of it, so that the charts of a page do not use each other's clip paths.

    >>> import altair
    >>> bars = altair.Chart(altair.Data(values=[{"x": 1}])).mark_bar().encode(x="x:Q")
    >>> '<svg role="img" aria-label="one bar" ' in svg_figure(bars, "one bar")
    True
    """
    # Render with our configuration, under that of the chart itself.
    spec = drawable(json.loads(drawing.to_json()))
    own_config = _without_defaults(spec.get("config", {}))
    spec["config"] = {**_CONFIG, **own_config}
    spec_json = json.dumps(spec, sort_keys=True)
    svg = _rendered(spec_json)

    # Change what depends on the process and the machine, then add the alternative text.
    svg = svg.replace(f'font-family="{_MEASURING_FONT}"', f'font-family="{_SHOWN_FONTS}"')
    svg = _own_ids(svg)
    svg = _TAG.sub(lambda tag: _with_title(tag.group()), svg)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alt)}" ', 1)

    figcaption = f"\n<figcaption>{inline(caption)}</figcaption>" if caption else ""
    return Html(f'<figure><div class="drawing" tabindex="0">{svg}</div>{figcaption}</figure>')


def _rendered(spec_json: str) -> str:
    """Return a Vega-Lite specification as SVG, measured with the font of vl_convert alone.

    vl_convert prefers a font of the machine that has the name of its own. It reads fontconfig when
    it draws first, so each call names a configuration without fonts.
    """
    import vl_convert

    before = os.environ.get(_FONTCONFIG)
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder, "fonts.conf")
        temporary.write_text(f"<fontconfig><dir>{html.escape(folder)}</dir></fontconfig>", "utf-8")
        os.environ[_FONTCONFIG] = str(temporary)
        try:
            return str(vl_convert.vegalite_to_svg(spec_json, vl_version=_VEGA_LITE))
        finally:
            del os.environ[_FONTCONFIG]
            if before is not None:
                os.environ[_FONTCONFIG] = before


def chart_numbers(
    rows: pd.DataFrame, caption: str, formats: Mapping[str, str] | None = None
) -> Html:
    """Return the numbers of a chart as a table that opens behind a line.

    >>> numbers = chart_numbers(pd.DataFrame({"step": [1], "loss": [2.5]}), "Loss by step")
    >>> numbers.startswith("<details><summary>The numbers of this chart</summary>")
    True
    """
    return collapsible("The numbers of this chart", html_table(rows, caption, formats))


def _with_title(tag: str) -> str:
    """Return a tag of a chart without its role, and with the text of its mark as a title.

    >>> _with_title('<path aria-label="3 rows" role="graphics-symbol" d="M0,0"/>')
    '<path d="M0,0"><title>3 rows</title></path>'
    """
    name = _MARK_NAME.search(tag)
    tag = _ROLE.sub("", tag)
    if name is None:
        return tag
    title = f"<title>{name.group(1)}</title>"
    if not tag.endswith("/>"):
        return tag + title
    return f"{tag[:-2]}>{title}</{tag[1:].split(' ', 1)[0]}>"


_CONFIG: dict[str, Any] = {
    # The alternative text describes the whole, and only marks with HOVER have a text of their own.
    "aria": False,
    "mark": {"aria": False},
    "background": "transparent",
    "font": _MEASURING_FONT,
    "view": {"stroke": "transparent"},
    "axis": {
        "labelColor": SOFT,
        "titleColor": SOFT,
        "domainColor": LINE,
        "tickColor": LINE,
        "gridColor": LINE,
        "gridOpacity": 0.6,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelLimit": 260,
        "labelFlush": False,
    },
    "legend": {
        "labelColor": INK,
        "titleColor": SOFT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "orient": "top",
        "symbolStrokeWidth": 2,
        "symbolOpacity": 1,
    },
    "header": {
        "labelColor": INK,
        "titleColor": SOFT,
        "labelFontSize": 13,
        "labelFontWeight": "bold",
        "titleFontSize": 12,
    },
    "title": {"color": INK, "subtitleColor": SOFT, "anchor": "start", "fontSize": 13},
    "text": {"color": INK, "fontSize": 12},
    "rule": {"color": SOFT},
    "line": {"strokeWidth": 2},
    "bar": {"color": BLUE},
    "point": {"filled": True, "size": 80},
}


def _without_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """Return a chart's own configuration, without the one entry of Altair's default theme."""
    default_view = {"continuousWidth": 300, "continuousHeight": 300}
    if config.get("view") != default_view:
        return config
    return {key: value for key, value in config.items() if key != "view"}


def _own_ids(svg: str) -> str:
    """Return `svg` with ids that depend on its content alone."""
    # Vega numbers its ids through all charts of a process. Number them anew, in the order of their
    # first use.
    number_of_id: dict[str, int] = {}

    def renumber(match: re.Match[str]) -> str:
        number = number_of_id.setdefault(match.group(), len(number_of_id))
        return f"@{number}"

    svg = re.sub(r'(?<=\bid=")[^"]+(?=")|(?<=url\(#)[^)]+(?=\))', renumber, svg)

    # Put a hash of the chart before each number.
    digest = hashlib.sha256(svg.encode()).hexdigest()[:8]
    return re.sub(r'((?:\bid="|url\(#))@', rf"\1c{digest}-", svg)


# Titles of the panels by their names, in the order in which they are shown.
PANEL_TITLES = {
    "random": "random",
    "bm25": "BM25-hard",
    "dense": "dense-hard",
    "labelled": "labelled",
}

# The width of a bin of cosines.
COSINE_BIN = 0.04

# The height of a panel, in pixels.
_PANEL_HEIGHT = 190


def separation_chart(rows: pd.DataFrame) -> altair.FacetChart:
    """Return a chart of the cosines of positives and negatives, with a panel per kind of negative.

    The columns of `rows` are panel (a key of PANELS), kind (positive or negative), cosine (centre
    of its bin) and share. The shares of both kinds show where the pointer rests on a bin.

    >>> columns = {"panel": ["bm25"], "kind": ["positive"], "cosine": [0.5], "share": [1.0]}
    >>> chart = separation_chart(pd.DataFrame(columns))
    >>> chart.to_dict()["facet"]["column"]["sort"]
    ['BM25-hard']
    """
    import altair as alt

    # The panels that there are, by their titles.
    shown_panels = set(rows["panel"])
    titles = [title for panel, title in PANEL_TITLES.items() if panel in shown_panels]
    frame = _with_shares_of_bins(rows).assign(panel=rows["panel"].map(PANEL_TITLES))

    # Two histograms over each other.
    cosines = alt.X("cosine:Q", title="cosine to the anchor", axis=alt.Axis(tickCount=6))
    shares = alt.Y(
        "share:Q",
        title="share of pairs",
        axis=alt.Axis(format="%", tickCount=5),
        stack=None,
    )
    colours = alt.Scale(domain=["positive", "negative"], range=[GREEN, PURPLE])
    kinds = alt.Color("kind:N", title=None, scale=colours)
    base = alt.Chart().encode(x=cosines, y=shares, color=kinds)
    areas = base.mark_area(interpolate="step", opacity=0.3)
    outlines = base.mark_line(interpolate="step", strokeWidth=1.5)

    # A bin of both kinds answers the pointer over its whole height.
    bins = alt.Chart().mark_rect(opacity=0, **HOVER).transform_filter("datum.is_first")
    bins = bins.encode(
        x=alt.X("bin_start:Q", title="cosine to the anchor"),
        x2="bin_end:Q",
        y=alt.value(0),
        y2=alt.value(_PANEL_HEIGHT),
        description="hover:N",
    )

    # The panels side by side, with room between the last number of an axis and the next axis.
    layers = (areas + outlines + bins).properties(width=250, height=_PANEL_HEIGHT)
    columns = alt.Column("panel:N", title=None, sort=titles)
    facets: altair.FacetChart = layers.facet(column=columns, data=frame)
    chart: altair.FacetChart = facets.properties(spacing=40)
    return chart


def separation_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of both kinds in each bin, under headings.

    >>> columns = {"panel": ["bm25"], "kind": ["positive"], "cosine": [0.5], "share": [1.0]}
    >>> separation_numbers(pd.DataFrame(columns)).values.tolist()
    [['BM25-hard', 0.5, 1.0, 0.0]]
    """
    frame = rows.pivot_table(
        index=["panel", "cosine"], columns="kind", values="share", aggfunc="sum", fill_value=0.0
    )
    frame = frame.reindex(columns=["positive", "negative"], fill_value=0.0).reset_index()

    # Panels in the order in which they are drawn.
    frame["order"] = frame["panel"].map({name: number for number, name in enumerate(PANEL_TITLES)})
    frame = frame.sort_values(["order", "cosine"], ignore_index=True)
    return pd.DataFrame(
        {
            "Negatives": frame["panel"].map(PANEL_TITLES),
            "Cosine": frame["cosine"],
            "Positives": frame["positive"],
            "Negatives there": frame["negative"],
        }
    )


def _with_shares_of_bins(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the ends of their bins, and with the shares of both kinds in words.

    New columns: bin_start, bin_end, hover, and is_first, which is true for one row of each bin.
    """
    share_of: dict[tuple[str, float, str], float] = {}
    for panel, cosine, kind, share in zip(
        rows["panel"], rows["cosine"], rows["kind"], rows["share"], strict=True
    ):
        share_of[(panel, cosine, kind)] = share

    hover = []
    for panel, cosine in zip(rows["panel"], rows["cosine"], strict=True):
        positive = share_of.get((panel, cosine, "positive"), 0.0)
        negative = share_of.get((panel, cosine, "negative"), 0.0)
        hover.append(
            f"cosine {cosine:.2f}: {positive:.1%} of positives, {negative:.1%} of negatives"
        )

    # All bins are equally wide, and `cosine` is the middle of one.
    return rows.assign(
        bin_start=(rows["cosine"] - COSINE_BIN / 2).round(4),
        bin_end=(rows["cosine"] + COSINE_BIN / 2).round(4),
        hover=hover,
        is_first=~rows.duplicated(["panel", "cosine"]),
    )
