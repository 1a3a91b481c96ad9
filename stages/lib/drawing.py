"""Charts as parts of a page: inline SVG in the page's own colours, light and dark, the same bytes everywhere."""

from __future__ import annotations

import hashlib
import html
import json
import re
from typing import TYPE_CHECKING, Any

from stages.lib.page import Html, inline

if TYPE_CHECKING:
    import altair

# Colours of marks. They are names of the page's stylesheet, so that a chart follows light and dark; the
# value after the comma stands when the SVG is taken out of its page. Okabe and Ito's palette: distinct
# for colour-blind readers.
INK = "var(--ink, #24292f)"
SOFT = "var(--soft, #6a737d)"
LINE = "var(--line, #d0d7de)"
GREY = "var(--grey, #8c959f)"
BLUE = "var(--blue, #0072b2)"
ORANGE = "var(--orange, #d55e00)"
GREEN = "var(--green, #009e73)"
PURPLE = "var(--purple, #aa4a80)"

# Text is measured in a font that vl_convert carries, and drawn in whatever the reader has of the same
# widths: the fonts of the machine that builds the page move nothing in it.
_MEASURED = "Liberation Sans"
_DRAWN = "Arial, Helvetica, Liberation Sans, Arimo, sans-serif"
_VEGA_LITE = "6.4"


def chart(drawing: altair.TopLevelMixin, alt: str, caption: str = "") -> Html:
    """Return an Altair chart as inline SVG; `alt` says in words what it shows, for who cannot see it.

    The same chart gives the same bytes, whatever was drawn before it and whatever fonts are installed.
    Its ids begin with a hash of it, so that the charts of a page do not cut each other's marks.
    """
    import vl_convert

    spec = json.loads(drawing.to_json())
    spec["config"] = {**_CONFIG, **_without_defaults(spec.get("config", {}))}
    svg = vl_convert.vegalite_to_svg(json.dumps(spec, sort_keys=True), vl_version=_VEGA_LITE)
    svg = _own_ids(svg.replace(f'font-family="{_MEASURED}"', f'font-family="{_DRAWN}"'))
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alt)}" ', 1)
    below = f"\n<figcaption>{inline(caption)}</figcaption>" if caption else ""
    return Html(f"<figure>{svg}{below}</figure>")


_CONFIG: dict[str, Any] = {
    "aria": False,  # the alternative text stands for the whole
    "background": "transparent",
    "font": _MEASURED,
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
    # Altair's default theme says only this much; what a chart configures itself stays.
    default = {"continuousWidth": 300, "continuousHeight": 300}
    return {key: value for key, value in config.items() if not (key == "view" and value == default)}


def _own_ids(svg: str) -> str:
    # Vega counts its ids on and on within a process: number them anew, in the order they are met.
    order: dict[str, str] = {}
    ids = re.compile(r'(?<=\bid=")[^"]+(?=")|(?<=url\(#)[^)]+(?=\))')
    svg = ids.sub(lambda found: order.setdefault(found.group(), f"@{len(order)}"), svg)
    own = hashlib.sha256(svg.encode()).hexdigest()[:8]
    return re.sub(r'((?:\bid="|url\(#))@', rf"\1c{own}-", svg)
