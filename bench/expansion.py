"""What writing abbreviations out does to retrieval by the base model, domain by domain.

    python bench/expansion.py [--documents 2500] [--queries 600] [--collections FOLDER ...] [--json]

The default data, the AWS documentation, and collections (folders as for bench/cranfield.py) are cleaned up to the
abbreviations, and then in four ways: off; own (the word list anywhere, what the corpus defines in documents with the
long form; mode first); all (the same, mode all); anywhere (every definition of the corpus as if it stood in the word
list, mode first: what the default was). Queries are cleaned alike, by the word list alone; under `anywhere` by all.
Documents that expansion changes, and their queries, come first into the sample, so that the figures are those of the
worst and the best case. Texts that stay the same are encoded once.

    <domain>.<way>.changed_documents, .changed_queries
    <domain>.<way>.ndcg          mean nDCG@10 over all queries of the sample
    <domain>.<way>.gain          over `off`, with .low and .high: 95 % of the means of resampled queries
    <domain>.<way>.touched_gain  the same over queries that changed, or whose relevant document did
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.clean.abbreviations.definitions import find_definitions
from stages.clean.abbreviations.dictionary import build_dictionary
from stages.clean.abbreviations.expansion import Entries, Mode, expand
from stages.clean.edits import apply
from stages.clean.rules import markup_rules, repair
from stages.lib.core.ids import hash_hex
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, load_section
from stages.lib.preprocessing.word_lists import Abbreviations, read_abbreviations
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.torch_threads import single_torch_thread

WAYS = ("own", "all", "anywhere")
DRAWS = 2000
NO_WORDS = Abbreviations({}, {})


class Domain(NamedTuple):
    """Texts by id, queries by id, query id to document id to grade, and the word list."""

    documents: dict[str, tuple[str, str]]
    queries: dict[str, str]
    qrels: dict[str, dict[str, float]]
    words: Abbreviations


class Dictionaries(NamedTuple):
    """What each way may write out."""

    listed: Entries
    learned: Entries
    every: Entries


def from_tables(prefix: str, words: Abbreviations) -> Domain:
    """Return a domain of data/collect."""
    documents = pd.read_parquet(f"data/collect/{prefix}documents.parquet")
    pairs = pd.read_parquet(f"data/collect/{prefix}pairs.parquet")
    return from_frames(documents, pairs, words)


def from_frames(documents: pd.DataFrame, pairs: pd.DataFrame, words: Abbreviations) -> Domain:
    """Return a domain from Documents and Pairs; an anchor is a query."""
    qrels: dict[str, dict[str, float]] = defaultdict(dict)
    for anchor, doc_id in zip(pairs["anchor"], pairs["doc_id"], strict=True):
        qrels[anchor][doc_id] = 1.0
    texts = dict(
        zip(
            documents["doc_id"],
            zip(documents["title"], documents["text"], strict=True),
            strict=True,
        )
    )
    return Domain(texts, {anchor: anchor for anchor in qrels}, dict(qrels), words)


def aws() -> Domain:
    """Return all 2,000 operations of the AWS documentation."""
    from stages.collect.kinds.aws import AwsSource, read_operations

    source = read_operations("aws", AwsSource(reader="aws", documents=2000))
    return from_frames(source.documents.frame(), source.pairs.frame(), NO_WORDS)


def collection(folder: Path) -> Domain:
    """Return a public collection."""
    documents = pd.read_json(folder / "corpus.jsonl", lines=True, dtype=False)
    queries = pd.read_json(folder / "queries.jsonl", lines=True, dtype=False)
    judged = pd.read_csv(
        folder / "qrels/test.tsv", sep="\t", dtype={"query-id": str, "corpus-id": str}
    )
    titles = documents["title"] if "title" in documents else [""] * len(documents)
    texts = {
        str(key): (title or "", text)
        for key, title, text in zip(documents["_id"], titles, documents["text"], strict=True)
    }
    qrels: dict[str, dict[str, float]] = defaultdict(dict)
    for query, doc_id, score in zip(
        judged["query-id"], judged["corpus-id"], judged["score"], strict=True
    ):
        if score > 0 and doc_id in texts:
            qrels[query][doc_id] = float(score)
    return Domain(
        texts,
        {str(key): text for key, text in zip(queries["_id"], queries["text"], strict=True)},
        dict(qrels),
        NO_WORDS,
    )


def cleaned(domain: Domain) -> Domain:
    """Return the domain after the rules of markup."""
    of_documents, of_queries = markup_rules(lines=True), markup_rules(lines=False)
    documents = {
        key: (repair(title, of_documents).text, repair(text, of_documents).text)
        for key, (title, text) in domain.documents.items()
    }
    queries = {key: repair(text, of_queries).text for key, text in domain.queries.items()}
    return domain._replace(documents=documents, queries=queries)


def dictionaries(domain: Domain) -> Dictionaries:
    """Return what the word list and the definitions of the whole domain teach."""
    counts: Counter[tuple[str, str]] = Counter()
    for _, text in domain.documents.values():
        counts.update({(item.short, item.long) for item in find_definitions(text)})
    known = build_dictionary(counts, domain.words, 1).known
    listed = {short: long for short, long in known.items() if short in domain.words.known}
    learned = {short: long for short, long in known.items() if short not in listed}
    return Dictionaries(*(tuple(sorted(part.items())) for part in (listed, learned, known)))


def rewritten(domain: Domain, way: str, terms: Dictionaries) -> Domain:
    """Return the domain with its abbreviations written out."""
    mode: Mode = "all" if way == "all" else "first"
    entries = terms.every if way == "anywhere" else terms.listed
    learned: Entries = () if way == "anywhere" else terms.learned

    def document(title: str, text: str) -> tuple[str, str]:
        context = f"{title}\n{text}"
        first, second = (
            apply(field, expand(field, entries, mode, defined_entries=learned, context=context))
            for field in (title, text)
        )
        return first, second

    return domain._replace(
        documents={key: document(*fields) for key, fields in domain.documents.items()},
        queries={key: apply(q, expand(q, entries, mode)) for key, q in domain.queries.items()},
    )


def sample(
    domain: Domain,
    changed: set[str],
    documents: int,
    queries: int,
) -> Domain:
    """Return a part of the domain: queries and documents that `changed` first, then by their hashes."""

    def query_order(query: str) -> tuple[bool, str]:
        is_touched = query in changed or bool(changed & domain.qrels[query].keys())
        return not is_touched, hash_hex(query)

    chosen = sorted(domain.qrels, key=query_order)[:queries]
    needed = {doc_id for query in chosen for doc_id in domain.qrels[query]}
    order = sorted(
        domain.documents, key=lambda key: (key not in needed, key not in changed, hash_hex(key))
    )
    kept = order[: max(documents, len(needed))]
    return domain._replace(
        documents={key: domain.documents[key] for key in sorted(kept)},
        queries={key: domain.queries[key] for key in sorted(chosen)},
        qrels={key: domain.qrels[key] for key in sorted(chosen)},
    )


def ndcg(domain: Domain, vectors: dict[str, np.ndarray]) -> np.ndarray:
    """Return nDCG@10 of each query."""
    ids = list(domain.documents)
    matrix = np.stack([vectors[embedded(domain.documents[key])] for key in ids])
    values = []
    for query, grades in domain.qrels.items():
        scores = matrix @ vectors[domain.queries[query]]
        top = np.lexsort((np.arange(len(ids)), -scores))[:10]
        gains = [grades.get(ids[position], 0.0) for position in top]
        best = sorted(grades.values(), reverse=True)[:10]
        discounts = 1 / np.log2(np.arange(2, 12))
        ideal = float(discounts[: len(best)] @ best)
        values.append(float(discounts[: len(gains)] @ gains) / ideal)
    return np.array(values)


def embedded(fields: tuple[str, str]) -> str:
    """Return what the model reads: the text, or the title of a document without one."""
    return fields[1] or fields[0]


def measure(domain: Domain, encoder: Encoder, documents: int, queries: int) -> dict[str, float]:
    """Return the figures of a domain."""
    domain = cleaned(domain)
    terms = dictionaries(domain)
    by_way = {way: rewritten(domain, way, terms) for way in WAYS}

    # The sample is the same for all ways.
    changed: set[str] = set()
    for other in by_way.values():
        changed |= {
            k for k, v in domain.documents.items() if embedded(other.documents[k]) != embedded(v)
        }
        changed |= {k for k, v in domain.queries.items() if other.queries[k] != v}
    base = sample(domain, changed, documents, queries)
    kept = {
        way: other._replace(
            documents={key: other.documents[key] for key in base.documents},
            queries={key: other.queries[key] for key in base.queries},
            qrels=base.qrels,
        )
        for way, other in by_way.items()
    }

    # Each text is encoded once.
    texts: set[str] = set()
    for part in (base, *kept.values()):
        texts |= {embedded(fields) for fields in part.documents.values()} | set(
            part.queries.values()
        )
    order = sorted(texts)
    vectors = dict(zip(order, encoder.encode(order, label="texts"), strict=True))

    before = ndcg(base, vectors)
    figures: dict[str, float] = {
        "documents": len(base.documents),
        "queries": len(base.queries),
        "definitions": len(terms.every),
        "off.ndcg": float(before.mean()),
    }
    for way, part in kept.items():
        difference = ndcg(part, vectors) - before
        new_documents = {
            key
            for key, fields in part.documents.items()
            if embedded(fields) != embedded(base.documents[key])
        }
        new_queries = {key for key, text in part.queries.items() if text != base.queries[key]}
        touched = np.array(
            [
                key in new_queries or bool(new_documents & base.qrels[key].keys())
                for key in base.qrels
            ]
        )
        figures |= {
            f"{way}.changed_documents": len(new_documents),
            f"{way}.changed_queries": len(new_queries),
            f"{way}.ndcg": float(before.mean() + difference.mean()),
            f"{way}.touched_queries": int(touched.sum()),
        }
        figures |= interval(f"{way}.gain", difference)
        if touched.any():
            figures |= interval(f"{way}.touched_gain", difference[touched])
    return figures


def interval(name: str, difference: np.ndarray) -> dict[str, float]:
    """Return the mean, and 95 % of the means of resampled queries."""
    draws = np.random.default_rng(1).integers(0, len(difference), (DRAWS, len(difference)))
    low, high = np.quantile(difference[draws].mean(axis=1), [0.025, 0.975])
    return {name: float(difference.mean()), f"{name}.low": float(low), f"{name}.high": float(high)}


def main() -> None:
    """Measure and print a figure a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=2500)
    parser.add_argument("--queries", type=int, default=600)
    parser.add_argument("--collections", type=Path, nargs="*", default=[])
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    options = parser.parse_args()

    encoder = Encoder(find_base_model(load_section(ModelParams)))
    words = read_abbreviations(Path("data/glossary/abbreviations.csv"))
    domains: dict[str, Callable[[], Domain]] = {
        "default": partial(from_tables, "", words),
        "aws": aws,
    }
    for folder in options.collections:
        domains[folder.name] = partial(collection, folder)

    figures: dict[str, float] = {}
    with single_torch_thread():
        for name, read in domains.items():
            told = measure(read(), encoder, options.documents, options.queries)
            figures |= {f"{name}.{key}": value for key, value in told.items()}
    shown = {key: round(value, 4) for key, value in figures.items()}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{key:40} {value:g}" for key, value in shown.items())
    )


if __name__ == "__main__":
    main()
