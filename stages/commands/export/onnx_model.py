"""Write the fine-tuned model as ONNX: from token ids to unit vectors, in one graph.

Pooling and normalisation are inside. The exporter is that of torch, and what it wrote is run by
ONNX Runtime before the folder appears.
"""

from __future__ import annotations

import importlib.util
import runpy
import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.commands.export.formats import MODEL
from stages.lib.core.errors import UserError
from stages.lib.core.params import ModelParams, load_section
from stages.lib.core.stage import check_pins
from stages.lib.retrieval.encoder import load_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_SCRIPT = Path(__file__).parent / "onnx_embed.py.txt"
# The largest difference of a number of a vector that single precision may make.
TOLERANCE = 1e-5
# A file of ONNX holds at most 2 GB. Weights beyond this lie beside it.
_MOST_BYTES_INSIDE = 1_500_000_000
# Batches of other sizes and lengths than the one that is traced.
_TRACED = ("How do I reset it?", "A longer text, so that the first one is filled up. 退货", "a b")
_CHECKED = (
    ("a",),
    ("Where?", "Über die Straße, 退货需要七个工作日", "one two three four five", ""),
    ("word " * 2000, "short"),
)


def write_onnx(folder: Path) -> None:
    """Write model.onnx, tokenizer.json, embed.py and requirements.txt to `folder`, and the card.

    Raises:
        UserError: there is no model, it is of another kind, the packages are not installed, or the
            graph gives other vectors than the model.
    """
    if not MODEL.is_dir():
        raise UserError(f"{MODEL} does not exist", "run 'make repro' first")
    _check_packages()
    model = load_model(MODEL)
    if not hasattr(model.tokenizer, "backend_tokenizer"):
        raise UserError(
            f"{MODEL} has a tokenizer that ONNX Runtime cannot be given beside the graph",
            "take the format model, and export it with a tool for this kind of model",
        )

    _write_graph(model, folder / "model.onnx")
    model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    _write_script(model, folder / "embed.py")
    _write_requirements(folder / "requirements.txt")
    card = MODEL / "README.md"
    if card.is_file():
        shutil.copyfile(card, folder / card.name)

    # The whole way, from texts to vectors.
    embed = runpy.run_path(str(folder / "embed.py"))["embed"]
    difference = largest_difference(embed, model, _CHECKED)
    if not difference <= TOLERANCE:
        raise UserError(
            f"the vectors of the graph differ from those of {MODEL} by {difference:.2g}",
            "take the format model, and report this with the name of the base model",
        )


def largest_difference(
    embed: Callable[[Sequence[str]], Any],
    model: SentenceTransformer,
    batches: Sequence[Sequence[str]],
) -> float:
    """Return the largest difference of any number of the unit vectors of all batches.

    Args:
        embed: a function from texts to vectors, shape (texts, dimensions).
        model: the model that `embed` shall equal.
        batches: lists of texts, each embedded at once.
    """
    differences = []
    for texts in batches:
        expected = model.encode(
            list(texts),
            prompt="",
            normalize_embeddings=True,
            batch_size=len(texts),
            show_progress_bar=False,
        )
        differences.append(float(np.abs(np.asarray(embed(texts)) - expected).max()))
    return max(differences)


def _check_packages() -> None:
    missing = [
        name
        for name in ("onnx", "onnxruntime", "onnxscript")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise UserError(
            f"the format onnx needs {', '.join(missing)}, which is not installed",
            "pip install --require-hashes -r requirements-onnx.txt",
        )
    check_pins(["onnx"])


def _write_graph(model: SentenceTransformer, path: Path) -> None:
    """Trace the model with torch's exporter. Batch and length stay open."""
    import torch

    class UnitVectors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            vectors = self.model(features)["sentence_embedding"]
            return torch.nn.functional.normalize(vectors, dim=1)

    features = model.preprocess(list(_TRACED))
    inputs = (features["input_ids"], features["attention_mask"])
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=_most_tokens(model))}
    size = sum(weight.numel() * weight.element_size() for weight in model.parameters())

    # The exporter warns of names of axes that it does not need.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                UnitVectors().eval(),
                inputs,
                input_names=["input_ids", "attention_mask"],
                output_names=["sentence_embedding"],
                dynamic_shapes={"input_ids": shape, "attention_mask": shape},
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise UserError(
                f"torch cannot export {MODEL}: {str(error).strip().splitlines()[0]}",
                "take the format model, and export it with a tool for this kind of model",
            ) from None
    assert program is not None, "only the exporter of before returns nothing"
    program.save(str(path), external_data=size > _MOST_BYTES_INSIDE)


def _most_tokens(model: SentenceTransformer) -> int:
    return int(model.max_seq_length or 512)


def _write_script(model: SentenceTransformer, path: Path) -> None:
    prompts = load_section(ModelParams)
    values = {
        "MOST_TOKENS": _most_tokens(model),
        "PAD_ID": model.tokenizer.pad_token_id,
        "PAD_TOKEN": model.tokenizer.pad_token,
        "QUERY_PROMPT": prompts.anchor_prompt,
        "DOCUMENT_PROMPT": prompts.document_prompt,
    }
    script = _SCRIPT.read_text("utf-8")
    for name, value in values.items():
        script = script.replace(name, repr(value))
    path.write_text(script, "utf-8")


def _write_requirements(path: Path) -> None:
    from importlib.metadata import version

    names = ("numpy", "onnxruntime", "tokenizers")
    path.write_text("".join(f"{name}=={version(name)}\n" for name in names), "utf-8")
