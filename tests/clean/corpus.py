"""What the tests of the stage share: its parameters, and small tables."""

import json
from pathlib import Path

import pandas as pd

from stages.clean.interface import CleanParams
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.pairs import Pairs
from stages.lib.text import hash_hex

PARAMS = CleanParams(
    max_input_bytes=2000,
    max_nodes=100,
    max_depth=20,
    boilerplate_share=0.5,
    boilerplate_min_documents=3,
    abbreviations="first",
    abbreviation_min_documents=2,
    typos="correct",
    private_data="patterns",
    presidio_model=None,
    lowercase="off",
    languages=None,
    max_symbol_share=0.6,
    max_repetition=0.6,
    drop_patterns=["lorem ipsum"],
    min_document_characters=1,
    max_document_characters=800,
    min_anchor_characters=2,
    max_anchor_characters=50,
    passage_tokens=None,
    passage_overlap=0,
)


def documents(*texts: str, title: str = "") -> pd.DataFrame:
    rows = [("d" + hash_hex(str(at)), "s", title, text, "", "") for at, text in enumerate(texts)]
    return pd.DataFrame(rows, columns=list(Documents.empty().columns)).astype(
        Documents.empty().dtypes.to_dict()
    )


def pairs(*anchors: str) -> pd.DataFrame:
    rows = [
        ("p" + hash_hex(str(at)), text, "d" + hash_hex(str(at)), "exact", 1.0, "s")
        for at, text in enumerate(anchors)
    ]
    return pd.DataFrame(rows, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def write_params(params: CleanParams) -> None:
    """Write a params.yaml of the one section `clean` into the current folder."""
    section = "\n".join(
        f"  {key}: {json.dumps(value)}" for key, value in params.model_dump().items()
    )
    Path("params.yaml").write_text(f"clean:\n{section}\n", "utf-8")
