"""How fast the stage `clean` is: beside datatrove doing the like, and from 10,000 to 300,000 documents.

    python bench/cleaning_speed.py [--documents 10000] [--largest 300000] [--rounds 3] [--json]

Both sides get the same plain texts (definitions of the HPO, joined at random) and one process, and are warm: lists and
models are loaded. Theirs is datatrove on documents in memory, in an environment of its own that is made in the user's
cache directory: FTFYFormatter, PIIFormatter, the three steps of sentence deduplication, GopherQualityFilter and
GopherRepetitionFilter. Ours is the stage with tables and ledger read and written. Rounds take turns; medians count.
Seconds are processor seconds, which other work on the machine changes little. Seconds and memory count worker processes.

    speedup_vs_datatrove            ours without what they have no counterpart for (typos, abbreviations, passages):
                                    documents per second, ours over theirs
    speedup_vs_datatrove_filters    the same against their formatters and filters alone, without deduplication
    speedup_with_everything         ours with its default parameters, over all of theirs
    time_growth, memory_growth      seconds per document, and peak memory, at the largest size over the smallest, with
                                    default parameters
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import bench.peers as peers
from bench.process_memory import status

ROOT = Path(__file__).parent.parent

# Runs in the peer's environment: seconds for the texts in the JSON file named first, in formatters and filters, and in
# the deduplication of sentences.
THEIRS = """
import json, sys, tempfile, time
from datatrove.data import Document
from datatrove.pipeline.dedup import SentenceDedupFilter, SentenceDedupSignature, SentenceFindDedups
from datatrove.pipeline.dedup.sentence_dedup import SentDedupConfig
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter
from datatrove.utils.logging import logger
logger.remove()
texts = json.load(open(sys.argv[1]))
formatters = (FTFYFormatter(), PIIFormatter())
filters = (GopherQualityFilter(min_doc_words=1), GopherRepetitionFilter())
config = SentDedupConfig(n_sentences=1, only_dedup_in_index=False, min_doc_words=1, min_num_sentences=0)
def run(texts):
    start = time.process_time()
    documents = [Document(text=text, id=str(at)) for at, text in enumerate(texts)]
    for document in documents:
        for one in formatters:
            document.text = one.format(document.text)
        for one in filters:
            one.filter(document)
    filtered = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        SentenceDedupSignature(folder + "/signatures", config=config).run(documents)
        SentenceFindDedups(folder + "/signatures", folder + "/found", config=config).run()
        for document in SentenceDedupFilter(folder + "/found", config=config).run(documents):
            pass
    return [filtered - start, time.process_time() - filtered]
run(texts[:50])
print(json.dumps(run(texts)))
"""


def texts(count: int) -> list[str]:
    """Return `count` documents, each of one to four definitions."""
    from stages.collect.kinds.hpo import read_ontology

    definitions = sorted(set(read_ontology("hpo").documents["text"]))
    draw = random.Random(7)
    return [" ".join(draw.choices(definitions, k=draw.randint(1, 4))) for _ in range(count)]


def write_tables(folder: Path, contents: list[str]) -> None:
    """Write what `clean` reads, under `folder`."""
    import pandas as pd

    from stages.lib.core import tables
    from stages.lib.core.ids import hash_hex
    from stages.lib.schemas.documents import Documents
    from stages.lib.schemas.pairs import Pairs

    frame = pd.DataFrame(
        {"doc_id": ["d" + hash_hex(str(at)) for at in range(len(contents))], "text": contents}
    )
    frame = frame.assign(source="bench", title="", topic="", group="")
    tables.write(
        frame.astype(Documents.empty().dtypes.to_dict()), folder / "documents.parquet", Documents
    )
    tables.write(Pairs.empty(), folder / "pairs.parquet", Pairs)


def clean_once(folder: Path, comparable: bool) -> tuple[float, float]:
    """Clean the tables under `folder` with one worker; return processor seconds and the peak in MB."""
    from stages.clean.interface import CleanParams
    from stages.clean.pipeline import PassContext, clean
    from stages.lib.core import tables
    from stages.lib.core.model_files import find_base_model
    from stages.lib.core.params import ModelParams, load_section
    from stages.lib.preprocessing.word_lists import read_abbreviations

    os.chdir(ROOT)
    params, model = load_section(CleanParams), find_base_model(load_section(ModelParams))
    if comparable:
        params = params.model_copy(
            update={"typos": "off", "abbreviations": "off", "passage_tokens": None}
        )
    glossary = read_abbreviations(Path("data/glossary/abbreviations.csv"))

    def run(folder: Path) -> float:
        start = processor_seconds()
        with tempfile.TemporaryDirectory() as scratch:
            clean(
                tables.shards(folder / "documents.parquet"),
                tables.shards(folder / "pairs.parquet"),
                context=PassContext(params, glossary, model),
                scratch=Path(scratch),
            )
        return processor_seconds() - start

    with tempfile.TemporaryDirectory() as small:
        write_tables(Path(small), texts(50))
        run(Path(small))
    seconds = run(folder)
    # The shards are cleaned by a worker process.
    of_worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    peak = max(status("VmHWM"), of_worker)
    return seconds, peak / 1024


def processor_seconds() -> float:
    """Return what this process and its ended worker processes have used."""
    return sum(os.times()[:4])


def ours(count: int, comparable: bool) -> tuple[float, float]:
    """Return what `clean_once` does for `count` documents, from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        write_tables(Path(folder), texts(count))
        command = [
            sys.executable,
            __file__,
            "--clean",
            folder,
            *(["--comparable"] if comparable else []),
        ]
        environment = {
            "PAIRSMITH_WORKERS": "1",
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        told = json.loads(peers.last_line(command, environment))
    return told[0], told[1]


def theirs(count: int) -> tuple[float, float]:
    """Return the seconds that the peer's filters, and its deduplication of sentences, need for `count` documents."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "texts.json")
        file.write_text(json.dumps(texts(count)), "utf-8")
        told = json.loads(peers.run("datatrove", peers.DATATROVE, THEIRS, str(file)))
    return told[0], told[1]


def side_by_side(count: int, rounds: int) -> dict[str, float]:
    """Return the speedups for `count` documents, medians of `rounds` in which the sides take turns."""
    alike, whole, filters, sentences = (list[float]() for _ in range(4))
    for _ in range(rounds):
        alike.append(ours(count, comparable=True)[0])
        their_filters, their_sentences = theirs(count)
        filters.append(their_filters)
        sentences.append(their_filters + their_sentences)
        whole.append(ours(count, comparable=False)[0])
    mine, default, part, peer = map(statistics.median, (alike, whole, filters, sentences))
    return {
        "speedup_vs_datatrove": peer / mine,
        "speedup_vs_datatrove_filters": part / mine,
        "speedup_with_everything": peer / default,
        "documents_per_second": count / mine,
        "documents_per_second_with_everything": count / default,
        "documents_per_second_datatrove": count / peer,
    }


def growth(smallest: int, largest: int) -> dict[str, float]:
    """Return how time per document and peak memory grow from the smallest size to the largest."""
    (seconds, megabytes), (more_seconds, more_megabytes) = (
        ours(size, False) for size in (smallest, largest)
    )
    return {
        "time_growth": (more_seconds / largest) / (seconds / smallest),
        "memory_growth": more_megabytes / megabytes,
        "megabytes_smallest": megabytes,
        "megabytes_largest": more_megabytes,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--largest", type=int, default=300_000, help="0 leaves growth out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    parser.add_argument("--clean", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--comparable", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.clean:
        print(json.dumps(clean_once(options.clean, options.comparable)))
        return
    figures = side_by_side(options.documents, options.rounds)
    if options.largest:
        figures |= growth(options.documents, options.largest)
    shown = {name: round(value, 3) for name, value in figures.items()}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{name:40} {value:g}" for name, value in shown.items())
    )


if __name__ == "__main__":
    main()
