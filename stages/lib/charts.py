"""Altair charts that more than one page shows, from data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from stages.lib.drawing import GREEN, PURPLE

if TYPE_CHECKING:
    import altair

# Titles of the panels by their names, in the order in which they are shown.
PANELS = {"random": "random", "bm25": "BM25-hard", "dense": "dense-hard", "labelled": "labelled"}


def separation(rows: pd.DataFrame) -> altair.FacetChart:
    """Return a chart of the cosines of positives and negatives, with a panel per kind of negative.

    The columns of `rows` are panel (a key of PANELS), kind (positive or negative), cosine (centre
    of its bin) and share.

    >>> columns = {"panel": ["bm25"], "kind": ["positive"], "cosine": [0.5], "share": [1.0]}
    >>> chart = separation(pd.DataFrame(columns))
    >>> chart.to_dict()["facet"]["column"]["sort"]
    ['BM25-hard']
    """
    import altair as alt

    # The panels that there are, by their titles.
    shown_panels = set(rows["panel"])
    titles = [title for panel, title in PANELS.items() if panel in shown_panels]
    frame = rows.assign(panel=rows["panel"].map(PANELS))

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

    # The panels side by side, with room between the last number of an axis and the next axis.
    layers = (areas + outlines).properties(width=250, height=190)
    columns = alt.Column("panel:N", title=None, sort=titles)
    facets: altair.FacetChart = layers.facet(column=columns, data=frame)
    chart: altair.FacetChart = facets.properties(spacing=40)
    return chart
