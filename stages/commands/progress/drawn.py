"""The page of a progress: one HTML file, nothing to load."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from stages.commands.progress.steps import Step
from stages.lib import page
from stages.lib.drawing import BLUE, ORANGE, chart
from stages.lib.page import Html, Section


def as_page(found: Sequence[Step], tried: Sequence[Step], told: Sequence[str], split: str) -> str:
    """Return the progress as a whole HTML document: its first sentence under the title, the others at the end."""
    body = [
        _chart([*found, *tried], split),
        page.table(_rows(found), "Each against the one before it", _FORMATS),
    ]
    sections = [Section("Versions", body)]
    if tried:
        sections.append(
            Section(
                "Experiments",
                [page.table(_rows(tried), "Each against the version it started from", _FORMATS)],
            )
        )
    sections.append(Section("What to make of it", [page.paragraph(line) for line in told[1:]]))
    return page.page("Progress", told[0], sections)


_FORMATS = {"nDCG@10": ".4f"} | dict.fromkeys(["difference", "low", "high"], "+.4f")


def _chart(found: Sequence[Step], split: str) -> Html:
    import altair as alt

    rows = pd.DataFrame(
        [
            (
                step.side.name,
                "experiment" if step.start else "version",
                step.mean,
                step.low,
                step.high,
            )
            for step in found
        ],
        columns=["version", "kind", "mean", "low", "high"],
    )
    kinds = alt.Scale(domain=["version", "experiment"], range=[BLUE, ORANGE])
    legend = alt.Legend(title=None, orient="top") if (rows["kind"] == "experiment").any() else None
    base = alt.Chart(rows).encode(
        x=alt.X(
            "version:N",
            title=None,
            sort=list(rows["version"]),
            axis=alt.Axis(labelAngle=-35, labelLimit=130),
        ),
        color=alt.Color("kind:N", scale=kinds, legend=legend),
    )
    scale = alt.Scale(zero=False)
    interval = base.mark_rule(strokeWidth=3).encode(
        y=alt.Y("low:Q", title=f"nDCG@10 on {split}", scale=scale), y2="high:Q"
    )
    point = base.mark_point(filled=True, opacity=1, size=110).encode(y=alt.Y("mean:Q", scale=scale))
    drawing = (interval + point).properties(width=max(480, 70 * len(rows)), height=280)
    return chart(drawing, f"Mean nDCG@10 on {split} of each version, with its 95 % interval.")


def _rows(found: Sequence[Step]) -> pd.DataFrame:
    nan = float("nan")
    cells = []
    for step in found:
        effect = step.verdict.effect if step.verdict else None
        difference = (effect.mean, effect.low, effect.high) if effect else (nan, nan, nan)
        name = f"{step.side.name}, from {step.start}" if step.start else step.side.name
        cells.append(
            (
                name,
                step.subject,
                step.mean,
                *difference,
                (step.word or "first").replace(" ", "\u00a0"),
            )
        )
    return pd.DataFrame(
        cells, columns=["version", "change", "nDCG@10", "difference", "low", "high", "verdict"]
    )
