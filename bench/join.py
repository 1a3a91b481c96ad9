"""The near-duplicate join beside other ways to the same edges, each in a process of its own, in one run.

    python bench/join.py [--documents 50000 200000] [--crowd 50000] [--questions 30000]
                         [--sides join rensa] [--json]

Texts are those of bench/corpus.py, a fifth of them planted near-duplicates, each normal form once. `default` stands
for the cleaned documents and anchors of the default data, --crowd for texts of one template, and --questions for short
texts of few words.

    join                      `join_sets`, in the embedded database
    partitions                the same edges by `join_in_partitions`, four of them, on the processes of this machine
    posting_lists             the same edges by posting lists in Python, as before the database
    rensa                     MinHash signatures, 21 bands of 6 rows, candidates verified. Not by default:
                              it needs `pip install rensa==0.5.0`

    NAME.SIDE.cpu_seconds     processor time after shingling, with that of workers, and NAME.SIDE.seconds of the clock
    NAME.SIDE.peak_gb         peak memory of the process, shingles included
    NAME.SIDE.edges, recall   edges, and their share of those of `posting_lists` or, without that, of `join`
    NAME.SIDE.same            1 if edges and similarities are those of `posting_lists`
    NAME.shingling_cpu_seconds
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from bench.process_memory import status

ROOT = Path(__file__).parent.parent

# The last commit that joined by posting lists in Python.
BEFORE = "9598557"


def texts_of(name: str) -> list[str]:
    """Return the normal forms of a set of texts, each once, sorted."""
    from stages.lib.text.normal_form import normal_form

    if name == "default":
        import pandas as pd

        documents = pd.read_parquet(ROOT / "data/clean/documents.parquet")
        pairs = pd.read_parquet(ROOT / "data/clean/pairs.parquet")
        texts = [*documents["text"], *pairs["anchor"]]
    elif name.startswith("crowd"):
        texts = templated(int(name.removeprefix("crowd")))
    elif name.startswith("questions"):
        from bench.corpus import questions

        texts = questions(int(name.removeprefix("questions")), seed=1)
    else:
        from bench.corpus import planted

        texts = list(planted(int(name) * 4 // 5, seed=1).texts.values())
    return sorted({normal_form(text) for text in texts})


def templated(count: int) -> list[str]:
    """Return `count` texts that differ in a word and a number."""
    from bench.corpus import documents, sentences

    draw, template = random.Random(5), documents(1, 9)[0]
    words = [draw.choice(sentences()).split()[at % 3] for at in range(count)]
    return [f"{template} This applies to the setting {w} {at} alone." for at, w in enumerate(words)]


def shingle_table(texts: list[str]) -> Any:
    """Return the table of shingle sets that `join_sets` reads; a row is a text."""
    import pyarrow as arrow

    from stages.lib.text.hashed_shingles import hashed_shingles
    from stages.lib.text.normal_form import normal_form
    from stages.lib.text.similarity_join import SET_SCHEMA

    rows, batches = list[int](), list[Any]()
    for start in range(0, len(texts), 4096):
        sets = hashed_shingles([normal_form(text) for text in texts[start : start + 4096]])
        rows += [start + at for at, of_text in enumerate(sets) for _ in of_text]
        flat = [items for of_text in sets for items in of_text]
        batches.append(arrow.array(flat, arrow.list_(arrow.uint64())))
    columns = [arrow.array(range(len(rows))), arrow.array(rows, arrow.int64())]
    return arrow.Table.from_arrays([*columns, arrow.chunked_array(batches)], schema=SET_SCHEMA)


def joined(table: Any) -> list[tuple[int, int, float]]:
    """Return the edges of the join of the product."""
    from stages.lib.text.similarity_join import join_sets

    edges = join_sets(table, None, 0.8)
    return list(
        zip(edges.left.tolist(), edges.right.tolist(), edges.similarity.tolist(), strict=True)
    )


def read_part(path: Path) -> Any:
    """Yield the shingle sets of a file."""
    import pyarrow.parquet as parquet

    yield from parquet.read_table(path).to_batches()


def in_partitions(table: Any) -> list[tuple[int, int, float]]:
    """Return the edges of the join in four partitions."""
    import pyarrow.parquet as parquet

    from stages.deduplicate.partitioned_join import join_in_partitions

    with tempfile.TemporaryDirectory() as temporary:
        parts = []
        for start in range(0, table.num_rows, 4096):
            path = Path(temporary, f"part-{start}.parquet")
            parquet.write_table(table.slice(start, 4096), path)
            parts.append(partial(read_part, path))
        edges = join_in_partitions(parts, 0.8, "jaccard", count=4, scratch=Path(temporary, "files"))
    return list(
        zip(edges.left.tolist(), edges.right.tolist(), edges.similarity.tolist(), strict=True)
    )


def by_posting_lists(table: Any) -> list[tuple[int, int, float]]:
    """Return the edges of the join as it was before."""
    namespace: dict[str, Any] = {"__name__": "before"}
    source = subprocess.run(
        ["git", "show", f"{BEFORE}:stages/lib/text/similarity_join.py"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    exec(compile(source, "similarity_join.py", "exec"), namespace)
    sets: dict[str, list[list[int]]] = {}
    columns = zip(table.column("row_index").to_pylist(), table.column("shingles"), strict=True)
    for row, items in columns:
        sets.setdefault(f"{row:09}", []).append(items.as_py())
    edges = namespace["similarity_join"](sets, sets, 0.8)
    return [(int(left), int(right), value) for left, right, value in edges]


def by_rensa(table: Any) -> list[tuple[int, int, float]]:
    """Return the verified edges of MinHash with bands."""
    minhash = importlib.import_module("rensa").RMinHash
    column = table.column("shingles").combine_chunks()
    hashes = column.flatten().to_numpy()
    starts = column.offsets.to_numpy().astype(np.uint64)
    digests = minhash.digest_matrix_from_flat_token_hashes(hashes, starts, 126, 20260101)
    bands = np.array(digests.to_rows(), dtype=np.uint64).reshape(len(column), 21, 6)
    pairs: set[tuple[int, int]] = set()
    for band in range(21):
        _, group_of_set = np.unique(bands[:, band], axis=0, return_inverse=True)
        order = np.argsort(group_of_set.ravel(), kind="stable")
        cuts = np.flatnonzero(np.diff(group_of_set.ravel()[order])) + 1
        for group in np.split(order, cuts):
            members = group.tolist()
            pairs.update((a, b) for at, a in enumerate(members) for b in members[at + 1 :])
    rows = table.column("row_index").to_pylist()
    best: dict[tuple[int, int], float] = {}
    for first, second in sorted(pairs):
        left = set(hashes[starts[first] : starts[first + 1]].tolist())
        right = set(hashes[starts[second] : starts[second + 1]].tolist())
        shared = len(left & right)
        value = shared / (len(left) + len(right) - shared)
        key = (rows[first], rows[second])
        if value >= 0.8 and key[0] != key[1]:
            best[key] = max(value, best.get(key, 0.0))
    return [(*key, best[key]) for key in sorted(best)]


SIDES: dict[str, Callable[[Any], list[tuple[int, int, float]]]] = {
    "posting_lists": by_posting_lists,
    "join": joined,
    "partitions": in_partitions,
    "rensa": by_rensa,
}


def work(table_file: Path, side: str, out: Path) -> None:
    """Run one side on the shingles in a file, in this process, and print what it took."""
    import pyarrow.parquet as parquet

    table = parquet.read_table(table_file)
    processor, clock = sum(os.times()[:4]), time.perf_counter()
    edges = SIDES[side](table)
    figures = {
        "cpu_seconds": sum(os.times()[:4]) - processor,
        "seconds": time.perf_counter() - clock,
        "peak_gb": status("VmHWM") / 2**20,
        "edges": float(len(edges)),
    }
    out.write_text(json.dumps(edges), "utf-8")
    print(json.dumps(figures))


def compare(name: str, sides: list[str]) -> dict[str, float]:
    """Return the figures of all sides on one set of texts."""
    import pyarrow.parquet as parquet

    figures: dict[str, float] = {}
    results: dict[str, set[tuple[int, int, float]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        texts = texts_of(name)
        start = time.process_time()
        parquet.write_table(shingle_table(texts), folder / "shingles.parquet")
        figures[f"{name}.texts"] = float(len(texts))
        figures[f"{name}.shingling_cpu_seconds"] = time.process_time() - start
        for side in sides:
            command = [sys.executable, str(Path(__file__).resolve()), "--work", side]
            files = [str(folder / "shingles.parquet"), str(folder / "edges.json")]
            done = subprocess.run([*command, *files], capture_output=True, check=True, text=True)
            measured: Mapping[str, float] = json.loads(done.stdout.splitlines()[-1])
            figures |= {f"{name}.{side}.{key}": value for key, value in measured.items()}
            edges = json.loads((folder / "edges.json").read_text("utf-8"))
            results[side] = {tuple(edge) for edge in edges}
    truth = results[sides[0]]
    for side, result in results.items():
        figures[f"{name}.{side}.recall"] = len(result & truth) / max(1, len(truth))
        figures[f"{name}.{side}.same"] = float(result == truth)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", nargs="*", default=["default", "50000", "200000"])
    parser.add_argument("--crowd", type=int, default=50_000)
    parser.add_argument("--questions", type=int, nargs="*", default=[])
    parser.add_argument(
        "--sides", nargs="+", default=["posting_lists", "join"], choices=list(SIDES)
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        side, table_file, out = options.work
        work(Path(table_file), side, Path(out))
        return
    figures: dict[str, float] = {}
    for name in [*options.documents, *(f"questions{count}" for count in options.questions)]:
        figures |= compare(name, options.sides)
    if options.crowd:
        figures |= compare(f"crowd{options.crowd}", ["join"])
    shown = {name: round(value, 4) for name, value in figures.items()}
    lines = [f"{name:44} {value:g}" for name, value in shown.items()]
    print(json.dumps(shown) if options.json else "\n".join(lines))


if __name__ == "__main__":
    main()
