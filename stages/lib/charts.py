"""Charts that more than one page draws: frames in, Altair charts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from stages.lib.drawing import GREEN, PURPLE

if TYPE_CHECKING:
    import altair

PANELS = {"random": "random", "bm25": "BM25-hard", "dense": "dense-hard", "labelled": "labelled"}


def separation(rows: pd.DataFrame) -> altair.FacetChart:
    """Draw the cosines of positives against those of negatives, a panel per kind of negative.

    Columns: panel, kind (positive, negative), cosine (centre of its bin), share.
    """
    import altair as alt

    panels = set(rows["panel"])
    order = [name for panel, name in PANELS.items() if panel in panels]
    frame = rows.assign(panel=rows["panel"].map(PANELS))
    colour = alt.Scale(domain=["positive", "negative"], range=[GREEN, PURPLE])
    base = alt.Chart().encode(
        x=alt.X("cosine:Q", title="cosine to the anchor", axis=alt.Axis(tickCount=6)),
        y=alt.Y(
            "share:Q", title="share of pairs", axis=alt.Axis(format="%", tickCount=5), stack=None
        ),
        color=alt.Color("kind:N", title=None, scale=colour),
    )
    layers = base.mark_area(interpolate="step", opacity=0.3) + base.mark_line(
        interpolate="step", strokeWidth=1.5
    )
    facets: altair.FacetChart = layers.properties(width=250, height=190).facet(
        column=alt.Column("panel:N", title=None, sort=order), data=frame
    )
    drawing: altair.FacetChart = facets.properties(
        spacing=40
    )  # or the last number of one axis meets the next one's
    return drawing
