"""How right and how fast the stage `deduplicate` is, on documents of about fifty words with planted near-duplicates.

    python bench/deduplicate.py [--documents 20000] [--timed 100000] [--largest 1000000] [--json]
                                [--parts rightness sameness peers speed]

Texts come from the docstrings of installed packages. Planted are edits of 0 to 10 % of the words, chains of edits,
copies with an empty word more, twins with doubled blanks and stops, short titles with copies, and 400 texts of one
template. Truth is an exact join of all pairs.

    precision, recall         of the near edges at Jaccard 0.8, against the exact join
    unsupported_drops         dropped documents without a kept one that equals them, or is near with nothing but empty
                              words between them
    short_texts_lost          of six different titles; templated_kept: share of the texts of the template
    copies_dropped, twins_won shares of the planted copies that go, and of the twins whose clean text stays
    output_hashes             different outputs over shuffles, shard sizes, 1, 2 and 7 workers and hash seeds
    documents_per_second      the whole stage with one worker, tables read and written, for --timed documents
    speedup_vs_datasketch     from texts in memory to verified edges, over datasketch's MinHash and LSH with the same
                              permutations, bands, shingles and check, for --documents documents on one core
    datatrove.*, text_dedup.*, semhash.*
                              the same of other tools (bench/deduplicators.py), by the ids that they keep, for a
                              quarter of --documents
    peak_memory_gb, seconds_largest, exponent
                              for --largest documents: peak of the largest process, time, and the exponent of time
                              against rows from --timed up (0 leaves all three out)

Seconds are processor seconds of all processes and threads, which other work on the machine changes little.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import bench.peers as peers
from bench.process_memory import status

ROOT = Path(__file__).parent.parent
PARTS = ("rightness", "sameness", "peers", "speed")

# Runs in the peer's environment, with this project's shingles: seconds for the texts in the JSON file named first.
THEIRS = """
import json, sys, time
sys.path.insert(0, sys.argv[2])
from datasketch import MinHash, MinHashLSH
from stages.lib.text.normal_form import jaccard, shingles
texts = json.load(open(sys.argv[1]))
start = time.process_time()
index, sets, found = MinHashLSH(num_perm=126, params=(21, 6)), [], 0
for at, text in enumerate(texts):
    sets.append(frozenset().union(*shingles(text)))
    sketch = MinHash(num_perm=126, seed=1)
    sketch.update_batch([item.encode() for item in sets[-1]])
    found += sum(jaccard(sets[other], sets[-1]) >= 0.8 for other in index.query(sketch))
    index.insert(at, sketch)
print(time.process_time() - start)
"""


def write_project(
    folder: Path, texts: Mapping[str, str], shard_rows: int, draw: random.Random
) -> None:
    """Make a project with `texts` as cleaned documents, in shards of that many rows."""
    import pandas as pd

    from stages.lib.core import tables
    from stages.lib.schemas.documents import Documents
    from stages.lib.schemas.pairs import PairGrades, Pairs
    from stages.lib.schemas.reviews import NEAR_EDGES, write_judgements

    ids = draw.sample(list(texts), len(texts))
    frame = pd.DataFrame({"doc_id": ids, "text": [texts[doc_id] for doc_id in ids]})
    frame = frame.assign(source="bench", title="", topic="", group="")
    tables.SHARD_ROWS, usual = shard_rows, tables.SHARD_ROWS
    tables.write(
        frame.astype(Documents.empty().dtypes.to_dict()),
        folder / "data/clean/documents.parquet",
        Documents,
    )
    tables.write(Pairs.empty(), folder / "data/clean/pairs.parquet", Pairs)
    tables.write(PairGrades.empty(), folder / "data/collect/grades.parquet", PairGrades)
    tables.SHARD_ROWS = usual
    for name in ("params.yaml", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())

    # Nobody has judged these texts.
    (folder / "data/review").mkdir(exist_ok=True)
    write_judgements([], folder / "data/review/near_edges.csv", NEAR_EDGES)


def run(folder: Path, workers: int, hash_seed: int = 0) -> tuple[float, float]:
    """Run the stage in `folder`; return processor seconds and the peak of its largest process in GB."""
    environment = {
        "PAIRSMITH_WORKERS": str(workers),
        "PYTHONHASHSEED": str(hash_seed),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, str(Path(__file__).resolve()), "--stage"]
    seconds, peak = json.loads(peers.last_line(command, environment, folder))
    return seconds, peak


def stage() -> None:
    """Run the stage in this process and its workers, and print processor seconds and the peak in GB."""
    import resource

    from stages.deduplicate.__main__ import main as deduplicate

    # What is loaded once is nobody's time.
    before = sum(os.times()[:4])
    deduplicate()
    seconds = sum(os.times()[:4]) - before
    of_workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps([seconds, max(status("VmHWM"), of_workers) / 2**20]))


def rightness(count: int) -> dict[str, float]:
    """Return what the stage finds and drops of what was planted among `count` documents."""
    import pandas as pd

    from bench.corpus import planted
    from stages.lib.preprocessing.word_lists import without_stopwords
    from stages.lib.text.normal_form import normal_form, shingles, similarity
    from stages.lib.text.similarity_join import similarity_join
    from stages.lib.text.strict_form import strict_form

    made = planted(count, seed=1)
    sets = {doc_id: shingles(text) for doc_id, text in made.texts.items()}
    forms = {doc_id: normal_form(text) for doc_id, text in made.texts.items()}
    first = {form: min(ids) for form, ids in pd.Series(forms).groupby(forms.get).groups.items()}
    centres = {doc_id: sets[doc_id] for doc_id in sorted(first.values())}
    truth = {(left, right) for left, right, _ in similarity_join(centres, centres, 0.8)}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_project(folder, made.texts, 4096, random.Random(1))
        run(folder, workers=2)
        near = pd.read_parquet(folder / "data/deduplicate/near_duplicates.parquet").query(
            "rule == 'near'"
        )
        aliases = pd.read_parquet(folder / "data/deduplicate/aliases.parquet")
        kept = set(pd.read_parquet(folder / "data/deduplicate/documents.parquet")["doc_id"])
    found = set(zip(near["left_id"], near["right_id"], strict=True))
    stands_for = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))

    def supported(gone: str, stays: str) -> bool:
        gone_form, stays_form = strict_form(made.texts[gone]), strict_form(made.texts[stays])
        same = without_stopwords(gone_form) == without_stopwords(stays_form)
        return stays in kept and (
            gone_form == stays_form
            or (same and similarity(made.texts[gone], made.texts[stays]) >= 0.8)
        )

    return {
        "precision": len(found & truth) / max(1, len(found)),
        "recall": len(found & truth) / max(1, len(truth)),
        "edges": float(len(truth)),
        "dropped": float(len(stands_for)),
        "unsupported_drops": float(
            sum(not supported(gone, stays) for gone, stays in stands_for.items())
        ),
        "short_texts_lost": float(
            len(made.titles) - len({forms[i] for i in kept} & {forms[i] for i in made.titles})
        ),
        "templated_kept": sum(doc_id in kept for doc_id in made.templated) / len(made.templated),
        "copies_dropped": sum((one in kept) != (other in kept) for one, other in made.copies)
        / len(made.copies),
        "twins_won": sum(clean in kept and noisy not in kept for clean, noisy in made.twins)
        / len(made.twins),
    }


def sameness(count: int) -> dict[str, float]:
    """Return how many different outputs there are over shuffles, shards, workers and hash seeds."""
    from bench.corpus import planted

    texts, outputs = planted(count, seed=2).texts, set()
    for at in range(10):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            write_project(folder, texts, (4096, 700, 97)[at % 3], random.Random(at))
            run(folder, workers=(1, 2, 7)[at % 3], hash_seed=at)
            digest = hashlib.sha256()
            for file in sorted((folder / "data/deduplicate").iterdir()):
                digest.update(file.read_bytes())
            outputs.add(digest.hexdigest())
    return {"output_hashes": float(len(outputs))}


def speed(count: int, largest: int, compared: int) -> dict[str, float]:
    """Return how fast the stage is, beside the peer, and what the largest size takes."""
    from bench.corpus import documents

    seconds, _ = timed(count, workers=1)
    texts = documents(compared, seed=3)
    rounds = [(edges(texts), peer(texts)) for _ in range(3)]  # the sides take turns; medians count
    mine, theirs = map(statistics.median, zip(*rounds, strict=True))
    figures = {
        "documents_per_second": count / seconds,
        "documents_per_second_in_memory": compared / mine,
        "documents_per_second_datasketch": compared / theirs,
        "speedup_vs_datasketch": theirs / mine,
    }
    if largest:
        larger, peak = timed(largest, workers=os.cpu_count() or 1)
        exponent = math.log(larger / seconds) / math.log(largest / count)
        figures |= {"peak_memory_gb": peak, "seconds_largest": larger, "exponent": exponent}
    return figures


def edges(texts: list[str]) -> float:
    """Return the processor seconds from texts in memory to verified edges."""
    from bench.join import joined, shingle_table

    joined(shingle_table(texts[:50]))  # what is loaded once is nobody's time
    start = time.process_time()
    joined(shingle_table(texts))
    return time.process_time() - start


def timed(count: int, workers: int) -> tuple[float, float]:
    """Return seconds and peak memory of the stage on `count` documents, a fifth of them edits of another."""
    from bench.corpus import documents, edited

    draw = random.Random(4)
    texts = documents(count - count // 5, seed=3)
    texts += [edited(text, draw.uniform(0.0, 0.1), draw) for text in texts[: count // 5]]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_project(folder, {f"d{at:016x}": text for at, text in enumerate(texts)}, 4096, draw)
        return run(folder, workers)


def peer(texts: list[str]) -> float:
    """Return the seconds that datasketch needs for `texts`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "texts.json")
        file.write_text(json.dumps(texts), "utf-8")
        return float(peers.run("datasketch", peers.DATASKETCH, THEIRS, str(file), str(ROOT)))


def others(count: int) -> dict[str, float]:
    """Return what other tools do to what is planted among `count` documents.

    A tool that cannot be installed here has no figures; a line on stderr says so.
    """
    from bench.corpus import planted
    from bench.deduplicators import PEERS, judge

    made = planted(count, seed=1)
    figures: dict[str, float] = {}
    for name, ask in PEERS.items():
        try:
            kept = ask(made.texts)
        except subprocess.CalledProcessError as error:
            print(f"{name} cannot be installed: {error}", file=sys.stderr)
            continue
        figures |= {f"{name}.{key}": value for key, value in judge(made, kept).items()}
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--timed", type=int, default=100_000)
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    parser.add_argument("--stage", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        stage()
        return
    figures: dict[str, float] = {}
    if "rightness" in options.parts:
        figures |= rightness(options.documents)
    if "sameness" in options.parts:
        figures |= sameness(options.documents // 10)
    if "peers" in options.parts:
        figures |= others(options.documents // 4)
    if "speed" in options.parts:
        figures |= speed(options.timed, options.largest, options.documents)
    shown = {name: round(value, 4) for name, value in figures.items()}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{name:36} {value:g}" for name, value in shown.items())
    )


if __name__ == "__main__":
    main()
