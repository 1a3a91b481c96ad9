"""The tokens of the training rows as NumPy arrays, which tf.data and others read as they stand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet

from stages.commands.export.data_set import DataSet
from stages.lib.core import tables
from stages.lib.schemas.training import read_tokens_shape

TOKENS = Path("data/tokenize/tokens.parquet")
_SCRIPT = '''"""Read the tokens with TensorFlow: from load import data_set"""

from pathlib import Path

import numpy as np
import tensorflow as tf


def data_set():
    """Return a tf.data.Dataset with a dictionary of token ids and masks for each row."""
    files = sorted(Path(__file__).parent.glob("*.npy"))
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in files}
    return tf.data.Dataset.from_tensor_slices(arrays)
'''


def write_tensorflow(data: DataSet, folder: Path) -> None:
    """Write an array (rows, tokens) for the ids and the mask of each text, and load.py.

    Ids are int32 and masks int8. A row without a negative has a mask of zeros for it, and `score`
    (rows,) is the similarity of anchor and positive.

    Raises:
        UserError: there are no tokens.
    """
    read_tokens_shape(TOKENS)
    with tables.readable(TOKENS):
        table = parquet.read_table(TOKENS)

    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if name.endswith(("_input_ids", "_attention_mask")):
            values = column.flatten().to_numpy()
            np.save(folder / f"{name}.npy", values.reshape(table.num_rows, -1))
    scores = table.column("score").to_numpy().astype(np.float32)
    np.save(folder / "score.npy", scores)
    (folder / "load.py").write_text(_SCRIPT, "utf-8")
