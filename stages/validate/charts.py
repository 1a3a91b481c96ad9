"""The charts of the page: frames in, Altair charts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from stages.lib.reporting.charts import BLUE, GREEN, GREY, ORANGE, PURPLE, SOFT

if TYPE_CHECKING:
    import altair

_SPLIT_COLOURS = {"train": BLUE, "validation": ORANGE, "corpus": GREY}
_TOPIC_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#b8860b", "#56b4e9")


def draw_learning_curve(rows: pd.DataFrame, base: float) -> altair.LayerChart:
    """Return a chart of nDCG@10 over the components that the probe learned from.

    Args:
        rows: columns fraction, components and ndcg_at_10; a row for each share and seed.
        base: nDCG@10 of the base model, a dashed line.
    """
    import altair as alt

    training_points = rows[rows["fraction"] > 0]
    x_axis = alt.X("components:Q", title="components in the training data")
    y_axis = alt.Y("ndcg_at_10:Q", title="nDCG@10", scale=alt.Scale(zero=False))

    # A dot for each seed.
    dots = alt.Chart(training_points).mark_point(color=BLUE, opacity=0.7, size=50)
    dots = dots.encode(x=x_axis, y=y_axis)

    # A line through the means.
    means = training_points.groupby("fraction", as_index=False)[["components", "ndcg_at_10"]].mean()
    line = alt.Chart(means).mark_line(color=BLUE).encode(x=x_axis, y=y_axis)

    # The base model.
    base_frame = pd.DataFrame({"base": [round(base, 6)]})
    rule = alt.Chart(base_frame).mark_rule(color=SOFT, strokeDash=[4, 4]).encode(y="base:Q")

    drawing: altair.LayerChart = (rule + line + dots).properties(
        title="Learning curve of the probe", width=560, height=260
    )
    return drawing


def draw_map(rows: pd.DataFrame) -> altair.HConcatChart:
    """Return two charts of the documents, coloured by split and by topic.

    Args:
        rows: columns x, y, split and topic.
    """
    import altair as alt

    # The most frequent topic has the first colour, and all rare topics are grey.
    named = rows.loc[rows["topic"] != "other", "topic"].value_counts().index
    topic_scale = alt.Scale(domain=[*named, "other"], range=[*_TOPIC_COLOURS[: len(named)], GREY])
    topic_legend = alt.Legend(columns=2, labelLimit=190)
    split_scale = alt.Scale(domain=list(_SPLIT_COLOURS), range=list(_SPLIT_COLOURS.values()))

    # The numbers on the axes have no meaning, so they are not shown.
    axis = alt.Axis(labels=False, ticks=False, grid=False)
    base = (
        alt.Chart(rows)
        .mark_circle(size=14, opacity=0.6)
        .encode(
            x=alt.X("x:Q", title="first principal component", axis=axis),
            y=alt.Y("y:Q", title="second principal component", axis=axis),
        )
        .properties(width=380, height=340)
    )
    by_split = base.encode(color=alt.Color("split:N", title=None, scale=split_scale))
    by_topic = base.encode(
        color=alt.Color("topic:N", title=None, scale=topic_scale, legend=topic_legend)
    )
    drawing: altair.HConcatChart = alt.hconcat(
        by_split.properties(title="Documents by split"),
        by_topic.properties(title="Documents by topic"),
    ).resolve_scale(color="independent")
    return drawing
