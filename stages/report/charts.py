"""The charts of the page: frames in, Altair charts out. Nothing here computes what is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from stages.lib.contracts.runs import SYSTEMS
from stages.lib.drawing import BLUE, GREEN, GREY, INK, LINE, ORANGE, PURPLE, SOFT

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
# What negatives a panel of the separation holds.
_WIDE = 720


def gain(rows: pd.DataFrame) -> altair.LayerChart:
    """Draw mean gains with their intervals. Columns: split, mean, low, high, mde."""
    import altair as alt

    frame = rows.assign(below=-rows["mde"])
    base = alt.Chart(frame).encode(y=alt.Y("split:N", title=None, sort=None))
    scale = alt.X("below:Q", title="gain over the base, nDCG@10", axis=alt.Axis(tickCount=8))
    unseen = base.mark_bar(color=LINE, opacity=0.7, height=26).encode(x=scale, x2="mde:Q")
    interval = base.mark_rule(color=ORANGE, strokeWidth=3).encode(x="low:Q", x2="high:Q")
    point = base.mark_point(color=ORANGE, opacity=1, size=110).encode(x="mean:Q")
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=INK).encode(x="at:Q")
    drawing: altair.LayerChart = (unseen + zero + interval + point).properties(
        width=_WIDE, height=50 * len(rows)
    )
    return drawing


def funnel(rows: pd.DataFrame) -> altair.LayerChart:
    """Draw how many rows each stage kept, added and dropped. Columns as of `inputs.funnel`."""
    import altair as alt

    # What was added and dropped again in the same stage is no part of what was kept.
    kept = (rows["rows_out"] - rows["added"]).clip(lower=0)
    parts = rows.assign(kept=kept, added=rows["rows_out"] - kept)
    long = parts.melt("stage", ["kept", "added", "dropped"], "what", "rows")
    order = {"kept": 0, "added": 1, "dropped": 2}
    bars = (
        alt.Chart(long.assign(order=long["what"].map(order)))
        .mark_bar(height=16)
        .encode(
            y=alt.Y("stage:N", title=None, sort=list(rows["stage"])),
            x=alt.X("rows:Q", title="rows", axis=alt.Axis(format=",d", tickCount=6)),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=list(order), range=[BLUE, GREEN, PURPLE]),
            ),
            order="order:Q",
        )
    )
    ends = rows.assign(end=rows["rows_out"] + rows["dropped"])
    out = (
        alt.Chart(ends)
        .mark_text(align="left", dx=6, color=SOFT)
        .encode(
            y=alt.Y("stage:N", sort=list(rows["stage"])),
            x="end:Q",
            text=alt.Text("rows_out:Q", format=",d"),
        )
    )
    drawing: altair.LayerChart = (bars + out).properties(width=_WIDE, height=26 * max(1, len(rows)))
    return drawing


def recall(rows: pd.DataFrame) -> altair.FacetChart:
    """Draw recall at k, a panel per split. Columns: split, system, k, recall."""
    import altair as alt

    present = [system for system in SYSTEMS if (rows["system"] == system).any()]
    frame = rows.assign(system=rows["system"].map(SYSTEMS))
    depths = sorted(int(k) for k in frame["k"].unique())
    drawing: altair.FacetChart = (
        alt.Chart(frame)
        .mark_line(point=True)
        .encode(
            x=alt.X(
                "k:Q",
                title="first k hits",
                scale=alt.Scale(type="log"),
                axis=alt.Axis(values=depths, format="d"),
            ),
            y=alt.Y("recall:Q", title="recall", scale=alt.Scale(domain=[0, 1])),
            color=_by_system(*present),
        )
        .properties(width=330, height=230)
        .facet(column=alt.Column("split:N", title=None, sort=["validation", "test"]))
    )
    return drawing


def loss(rows: pd.DataFrame) -> altair.Chart:
    """Draw the training loss. Columns: step, loss."""
    import altair as alt

    drawing: altair.Chart = (
        alt.Chart(rows)
        .mark_line(color=ORANGE, point={"color": ORANGE, "size": 25} if len(rows) < 60 else False)
        .encode(
            x=alt.X("step:Q", title="step"),
            y=alt.Y("loss:Q", title="training loss", scale=alt.Scale(zero=False)),
        )
        .properties(width=_WIDE, height=220)
    )
    return drawing


def slices(rows: pd.DataFrame) -> altair.LayerChart:
    """Draw nDCG@10 of base and fine-tuned per slice. Columns: slice, queries, base, finetuned."""
    import altair as alt

    named = rows["slice"] + [f" ({count:,})" for count in rows["queries"]]
    order = list(named)
    frame = rows.assign(named=named, up=rows["finetuned"] >= rows["base"])
    long = frame.melt("named", ["base", "finetuned"], "system", "ndcg")
    y = alt.Y("named:N", title=None, sort=order)
    gap = (
        alt.Chart(frame)
        .mark_rule(strokeWidth=2, opacity=0.6)
        .encode(
            y=y,
            x=alt.X(
                "base:Q",
                title="nDCG@10",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(tickCount=10),
            ),
            x2="finetuned:Q",
            color=alt.condition("datum.up", alt.value(SOFT), alt.value(PURPLE)),
        )
    )
    ends = (
        alt.Chart(long.assign(system=long["system"].map(SYSTEMS)))
        .mark_point(opacity=1, size=100)
        .encode(y=y, x="ndcg:Q", color=_by_system("base", "finetuned"))
    )
    drawing: altair.LayerChart = (
        (gap + ends)
        .resolve_scale(color="independent")
        .properties(width=_WIDE, height=30 * max(1, len(rows)))
    )
    return drawing


def changes(rows: pd.DataFrame) -> altair.Chart:
    """Draw how many queries changed by how much. Columns: start, end (of the bin), queries, what."""
    import altair as alt

    drawing: altair.Chart = (
        alt.Chart(rows.assign(floor=0))
        .mark_bar()
        .encode(
            x=alt.X(
                "start:Q",
                title="change of nDCG@10, fine-tuned minus base",
                scale=alt.Scale(domain=[-1, 1]),
                axis=alt.Axis(tickCount=10),
            ),
            x2="end:Q",
            y=alt.Y("queries:Q", title="queries", axis=alt.Axis(format=",d", tickMinStep=1)),
            y2="floor:Q",
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=["worse", "better"], range=[PURPLE, GREEN]),
            ),
        )
        .properties(width=_WIDE, height=200)
    )
    return drawing


def _by_system(*systems: str) -> altair.Color:
    import altair as alt

    colours = [_SYSTEM_COLOURS[system] for system in systems]
    return alt.Color(
        "system:N",
        title=None,
        scale=alt.Scale(domain=[SYSTEMS[system] for system in systems], range=colours),
    )
