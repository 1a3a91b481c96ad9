"""Whether comparing on common ground gives the verdict of ranking anew, on the default data.

    python bench/common_ground.py [--json]

Reads the data of the last run. The older version is the benchmark as it is; the newer one lacks the short questions of
validation (`filtered`), or a tenth of the documents and what they answer (`smaller`), or has near-duplicate documents
merged (`merged`). The older model is the base; the newer one is the base again (nothing was touched: a difference is
the benchmark's) or the fine-tuned model. For each:

    base                        mean nDCG@10 of the base model on validation as it is
    <change>.<model>.means      difference of the two means, each over its own questions: what stands in the metrics
    <change>.<model>.ground     the same on what both have, as `python -m stages compare` judges it, and its verdict
    <change>.<model>.share      how much both have in common; under 0.8 `compare` says "not comparable"
    <change>.<model>.anew       the same with the older model ranked anew on the newer benchmark, and its verdict

Embeddings come from the cache; the first run takes minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import pandas as pd

from stages.commands.compare.alignment import (
    Benchmark,
    SystemRun,
    rank_with_model,
    read_benchmark,
    restrict_to_common,
    score_hits,
)
from stages.commands.compare.verdicts import CompareParams
from stages.commands.compare.versions import Version as ProjectVersion
from stages.commands.compare.versions import find_version, merge_aliases
from stages.commands.verdict.differences import compare_difference, measure_difference
from stages.lib.core.device import CPU
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ComponentWeight, ModelParams, load_section
from stages.lib.evaluation.evaluation_set import resolve_qrels
from stages.lib.retrieval.corpus import corpus_from_passages

PRIMARY = "ndcg_at_10"
CHANGES = ("filtered", "smaller", "merged")
SHORT = 17  # characters: a question of fewer is filtered
NEAR = 0.9  # documents that resemble each other as much are merged
Version = tuple[Benchmark, pd.DataFrame, dict[str, str]]


def change(name: str, now: ProjectVersion) -> Version:
    """Return one changed benchmark: the exam, its qrels, and which documents stand for which."""
    exam = read_benchmark(now, "validation")
    qrels = now.table("data/split/validation/qrels.parquet", "query_id", "doc_id", "grade")
    passages = now.table("data/pair/passages.parquet", "doc_id", "position", "text")
    queries, aliases = exam.queries, dict[str, str]()
    if name == "filtered":
        queries = queries[queries["text"].str.len() >= SHORT]
    if name == "smaller":
        gone = set(exam.corpus.doc_ids[::10].tolist())
        passages = passages[~passages["doc_id"].isin(gone)]
        lost = set(qrels.loc[qrels["doc_id"].isin(gone), "query_id"])
        queries = queries[~queries["query_id"].isin(lost)]
    if name == "merged":
        near = now.table(
            "data/deduplicate/near_duplicates.parquet", "left_id", "right_id", "similarity"
        )
        near = near[near["left_id"].str.startswith("d") & (near["similarity"] >= NEAR)]
        kept = merge_aliases(
            [dict([edge]) for edge in zip(near["left_id"], near["right_id"], strict=True)]
        )
        aliases = {doc_id: other for doc_id, other in kept.items() if doc_id != other}
        passages = passages[~passages["doc_id"].isin(aliases)]
    qrels = qrels[qrels["query_id"].isin(queries["query_id"])]
    corpus = corpus_from_passages(passages.sort_values(["doc_id", "position"]))
    return Benchmark(queries, corpus, resolve_qrels(qrels, aliases)), qrels, aliases


def judged(hits: pd.DataFrame, version: Version, components: pd.Series) -> pd.DataFrame:
    """Return the results by query id of `hits` on a version of the benchmark."""
    exam = version[0]
    corpus = frozenset(exam.corpus.doc_ids.tolist())
    return score_hits(hits, {}, corpus, qrels=exam.qrels).join(components)


def _world(hits: pd.DataFrame, version: Version) -> SystemRun:
    exam, qrels, aliases = version
    return SystemRun(hits, qrels, frozenset(exam.corpus.doc_ids.tolist()), aliases)


def main() -> None:
    """Print each difference and verdict, as text or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    now, params, delta = (
        find_version(None),
        load_section(ModelParams),
        load_section(CompareParams).delta,
    )
    components = now.results("validation", "base")["component_id"]
    models = {"base": find_base_model(params), "finetuned": Path("data/finetune/model")}
    settings = (params.anchor_prompt, params.document_prompt, CPU)
    whole = change("none", now)
    hits = rank_with_model(models["base"], whole[0], *settings)
    old = judged(hits, whole, components)
    found: dict[str, object] = {"base": round(float(old[PRIMARY].mean()), 4)}
    for name in CHANGES:
        version = change(name, now)
        anew = judged(rank_with_model(models["base"], version[0], *settings), version, components)
        for system, model in models.items():
            newer = rank_with_model(model, version[0], *settings)
            new = judged(newer, version, components)
            ground = restrict_to_common(
                _world(hits, whole),
                _world(newer, version),
                before_results=old,
                after_results=new,
            )
            key = f"{name}.{system}"
            found[f"{key}.means"] = round(float(new[PRIMARY].mean() - old[PRIMARY].mean()), 4)
            for way, before, after in (
                ("ground", ground.before, ground.after),
                ("anew", anew, new.loc[anew.index]),
            ):
                tested = measure_difference(
                    PRIMARY,
                    before[PRIMARY],
                    after[PRIMARY],
                    components=after["component_id"],
                    component_weight=load_section(ComponentWeight).component_weight,
                    seed=0,
                )
                verdict = compare_difference(tested, delta)
                found[f"{key}.{way}"] = [
                    verdict.outcome,
                    *(round(value, 4) for value in verdict.effect or ()),
                ]
            found[f"{key}.share"] = round(ground.share_in_common, 4)
    lines = (
        [json.dumps(found)] if as_json else [f"{key:<28}{value}" for key, value in found.items()]
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
