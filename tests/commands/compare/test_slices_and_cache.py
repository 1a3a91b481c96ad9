"""What `compare` reads of a version: the kinds of its queries, and what names a ranking in the cache."""

import io
from types import SimpleNamespace

import pandas as pd
import pytest

from stages.commands.compare import alignment
from stages.commands.compare.alignment import same_benchmark
from stages.commands.compare.verdicts import find_slices, read_evaluation_set
from stages.lib.analysis.intervals import MIN_COMPONENTS

QUERIES = [f"q{number:03}" for number in range(2 * MIN_COMPONENTS)]
HALVES = ["faq"] * MIN_COMPONENTS + ["forum"] * MIN_COMPONENTS
TABLES = {
    "data/split/test/queries.parquet": pd.DataFrame(
        {
            "query_id": QUERIES,
            "text": ["high fever"] * len(QUERIES),
            "relation": ["exact", "lay"] * MIN_COMPONENTS,
            "source": HALVES,
        }
    ),
    "data/split/test/qrels.parquet": pd.DataFrame(
        {"query_id": QUERIES, "doc_id": ["copy"] * len(QUERIES), "grade": 1.0}
    ),
    "data/deduplicate/aliases.parquet": pd.DataFrame({"doc_id": ["copy"], "kept_id": ["d1"]}),
    "data/pair/documents.parquet": pd.DataFrame({"doc_id": ["d1"], "topic": ["fevers"]}),
}
VERSION = SimpleNamespace(table=lambda path, *columns: TABLES[path][list(columns)])


def slices_of(components, **options):
    evaluation_set, topic_of_document = read_evaluation_set(VERSION, "test")
    assert topic_of_document == {"d1": "fevers"}
    assert evaluation_set.qrels["q000"] == {"d1": 1.0}
    return find_slices(evaluation_set, topic_of_document, components, **options)


def test_slices_are_those_of_source_and_relation():
    found = slices_of(pd.Series([f"c-{query}" for query in QUERIES], index=QUERIES))
    assert found.too_small == 0
    assert found.query_ids_of == {
        "nDCG@10, relation exact": QUERIES[::2],
        "nDCG@10, relation lay": QUERIES[1::2],
        "nDCG@10, source faq": QUERIES[:MIN_COMPONENTS],
        "nDCG@10, source forum": QUERIES[MIN_COMPONENTS:],
    }


def test_a_slice_with_one_component_too_few_is_counted_alone():
    components = pd.Series([f"c-{query}" for query in QUERIES], index=QUERIES)
    components[QUERIES[1]] = components[QUERIES[0]]
    found = slices_of(components)
    # Both queries are of the source faq, and one of each relation.
    assert found.too_small == 1
    assert "nDCG@10, source faq" not in found.query_ids_of
    assert len(found.query_ids_of) == 3


def test_only_queries_that_are_compared_count():
    components = pd.Series([f"c-{query}" for query in QUERIES], index=QUERIES)
    found = slices_of(components[QUERIES[MIN_COMPONENTS:]])
    assert found.query_ids_of == {"nDCG@10, source forum": QUERIES[MIN_COMPONENTS:]}
    assert found.too_small == 2


def test_names_of_relations_are_hidden_where_files_hold_none():
    components = pd.Series([f"c-{query}" for query in QUERIES], index=QUERIES)
    names = list(slices_of(components, has_labels=False).query_ids_of)
    assert "nDCG@10, source faq" in names
    assert not {"nDCG@10, relation exact", "nDCG@10, relation lay"} & set(names)


@pytest.mark.parametrize(
    ("prompts", "same"),
    [
        ({}, True),
        ({"model.anchor_prompt": None, "model.document_prompt": ""}, True),
        ({"model.anchor_prompt": "query: "}, False),
        ({"model.document_prompt": "query: "}, False),
    ],
)
def test_the_prompts_are_part_of_what_names_a_ranking(monkeypatch, prompts, same):
    names = []

    def keep(_, settings, identities, compute):
        names.append(settings)
        buffer = io.BytesIO()
        pd.DataFrame({"rank": [1]}).to_parquet(buffer)
        return {identities[0]: buffer.getvalue()}

    monkeypatch.setattr(alignment, "check_pins", lambda _: None)
    monkeypatch.setattr(alignment.cache, "get_or_compute", keep)
    for params in ({}, prompts):
        version = SimpleNamespace(
            name="v1", output_hash=lambda _: "abc", params=lambda params=params: params
        )
        hits = alignment._hits_of_older_model(version, SimpleNamespace(identity="b"))
        assert hits["rank"].tolist() == [1]
    assert (names[0] == names[1]) == same


def evaluated(benchmark, corpus, searched, collected):
    """Return a version with these details; None is left out."""
    evaluate = {"benchmark": benchmark, "corpus": corpus, "corpus_documents": searched}
    known = {key: value for key, value in evaluate.items() if value is not None}
    details = {"evaluate": known, "collect": {"documents": collected}}
    return SimpleNamespace(details=details.__getitem__)


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        # Both search all that they collected.
        (("b", None, 5, 5), ("b", None, 5, 5), True),
        (("b", "c", 5, 5), ("b", "other", 5, 5), True),
        (("b", "c", 5, 5), ("other", "c", 5, 5), False),
        ((None, "c", 5, 5), (None, "c", 5, 5), False),
        # One of them searches a part: the hash of the documents decides.
        (("b", "c", 4, 5), ("b", "c", 5, 5), True),
        (("b", "c", 4, 5), ("b", "other", 5, 5), False),
        (("b", "c", 5, 5), ("b", "other", 4, 5), False),
        (("b", None, 4, 5), ("b", None, 4, 5), False),
    ],
)
def test_a_benchmark_is_the_same_queries_over_the_same_documents(before, after, is_same):
    assert same_benchmark(evaluated(*before), evaluated(*after)) == is_same
