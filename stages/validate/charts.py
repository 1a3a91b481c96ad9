"""The charts that only this page draws: frames in, Altair charts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from stages.lib.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, SOFT

if TYPE_CHECKING:
    import altair

_SPLITS = {"train": BLUE, "validation": ORANGE, "corpus": GREY}
_TOPICS = (BLUE, ORANGE, GREEN, PURPLE, "#b8860b", "#56b4e9")


def curve(rows: pd.DataFrame, base: float) -> altair.LayerChart:
    """Draw nDCG@10 over the components that were learned from, a dot per seed and a line through the means.

    Columns: fraction, components, ndcg_at_10. `base` is drawn as a line of its own.
    """
    import altair as alt

    known = rows[rows["fraction"] > 0]
    x = alt.X("components:Q", title="components learned from")
    y = alt.Y("ndcg_at_10:Q", title="nDCG@10", scale=alt.Scale(zero=False))
    dots = alt.Chart(known).mark_point(color=BLUE, opacity=0.7, size=50).encode(x=x, y=y)
    means = known.groupby("fraction", as_index=False)[["components", "ndcg_at_10"]].mean()
    line = alt.Chart(means).mark_line(color=BLUE).encode(x=x, y=y)
    flat = (
        alt.Chart(pd.DataFrame({"at": [round(base, 6)]}))
        .mark_rule(color=SOFT, strokeDash=[4, 4])
        .encode(y="at:Q")
    )
    drawing: altair.LayerChart = (flat + line + dots).properties(width=560, height=260)
    return drawing


def clusters(rows: pd.DataFrame) -> altair.HConcatChart:
    """Draw the map twice, coloured by split and by topic. Columns: x, y, split, topic."""
    import altair as alt

    base = alt.Chart(rows).mark_circle(size=14, opacity=0.6)
    x, y = (alt.X("x:Q", axis=None), alt.Y("y:Q", axis=None))
    topics = [*rows.loc[rows["topic"] != "other", "topic"].value_counts().index, "other"]
    splits = alt.Scale(domain=list(_SPLITS), range=list(_SPLITS.values()))
    named = alt.Scale(domain=topics, range=[*_TOPICS[: len(topics) - 1], GREY])
    by_split = base.encode(x=x, y=y, color=alt.Color("split:N", title=None, scale=splits))
    by_topic = base.encode(
        x=x,
        y=y,
        color=alt.Color(
            "topic:N", title=None, scale=named, legend=alt.Legend(columns=2, labelLimit=190)
        ),
    )
    drawing: altair.HConcatChart = alt.hconcat(
        by_split.properties(width=380, height=340), by_topic.properties(width=380, height=340)
    ).resolve_scale(color="independent")
    return drawing
