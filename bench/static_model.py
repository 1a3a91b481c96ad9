"""Make a sentence-transformers folder of the static model that the wheel `wordllama` ships.

    pip download --no-deps wordllama==0.4.0.post1
    python -m bench.static_model wordllama-0.4.0.post1-*.whl runs/wordllama

The folder can be named in `evaluate.static_model`, or be an argument of `python -m stages baselines`.
"""

import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

WEIGHTS = "wordllama/weights/l2_supercat_256.safetensors"
TOKENIZER = "wordllama/tokenizers/l2_supercat_tokenizer_config.json"


def main(wheel: Path, folder: Path) -> None:
    """Write the model of the wheel to `folder`."""
    import torch
    from safetensors.torch import load
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    with ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as scratch:
        weights = load(archive.read(WEIGHTS))
        tokenizer_file = Path(archive.extract(TOKENIZER, scratch))
        tokenizer = Tokenizer.from_file(str(tokenizer_file))

    # The file holds one matrix, a vector per token.
    (matrix,) = weights.values()
    tokenizer.no_padding()
    tokenizer.no_truncation()
    embedding = StaticEmbedding(tokenizer, embedding_weights=matrix.to(torch.float32).numpy())
    SentenceTransformer(modules=[embedding], device="cpu").save(str(folder))
    print(f"{folder}: {matrix.shape[0]:,} tokens, {matrix.shape[1]} dimensions")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
