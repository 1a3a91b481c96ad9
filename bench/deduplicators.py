"""Other deduplicators, each in an environment of its own: which of the planted texts they keep."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import bench.peers as peers

if TYPE_CHECKING:
    from bench.corpus import Planted

TEXT_DEDUP = ("text-dedup==0.4.0",)
SEMHASH = ("semhash==0.5.0",)

# Its four steps with its defaults. As the others it prints the ids that stay and the seconds.
DATATROVE = """
import json, os, sys, tempfile
from datatrove.data import Document
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
)
from datatrove.utils.logging import logger
logger.remove()
texts = json.load(open(sys.argv[1]))
config = MinhashConfig()
with tempfile.TemporaryDirectory() as folder:
    start = sum(os.times()[:4])
    documents = [Document(text=text, id=identity) for identity, text in texts.items()]
    MinhashDedupSignature(folder + "/signatures", config=config).run(documents, 0, 1)
    for bucket in range(config.num_buckets):
        step = MinhashDedupBuckets(folder + "/signatures", folder + "/buckets", config=config)
        step.run(None, bucket, config.num_buckets)
    MinhashDedupCluster(folder + "/buckets", folder + "/remove", config=config).run(None, 0, 1)
    kept = [document.id for document in MinhashDedupFilter(folder + "/remove").run(documents, 0, 1)]
    print(json.dumps([kept, sum(os.times()[:4]) - start]))
"""

# Its MinHash with the threshold and the 3-grams of words that this project has, else with its defaults.
TEXT_DEDUP_MINHASH = """
import json, os, sys, tempfile
from datasets import load_from_disk
from text_dedup.minhash import main
texts = json.load(open(sys.argv[1]))
with tempfile.TemporaryDirectory() as folder:
    with open(folder + "/texts.jsonl", "w") as rows:
        for identity, text in texts.items():
            print(json.dumps({"name": identity, "text": text}), file=rows)
    start = sum(os.times()[:4])
    main(
        ["--path", "json", "--data_files", folder + "/texts.jsonl", "--split", "train", "--column", "text"]
        + ["--cache_dir", folder + "/cache", "--output", folder + "/out", "--num_proc", "1"]
        + ["--ngram", "3", "--threshold", "0.8"],
        standalone_mode=False,
    )
    seconds = sum(os.times()[:4]) - start
    print(json.dumps([load_from_disk(folder + "/out")["name"][:], seconds]))
"""

# Cosine 0.9, its default, on the vectors of the base model, which the file named second holds. Encoding is not timed.
SEMHASH_EMBEDDINGS = """
import json, os, sys
import numpy as np
from semhash import SemHash
texts = json.load(open(sys.argv[1]))
vectors = np.load(sys.argv[2])
class Given:
    def encode(self, inputs, **options):
        raise RuntimeError("all vectors are given")
start = sum(os.times()[:4])
records = [{"name": identity, "text": text} for identity, text in texts.items()]
found = SemHash.from_embeddings(vectors, records, Given(), columns=["text"]).self_deduplicate()
print(json.dumps([[record["name"] for record in found.selected], sum(os.times()[:4]) - start]))
"""


class Kept(NamedTuple):
    """The ids that a tool keeps, and the seconds that it needs."""

    ids: list[str]
    seconds: float


def datatrove(texts: Mapping[str, str]) -> Kept:
    """Return what datatrove's MinHash pipeline keeps."""
    return _ask("datatrove", peers.DATATROVE, DATATROVE, texts)


def text_dedup(texts: Mapping[str, str]) -> Kept:
    """Return what text-dedup's MinHash keeps."""
    return _ask("text-dedup", TEXT_DEDUP, TEXT_DEDUP_MINHASH, texts)


def semhash(texts: Mapping[str, str]) -> Kept:
    """Return what semhash keeps, on the vectors of the default base model."""
    import numpy as np

    from stages.lib.core.model_files import find_base_model
    from stages.lib.core.params import ModelParams, load_section
    from stages.lib.retrieval.encoder import Encoder

    vectors = Encoder(find_base_model(load_section(ModelParams))).encode(list(texts.values()))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "vectors.npy")
        np.save(file, vectors)
        return _ask("semhash", SEMHASH, SEMHASH_EMBEDDINGS, texts, str(file))


PEERS: dict[str, Callable[[Mapping[str, str]], Kept]] = {
    "datatrove": datatrove,
    "text_dedup": text_dedup,
    "semhash": semhash,
}


def judge(made: Planted, kept: Kept) -> dict[str, float]:
    """Return what became of the planted texts, as rightness() of bench/deduplicate.py has it of this project.

    A drop is unsupported when no text that stays is near the one that went.
    """
    from stages.lib.text.normal_form import normal_form, shingles
    from stages.lib.text.similarity_join import similarity_join

    stays, ids = {doc_id: shingles(made.texts[doc_id]) for doc_id in kept.ids}, set(kept.ids)
    gone = {doc_id: shingles(text) for doc_id, text in made.texts.items() if doc_id not in ids}
    supported = {left for left, _, _ in similarity_join(gone, stays, 0.8)}
    titles = {normal_form(made.texts[doc_id]) for doc_id in made.titles}
    return {
        "dropped": float(len(gone)),
        "unsupported_drops": float(len(gone) - len(supported)),
        "short_texts_lost": float(
            len(titles - {normal_form(made.texts[doc_id]) for doc_id in kept.ids})
        ),
        "templated_kept": sum(doc_id in ids for doc_id in made.templated) / len(made.templated),
        "documents_per_second": len(made.texts) / kept.seconds,
    }


def _ask(
    name: str, packages: tuple[str, ...], script: str, texts: Mapping[str, str], *more: str
) -> Kept:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "texts.json")
        file.write_text(json.dumps(texts), "utf-8")
        return Kept(*json.loads(peers.run(name, packages, script, str(file), *more)))
