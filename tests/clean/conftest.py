"""A project that holds what the stage reads, and nothing else."""

from pathlib import Path

import pytest

from stages.lib.core import tables
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.pairs import Pairs
from tests.clean.corpus import PARAMS, documents, pairs, write_params


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """Make a folder with the stage's inputs; enough documents for two shards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tables, "SHARD_ROWS", 16)
    collect = Path("data/collect")
    texts = [
        f"<p>Document {index} &amp; its ECG &amp; bone.</p><p>Terms of use apply here</p>"
        for index in range(21)
    ]
    frame = documents("<p></p>", *texts)
    tables.write(frame, collect / "documents.parquet", Documents)
    tables.write(
        pairs("lost", "&lt;", "HDL", "x", "an  ECG of bone"), collect / "pairs.parquet", Pairs
    )
    tables.write(Documents.empty(), collect / "out_of_domain_documents.parquet", Documents)
    tables.write(Pairs.empty(), collect / "out_of_domain_pairs.parquet", Pairs)
    Path("data/glossary").mkdir()
    Path("data/review").mkdir()
    Path("data/review/edits.csv").write_text("rule_id,edit,verdict,judge,note\n", "utf-8")
    Path("data/glossary/abbreviations.csv").write_text(
        "short,long\nECG,electrocardiogram\nMS,multiple sclerosis\nMS,mitral stenosis\n"
    )
    write_params(PARAMS)
    return tmp_path
