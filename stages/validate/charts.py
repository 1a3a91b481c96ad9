"""The chart of the page: a frame in, an Altair chart out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from stages.lib.reporting.charts import BLUE, HOVER, SOFT

if TYPE_CHECKING:
    import altair


def draw_learning_curve(rows: pd.DataFrame, base: float) -> altair.LayerChart:
    """Return a chart of nDCG@10 over the components that the probe learned from.

    Args:
        rows: columns fraction, components and ndcg_at_10; a row for each share and seed.
        base: nDCG@10 of the base model, a dashed line.
    """
    import altair as alt

    training_points = rows[rows["fraction"] > 0]
    hover = [
        f"{row.components:,} components, seed {row.seed}: nDCG@10 {row.ndcg_at_10:.4f}"
        for row in training_points.itertuples(index=False)
    ]
    axis = alt.Axis(format=",d", tickCount=6)
    x_axis = alt.X("components:Q", title="components in the training data", axis=axis)
    y_axis = alt.Y("ndcg_at_10:Q", title="nDCG@10", scale=alt.Scale(zero=False))

    # A dot for each seed.
    dots = alt.Chart(training_points.assign(hover=hover))
    dots = dots.mark_point(color=BLUE, opacity=0.7, size=50, **HOVER)
    dots = dots.encode(x=x_axis, y=y_axis, description="hover:N")

    # A line through the means.
    means = training_points.groupby("fraction", as_index=False)[["components", "ndcg_at_10"]].mean()
    line = alt.Chart(means).mark_line(color=BLUE).encode(x=x_axis, y=y_axis)

    # The base model.
    base_frame = pd.DataFrame({"base": [round(base, 6)], "hover": [f"base model: {base:.4f}"]})
    rule = alt.Chart(base_frame).mark_rule(color=SOFT, strokeDash=[4, 4], **HOVER)
    rule = rule.encode(y="base:Q", description="hover:N")

    drawing: altair.LayerChart = (rule + line + dots).properties(
        title="Learning curve of the probe", width=560, height=260
    )
    return drawing
