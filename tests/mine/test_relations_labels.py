"""Labels of pairs: dissimilar documents, texts that are trained on, and documents of a topic."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.schemas.documents import Documents, Hierarchy
from stages.lib.schemas.duplicates import Aliases, NearDuplicates
from stages.mine.relations import KnownRelations, PairLabels, pair_labels
from tests.mine.cases import DOCUMENTS, name, numbers, pairs, run, settings_of, unit_vector
from tests.properties import examples

PAIRS = pairs((1, "fever", 1))


def dissimilar(*documents):
    return PairLabels({}, {}, {"fever": tuple(name("d", number) for number in documents)})


def test_labelled_negatives_come_first_whatever_they_score():
    settings = settings_of(
        relative_margin=0.05, near_positives="refuse", exclude_relatives="family", negatives=3
    )
    options = {"near": [(1, 2)], "family": [(1, 4)], "labels": dissimilar(4, 2)}
    mined, _ = run(PAIRS, DOCUMENTS, settings, **options)
    row = mined.rows.iloc[0]
    assert numbers(row) == [2, 4, 3]
    assert row["negative_miners"] == ["bm25+dense+labelled", "dense+labelled", "bm25+dense"]
    certain, guessed = (
        "known_positive+equal_to_anchor",
        "known_positive+equal_to_anchor+near_positive+relative+margin",
    )
    assert row["negative_rules"] == [certain, certain, guessed]


def test_labelled_negatives_are_neither_skipped_nor_sampled():
    for params in (
        settings_of(skip_first=1, negatives=1),
        settings_of(sampling="random", negatives=1),
    ):
        mined, _ = run(PAIRS, DOCUMENTS, params, labels=dissimilar(4))
        assert numbers(mined.rows.iloc[0]) == [4]
    mined, _ = run(PAIRS, DOCUMENTS, settings_of(negatives=4), labels=dissimilar(1, 77))
    assert 1 not in numbers(mined.rows.iloc[0])


def test_labels_of_an_anchor_are_dealt_out_over_its_rows():
    """Three rows of one anchor, six labels: each label is in one row, the hardest come first."""
    table = pairs((1, "fever", 1), (2, "Fever", 2), (3, "fever!", 3), (4, "rash", 4))
    documents = [(number, f"text {number}", 0.9 - number / 20) for number in range(1, 11)]
    mined, _ = run(table, documents, settings_of(negatives=2), labels=dissimilar(5, 6, 7, 8, 9, 10))
    rows = mined.rows
    assert [numbers(row) for _, row in rows.iloc[:3].iterrows()] == [[5, 8], [6, 9], [7, 10]]
    assert not any("labelled" in miners for miners in rows.iloc[3]["negative_miners"])


def test_a_label_goes_to_a_row_where_it_is_no_positive():
    """Document 5 has the text that row 1 is trained on, so row 2 gets both labels."""
    table = pairs((1, "fever", 1), (2, "fever", 2))
    documents = [(number, f"text {number}", 0.9 - number / 20) for number in range(1, 8)]
    labels = PairLabels({name("p", 1): "Text 5."}, {}, {"fever": (name("d", 5), name("d", 6))})
    mined, _ = run(table, documents, settings_of(negatives=2), labels=labels)
    labelled = [
        [
            number
            for number, miners in zip(numbers(row), row["negative_miners"], strict=True)
            if "labelled" in miners
        ]
        for _, row in mined.rows.iterrows()
    ]
    assert labelled == [[6], [5]]


@examples(40)
@given(
    st.lists(st.sampled_from([4, 5, 6, 7, 8, 9]), unique=True, min_size=1),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_no_label_is_repeated_and_none_is_lost_while_there_is_room(labels, rows, negatives):
    table = pairs(*((number, "fever", number) for number in range(1, rows + 1)))
    documents = [(number, f"text {number}", 0.95 - number / 20) for number in range(1, 12)]
    free = [number for number in labels if number > rows]
    mined, _ = run(table, documents, settings_of(negatives=negatives), labels=dissimilar(*labels))
    used = []
    for _, row in mined.rows.iterrows():
        columns = zip(numbers(row), row["negative_miners"], strict=True)
        used += [number for number, miners in columns if "labelled" in miners]
    assert len(used) == len(set(used)) == min(len(free), rows * negatives)


@given(
    st.lists(st.sampled_from([2, 3, 4, 5]), unique=True),
    st.integers(1, 4),
    st.sampled_from([None, 0.0, 0.3]),
)
def test_labelled_negatives_come_before_those_of_searches(dissimilar_numbers, negatives, margin):
    settings = settings_of(negatives=negatives, relative_margin=margin)
    mined, _ = run(PAIRS, DOCUMENTS, settings, labels=dissimilar(*dissimilar_numbers))
    chosen = numbers(mined.rows.iloc[0])
    expected_count = min(len(dissimilar_numbers), negatives)
    assert set(chosen[:expected_count]) <= set(dissimilar_numbers)
    assert all(
        ("labelled" in miners) == (index < expected_count)
        for index, miners in enumerate(mined.rows.iloc[0]["negative_miners"])
    )


def test_the_text_that_a_pair_brings_is_its_positive():
    options = PairLabels({name("p", 1): "rash"}, {}, {})
    mined, ledger = run(PAIRS, DOCUMENTS, settings_of(negatives=4), labels=options)
    row = mined.rows.iloc[0]
    assert (row["positive"], round(row["positive_score"], 2)) == ("rash", 0.9)
    assert numbers(row) == [2, 3, 5]
    assert list(ledger["reason"]) == ["too_few_negatives"]


def test_no_document_of_a_topic_that_is_asked_for_is_a_negative():
    mined, _ = run(
        PAIRS,
        DOCUMENTS,
        settings_of(negatives=4),
        labels=PairLabels({}, {name("p", 1): "fevers"}, {}),
    )
    assert numbers(mined.rows.iloc[0]) == [5, 4]
    assert mined.excluded["known_positive"] == 3


TRAINING = pd.DataFrame(
    {
        "pair_id": ["given", "cut", "variant", "ring", "plain"],
        "anchor": "a",
        "doc_id": ["d1", "d2", "d2", "d3", "d4"],
        "relation": ["same_label", "first_sentence", "first_sentence", "same_label", "title"],
    }
)
SYNTHETIC = pd.DataFrame(
    {
        "pair_id": ["cut", "ring", "plain"],
        "origin_id": ["d2", "d9", "d4"],
        "positive": ["rest", "", ""],
    }
)
DISSIMILAR = pd.DataFrame({"anchor": ["Fever?", "fever", "rash"], "doc_id": ["d2", "d1", "d1"]})


def test_labels_are_texts_topics_and_dissimilar_documents():
    topics = {"d1": "x", "d2": "y", "d3": "z", "d4": ""}
    actual = pair_labels(
        TRAINING, SYNTHETIC, DISSIMILAR, topic_of=topics, parent_of={"variant": "cut"}
    )
    assert actual.text_of_pair == {"cut": "rest", "variant": "rest"}
    assert actual.topic_of_pair == {"ring": "z"}, (
        "a given pair whose relation happens to be called same_label is none"
    )
    assert actual.dissimilar == {"fever": ("d1", "d2"), "rash": ("d1",)}


def test_relations_hold_what_the_tables_say():
    columns = list(Documents.empty().columns)
    rows = [(name("d", number), "s", "", "text", "heat", "ward") for number in (1, 2)]
    known = {
        "positives": {"fever": frozenset([name("d", 1)])},
        "labels": dissimilar(2),
        "text_vectors": {"a text": unit_vector(0.5)},
    }
    relations = KnownRelations.from_tables(
        documents=pd.DataFrame(rows, columns=columns),
        near_duplicates=NearDuplicates.empty(),
        aliases=Aliases.empty(),
        hierarchy=Hierarchy.empty(),
        corpus_ids=[name("d", 1)],
        **known,
    )
    assert {key: getattr(relations, key) for key in known} == known
    assert relations.documents_of_topic == {"heat": frozenset([name("d", 1), name("d", 2)])}
    assert set(relations.group_of) == {name("d", 1), name("d", 2)}
    assert (relations.near_duplicates, relations.relatives) == ({}, {})
