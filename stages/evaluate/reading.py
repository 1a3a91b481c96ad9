"""What the results say beyond means: gains, harm, raw queries, slices, separation, and errors that may be none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from stages.evaluate.errors import drawn, label_error
from stages.evaluate.gains import Chance, gains, harm
from stages.evaluate.params import EvaluateParams
from stages.evaluate.raw import as_raw, compared
from stages.evaluate.separated import separated
from stages.evaluate.slices import COLUMNS, counted, slices
from stages.evaluate.systems import Systems
from stages.lib.heldout import Corpus, HeldOut
from stages.lib.reviewed import Verdict
from stages.lib.topk import Hits

HELD_OUT = ("validation", "test")  # which search the same corpus


class Ranked(NamedTuple):
    """One set of queries under every system: what was searched and asked, and what was found (QueryResults, Runs)."""

    corpus: Corpus
    held: HeldOut
    hits: Mapping[str, Hits]
    results: pd.DataFrame
    runs: pd.DataFrame


class Known(NamedTuple):
    """What else is known: the topic of each document, and people's verdicts on first hits."""

    topics: Mapping[str, str]
    verdicts: Iterable[Verdict]


class Reading(NamedTuple):
    """Metrics by name, and the table of slices (columns COLUMNS)."""

    metrics: dict[str, float | int | bool]
    slices: pd.DataFrame


def read(
    ranked: Mapping[str, Ranked], systems: Systems, known: Known, params: EvaluateParams, seed: int
) -> Reading:
    """Return what is read out of the sets that hold queries, by name."""
    chance, told = Chance(seed, params.seed_sd), dict[str, float | int | bool]()
    for name, one in ranked.items():
        told |= gains(one.results, name, chance)
    told |= harm(told, params.max_harm)
    told |= _told_raw({name: ranked[name] for name in HELD_OUT if name in ranked}, systems, chance)
    tables = []
    for name in (name for name in HELD_OUT if name in params.sliced and name in ranked):
        one = ranked[name]
        tables.append(slices(one.results, one.held, known.topics, chance))
        told |= counted(tables[-1], name)
    if "validation" in ranked:
        one = ranked["validation"]
        told |= separated(systems, one.hits, one.corpus, one.held)
        told |= label_error(drawn(one.runs, one.held, params.judged_errors, seed), known.verdicts)
    return Reading(
        told,
        pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS)),
    )


def _told_raw(ranked: Mapping[str, Ranked], systems: Systems, chance: Chance) -> dict[str, float]:
    told: dict[str, float] = {}
    if ranked:
        results = {name: one.results for name, one in ranked.items()}
        corpus = next(iter(ranked.values())).corpus
        raw = as_raw(results, systems, corpus, {name: one.held for name, one in ranked.items()})
        for name, found in results.items():
            told |= compared(found, raw[name], name, chance)
    return told
