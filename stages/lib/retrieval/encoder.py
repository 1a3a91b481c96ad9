"""Embed texts through a cache. On a processor a cached vector equals a fresh one to the bit.

A vector depends on the files of the model, the prompt and the text, and on nothing else. Texts of
exactly equal token count share a batch, without padding. Each forward pass runs on one thread.
Several passes run at the same time, which changes the speed only.

The kernel of a matrix product is chosen by the shape of the matrix, and some kernels add in another
order. The Math Kernel Library (MKL) has one order for all shapes where MKL_CBWR holds a STRICT
mode, which `stages.lib.core.stage` sets before torch is loaded. What remains are other kernels for
a few rows, so that a small batch is filled up until its shape no longer decides.

On a GPU one pass follows another, and a batch has as many texts as its tokens allow. There the size
of a batch decides the last bits, and a cached vector equals a fresh one up to rounding.
"""

from __future__ import annotations

import hashlib
import platform
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stages.lib.core import ray_cluster
from stages.lib.core.device import CPU, Device
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import model_hash, weight_files
from stages.lib.core.model_loading import check_weights, loading
from stages.lib.core.stage import mkl_mode, progress, runs_on_ray
from stages.lib.retrieval import cache
from stages.lib.retrieval.search import Vectors
from stages.lib.retrieval.torch_threads import iterate_in_threads
from stages.lib.retrieval.vector_rows import vectors_by_row

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def load_model(folder: Path) -> SentenceTransformer:
    """Return the model in `folder`, on the CPU, without network and without remote code.

    Raises:
        UserError: a module of the model is no safetensors, or not of this folder; a file of it is
            missing or damaged; or its weights are of another model.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    # The bar would be drawn also where there is no terminal.
    disable_progress_bar()  # type: ignore[no-untyped-call]

    files = weight_files(folder, f"the model {folder}")
    with loading(folder):
        model = SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    check_weights(model, files)
    return model


# The most rows in a forward pass on a processor, and the most tokens in one on a GPU.
BATCH_SIZE = 32
GPU_BATCH_TOKENS = 32_768

# Distinct texts that are looked up and embedded at a time. Their token ids are held together.
BLOCK_TEXTS = 32_768

# Texts that are tokenized at a time.
_TOKENIZED_TEXTS = 1024

# Tokens of a text that are read where a model names no limit of its own.
_MOST_TOKENS = 512

# A batch is filled up to so many tokens, with a STRICT mode of MKL and without.
_FILLED_TOKENS_STRICT = 32
_FILLED_TOKENS = 256


# Batches that a machine of a Ray cluster gets at a time.
_BATCHES_OF_TASK = 16


# The numbers of the tokens of a text.
TokenIds = Sequence[int]


class _Batch(NamedTuple):
    """Texts of one token count, and their token ids."""

    texts: list[str]
    token_ids: list[TokenIds]


class Encoder:
    """The model in `folder` as a function from texts to unit vectors, with a cache.

    The model is loaded when the first text is not in the cache.

    Attributes:
        device: where it computes.
    """

    def __init__(self, folder: Path, device: Device = CPU) -> None:
        self.device = device
        self._folder = folder
        packages = ("torch", "transformers", "sentence-transformers")
        versions = [version(package) for package in packages]
        self._files = f"{model_hash(folder)} {versions} {platform.machine()}"
        self._model: SentenceTransformer | None = None

    def encode(
        self,
        texts: Sequence[str],
        prompt: str = "",
        label: str = "encoding",
    ) -> Vectors:
        """Return the embeddings of `texts`, shape (texts, dimension), float32, of unit length.

        `prompt` goes before each text. Each distinct text is embedded once, and only if the
        cache lacks it. `label` is for the progress bar.
        """
        return vectors_by_row(self._vectors_of_rows(texts, prompt, label), len(texts))

    def _vectors_of_rows(
        self, texts: Sequence[str], prompt: str, label: str
    ) -> Iterator[tuple[int, Vectors]]:
        """Yield the number of each of `texts` with its vector, equal texts after each other."""
        # Token ids and cached values take many times the memory of the vectors, so a block of
        # distinct texts is looked up at a time.
        blocks = _blocks_of_texts(texts)
        for number, block in enumerate(blocks, start=1):
            part = f"{label} {number}/{len(blocks)}" if len(blocks) > 1 else label
            prompted = [prompt + texts[row] for row in block]
            vector_of_text = self._cached(list(dict.fromkeys(prompted)), part)
            for row, text in zip(block, prompted, strict=True):
                yield row, vector_of_text[text]

    def _cached(self, texts: Sequence[str], label: str) -> dict[str, Vectors]:
        """Return the vector of each text, from the cache or the model."""

        def compute(missing: list[str]) -> Iterator[tuple[str, bytes]]:
            for text, vector in self._encode(missing, label):
                yield text, vector.astype("<f4").tobytes()

        bytes_of_text = cache.get_or_compute(
            "embeddings", f"{self._files} {_arithmetic(self.device)}", texts, compute=compute
        )
        return {text: np.frombuffer(value, dtype="<f4") for text, value in bytes_of_text.items()}

    def _encode(self, texts: Sequence[str], label: str) -> Iterator[tuple[str, Vectors]]:
        """Yield each text with its vector, from the model, batch by batch."""
        # Loading takes seconds, so it waits until a text needs it.
        if self._model is None:
            self._load()

        # A GPU does one pass after another: each fills it.
        batches = self._batches(texts)
        if runs_on_ray():
            results = self._forward_on_cluster(batches, label)
        elif self.device.is_cpu:
            results = iterate_in_threads(self._forward, batches, label)
        else:
            results = progress(map(self._forward, batches), len(batches), label)
        for batch, vectors in zip(batches, results, strict=True):
            yield from zip(batch.texts, vectors, strict=True)

    def _load(self) -> None:
        """Load the model on its device."""
        self._model = load_model(self._folder).to(self.device.kind)

    def _forward_on_cluster(self, batches: Sequence[_Batch], label: str) -> Iterator[Vectors]:
        """Yield the unit vectors of each batch, from the machines of a Ray cluster."""
        groups = []
        for start in range(0, len(batches), _BATCHES_OF_TASK):
            groups.append(batches[start : start + _BATCHES_OF_TASK])

        make = partial(_forward_here, self._folder.resolve(), self.device, _arithmetic(self.device))
        gpus = 0 if self.device.is_cpu else 1
        for vectors_of_group in ray_cluster.iterate_on_actors(make, groups, label, gpus=gpus):
            yield from vectors_of_group

    def _batches(self, texts: Sequence[str]) -> list[_Batch]:
        """Return batches of texts of one token count, the longest first."""
        # A text takes a hundred times the memory while it is tokenized, so few are at a time.
        token_ids: list[TokenIds] = []
        for start in range(0, len(texts), _TOKENIZED_TEXTS):
            some_ids = self._token_ids(texts[start : start + _TOKENIZED_TEXTS])
            token_ids += [array("i", ids) for ids in some_ids]

        # Group the texts, as indices, by token count.
        indices_by_length: dict[int, list[int]] = {}
        for index, row in enumerate(token_ids):
            indices_by_length.setdefault(len(row), []).append(index)

        # The longest go first, so that no slow batch is left for the end.
        batches = []
        for length, indices in sorted(indices_by_length.items(), reverse=True):
            row_count = rows_of_batch(length, self.device)
            for start in range(0, len(indices), row_count):
                members = indices[start : start + row_count]
                batch = _Batch(
                    texts=[texts[index] for index in members],
                    token_ids=[token_ids[index] for index in members],
                )
                batches.append(batch)

        return batches

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, cut at the limit of the model."""
        assert self._model is not None

        # A static model has no limit, and a tokenizer of another library.
        if self._is_static():
            encodings = self._model.tokenizer.encode_batch(list(texts), add_special_tokens=False)
            return [encoding.ids for encoding in encodings]

        tokenized = self._model.tokenizer(
            list(texts),
            truncation=True,
            max_length=self._model.max_seq_length or _MOST_TOKENS,
            padding=False,
            return_attention_mask=False,
        )
        token_ids: list[list[int]] = tokenized["input_ids"]
        return token_ids

    def _is_static(self) -> bool:
        """Return whether the vector of a text is the mean of fixed vectors of its tokens."""
        from tokenizers import Tokenizer

        # No other kind of model has a tokenizer of this library.
        assert self._model is not None
        return isinstance(self._model.tokenizer, Tokenizer)

    def _forward(self, batch: _Batch) -> Vectors:
        """Return the unit vectors of the texts of one batch, shape (texts, dimension)."""
        import torch

        assert self._model is not None
        text_count = len(batch.token_ids)

        # Inputs of shape (rows, tokens). The last row is repeated where the batch is filled up.
        rows = list(batch.token_ids)
        if self.device.is_cpu:
            row_count = -(-filled_tokens() // max(1, len(rows[0])))
            rows += [rows[-1]] * (row_count - text_count)

        # Vectors of the repeated rows are left out.
        input_ids = torch.from_numpy(np.array(rows, dtype=np.int64)).to(self.device.kind)
        features: dict[str, Any] = {
            "input_ids": input_ids,
            "attention_mask": torch.ones_like(input_ids),
        }
        if self._is_static():
            # One row after another, and where each begins.
            starts = torch.arange(len(rows), device=self.device.kind) * len(rows[0])
            features = {"input_ids": input_ids.flatten(), "offsets": starts}
        with torch.inference_mode():
            with self.device.autocast():
                embeddings = self._model(features)["sentence_embedding"]

            # Lengths are taken in float32, whatever the pass was computed in.
            unit_vectors = torch.nn.functional.normalize(embeddings.float(), dim=1)
            return np.asarray(unit_vectors[:text_count].cpu().numpy(), dtype=np.float32)


def _blocks_of_texts(texts: Sequence[str]) -> list[list[int]]:
    """Return the numbers of `texts` in blocks of about BLOCK_TEXTS distinct texts.

    Equal texts are in one block, after each other.
    """
    # Hashes bring equal texts together, so that not all texts are in memory. Two texts with one
    # hash count as one, and the block has one more.
    hashes = np.fromiter(map(_hash_of_text, texts), dtype=np.uint64, count=len(texts))
    order = np.argsort(hashes, kind="stable")
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = np.diff(hashes[order]) != 0

    starts = np.flatnonzero(is_new)[::BLOCK_TEXTS].tolist()
    ends = [*starts, len(order)][1:]
    return [order[start:end].tolist() for start, end in zip(starts, ends, strict=True)]


def _hash_of_text(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def rows_of_batch(length: int, device: Device) -> int:
    """Return how many texts of `length` tokens share a forward pass.

    >>> rows_of_batch(512, CPU), rows_of_batch(512, Device("cuda"))
    (32, 64)
    """
    if device.is_cpu:
        return BATCH_SIZE
    return max(1, GPU_BATCH_TOKENS // max(1, length))


def _forward_here(
    folder: Path, device: Device, arithmetic: str
) -> Callable[[Sequence[_Batch]], list[Vectors]]:
    """Return the function from batches to their vectors, on a machine of a Ray cluster.

    Args:
        folder: the model.
        device: where it computes.
        arithmetic: what decides the last bits on the machine that began.

    Raises:
        UserError: this machine computes other last bits.
    """
    if _arithmetic(device) != arithmetic:
        raise UserError(
            f"the machine {platform.node()} of the Ray cluster computes vectors with "
            f"{_arithmetic(device)!r}, and the one that runs the stage with {arithmetic!r}, so "
            "that their last bits differ",
            "use machines with one kind of processor or GPU; for processors, "
            "MKL_CBWR=AVX2,STRICT everywhere",
        )

    import torch

    # The process has one processor of the machine.
    torch.set_num_threads(1)
    encoder = Encoder(folder, device)
    encoder._load()
    return lambda batches: [encoder._forward(batch) for batch in batches]


def filled_tokens() -> int:
    """Return the number of tokens to which a batch is filled up."""
    return _FILLED_TOKENS_STRICT if _strict_mode() else _FILLED_TOKENS


def _arithmetic(device: Device) -> str:
    """Return what decides the last bits of a vector, beside the model and the versions."""
    return _kernels() if device.is_cpu else device.identity


def _kernels() -> str:
    """Return what decides the last bits of a matrix product on this machine."""
    import torch

    capability = torch.backends.cpu.get_cpu_capability()
    return f"{capability} {_strict_mode() or 'no strict mode'} {filled_tokens()}"


def _strict_mode() -> str:
    """Return the STRICT mode of MKL that torch computes in; "" for none."""
    import torch

    has_mkl = torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
    mode = mkl_mode() if has_mkl else ""
    return mode if mode.endswith(",STRICT") else ""
