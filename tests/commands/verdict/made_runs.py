"""Made runs with known differences, in every format, and the command on them."""

import json
import random

import pandas as pd
from typer.testing import CliRunner

from stages.commands.verdict.__main__ import app


def trec(run):
    return "".join(
        f"{query} Q0 {doc} {rank} {score} tag\n"
        for query, hits in run.items()
        for rank, (doc, score) in enumerate(hits.items(), start=1)
    )


def rows(run, value):
    return [
        {"query_id": query, "doc_id": doc, value: score}
        for query, hits in run.items()
        for doc, score in hits.items()
    ]


def as_lines(values):
    return "".join(json.dumps(value) + "\n" for value in values)


def write_run(folder, form, run):
    """Write a run in one of the formats, and return its path."""
    path = folder / f"run-{form}"
    if form == "trec":
        path.write_text(trec(run), "utf-8")
    elif form == "json":
        path.write_text(json.dumps(run), "utf-8")
    elif form == "mteb":
        path.write_text(json.dumps({"mteb_model_meta": {}, "default": {"test": run}}), "utf-8")
    elif form == "jsonl":
        path = path.with_suffix(".jsonl")
        path.write_text(as_lines(rows(run, "score")), "utf-8")
    elif form == "predictions":
        path = path.with_suffix(".jsonl")
        lines = [
            {
                "query_id": query,
                "query": "?",
                "results": [
                    {"corpus_id": doc, "score": score, "text": "."} for doc, score in hits.items()
                ],
            }
            for query, hits in run.items()
        ]
        path.write_text(as_lines(lines), "utf-8")
    else:
        path = path.with_suffix(".parquet")
        pd.DataFrame(rows(run, "score")).to_parquet(path)
    return path


def write_qrels(folder, form, qrels):
    path = folder / f"qrels-{form}"
    lines = [(query, doc, grade) for query, of in qrels.items() for doc, grade in of.items()]
    if form == "trec":
        path.write_text("".join(f"{query} 0 {doc} {grade}\n" for query, doc, grade in lines))
    elif form == "beir":
        text = "".join(f"{query}\t{doc}\t{grade}\n" for query, doc, grade in lines)
        path.write_text(f"query-id\tcorpus-id\tscore\n{text}", "utf-8")
    elif form == "json":
        path.write_text(json.dumps(qrels), "utf-8")
    elif form == "jsonl":
        path = path.with_suffix(".jsonl")
        path.write_text(as_lines(rows(qrels, "grade")), "utf-8")
    else:
        path = path.with_suffix(".parquet")
        pd.DataFrame(rows(qrels, "grade")).to_parquet(path)
    return path


def simulated(queries, gain, seed=1):
    """Return qrels and two runs. In the second a share `gain` of the queries rises to rank 1."""
    source = random.Random(seed)
    qrels = {f"q{number}": {"right": 1} for number in range(queries)}
    first, second = {}, {}
    for query in qrels:
        rank = source.randrange(1, 6)
        others = [f"w{number}" for number in range(5)]
        first[query] = ranked([*others[: rank - 1], "right", *others[rank - 1 :]])
        rises = source.random() < gain
        second[query] = ranked(["right", *others]) if rises else first[query]
    return qrels, first, second


def ranked(docs):
    return {doc: float(-rank) for rank, doc in enumerate(docs)}


def verdict(*arguments):
    return CliRunner().invoke(app, [*arguments, "--qrels", "qrels.txt"])
