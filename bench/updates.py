"""The share of the embedding work that a change of some documents costs.

    python bench/updates.py --model FOLDER [--documents 100000] [--share 0.01] [--json]

The stages up to `validate` run twice in a copy of the project, with one cache of embeddings that
begins empty. Before the second time a share of the documents, drawn by a seed, gets another
paragraph. The texts are those of `bench/pipeline.py`, the model is a static one as
`bench/static_model.py` makes it. Which texts are computed does not depend on the model.

    first.texts     texts that the first run computed: each once, though several stages need it
    second.texts    texts that the second run computed
    second.share    second.texts over first.texts
    unchanged.texts texts that a third run without a change computed
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import corpus, pipeline, trials

STAGES = (*pipeline.STAGES, "augment", "mine", "validate")


def cached_texts(cache: Path) -> int:
    """Return how many embeddings a cache holds."""
    (file,) = cache.rglob("*.sqlite")
    with closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    return int(count)


def change(path: Path, share: float) -> int:
    """Give a share of the documents another last paragraph, and return how many they are."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    chosen = random.Random(2).sample(range(len(rows)), round(len(rows) * share))

    # Paragraphs of another seed are in no other document.
    paragraphs = corpus.documents(len(chosen), seed=2)
    for index, paragraph in zip(chosen, paragraphs, strict=True):
        kept = rows[index]["text"].split("\n\n")[:-1]
        rows[index]["text"] = "\n\n".join([*kept, paragraph])

    lines = [json.dumps(row) + "\n" for row in rows]
    path.write_text("".join(lines), "utf-8")
    return len(chosen)


def measure(count: int, share: float, words: int, model: Path) -> dict[str, float]:
    """Return the figures for `count` documents of which a share is changed."""
    with tempfile.TemporaryDirectory() as folder:
        project, cache = Path(folder) / "project", Path(folder) / "cache"
        trials.copy(project, pipeline.changed_params(model), pipeline.GIVEN)
        (project / "data/raw").mkdir()
        raw = project / "data/raw/documents.jsonl"
        pipeline.write_source(raw, count, words)

        # The first run fills the cache.
        for stage in STAGES:
            trials.run(project, stage, cache)
        first = cached_texts(cache)

        # The second run computes what is new.
        changed = change(raw, share)
        for stage in STAGES:
            trials.run(project, stage, cache)
        second = cached_texts(cache) - first

        # The third run computes nothing.
        for stage in STAGES:
            trials.run(project, stage, cache)
        third = cached_texts(cache) - first - second

    return {
        "documents": count,
        "changed.documents": changed,
        "first.texts": first,
        "second.texts": second,
        "second.share": round(second / first, 5),
        "unchanged.texts": third,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    figures = measure(options.documents, options.share, options.words, options.model)
    if options.json:
        print(json.dumps(figures))
        return

    for name, value in figures.items():
        print(f"{name:<18} {value:,}")


if __name__ == "__main__":
    main()
