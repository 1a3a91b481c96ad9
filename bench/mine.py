"""How fast and how lean our miner is, beside sentence-transformers' mine_hard_negatives and the bare matrix product.

    python bench/mine.py [--documents 100000] [--anchors 20000] [--dimension 384] [--rounds 1] [--json]

All sides get the same corpus, the same vectors (made up, in clusters, so that many documents lie near a positive) and
the same rules: exact dense search, four negatives an anchor, the hardest, at least 5 % below the weakest positive. Each
runs in a process of its own, on one thread; the sides take turns, and the median of the rounds counts. Seconds
are processor seconds.

    speedup       seconds of mine_hard_negatives over ours
    over_bare     ours over the bare product: vectors times vectors in blocks, and the k best by numpy's argpartition
    memory_ratio  our peak over theirs, above what the process held when texts and vectors were loaded
    agreement     share of the anchors with the same negatives; where scores are equal to six decimals, either may stand
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from bench import peers
from bench.process_memory import status

NEGATIVES, CANDIDATES, MARGIN, BLOCK = 4, 50, 0.05, 256
SIDES = ("ours", "theirs", "bare")


class Inputs(NamedTuple):
    """Unit vectors (documents, dimension) and (anchors, dimension), and the number of each anchor's document."""

    documents: np.ndarray[Any, np.dtype[np.float32]]
    anchors: np.ndarray[Any, np.dtype[np.float32]]
    positives: np.ndarray[Any, np.dtype[np.int64]]


def make(documents: int, anchors: int, dimension: int) -> Inputs:
    """Return vectors in clusters of about twenty documents; an anchor lies near its document, and so its cluster."""
    random = np.random.default_rng(13)

    def unit(
        vectors: np.ndarray[Any, np.dtype[np.float32]],
    ) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.asarray(
            vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32
        )

    def noise(count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        return unit(random.standard_normal((count, dimension), dtype=np.float32))

    centres = noise(max(1, documents // 20))
    found = unit(centres[random.integers(0, len(centres), documents)] + noise(documents))
    positives = random.integers(0, documents, anchors)
    return Inputs(found, unit(found[positives] + 0.9 * noise(anchors)), positives)


def texts(inputs: Inputs) -> tuple[list[str], list[str]]:
    """Return a text for each document and anchor, all different."""
    asked = [f"anchor {at}" for at in range(len(inputs.anchors))]
    return [f"document {at}" for at in range(len(inputs.documents))], asked


def ours(inputs: Inputs) -> Callable[[], list[dict[int, float]]]:
    """Return our miner, ready to run: it gives each anchor's negatives with their scores."""
    import pandas as pd

    from stages.lib.text.normal_form import hash_of_form, normal_form
    from stages.mine.corpus import MiningCorpus
    from stages.mine.interface import MineParams
    from stages.mine.mining import mine
    from stages.mine.relations import KnownRelations, known_positives

    said, asked = texts(inputs)
    ids = [f"d{at:016x}" for at in range(len(said))]
    pair_ids = [f"p{at:016x}" for at in range(len(asked))]
    pairs = pd.DataFrame(
        {"pair_id": pair_ids, "anchor": asked, "doc_id": [ids[at] for at in inputs.positives]}
    )
    params = MineParams(
        negatives=NEGATIVES,
        miners=["dense"],
        candidates=CANDIDATES,
        index="exact",
        relative_margin=MARGIN,
        absolute_margin=None,
        cross_encoder=None,
        cross_encoder_sha256="",
        cross_encoder_rule="refuse",
        near_positives="keep",
        exclude_relatives="off",
        skip_first=0,
        sampling="hardest",
        judged_negatives=400,
    )

    def run() -> list[dict[int, float]]:
        hash_of_document = {
            doc_id: hash_of_form(normal_form(text)) for doc_id, text in zip(ids, said, strict=True)
        }
        corpus = MiningCorpus.from_passages(
            ids,
            [[text] for text in said],
            inputs.documents,
            hash_of_document=hash_of_document,
            searched=len(ids),
        )
        relations = KnownRelations(known_positives(pairs, {}), {}, {}, {})
        rows = mine(pairs, inputs.anchors, corpus, relations, params=params, seed=13).rows
        return [
            {int(doc_id[1:], 16): score for doc_id, score in zip(found, scores, strict=True)}
            for found, scores in zip(rows["negative_ids"], rows["negative_scores"], strict=True)
        ]

    return run


def theirs(inputs: Inputs) -> Callable[[], list[dict[int, float]]]:
    """Return mine_hard_negatives, ready to run over a model that gives the vectors as they are."""
    import torch
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives, pairwise_cos_sim

    said, asked = texts(inputs)

    class Given:
        device = torch.device("cpu")

        def encode_document(self, given: list[str], **_: Any) -> Any:
            return inputs.documents

        def encode_query(self, given: list[str], **_: Any) -> Any:
            return inputs.anchors

        def similarity(self, left: Any, right: Any) -> Any:
            return torch.as_tensor(left) @ torch.as_tensor(right).T

        def similarity_pairwise(self, left: Any, right: Any) -> Any:
            return pairwise_cos_sim(torch.as_tensor(left), torch.as_tensor(right))

    pairs = Dataset.from_dict({"anchor": asked, "positive": [said[at] for at in inputs.positives]})

    def run() -> list[dict[int, float]]:
        mined = mine_hard_negatives(
            pairs,
            cast("Any", Given()),
            corpus=said,
            relative_margin=MARGIN,
            num_negatives=NEGATIVES,
            range_max=CANDIDATES,
            output_format="labeled-list",
            output_scores=True,
            verbose=False,
        )
        found: list[dict[int, float]] = [{} for _ in asked]
        for anchor, candidates, scores in zip(
            mined["anchor"], mined["positive"], mined["scores"], strict=True
        ):
            negatives = zip(candidates[1:], scores[1:], strict=True)
            found[int(anchor.split()[1])] = {
                int(text.split()[1]): score for text, score in negatives
            }
        return found

    return run


def bare(inputs: Inputs) -> Callable[[], list[dict[int, float]]]:
    """Return the product in blocks with the same number of best documents, and nothing else."""

    def run() -> list[dict[int, float]]:
        for start in range(0, len(inputs.anchors), BLOCK):
            scores = inputs.anchors[start : start + BLOCK] @ inputs.documents.T
            np.argpartition(scores, scores.shape[1] - CANDIDATES, axis=1)[:, -CANDIDATES:]
        return []

    return run


def measure(side: str, folder: Path) -> None:
    """Run one side on the inputs in `folder`, write what it found there, and print its seconds and peak in MB."""
    inputs = Inputs(*(np.load(folder / f"{name}.npy") for name in Inputs._fields))
    run = {"ours": ours, "theirs": theirs, "bare": bare}[side](inputs)
    run_small(side)
    held = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew from here
    start = time.process_time()
    found = run()
    seconds = time.process_time() - start
    (folder / f"{side}.json").write_text(
        json.dumps([sorted(one.items()) for one in found]), "utf-8"
    )
    print(json.dumps([seconds, (status("VmHWM") - held) / 1024]))


def run_small(side: str) -> None:
    """Run a side on a few rows first: what is loaded once is nobody's time or memory."""
    {"ours": ours, "theirs": theirs, "bare": bare}[side](make(500, 100, 16))()


def agreement(left: list[list[tuple[int, float]]], right: list[list[tuple[int, float]]]) -> float:
    """Return the share of anchors whose negatives are the same, but for ones that score equal to six decimals."""
    same = 0
    for one, other in zip(left, right, strict=True):
        only = [
            dict(mine).keys() - dict(their).keys() for mine, their in ((one, other), (other, one))
        ]
        scores = [
            sorted(dict(side)[at] for at in ids)
            for side, ids in zip((one, other), only, strict=True)
        ]
        same += len(scores[0]) == len(scores[1]) and all(
            abs(a - b) < 2e-6 for a, b in zip(*scores, strict=True)
        )
    return same / len(left)


def compare(documents: int, anchors: int, dimension: int, rounds: int) -> dict[str, float]:
    """Return the figures."""
    environment = {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TQDM_DISABLE": "1",
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, array in make(documents, anchors, dimension)._asdict().items():
            np.save(folder / f"{name}.npy", array)
        told: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
        for _ in range(rounds):
            for side in SIDES:
                command = [
                    sys.executable,
                    str(Path(__file__).resolve()),
                    "--side",
                    side,
                    "--folder",
                    str(folder),
                ]
                told[side].append(json.loads(peers.last_line(command, environment)))
        found = [
            json.loads((folder / f"{side}.json").read_text("utf-8")) for side in ("ours", "theirs")
        ]
    seconds = {side: statistics.median(one for one, _ in told[side]) for side in SIDES}
    memory = {side: statistics.median(peak for _, peak in told[side]) for side in SIDES}
    return {
        "speedup": seconds["theirs"] / seconds["ours"],
        "over_bare": seconds["ours"] / seconds["bare"],
        "memory_ratio": memory["ours"] / memory["theirs"],
        "agreement": agreement(*found),
        "negatives_per_anchor": sum(map(len, found[0])) / anchors,
        **{f"seconds.{side}": value for side, value in seconds.items()},
        **{f"peak_mb.{side}": value for side, value in memory.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--anchors", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        measure(options.side, options.folder)
        return
    figures = compare(options.documents, options.anchors, options.dimension, options.rounds)
    shown = {name: round(value, 4) for name, value in figures.items()}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{name:24} {value:g}" for name, value in shown.items())
    )


if __name__ == "__main__":
    main()
