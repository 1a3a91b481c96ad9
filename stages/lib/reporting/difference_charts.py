"""Charts of differences: intervals one below the other, and how many queries changed by how much.

They are shared by the pages of `report`, `compare` and `verdict`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.reporting.charts import (
    BLUE,
    GREEN,
    GREY,
    HOVER,
    INK,
    ORANGE,
    PURPLE,
    chart_numbers,
)
from stages.lib.reporting.html import Html

if TYPE_CHECKING:
    import altair

# Smaller changes are rounding.
TOLERANCE = 1e-9

_BIN_WIDTH = 0.1
_BIN_COLUMNS = ["start", "end", "queries", "what"]

_OUTCOME_COLOURS = {
    "better": GREEN,
    "worse": ORANGE,
    "equivalent": BLUE,
    "no evidence": GREY,
    "not comparable": GREY,
}
_CHANGE_COLOURS = {"worse": PURPLE, "better": GREEN}


def interval_chart(rows: pd.DataFrame, delta: float, title: str, axis_title: str) -> altair.Chart:
    """Return a chart of differences with their intervals, a line each (a forest plot).

    A grey band shows which differences are too small to count.

    Args:
        rows: columns name, outcome, difference, low and high; the names are distinct.
        delta: the largest difference that counts as none.
        title: the title of the chart.
        axis_title: what the axis shows.
    """
    import altair as alt

    hover = [
        f"{row.name}: {row.difference:+z.4f} ({row.low:+z.4f} to {row.high:+z.4f}), {row.outcome}"
        for row in rows.itertuples(index=False)
    ]
    frame = rows.assign(hover=hover, zero=0.0)

    # The legend names only outcomes that occur; each has its colour in every chart.
    outcomes = set(rows["outcome"])
    values = [outcome for outcome in _OUTCOME_COLOURS if outcome in outcomes]
    colours = alt.Scale(domain=list(_OUTCOME_COLOURS), range=list(_OUTCOME_COLOURS.values()))
    base = alt.Chart(frame).encode(
        y=alt.Y("name:N", title=None, sort=list(rows["name"]), axis=alt.Axis(labelLimit=260)),
        color=alt.Color(
            "outcome:N", scale=colours, legend=alt.Legend(title=None, orient="top", values=values)
        ),
        description="hover:N",
    )

    # A line with a point for each difference, before the band and the line at 0.
    x_axis = alt.X("low:Q", title=axis_title, axis=alt.Axis(tickCount=6))
    interval = base.mark_rule(strokeWidth=3, **HOVER).encode(x=x_axis, x2="high:Q")
    point = base.mark_point(filled=True, opacity=1, size=80, **HOVER).encode(x="difference:Q")
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=INK).encode(x="zero:Q")
    band_ends = pd.DataFrame({"low": [-delta], "high": [delta]})
    band = alt.Chart(band_ends).mark_rect(color=GREY, opacity=0.2)
    layers = band.encode(x=x_axis, x2="high:Q") + zero + interval + point
    drawing: altair.Chart = layers.properties(
        title=title,
        width=480,
        height=24 * len(rows),
        padding={"left": 40, "right": 5, "top": 5, "bottom": 5},
    )
    return drawing


def change_bins(changes: npt.ArrayLike) -> pd.DataFrame:
    """Return how many queries changed by how much, in bins of 0.1 that begin at 0.

    Columns: start and end of the bin, queries, and what ("better" or "worse"). Queries without a
    change are in no bin.

    Args:
        changes: the change of each query, from -1 to 1, shape (queries,).

    >>> change_bins([0.25, 0.21, 0.0, -1.0]).values.tolist()
    [[-0.9, -1.0, 1, 'worse'], [0.2, 0.3, 2, 'better']]
    """
    values = np.asarray(changes, dtype=np.float64)
    values = values[np.abs(values) > TOLERANCE]

    # The number of the bin, from 1 to 10, with the sign of the change.
    sizes = np.clip(np.ceil(np.abs(values) / _BIN_WIDTH - TOLERANCE), 1, 10).astype(int)
    numbers, counts = np.unique(sizes * np.sign(values).astype(int), return_counts=True)

    rows = []
    for number, count in zip(numbers, counts, strict=True):
        start = round(float(number - np.sign(number)) * _BIN_WIDTH, 1)
        end = round(float(number) * _BIN_WIDTH, 1)
        rows.append((start, end, int(count), "better" if number > 0 else "worse"))
    return pd.DataFrame(rows, columns=_BIN_COLUMNS)


def change_chart(rows: pd.DataFrame, title: str, axis_title: str, width: int) -> altair.Chart:
    """Return a histogram of the changes.

    Args:
        rows: the result of `change_bins`.
        title: the title of the chart.
        axis_title: what changed.
        width: in pixels.
    """
    import altair as alt

    hover = []
    for start, end, queries, what in zip(*(rows[name] for name in _BIN_COLUMNS), strict=True):
        # A sum with 0 turns -0.0 into 0.0.
        low, high = sorted((float(start) + 0.0, float(end) + 0.0))
        hover.append(f"{low:.1f} to {high:.1f}: {queries:,} {what}")
    x_axis = alt.X(
        "start:Q", title=axis_title, scale=alt.Scale(domain=[-1, 1]), axis=alt.Axis(tickCount=10)
    )
    y_axis = alt.Y("queries:Q", title="queries", axis=alt.Axis(format=",d", tickMinStep=1))
    colours = alt.Scale(domain=list(_CHANGE_COLOURS), range=list(_CHANGE_COLOURS.values()))

    bars = alt.Chart(rows.assign(floor=0, hover=hover)).mark_bar(**HOVER)
    bars = bars.encode(
        x=x_axis,
        x2="end:Q",
        y=y_axis,
        y2="floor:Q",
        color=alt.Color("what:N", title=None, scale=colours),
        description="hover:N",
    )
    drawing: altair.Chart = bars.properties(title=title, width=width, height=200)
    return drawing


def change_numbers(rows: pd.DataFrame) -> Html:
    """Return the result of `change_bins` as a table that opens behind a line."""
    table = rows.rename(
        columns={"start": "From", "end": "To", "queries": "Queries", "what": "Outcome"}
    )
    return chart_numbers(table, "Queries by change", {"From": "+z.1f", "To": "+z.1f"})
