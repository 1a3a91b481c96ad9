"""Small tables that a reader can check by eye, and the stage run on them."""

import json
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.lib import tables
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.made import Made
from stages.lib.contracts.near import Near
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.times import Times
from stages.lib.text import hash_hex
from stages.split.__main__ import app
from stages.split.assignment import Assignment, Rows, grow
from stages.split.audit import Alike, alike
from stages.split.components import assign
from stages.split.exam import variants
from stages.split.params import SplitParams
from stages.split.ties import ties_of

LONG = "hold the small button on the back of the router for ten seconds"  # 11 shingles
DEFAULTS = {
    "train": 0.8,
    "validation": 0.1,
    "unit": "component",
    "topic_levels": None,
    "near_threshold": 0.8,
    "max_component_share": 0.05,
    "protect": [],
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
    return " ".join(hash_hex("word", str(name), str(at))[:6] for at in range(9))


def typed(rows, table) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(table.empty().columns)).astype(
        table.empty().dtypes.to_dict()
    )


def documents(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Make documents of (name, text) and, where given, group and topic."""
    made = [(name, body, *more, *[""] * (2 - len(more))) for name, body, *more in rows]
    return typed(
        [(d(name), "faq", "", body, topic, group) for name, body, group, topic in made], Documents
    )


def pairs(*rows: tuple[str, str, str], score: float = 1.0) -> pd.DataFrame:
    """Make pairs of (name, anchor, name of the document)."""
    return typed(
        [(p(name), anchor, d(about), "exact", score, "faq") for name, anchor, about in rows], Pairs
    )


def near(*rows: tuple[str, str]) -> pd.DataFrame:
    return typed([(*sorted(row), 0.9, "near") for row in rows], Near)


def aliases(*rows: tuple[str, str]) -> pd.DataFrame:
    return typed(rows, Aliases)


def rows_of(frame, asked) -> Rows:
    answers = dict(zip(asked["pair_id"], asked["doc_id"], strict=True))
    return Rows(
        variants((asked, "pair_id", "anchor")), variants((frame, "doc_id", "text")), answers
    )


def ties(frame, asked, params=PARAMS, edges=None, copies=None):
    edges, copies = (
        Near.empty() if edges is None else edges,
        Aliases.empty() if copies is None else copies,
    )
    return ties_of(edges, copies, frame, asked, params)


def assigned(frame, asked, params=EVEN, *, edges=None, copies=None, frozen=None) -> Assignment:
    rows = rows_of(frame, asked)
    return grow(
        rows, ties(frame, asked, params, edges, copies), same(rows, params), params, frozen or {}
    )


def same(rows: Rows, params: SplitParams) -> Alike:
    return alike([rows.anchors, rows.texts], params.near_threshold)


def named(split: str, count: int = 1, params: SplitParams = PARAMS) -> list[str]:
    """Return names of documents that, tied to no other, belong to `split`."""
    fitting = (
        f"{at}" for at in range(10_000) if assign(d(at), params.train, params.validation) == split
    )
    return [next(fitting) for _ in range(count)]


def told_and_asked():
    """Return six documents for training, two for validation and one for test, with a question each, and one without."""
    names = [*named("train", 6), *named("validation", 2), *named("test")]
    frame = documents(*((name, text(name)) for name in names), ("loose", text("loose")))
    return names, frame, pairs(*((name, text(name + "?"), name) for name in names))


# --- the command, in the folder of the test


def made_of(built, origins):
    """Return the Made table of pairs whose source is a recipe: each from its own document, or as `origins` say."""
    recipes = built[1][built[1]["source"].str.startswith("pair.")]
    rows = (
        recipes[["pair_id", "doc_id"]].rename(columns={"doc_id": "origin_id"}).assign(positive="")
    )
    ends = zip(rows["pair_id"], rows["origin_id"], strict=True)
    rows = rows.assign(origin_id=[origins.get(pair_id, doc_id) for pair_id, doc_id in ends])
    return rows.astype(Made.empty().dtypes.to_dict())


def run(
    frame,
    asked,
    *,
    cleaned=None,
    built=None,
    edges=None,
    copies=None,
    times=(),
    frozen=(),
    origins=None,
    **changed,
):
    """Run the stage; `cleaned` and `built` are (documents, pairs), as collected unless given."""
    path, yaml = Path("params.yaml"), YAML()
    values = yaml.load(path.read_text("utf-8"))
    values["split"].update({**DEFAULTS, **changed})
    with path.open("w", encoding="utf-8") as out:
        yaml.dump(values, out)
    for stage, (of_documents, of_pairs) in {
        "collect": (frame, asked),
        "clean": cleaned or (frame, asked),
        "pair": built or (frame, asked),
    }.items():
        tables.write(of_documents, Path(f"data/{stage}/documents.parquet"), Documents)
        tables.write(of_pairs, Path(f"data/{stage}/pairs.parquet"), Pairs)
    tables.write(
        made_of(built or (frame, asked), origins or {}), Path("data/pair/made.parquet"), Made
    )
    tables.write(
        typed(times, Times) if times else Times.empty(), Path("data/collect/times.parquet"), Times
    )
    tables.write(
        Near.empty() if edges is None else edges, Path("data/deduplicate/near.parquet"), Near
    )
    tables.write(
        Aliases.empty() if copies is None else copies,
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
    found = written(Splits, "splits")
    return dict(zip(found["id"], found["split"], strict=True))


def metrics() -> dict[str, float]:
    return json.loads(Path("metrics/split.json").read_text("utf-8"))
