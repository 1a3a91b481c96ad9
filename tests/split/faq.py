"""Small tables that a reader can check by eye, and the stage run on them."""

import json
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.lib.core import tables
from stages.lib.core.ids import hash_hex
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Documents, Passages, Timestamps
from stages.lib.schemas.duplicates import Aliases, NearDuplicates
from stages.lib.schemas.pairs import PairGrades, Pairs, SyntheticPairs
from stages.lib.schemas.splits import GivenSplits, Splits
from stages.lib.text.matches import TextMatches, match_texts
from stages.split.__main__ import app
from stages.split.assignment import assign_by_component
from stages.split.components import edges_from_tables, split_of_component, text_versions
from stages.split.interface import SplitParams
from stages.split.rows import Assignment, SplitRows

LONG = "hold the small button on the back of the router for ten seconds"  # 11 shingles
DEFAULTS = {
    "train": 0.8,
    "validation": 0.1,
    "unit": "component",
    "topic_levels": None,
    "near_threshold": 0.8,
    "max_component_share": 0.05,
    "giants": "stop",
    "protect": [],
    "given": "repair",
    "max_train_pairs": None,
}


def with_params(**changed) -> SplitParams:
    return SplitParams(**{**DEFAULTS, **changed})


PARAMS = with_params()
# Half is held out, so that small tables meet every split; and nothing is too large.
EVEN = with_params(train=0.4, validation=0.3, max_component_share=1.0)


def d(name) -> str:
    return "d" + hash_hex(str(name))


def p(name) -> str:
    return "p" + hash_hex(str(name))


def text(name) -> str:
    """Return a text that has nothing in common with that of another name."""
    return " ".join(hash_hex("word", str(name), str(index))[:6] for index in range(9))


def typed(rows, table) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(table.empty().columns)).astype(
        table.empty().dtypes.to_dict()
    )


def documents(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Return Documents from (name, text) and, where given, group and topic."""
    synthetic = [(name, body, *more, *[""] * (2 - len(more))) for name, body, *more in rows]
    return typed(
        [(d(name), "faq", "", body, topic, group) for name, body, group, topic in synthetic],
        Documents,
    )


def pairs(*rows: tuple[str, str, str], score: float = 1.0) -> pd.DataFrame:
    """Return Pairs from (name, anchor, name of the document)."""
    return typed(
        [
            (p(name), anchor, d(document_name), "exact", score, "faq")
            for name, anchor, document_name in rows
        ],
        Pairs,
    )


def near(*rows: tuple[str, str]) -> pd.DataFrame:
    return typed([(*sorted(row), 0.9, "near") for row in rows], NearDuplicates)


def aliases(*rows: tuple[str, str]) -> pd.DataFrame:
    return typed(rows, Aliases)


def rows_of(document_table, pair_table) -> SplitRows:
    answers = dict(zip(pair_table["pair_id"], pair_table["doc_id"], strict=True))
    return SplitRows(
        text_versions((pair_table, "pair_id", "anchor")),
        text_versions((document_table, "doc_id", "text")),
        answers,
    )


def edges_of(document_table, pair_table, params=PARAMS, near_duplicates=None, alias_table=None):
    near_duplicates = NearDuplicates.empty() if near_duplicates is None else near_duplicates
    alias_table = Aliases.empty() if alias_table is None else alias_table
    return edges_from_tables(
        near_duplicates, alias_table, document_table, pair_table, params=params
    )


def assigned(
    document_table, pair_table, params=EVEN, *, near_duplicates=None, alias_table=None, frozen=None
) -> Assignment:
    rows = rows_of(document_table, pair_table)
    edges = edges_of(document_table, pair_table, params, near_duplicates, alias_table)
    matches = matches_of(rows, params)
    return assign_by_component(rows, edges, matches, frozen=frozen or {}, params=params)


def matches_of(rows: SplitRows, params: SplitParams) -> TextMatches:
    return match_texts([rows.anchors, rows.texts], params.near_threshold)


def named(split: str, count: int = 1, params: SplitParams = PARAMS) -> list[str]:
    """Return names of documents whose components, if they are alone in them, belong to `split`."""
    fitting = (
        f"{index}"
        for index in range(10_000)
        if split_of_component(d(index), params.train, params.validation) == split
    )
    return [next(fitting) for _ in range(count)]


def nine_documents():
    """Return six training documents, two of validation and one of test, a pair for each, and "loose" without."""
    names = [*named("train", 6), *named("validation", 2), *named("test")]
    document_table = documents(*((name, text(name)) for name in names), ("loose", text("loose")))
    return names, document_table, pairs(*((name, text(name + "?"), name) for name in names))


# --- the command, in the folder of the test


def whole_passages(document_table) -> pd.DataFrame:
    """Return Passages: each document is one."""
    rows = zip(document_table["doc_id"], document_table["text"], strict=True)
    return typed([(f"{doc_id}-0000", doc_id, 0, body) for doc_id, body in rows], Passages)


def synthetic_table(built, origins, positives):
    """Return the SyntheticPairs of pairs whose source is a recipe: each from its own document, or as `origins` say."""
    recipes = built[1][built[1]["source"].str.startswith("pair.")]
    rows = (
        recipes[["pair_id", "doc_id"]].rename(columns={"doc_id": "origin_id"}).assign(positive="")
    )
    ends = zip(rows["pair_id"], rows["origin_id"], strict=True)
    rows = rows.assign(
        origin_id=[origins.get(pair_id, doc_id) for pair_id, doc_id in ends],
        positive=[positives.get(pair_id, "") for pair_id in rows["pair_id"]],
    )
    return rows.astype(SyntheticPairs.empty().dtypes.to_dict())


def run(
    document_table,
    pair_table,
    *,
    cleaned=None,
    built=None,
    near_duplicates=None,
    alias_table=None,
    times=(),
    frozen=(),
    origins=None,
    passages=None,
    positives=None,
    given=(),
    grades=(),
    given_mode="",
    sample=None,
    **changed,
):
    """Run the stage; `cleaned` and `built` are (documents, pairs), as collected unless given.

    `given` has (pair id, split), `grades` (pair id, grade, role).
    """
    path = Path("params.yaml")
    yaml = YAML()
    values = yaml.load(path.read_text("utf-8"))
    if given_mode:
        changed["given"] = given_mode
    values["split"].update({**DEFAULTS, **changed})
    values["run"]["sample"] = sample
    with path.open("w", encoding="utf-8") as out:
        yaml.dump(values, out)
    for stage, (of_documents, of_pairs) in {
        "collect": (document_table, pair_table),
        "clean": cleaned or (document_table, pair_table),
        "pair": built or (document_table, pair_table),
    }.items():
        tables.write(of_documents, Path(f"data/{stage}/documents.parquet"), Documents)
        tables.write(of_pairs, Path(f"data/{stage}/pairs.parquet"), Pairs)
    embedded = (built or (document_table, pair_table))[0]
    tables.write(
        whole_passages(embedded) if passages is None else passages,
        Path("data/pair/passages.parquet"),
        Passages,
    )
    tables.write(
        synthetic_table(built or (document_table, pair_table), origins or {}, positives or {}),
        Path("data/pair/synthetic_pairs.parquet"),
        SyntheticPairs,
    )
    tables.write(
        typed(times, Timestamps) if times else Timestamps.empty(),
        Path("data/collect/timestamps.parquet"),
        Timestamps,
    )
    for name, table, records in (
        ("given_splits", GivenSplits, given),
        ("grades", PairGrades, grades),
    ):
        frame = typed(records, table) if records else table.empty()
        tables.write(frame, Path(f"data/collect/{name}.parquet"), table)
    tables.write(
        NearDuplicates.empty() if near_duplicates is None else near_duplicates,
        Path("data/deduplicate/near_duplicates.parquet"),
        NearDuplicates,
    )
    tables.write(
        Aliases.empty() if alias_table is None else alias_table,
        Path("data/deduplicate/aliases.parquet"),
        Aliases,
    )
    Path("data/frozen").mkdir(parents=True, exist_ok=True)
    lines = ["id,split", *(f"{identity},{split}" for identity, split in frozen)]
    Path("data/frozen/splits.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return CliRunner().invoke(app, [])


def written(table, name) -> pd.DataFrame:
    return tables.read(Path(f"data/split/{name}.parquet"), table)


def splits() -> dict[str, str]:
    table = written(Splits, "splits")
    return dict(zip(table["id"], table["split"], strict=True))


def metrics() -> dict[str, float]:
    """Return the details as flat keys."""
    return read_details(Path("metrics/details/split.json"))


def leaks() -> dict[str, int]:
    """Return the metrics that DVC compares."""
    return json.loads(Path("metrics/split.json").read_text("utf-8"))
