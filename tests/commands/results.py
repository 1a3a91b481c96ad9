"""The results that a run leaves in git, small enough that a reader can check outcomes by hand."""

import json
from pathlib import Path

import pandas as pd

from stages.lib.schemas.runs import QueryResults

COMMIT = ("-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qam")


def write(
    scores, corpus="c1", rows_out=100, benchmark="b1", split="validation", large=0, sample=None
):
    """Write the results of a run: 100 queries with these nDCG@10 in turn.

    The first `large` queries are of one component, all others of one each. `sample` is the share
    of the components that the run is of.
    """
    rows = []
    for system in ("base", "finetuned"):
        for index in range(100):
            score = scores[index % len(scores)]
            metrics = [score] * 4
            component = "large" if index < large else f"c{index}"
            rows.append((f"q{index:016x}", split, system, component, *metrics, 1, 0.5))

    Path("metrics/queries").mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows, columns=list(QueryResults.empty().columns))
    frame.to_csv(f"metrics/queries/{split}.tsv", sep="\t", index=False)
    mark = {} if sample is None else {"sample": sample}
    write_details("evaluate", {"benchmark": benchmark, "corpus": corpus, **mark})
    write_details("clean", {"rows_in": 100, "rows_out": rows_out, "private": {"ip": 3}})


def write_details(stage, details):
    """Write metrics/details/<stage>.json."""
    path = Path(f"metrics/details/{stage}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(details), "utf-8")


def write_old_metrics(stage, metrics):
    """Write metrics/<stage>.json with flat keys, as versions before metrics/details/ did."""
    path = Path(f"metrics/{stage}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metrics), "utf-8")
