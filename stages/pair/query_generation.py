"""The recipe `generated`: a model writes a query for each passage.

A query is kept if it finds the passage again.

The model is a sequence-to-sequence model in a folder, or one that is served under a URL. Both
give their most likely answer, always the same. The hash of a folder is part of the cache key. Of
a served model only the name is known, so use names with a version ("...-2026-01") rather than
"latest".

Sources: Nogueira et al. 2019 (doc2query, arXiv 1904.08375), Dai et al. 2022 (Promptagator, arXiv
    2209.11755).
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from stages.lib.core.errors import UserError
from stages.lib.core.model_files import find_base_model, model_hash, own_weights, weight_files
from stages.lib.core.params import ModelParams
from stages.lib.core.secrets import read_key
from stages.lib.core.stage import progress
from stages.lib.retrieval import cache
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Hits, dense_search
from stages.lib.retrieval.torch_threads import single_torch_thread
from stages.pair.candidates import PairCandidate, candidate
from stages.pair.filters import Exclusion, FilterResult
from stages.pair.interface import GeneratedParams
from stages.pair.render import SourceDocument
from stages.pair.served_model import KEY_VARIABLE, URL_VARIABLE, ServedGenerator

_MAX_PROMPT_TOKENS = 512
# Answers between two visits to the cache. A run that breaks off loses at most so many.
_CHUNK = 64

# List marks and numbers before a query, and quotes and marks around it.
_LIST_MARK = re.compile(r"^(?:[-*#>\u2022\s]+|\d{1,2}[.)]\s+)+")
_QUOTES = " \t\"'`*\u201c\u201d"


class QueryGenerator(Protocol):
    """A model that answers prompts."""

    @property
    def key(self) -> str:
        """Everything but the prompt that decides an answer: model, versions, settings."""

    def generate(self, prompts: Sequence[str]) -> list[str]:
        """Return the answer to each of `prompts`."""


class _Passage(NamedTuple):
    """A passage of a document, and the prompt that asks for a query."""

    source: SourceDocument
    number: int
    text: str
    prompt: str


def generate_queries(
    sources: Sequence[SourceDocument],
    params: GeneratedParams,
    generator: QueryGenerator,
) -> list[PairCandidate]:
    """Return a pair for each passage: the query that the model writes finds the passage.

    Empty answers give no pair.
    """
    passages: list[_Passage] = []
    for source in sources:
        for number, span in enumerate(source.passages):
            text = span.of(source.text)
            prompt = params.prompt.format(text=text, title=source.title)
            passages.append(_Passage(source, number, text, prompt=prompt))

    # Equal prompts are answered once.
    answer_of_prompt = _answers([passage.prompt for passage in passages], generator)
    candidates: list[PairCandidate] = []
    for passage in passages:
        query = first_line(answer_of_prompt[passage.prompt])
        if query:
            key = (str(passage.number),)
            candidates.append(
                candidate(
                    "generated",
                    passage.source,
                    key,
                    anchor=query,
                    positive=passage.text,
                )
            )

    return candidates


def first_line(answer: str) -> str:
    """Return the first line of an answer that holds a text.

    Numbers, quotes and marks around it are removed.

    >>> first_line('1. "Why is it  red?"')
    'Why is it red?'
    """
    for line in answer.splitlines():
        query = _LIST_MARK.sub("", line).strip(_QUOTES)
        if query:
            return " ".join(query.split())

    return ""


def round_trip_filter(
    candidates: Sequence[PairCandidate], first: int, model: ModelParams
) -> FilterResult:
    """Exclude generated pairs whose query does not find its own passage again.

    A query finds its passage if BM25 or the base model ranks it among the `first` of all passages
    that a query was written for. Candidates of other recipes are accepted.
    """
    generated = [candidate for candidate in candidates if candidate.recipe == "generated"]
    accepted = [candidate for candidate in candidates if candidate.recipe != "generated"]
    if not generated:
        return FilterResult(accepted, [])

    # Search all queries among all passages, by words and by meaning.
    queries = [candidate.anchor for candidate in generated]
    passages = [candidate.positive for candidate in generated]
    encoder = Encoder(find_base_model(model))
    passage_vectors = encoder.encode(passages, model.document_prompt, "passages")
    query_vectors = encoder.encode(queries, model.anchor_prompt)
    rankings = [
        BM25Index(passages).search(queries, first),
        dense_search(query_vectors, passage_vectors, first),
    ]

    excluded: list[Exclusion] = []
    for index, pair in enumerate(generated):
        if any(_is_hit(hits, index) for hits in rankings):
            accepted.append(pair)
        else:
            excluded.append(
                Exclusion(
                    pair.pair_id,
                    "not_retrieved",
                    partner_id=pair.doc_id,
                    score=float(first),
                )
            )

    return FilterResult(accepted, excluded)


def query_generator(
    params: GeneratedParams, environment: Mapping[str, str] = os.environ
) -> QueryGenerator:
    """Return the model that `pair.generated.model` of params.yaml names.

    Raises:
        UserError: it is no folder, and no URL is set that serves it.
    """
    folder = Path(params.model)
    if folder.is_dir():
        return LocalGenerator(folder, params.max_tokens)

    # Not a folder, so the name of a served model.
    url = environment.get(URL_VARIABLE)
    if not url:
        raise UserError(
            f"params.yaml: pair.generated.model = '{params.model}' is no folder, "
            f"and {URL_VARIABLE} is not set",
            "give the path of a sequence-to-sequence model, "
            f"or set {URL_VARIABLE} to the address that serves it (.../v1)",
        )

    key = read_key(KEY_VARIABLE, environment)

    return ServedGenerator(params.model, params.max_tokens, url, key=key)


class LocalGenerator:
    """Any sequence-to-sequence model that transformers has saved.

    Greedy search, one prompt a call, one thread. Answers do not depend on other prompts or on the
    machine's cores.
    """

    def __init__(self, folder: Path, max_tokens: int) -> None:
        if not own_weights(folder, "params.yaml: pair.generated.model"):
            raise UserError(
                f"params.yaml: pair.generated.model = '{folder}' holds no model.safetensors",
                "save the model there with transformers; pickled weights are never loaded",
            )
        weight_files(folder, f"params.yaml: pair.generated.model '{folder}'")

        # Everything that decides an answer is in the key of the cache.
        versions = [version(package) for package in ("torch", "transformers")]
        self.key = (
            f"seq2seq {model_hash(folder)} {versions} greedy {max_tokens} {platform.machine()}"
        )
        self._folder = folder
        self._max_tokens = max_tokens
        self._loaded: tuple[Any, Any] | None = None

    def generate(self, prompts: Sequence[str]) -> list[str]:
        """Return the most likely answer to each of `prompts`.

        Prompts that are too long lose their end.
        """
        import torch

        tokenizer, model = self._load()

        with single_torch_thread(), torch.inference_mode():
            return [self._answer(tokenizer, model, prompt) for prompt in prompts]

    def _answer(self, tokenizer: Any, model: Any, prompt: str) -> str:
        # Greedy search gives the same answer on every run.
        max_length = min(_MAX_PROMPT_TOKENS, int(tokenizer.model_max_length))
        tokens = tokenizer([prompt], return_tensors="pt", truncation=True, max_length=max_length)
        generated = model.generate(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            num_beams=1,
            do_sample=False,
            max_new_tokens=self._max_tokens,
        )

        return str(tokenizer.decode(generated[0], skip_special_tokens=True))

    def _load(self) -> tuple[Any, Any]:
        """Return the tokenizer and the model. They are loaded on the first call."""
        if self._loaded is None:
            from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
            from transformers.utils.logging import disable_progress_bar

            # The bar would be drawn also where there is no terminal.
            disable_progress_bar()  # type: ignore[no-untyped-call]
            folder = str(self._folder)
            options = {"local_files_only": True, "trust_remote_code": False}
            try:
                tokenizer = AutoTokenizer.from_pretrained(folder, **options)
                model = AutoModelForSeq2SeqLM.from_pretrained(
                    folder, use_safetensors=True, **options
                )
            # The library raises errors of many types for damaged files.
            except Exception as error:
                cause = " ".join(str(error).split())[:200]
                raise UserError(
                    f"params.yaml: pair.generated.model = '{folder}' cannot be loaded: "
                    f"{type(error).__name__}: {cause}",
                    "save the model there with transformers",
                ) from None
            self._loaded = tokenizer, model.eval()

        return self._loaded


def _answers(prompts: Sequence[str], generator: QueryGenerator) -> dict[str, str]:
    """Return the answer to each prompt, from the cache or from the model."""

    def generate(missing: list[str]) -> list[tuple[str, bytes]]:
        answers = generator.generate(missing)
        return [(prompt, answer.encode()) for prompt, answer in zip(missing, answers, strict=True)]

    # In chunks, so that a run that breaks off keeps most answers.
    distinct = sorted(set(prompts))
    starts = range(0, len(distinct), _CHUNK)
    encoded: dict[str, bytes] = {}
    for start in progress(starts, len(starts), "writing queries"):
        chunk = distinct[start : start + _CHUNK]
        encoded |= cache.get_or_compute("generated", generator.key, chunk, compute=generate)

    return {prompt: answer.decode("utf-8", "replace") for prompt, answer in encoded.items()}


def _is_hit(hits: Hits, index: int) -> bool:
    """Return whether query `index` finds the passage of the same index."""
    # BM25 gives 0 to passages that share no word with the query.
    positions = hits.positions[index].tolist()
    scores = hits.scores[index].tolist()

    return any(
        position == index and score > 0.0 for position, score in zip(positions, scores, strict=True)
    )
