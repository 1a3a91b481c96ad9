"""Models that write queries: a sequence-to-sequence model from a folder, or one that is served under a URL.

Both give their most likely answer, the same whenever they are asked. A folder is hashed into the key of the cache; of a
served model the name is all that is known, so name versions ("...-2026-01") rather than "latest".
"""

from __future__ import annotations

import json
import os
import platform
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from stages.lib import engine
from stages.lib.errors import Problem
from stages.lib.models import fingerprint
from stages.lib.passes import one_thread
from stages.pair.params import Generated

URL, KEY = "PAIRSMITH_GENERATE_URL", "PAIRSMITH_GENERATE_KEY"
_SECONDS = 120


class Writer(Protocol):
    """What answers prompts, and everything but the prompt that decides an answer."""

    @property
    def key(self) -> str:
        """Model, versions, settings."""

    def write(self, prompts: Sequence[str]) -> list[str]:
        """Return the answer to each of `prompts`."""


def writer(params: Generated, environment: Mapping[str, str] = os.environ) -> Writer:
    """Return the model that params.yaml names. Raises Problem when it is neither a folder nor served anywhere."""
    folder = Path(params.model)
    if folder.is_dir():
        return Local(folder, params.max_tokens)
    if not environment.get(URL):
        raise Problem(
            f"params.yaml: pair.generated.model = '{params.model}' is no folder, and {URL} is not set",
            f"give the path of a sequence-to-sequence model, or set {URL} to the address that serves it (.../v1)",
        )
    return Served(params.model, params.max_tokens, environment[URL], environment.get(KEY, ""))


class Local:
    """Any sequence-to-sequence model that transformers has saved: greedy search, one prompt a call, one thread."""

    def __init__(self, folder: Path, max_tokens: int) -> None:
        if not (folder / "model.safetensors").is_file():
            raise Problem(
                f"params.yaml: pair.generated.model = '{folder}' holds no model.safetensors",
                "save the model there with transformers; pickled weights are never loaded",
            )
        self._folder, self._max_tokens = folder, max_tokens
        versions = [version(package) for package in ("torch", "transformers")]
        self.key = (
            f"seq2seq {fingerprint(folder)} {versions} greedy {max_tokens} {platform.machine()}"
        )
        self._loaded: tuple[Any, Any] | None = None

    def write(self, prompts: Sequence[str]) -> list[str]:
        """Return the most likely answer to each of `prompts`; prompts that are too long are cut at their end."""
        import torch

        tokenizer, model = self._load()
        with one_thread(), torch.inference_mode():
            return [self._answer(tokenizer, model, prompt) for prompt in prompts]

    def _answer(self, tokenizer: Any, model: Any, prompt: str) -> str:
        tokens = tokenizer(
            [prompt], return_tensors="pt", truncation=True, max_length=min(512, _longest(tokenizer))
        )
        asked = {name: tokens[name] for name in ("input_ids", "attention_mask")}
        made = model.generate(
            **asked, num_beams=1, do_sample=False, max_new_tokens=self._max_tokens
        )
        return str(tokenizer.decode(made[0], skip_special_tokens=True))

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
            from transformers.utils.logging import disable_progress_bar

            disable_progress_bar()  # type: ignore[no-untyped-call]  # it would be drawn also where there is no terminal
            where = {"local_files_only": True, "trust_remote_code": False}
            tokenizer = AutoTokenizer.from_pretrained(str(self._folder), **where)
            model = AutoModelForSeq2SeqLM.from_pretrained(
                str(self._folder), use_safetensors=True, **where
            )
            self._loaded = tokenizer, model.eval()
        return self._loaded


def _longest(tokenizer: Any) -> int:
    return int(tokenizer.model_max_length)


class Served:
    """A model behind an OpenAI-compatible address ("/chat/completions"), at temperature 0."""

    def __init__(self, model: str, max_tokens: int, url: str, key: str) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise Problem(
                f"{URL} = '{url}' is no address",
                "write it with http:// or https://, up to and with /v1",
            )
        self._model, self._max_tokens, self._url, self._secret = (
            model,
            max_tokens,
            url.rstrip("/"),
            key,
        )
        self.key = f"served {model} temperature 0 {max_tokens}"

    def write(self, prompts: Sequence[str]) -> list[str]:
        """Return the answer to each of `prompts`, several asked at a time. Raises Problem when there is none."""
        with ThreadPoolExecutor(engine.workers()) as pool:
            return list(pool.map(self._answer, prompts))

    def _answer(self, prompt: str) -> str:
        asked = {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "seed": 0,
            "max_tokens": self._max_tokens,
        }
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers["Authorization"] = f"Bearer {self._secret}"
        request = urllib.request.Request(
            f"{self._url}/chat/completions", json.dumps(asked).encode(), headers
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:
                return str(json.load(response)["choices"][0]["message"]["content"] or "")
        except urllib.error.HTTPError as error:
            with error:
                told = error.read(200).decode("utf-8", "replace")
            raise self._problem(f"answers {error.code}: {' '.join(told.split())}") from None
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            raise self._problem(f"gives no answer ({type(error).__name__}: {error})") from None

    def _problem(self, what: str) -> Problem:
        return Problem(
            f"{self._url}, which {URL} names, {what}",
            f"see that it serves '{self._model}' and that {KEY} is right, then run again: answers so far are kept",
        )
