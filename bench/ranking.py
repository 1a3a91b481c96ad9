"""What ranking measures cost beside the bare matrix product: search, judgement and every measure at every depth.

    python bench/ranking.py [--documents 100000] [--queries 5000] [--dimension 384] [--rounds 3] [--json]

All sides get the same random unit vectors and run in processes of their own, on one thread, taking turns; the median
of the rounds counts. Seconds are processor seconds. Ours is the exact first hundred documents of each query, ties in
order, and nDCG, MRR, MAP, recall and hit rate at seven depths. The library is the InformationRetrievalEvaluator of
sentence-transformers, with the same measures at the same depths. The bare side is the product in blocks and the hundred
best by numpy's argpartition.

    over_bare      seconds of ours over those of the bare side
    speedup        seconds of the library over ours
    peak_mb        our peak above what the process held when the vectors were loaded; memory_ratio: over the bare one's
    memory_ratio_library      our peak over that of the library
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from bench import peers
from bench.mine import BLOCK, Inputs, make
from bench.process_memory import status
from stages.lib.evaluation.ranking_metrics import DEPTH, grade_hits, mean_metrics
from stages.lib.retrieval.search import dense_search

DEPTHS = (1, 3, 5, 10, 20, 50, 100)
SIDES = ("ours", "library", "bare")


def ours(inputs: Inputs) -> None:
    """Rank and measure."""
    names = np.array([f"d{at:07}" for at in range(len(inputs.documents))])
    queries = [f"q{at}" for at in range(len(inputs.anchors))]
    qrels = {
        query: {str(names[at]): 1.0} for query, at in zip(queries, inputs.positives, strict=True)
    }
    mean_metrics(
        grade_hits(queries, dense_search(inputs.anchors, inputs.documents, DEPTH), names, qrels),
        DEPTHS,
        np.array(queries),  # a component each
        component_weight=10,
    )


def library(inputs: Inputs) -> None:
    """Rank and measure with the evaluator of sentence-transformers, which is given the vectors."""
    import torch
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    class Evaluator(InformationRetrievalEvaluator):
        def embed_inputs(self, *_: Any, **__: Any) -> Any:
            return torch.from_numpy(inputs.anchors)

    depths = list(DEPTHS)
    relevant = {f"q{at}": {f"d{row:07}"} for at, row in enumerate(inputs.positives)}
    evaluator = Evaluator(
        dict.fromkeys(relevant, ""),
        {f"d{row:07}": "" for row in range(len(inputs.documents))},
        relevant,
        mrr_at_k=depths,
        ndcg_at_k=depths,
        accuracy_at_k=depths,
        precision_recall_at_k=depths,
        map_at_k=depths,
        score_functions={"dot": lambda left, right: left @ right.T},
        write_csv=False,
    )
    vectors = torch.from_numpy(inputs.documents)
    evaluator.compute_all_metrics(cast("Any", None), corpus_embeddings=vectors)


def bare(inputs: Inputs) -> None:
    """Multiply, and take the best."""
    for start in range(0, len(inputs.anchors), BLOCK):
        scores = inputs.anchors[start : start + BLOCK] @ inputs.documents.T
        np.argpartition(scores, scores.shape[1] - DEPTH, axis=1)[:, -DEPTH:]


def measure(side: str, folder: Path) -> None:
    """Run one side on the inputs in `folder`; print its seconds and its peak in MB."""
    inputs = Inputs(*(np.load(folder / f"{name}.npy") for name in Inputs._fields))
    run = {"ours": ours, "library": library, "bare": bare}[side]
    run(
        make(2000, 20, inputs.documents.shape[1])
    )  # what is loaded at the first call is not measured
    held = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew from here
    start = time.process_time()
    run(inputs)
    print(json.dumps([time.process_time() - start, (status("VmHWM") - held) / 1024]))


def side_by_side(documents: int, queries: int, dimension: int, rounds: int) -> dict[str, float]:
    """Return the figures, from `rounds` rounds."""
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    peaks: dict[str, list[float]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, values in make(documents, queries, dimension)._asdict().items():
            np.save(folder / f"{name}.npy", values)
        for _ in range(rounds):
            for side in SIDES:
                command = [sys.executable, __file__, "--side", side, "--folder", str(folder)]
                threads = dict.fromkeys(
                    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
                )
                taken, peak = json.loads(peers.last_line(command, threads, Path.cwd()))
                seconds[side].append(taken)
                peaks[side].append(peak)
    median, peak = (
        {side: statistics.median(found[side]) for side in SIDES} for found in (seconds, peaks)
    )
    return {
        "over_bare": median["ours"] / median["bare"],
        "speedup": median["library"] / median["ours"],
        "ours_seconds": median["ours"],
        "library_seconds": median["library"],
        "bare_seconds": median["bare"],
        "peak_mb": peak["ours"],
        "memory_ratio": peak["ours"] / peak["bare"],
        "memory_ratio_library": peak["ours"] / peak["library"],
    }


def main() -> None:
    """Measure and print a figure a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=5_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    options = parser.parse_args()
    if options.side:
        measure(options.side, options.folder)
        return
    told = side_by_side(options.documents, options.queries, options.dimension, options.rounds)
    shown = {key: round(value, 4) for key, value in told.items()}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{key:16} {value:g}" for key, value in shown.items())
    )


if __name__ == "__main__":
    main()
