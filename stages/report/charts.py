"""The charts of the page: frames in, Altair charts out. Nothing that is shown is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from stages.lib.reporting.charts import BLUE, GREEN, GREY, HOVER, INK, LINE, ORANGE, PURPLE, SOFT
from stages.lib.schemas.runs import SYSTEMS

if TYPE_CHECKING:
    import altair

_SYSTEM_COLOURS = {
    "bm25": GREY,
    "static": SOFT,
    "base": BLUE,
    "fusion": GREEN,
    "probe": PURPLE,
    "finetuned": ORANGE,
}
_ROW_COLOURS = {"kept": BLUE, "added": GREEN, "dropped": PURPLE}

# Width of a chart that fills the page.
WIDTH = 720

# A loss curve with fewer points shows a dot for each.
_MAX_DOTS = 60


def gain_chart(rows: pd.DataFrame) -> altair.LayerChart:
    """Return a chart of mean gains with their intervals. Columns: split, mean, low, high, mde."""
    import altair as alt

    hover = [
        f"{row.split}: {row.mean:+z.4f} ({row.low:+z.4f} to {row.high:+z.4f})"
        for row in rows.itertuples(index=False)
    ]
    frame = rows.assign(below=-rows["mde"], hover=hover)
    base = alt.Chart(frame).encode(y=alt.Y("split:N", title="split", sort=None))

    # A grey band: differences that are too small for the set.
    x_axis = alt.X("below:Q", title="gain over the base model, nDCG@10", axis=alt.Axis(tickCount=8))
    band = base.mark_bar(color=LINE, opacity=0.7, height=26).encode(x=x_axis, x2="mde:Q")

    # The gain, and a line at 0.
    named = base.encode(description="hover:N")
    interval = named.mark_rule(color=ORANGE, strokeWidth=3, **HOVER).encode(x="low:Q", x2="high:Q")
    point = named.mark_point(color=ORANGE, opacity=1, size=110, **HOVER).encode(x="mean:Q")
    zero = alt.Chart(pd.DataFrame({"gain": [0.0]})).mark_rule(color=INK).encode(x="gain:Q")

    drawing: altair.LayerChart = (band + zero + interval + point).properties(
        title="Gain of the fine-tuned model", width=WIDTH, height=50 * len(rows)
    )
    return drawing


def row_count_chart(rows: pd.DataFrame) -> altair.LayerChart:
    """Return a chart of rows kept, added and dropped by stage. Columns as in RowCounts."""
    import altair as alt

    # Rows that one stage added and dropped again are not among the kept ones.
    kept = (rows["rows_out"] - rows["added"]).clip(lower=0)
    parts = rows.assign(kept=kept, added=rows["rows_out"] - kept)
    long = parts.melt("stage", list(_ROW_COLOURS), "what", "rows")
    long["order"] = long["what"].map({name: index for index, name in enumerate(_ROW_COLOURS)})
    long["hover"] = [
        f"{row.stage}: {row.rows:,} {row.what}" for row in long.itertuples(index=False)
    ]

    colours = alt.Scale(domain=list(_ROW_COLOURS), range=list(_ROW_COLOURS.values()))
    bars = alt.Chart(long).mark_bar(height=16, **HOVER)
    bars = bars.encode(
        y=alt.Y("stage:N", title="stage", sort=list(rows["stage"])),
        x=alt.X("rows:Q", title="rows", axis=alt.Axis(format=",d", tickCount=6)),
        color=alt.Color("what:N", title=None, scale=colours),
        order="order:Q",
        description="hover:N",
    )

    # The number of rows out stands at the end of each bar.
    ends = rows.assign(end=rows["rows_out"] + rows["dropped"])
    labels = alt.Chart(ends).mark_text(align="left", dx=6, color=SOFT)
    labels = labels.encode(
        y=alt.Y("stage:N", sort=list(rows["stage"])),
        x="end:Q",
        text=alt.Text("rows_out:Q", format=",d"),
    )

    drawing: altair.LayerChart = (bars + labels).properties(
        title="Rows kept, added and dropped", width=WIDTH, height=26 * max(1, len(rows))
    )
    return drawing


def recall_chart(rows: pd.DataFrame) -> altair.FacetChart:
    """Return a chart of recall at k, a panel for each split. Columns: split, system, k, recall."""
    import altair as alt

    systems = [system for system in SYSTEMS if (rows["system"] == system).any()]
    frame = rows.assign(system=rows["system"].map(SYSTEMS))
    frame["hover"] = [
        f"{row.system}, first {row.k:,} hits: {row.recall:.3f}"
        for row in frame.itertuples(index=False)
    ]
    depths = sorted(int(depth) for depth in frame["k"].unique())

    x_axis = alt.X(
        "k:Q",
        title="first k hits",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(values=depths, format="d"),
    )
    y_axis = alt.Y("recall:Q", title="recall", scale=alt.Scale(domain=[0, 1]))
    lines = alt.Chart(frame).mark_line(aria=False, point=HOVER)
    lines = lines.encode(x=x_axis, y=y_axis, color=_system_colours(*systems), description="hover:N")

    panel = alt.Column("split:N", title=None, sort=["validation", "test"])
    drawing: altair.FacetChart = (
        lines.properties(width=330, height=230).facet(column=panel).properties(title="Recall at k")
    )
    return drawing


def loss_chart(rows: pd.DataFrame) -> altair.Chart:
    """Return a chart of the training loss. Columns: step, loss."""
    import altair as alt

    dots = {"color": ORANGE, "size": 25, **HOVER} if len(rows) < _MAX_DOTS else False
    hover = [f"step {row.step:,}: {row.loss:.4f}" for row in rows.itertuples(index=False)]
    x_axis = alt.X("step:Q", title="step")
    y_axis = alt.Y("loss:Q", title="training loss", scale=alt.Scale(zero=False))
    line = alt.Chart(rows.assign(hover=hover)).mark_line(aria=False, color=ORANGE, point=dots)
    line = line.encode(x=x_axis, y=y_axis, description="hover:N")
    drawing: altair.Chart = line.properties(title="Training loss", width=WIDTH, height=220)
    return drawing


def slice_chart(rows: pd.DataFrame) -> altair.LayerChart:
    """Return a chart of nDCG@10 of base and fine-tuned model for each slice.

    Args:
        rows: columns slice, queries, base and finetuned.
    """
    import altair as alt

    # A slice is named with the number of its queries.
    labels = rows["slice"] + [f" ({count:,})" for count in rows["queries"]]
    frame = rows.assign(label=labels, is_better=rows["finetuned"] >= rows["base"])
    y_axis = alt.Y("label:N", title="slice (queries)", sort=list(labels))

    # A line from the base to the fine-tuned model, in another colour where that is worse.
    x_axis = alt.X(
        "base:Q",
        title="nDCG@10",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(tickCount=10),
    )
    colour = alt.condition("datum.is_better", alt.value(SOFT), alt.value(PURPLE))
    lines = alt.Chart(frame).mark_rule(strokeWidth=2, opacity=0.6)
    lines = lines.encode(y=y_axis, x=x_axis, x2="finetuned:Q", color=colour)

    # A dot for each model.
    long = frame.melt("label", ["base", "finetuned"], "system", "ndcg")
    long["system"] = long["system"].map(SYSTEMS)
    long["hover"] = [
        f"{row.label}: {row.system} {row.ndcg:.3f}" for row in long.itertuples(index=False)
    ]
    dots = alt.Chart(long).mark_point(opacity=1, size=100, **HOVER)
    dots = dots.encode(
        y=y_axis,
        x="ndcg:Q",
        color=_system_colours("base", "finetuned"),
        description="hover:N",
    )

    drawing: altair.LayerChart = (
        (lines + dots)
        .resolve_scale(color="independent")
        .properties(title="nDCG@10 by relation", width=WIDTH, height=30 * max(1, len(rows)))
    )
    return drawing


def _system_colours(*systems: str) -> altair.Color:
    import altair as alt

    names = [SYSTEMS[system] for system in systems]
    colours = [_SYSTEM_COLOURS[system] for system in systems]
    return alt.Color("system:N", title=None, scale=alt.Scale(domain=names, range=colours))
