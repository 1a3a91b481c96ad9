"""What pages and the terminal say of a run of a sample, `run.sample`."""

from __future__ import annotations

from collections.abc import Mapping

from stages.lib.reporting.html import Html, paragraph


def sample_sentences(details: Mapping[str, float | int | str | None]) -> list[str]:
    """Return what a reader must know of numbers that were measured on a sample.

    Nothing for a run of all rows. `details` are those of a stage, with dotted keys.

    >>> sample_sentences({"queries": 40})
    []
    """
    share = details.get("sample")
    if share is None:
        return []

    return [
        f"This is a run of a sample (run.sample: {float(share):g}): about "
        f"{100 * float(share):g} % of the components, with the splits of a run of all rows. Its "
        "numbers compare with those of the same sample alone."
    ]


def sample_note(details: Mapping[str, float | int | str | None]) -> list[Html]:
    """Return the same as a box of a page."""
    return [paragraph(sentence, "bad") for sentence in sample_sentences(details)]
