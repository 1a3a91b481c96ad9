"""How fast the stage `clean` is: against datatrove's comparable filters, and from 10,000 to 300,000 documents.

    python bench/cleaning_speed.py [--documents 10000] [--largest 300000] [--json]

Both sides get the same plain texts (definitions of the HPO, joined at random) and one process. Ours is the whole
stage with its default parameters, tables read and written. Theirs are the formatter for broken encodings, the one for
private data, and the filters for quality and repetition, on documents in memory, in an environment of their own that
is made in the user's cache directory. `speedup_vs_datatrove` is documents per second, ours over theirs;
`time_growth` is seconds per document at the largest size over the smallest; `memory_growth` likewise for the peak.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
ENVIRONMENT = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "pairsmith", "bench", "datatrove")
PEER = ("datatrove==0.10.1", "xxhash<4", "spacy==3.8.18", "regex", "nltk", "ftfy==6.3.1")

# Runs in the peer's environment: seconds for the texts in the JSON file named first.
THEIRS = """
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter
texts = json.load(open(sys.argv[1]))
formatters = (FTFYFormatter(), PIIFormatter())
filters = (GopherQualityFilter(min_doc_words=1), GopherRepetitionFilter())
def run(texts):
    for at, text in enumerate(texts):
        document = Document(text=text, id=str(at))
        for formatter in formatters:
            document.text = formatter.format(document.text)
        for one in filters:
            one.filter(document)
run(texts[:50])
start = time.perf_counter()
run(texts)
print(time.perf_counter() - start)
"""


def texts(count: int) -> list[str]:
    """Return `count` documents, each of one to four definitions."""
    from stages.collect.hpo import read
    from stages.lib.ledger import Ledger

    definitions = sorted(set(read("hpo", Ledger()).documents["text"]))
    draw = random.Random(7)
    return [" ".join(draw.choices(definitions, k=draw.randint(1, 4))) for _ in range(count)]


def write_tables(folder: Path, contents: list[str]) -> None:
    """Write what `clean` reads, under `folder`."""
    import pandas as pd

    from stages.lib import tables
    from stages.lib.contracts.documents import Documents
    from stages.lib.contracts.pairs import Pairs
    from stages.lib.text import hash_hex

    frame = pd.DataFrame({"doc_id": ["d" + hash_hex(str(at)) for at in range(len(contents))], "text": contents})
    frame = frame.assign(source="bench", title="", topic="", group="")
    tables.write(frame.astype(Documents.empty().dtypes.to_dict()), folder / "documents.parquet", Documents)
    tables.write(Pairs.empty(), folder / "pairs.parquet", Pairs)


def clean_once(folder: Path) -> tuple[float, float]:
    """Clean the tables under `folder` with one process; return seconds and the peak in MB."""
    from stages.clean.corpus import clean
    from stages.clean.params import CleanParams
    from stages.lib.glossary import read_abbreviations
    from stages.lib.models import find_model
    from stages.lib.params import Model, load

    os.chdir(ROOT)
    params, given, model = load(CleanParams), read_abbreviations(Path("data/glossary/abbreviations.csv")), load(Model)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        clean(folder / "documents.parquet", folder / "pairs.parquet", params, given, find_model(model), Path(scratch))
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(count: int) -> tuple[float, float]:
    """Return what `clean_once` does for `count` documents, from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        write_tables(Path(folder), texts(count))
        done = subprocess.run(
            [sys.executable, __file__, "--clean", folder],
            env={**os.environ, "PAIRSMITH_WORKERS": "1", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    seconds, megabytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, megabytes


def theirs(count: int) -> float:
    """Return the seconds that the peer needs for `count` documents."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEER], check=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "texts.json")
        file.write_text(json.dumps(texts(count)), "utf-8")
        done = subprocess.run(
            [str(python), "-c", THEIRS, str(file)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--largest", type=int, default=300_000)
    parser.add_argument("--json", action="store_true", help="print one flat JSON object as the last line")
    parser.add_argument("--clean", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.clean:
        print(json.dumps(clean_once(options.clean)))
        return
    seconds, megabytes = ours(options.documents)
    peer = theirs(options.documents)
    figures = {
        "speedup_vs_datatrove": peer / seconds,
        "documents_per_second": options.documents / seconds,
        "documents_per_second_datatrove": options.documents / peer,
        "megabytes": megabytes,
    }
    if options.largest > options.documents:
        more_seconds, more_megabytes = ours(options.largest)
        figures["time_growth"] = (more_seconds / options.largest) / (seconds / options.documents)
        figures["memory_growth"] = more_megabytes / megabytes
        figures["megabytes_largest"] = more_megabytes
    shown = {name: round(value, 3) for name, value in figures.items()}
    print(json.dumps(shown) if options.json else "\n".join(f"{name:32} {value:g}" for name, value in shown.items()))


if __name__ == "__main__":
    main()
