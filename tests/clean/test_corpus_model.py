"""The corpus model: a server cleans a query as the stage cleans an anchor."""

from pathlib import Path

import pytest

from stages.clean.__main__ import main
from stages.clean.corpus_model import query_cleaner
from stages.lib.core import tables
from stages.lib.schemas.corpus_counts import CorpusCounts
from stages.lib.schemas.pairs import Pairs
from tests.clean.corpus import PARAMS


@pytest.mark.slow
def test_a_query_is_cleaned_like_the_anchor_of_the_stage(project):
    main()
    cleaner = query_cleaner(
        Path("data/clean/corpus_counts.parquet"),
        Path("data/glossary"),
        PARAMS,
        Path("data/review/edits.csv"),
    )
    raw = tables.read(Path("data/collect/pairs.parquet"), Pairs).set_index("pair_id")["anchor"]
    cleaned = tables.read(Path("data/clean/pairs.parquet"), Pairs).set_index("pair_id")["anchor"]
    assert {key: cleaner.clean(raw[key]).text for key in cleaned.index} == dict(cleaned)
    assert cleaner.clean("an  ECG of bone").text == "an electrocardiogram (ECG) of bone"
    counts = tables.read(Path("data/clean/corpus_counts.parquet"), CorpusCounts)
    assert set(counts["kind"]) >= {"text", "boilerplate", "word"}
