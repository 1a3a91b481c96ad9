"""Small sources with recurring lines, cleaned by the passes of the stage."""

from pathlib import Path

import pandas as pd

from stages.clean.boilerplate_model import recurring_lines
from stages.clean.pipeline import MergedParts, PassContext, clean
from stages.lib.core import tables
from stages.lib.core.tables import Shard
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.pairs import Pairs
from tests.clean.corpus import PARAMS, documents

OFF = PARAMS.model_copy(
    update={
        "boilerplate_share": 0.1,
        "boilerplate_min_documents": 4,
        "typos": "off",
        "abbreviations": "off",
        "private_data": "off",
        "max_symbol_share": None,
        "max_repetition": None,
        "max_document_characters": 20_000,
    }
)


def clean_source(texts: list[str], folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return `texts` as the stage cleans them, and line to verdict."""
    frame = documents(*texts)
    read = folder / "read.parquet"
    none = folder / "none.parquet"
    tables.write(frame, read, Documents)
    tables.write(Pairs.empty(), none, Pairs)
    context = PassContext(OFF, Abbreviations({}, {}), None)
    corpus = clean([Shard(read)], [Shard(none)], context, folder / "scratch")

    written = folder / "written.parquet"
    MergedParts([corpus.documents]).write(written, Documents)
    cleaned: pd.Series[str] = tables.read(written, Documents).set_index("doc_id")["text"]
    lines = recurring_lines(corpus.counts, corpus.verdicts)
    verdict_of_line = dict(zip(lines["line"], lines["verdict"], strict=True))
    return [cleaned[doc_id] for doc_id in frame["doc_id"]], verdict_of_line
