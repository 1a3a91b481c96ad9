"""Put two versions on the same queries over the same documents.

Two scores can be compared only if queries and corpus are the same. If they differ, the queries
that both versions have are scored over the documents that both have. The other documents are
deleted from the stored first hundred hits of both. The remaining hits are in the order of a
search over the common documents alone.

With `--rescore` the older model ranks the queries and documents of the newer version instead, as
the newer version cleaned them. This compares two models without the effect of two ways of
cleaning. Queries of components that the older model was trained on are left out, because the
splits may have changed since.
"""

from __future__ import annotations

import io
import platform
from collections.abc import Mapping
from importlib.metadata import version as package_version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.commands.compare.samples import (
    check_same_sample,
    corpus_path,
    searched_documents,
    searches_everything,
)
from stages.commands.compare.versions import FINETUNED, METRICS, MODEL, Version, merge_aliases
from stages.lib.core.device import Device, choose_device
from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.core.model_config import own_prompts
from stages.lib.core.params import RunParams, load_section
from stages.lib.core.stage import check_pins
from stages.lib.core.temporary_folders import temporary_folder
from stages.lib.evaluation.evaluation_set import SCORING_RULE, resolve_qrels
from stages.lib.evaluation.ranking_metrics import DEPTH, per_query_metrics
from stages.lib.retrieval import cache
from stages.lib.retrieval.corpus import Corpus, corpus_from_passages
from stages.lib.retrieval.search import Hits

MIN_IN_COMMON = 0.8
HIT_COLUMNS = ("query_id", "rank", "doc_id")
QRELS_COLUMNS = ("query_id", "doc_id", "grade")
_PACKAGES = ("torch", "transformers", "sentence-transformers", "numpy")


class PairedResults(NamedTuple):
    """The results of two versions on the same queries.

    Attributes:
        before: component_id and METRICS by query id, shape (queries,).
        after: the same for the newer version.
        same_benchmark: whether both have the same queries and corpus, or `before` was rescored.
        queries_removed: queries that only the older version has.
        queries_added: queries that only the newer version has.
        documents_removed: documents that only the older version has.
        documents_added: documents that only the newer version has.
        share_in_common: the smallest of the shares of queries and documents that both have.
        rescored: hits of the older model on the newer benchmark; None without `--rescore`.
        seen_in_training: queries left out, since the older model was trained on their components.
    """

    before: pd.DataFrame
    after: pd.DataFrame
    same_benchmark: bool
    queries_removed: int = 0
    queries_added: int = 0
    documents_removed: int = 0
    documents_added: int = 0
    share_in_common: float = 1.0
    rescored: pd.DataFrame | None = None
    seen_in_training: int = 0

    @property
    def comparable(self) -> bool:
        """Return True if enough is in common."""
        return self.share_in_common >= MIN_IN_COMMON


class SystemRun(NamedTuple):
    """What one system found in one version, and what it searched.

    Attributes:
        hits: the columns HIT_COLUMNS.
        qrels: the columns QRELS_COLUMNS.
        corpus: ids of the documents that were searched.
        aliases: document id to the id of the copy that was kept.
    """

    hits: pd.DataFrame
    qrels: pd.DataFrame
    corpus: frozenset[str]
    aliases: Mapping[str, str]


class Benchmark(NamedTuple):
    """The queries (query_id, text) of one version, its corpus, and its qrels by query."""

    queries: pd.DataFrame
    corpus: Corpus
    qrels: Mapping[str, Mapping[str, float]]

    @property
    def identity(self) -> str:
        """Return a hash of all that decides a ranking: ids and texts, in order."""
        starts = [] if self.corpus.passage_starts is None else self.corpus.passage_starts.tolist()
        return hash_hex(
            "exam",
            *self.queries["query_id"],
            *self.queries["text"],
            *self.corpus.doc_ids.tolist(),
            *self.corpus.texts,
            *map(str, starts),
        )


def pair_results(before: Version, after: Version, split: str, *, system: str) -> PairedResults:
    """Return the results of `system` in both versions, over what they have in common on `split`.

    Raises:
        UserError: the versions were run on different samples, or a table is missing.
    """
    check_same_sample(before, after)
    before_results = before.results(split, system)
    after_results = after.results(split, system)

    # On the same benchmark the results compare as they are.
    if same_benchmark(before, after):
        return PairedResults(
            before_results, after_results.loc[before_results.index], same_benchmark=True
        )
    return restrict_to_common(
        _read_run(before, split, system),
        _read_run(after, split, system),
        before_results=before_results,
        after_results=after_results,
    )


def same_benchmark(before: Version, after: Version) -> bool:
    """Return True if the details of both versions name the same queries over the same documents."""
    before_details = before.details("evaluate")
    after_details = after.details("evaluate")

    # The hash of queries, qrels and candidates.
    benchmark = before_details.get("benchmark")
    if benchmark is None or benchmark != after_details.get("benchmark"):
        return False

    # The candidates are part of the benchmark, so versions that search all of them search the same.
    if searches_everything(before) and searches_everything(after):
        return True

    # Otherwise the hashes of the documents decide; versions from before that hash have none.
    corpus = before_details.get("corpus")
    return corpus is not None and corpus == after_details.get("corpus")


def restrict_to_common(
    before: SystemRun,
    after: SystemRun,
    *,
    before_results: pd.DataFrame,
    after_results: pd.DataFrame,
) -> PairedResults:
    """Return both versions scored on their common queries over their common documents.

    Documents that either version merged as copies count as one. The relevant documents of a query
    are never deleted. If a version does not have one of them, this counts as a miss.
    """
    # The documents that both searched.
    kept_id = merge_aliases([before.aliases, after.aliases])
    before_corpus = frozenset(kept_id.get(doc_id, doc_id) for doc_id in before.corpus)
    after_corpus = frozenset(kept_id.get(doc_id, doc_id) for doc_id in after.corpus)
    common_corpus = before_corpus & after_corpus

    # Two queries are the same if the same documents are relevant. Only documents that both versions
    # collected count.
    query_ids = sorted(set(before_results.index) & set(after_results.index))
    before_qrels = resolve_qrels(before.qrels[before.qrels["query_id"].isin(query_ids)], kept_id)
    after_qrels = resolve_qrels(after.qrels[after.qrels["query_id"].isin(query_ids)], kept_id)
    qrels = {
        query_id: after_qrels[query_id]
        for query_id in query_ids
        if before_qrels.get(query_id) == after_qrels.get(query_id)
    }

    # Both runs are scored with the same qrels over the same documents.
    share = min(
        len(qrels) / max(1, len(before_results)),
        len(qrels) / max(1, len(after_results)),
        len(common_corpus) / max(1, len(before_corpus)),
        len(common_corpus) / max(1, len(after_corpus)),
    )
    components = after_results["component_id"]
    return PairedResults(
        score_hits(before.hits, kept_id, common_corpus, qrels=qrels).join(components),
        score_hits(after.hits, kept_id, common_corpus, qrels=qrels).join(components),
        same_benchmark=False,
        queries_removed=len(before_results) - len(qrels),
        queries_added=len(after_results) - len(qrels),
        documents_removed=len(before_corpus - common_corpus),
        documents_added=len(after_corpus - common_corpus),
        share_in_common=share,
    )


def score_hits(
    hits: pd.DataFrame,
    kept_id: Mapping[str, str],
    corpus: frozenset[str],
    *,
    qrels: Mapping[str, Mapping[str, float]],
) -> pd.DataFrame:
    """Return METRICS by query id of a run restricted to `corpus`.

    Args:
        hits: the columns HIT_COLUMNS.
        kept_id: document id to the document that replaces it.
        corpus: the documents that count. Relevant documents of a query always count.
        qrels: query id to graded documents. Other queries are left out.
    """
    if not qrels:
        index = pd.Index([], name="query_id")
        return pd.DataFrame(columns=list(METRICS), index=index, dtype="float64")

    # Copies become the document that was kept, at the rank of the best of them.
    frame = hits[hits["query_id"].isin(qrels)].sort_values(["query_id", "rank"])
    frame = frame.assign(doc_id=frame["doc_id"].map(lambda doc_id: kept_id.get(doc_id, doc_id)))
    frame = frame.drop_duplicates(["query_id", "doc_id"])

    # Documents outside the corpus are deleted.
    rows = zip(frame["query_id"], frame["doc_id"], strict=True)
    counted = [doc_id in corpus or doc_id in qrels[query_id] for query_id, doc_id in rows]
    frame = frame[counted]

    # Positions in doc_ids of the first hits, shape (queries, DEPTH). Position 0 is no document.
    # It fills the ranks of queries with fewer than DEPTH hits.
    doc_ids = np.array(["", *sorted(set(frame["doc_id"]))])
    query_ids = sorted(qrels)
    positions = np.zeros((len(query_ids), DEPTH), dtype=np.int64)
    query_rows = np.searchsorted(query_ids, frame["query_id"].to_numpy(dtype=str))
    ranks = frame.groupby("query_id").cumcount()
    positions[query_rows, ranks] = np.searchsorted(doc_ids, frame["doc_id"].to_numpy(dtype=str))

    ranking = Hits(positions, np.zeros(positions.shape, dtype=np.float32))
    scores = per_query_metrics(query_ids, ranking, doc_ids, qrels)
    return scores.set_index("query_id")[list(METRICS)]


def stored_hits(version: Version, split: str, system: str) -> pd.DataFrame:
    """Return HIT_COLUMNS of the stored run of one system on one split."""
    runs = version.table("data/evaluate/runs.parquet", "split", "system", *HIT_COLUMNS)
    selected = (runs["split"] == split) & (runs["system"] == system)
    return runs.loc[selected, list(HIT_COLUMNS)]


def rescore(before: Version, after: Version, split: str, *, system: str) -> PairedResults:
    """Return the results of both models on the queries and documents of the newer version.

    The hits of the older model are cached.

    Raises:
        UserError: `system` is not the fine-tuned model, or the cache has no model of the older
            version.
    """
    if system != FINETUNED:
        raise UserError(
            f"--rescore scores the older fine-tuned model, and '{system}' is another system",
            f"leave out --system, or say --system {FINETUNED}",
        )

    # The benchmark of today, and the components that the older model has learned from.
    check_same_sample(before, after)
    after_results = after.results(split, system)
    benchmark = read_benchmark(after, split)
    trained_components = seen_in_training(
        before.table("data/split/splits.parquet", "id", "split"),
        after.table("data/split/splits.parquet", "id", "component_id"),
    )

    # Rank and score.
    hits = _hits_of_older_model(before, benchmark)
    corpus = frozenset(benchmark.corpus.doc_ids.tolist())
    scores = score_hits(hits, {}, corpus, qrels=benchmark.qrels)
    before_results = scores.join(after_results["component_id"])

    # Leave out what it has learned from.
    trained = before_results["component_id"].isin(trained_components)
    before_results = before_results[~trained]
    return PairedResults(
        before_results,
        after_results.loc[before_results.index],
        same_benchmark=True,
        rescored=hits,
        seen_in_training=len(after_results) - len(before_results),
    )


def read_benchmark(version: Version, split: str) -> Benchmark:
    """Return the queries, corpus and qrels of one version: texts cleaned, copies resolved."""
    queries = version.table(f"data/split/{split}/queries.parquet", "query_id", "text")
    passages = version.table(corpus_path(version), "doc_id", "position", "text")
    qrels = version.table(f"data/split/{split}/qrels.parquet", *QRELS_COLUMNS)
    corpus = corpus_from_passages(passages.sort_values(["doc_id", "position"]))
    return Benchmark(queries, corpus, resolve_qrels(qrels, read_aliases(version)))


def read_aliases(version: Version) -> dict[str, str]:
    """Return the id of each dropped copy to the id of the document that was kept."""
    copies = version.table("data/deduplicate/aliases.parquet", "doc_id", "kept_id")
    return dict(zip(copies["doc_id"], copies["kept_id"], strict=True))


def seen_in_training(before: pd.DataFrame, after: pd.DataFrame) -> set[str]:
    """Return the components of the newer Splits that the older model was trained on.

    One pair or document of a component is enough.
    """
    trained_ids = before.loc[before["split"] == "train", "id"]
    return set(after.loc[after["id"].isin(set(trained_ids)), "component_id"])


def rank_with_model(
    model: Path, benchmark: Benchmark, anchor_prompt: str, document_prompt: str, device: Device
) -> pd.DataFrame:
    """Return HIT_COLUMNS of the first hits of the model in a folder on `benchmark`."""
    from stages.lib.retrieval.encoder import Encoder
    from stages.lib.retrieval.search import dense_search

    # Encode with the prompts that the model was trained with.
    encoder = Encoder(model, device)
    corpus = benchmark.corpus
    passages = encoder.encode(corpus.texts, document_prompt, "documents, older model")
    query_texts = list(benchmark.queries["text"])
    queries = encoder.encode(query_texts, anchor_prompt, "queries, older model")

    # Positions of documents in the corpus, shape (queries, depth).
    hits = dense_search(queries, passages, DEPTH, corpus.passage_starts, device=device)

    # One row a hit: the query ids are repeated, the ranks tiled.
    count, depth = hits.positions.shape
    query_ids = benchmark.queries["query_id"].to_numpy(dtype=object)
    columns = (
        np.repeat(query_ids, depth),
        np.tile(np.arange(1, depth + 1), count),
        corpus.doc_ids[hits.positions.ravel()].astype(object),
    )
    return pd.DataFrame(dict(zip(HIT_COLUMNS, columns, strict=True)))


def _read_run(version: Version, split: str, system: str) -> SystemRun:
    return SystemRun(
        stored_hits(version, split, system),
        version.table(f"data/split/{split}/qrels.parquet", *QRELS_COLUMNS),
        searched_documents(version),
        read_aliases(version),
    )


def _hits_of_older_model(version: Version, benchmark: Benchmark) -> pd.DataFrame:
    """Return HIT_COLUMNS of the fine-tuned model of `version` on `benchmark`.

    The hits are read from the cache if it has them.
    """
    check_pins(["model"])
    device = choose_device(load_section(RunParams))
    model_hash = version.output_hash(MODEL)
    if model_hash is None:
        raise UserError(
            f"dvc.lock of {version.name} has no {MODEL}",
            "name a revision in which 'make repro' was run",
        )

    # The prompts belong to the model: they are those of its own version.
    params = version.params()
    given = [params.get(f"model.{name}_prompt", "") for name in ("anchor", "document")]
    prompts = [str(prompt or "") for prompt in given]

    def rank(missing: list[str]) -> list[tuple[str, bytes]]:
        with temporary_folder() as folder:
            model = folder / "model"
            version.fetch(MODEL, model)
            hits = rank_with_model(model, benchmark, *own_prompts(model, *given), device)

        buffer = io.BytesIO()
        hits.to_parquet(buffer, index=False)
        return [(identity, buffer.getvalue()) for identity in missing]

    # All that decides the ranking, except the texts, which the identity of the benchmark covers.
    packages = [f"{name} {package_version(name)}" for name in _PACKAGES]
    machine = f"{platform.machine()} {SCORING_RULE}{device.key_suffix}"
    settings = f"{model_hash} {prompts} {packages} {machine}"
    values = cache.get_or_compute("rescored", settings, [benchmark.identity], rank)
    return pd.read_parquet(io.BytesIO(next(iter(values.values()))))
