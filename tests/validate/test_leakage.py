"""Every planted leak is found, whatever its disguise and its side, and nothing else is."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.ids import hash_hex
from stages.lib.schemas.splits import Fingerprints
from stages.lib.text import held_out as held_out_module
from stages.lib.text.held_out import ANCHORS, TEXTS, HeldOutText, fingerprint_rows
from stages.lib.text.matches import NO_RUNS
from stages.lib.text.normal_form import normal_form, similarity
from stages.validate.row_quality import leaked_rows
from tests.properties import examples

ANCHOR = "Weakness of the upper arms that comes and goes"
DOCUMENT = "Reduced strength of the muscles of the upper arms, which comes in attacks and goes away by itself."
NEAR = {
    ANCHOR: "Weakness of the upper arms that comes and goes away",  # one word more
    DOCUMENT: DOCUMENT.replace("itself", "night"),
}


def held_out(anchors=(ANCHOR,), documents=(DOCUMENT,), compared_with=TEXTS):
    """Make fingerprints of held-out texts."""
    rows = [
        HeldOutText(side + hash_hex(text), "test", text, compared_with)
        for side, texts in (("p", anchors), ("d", documents))
        for text in texts
    ]
    return fingerprint_rows(rows, NO_RUNS)


def row(
    pair_id,
    anchor="stiff knee",
    positive="A knee that cannot be bent.",
    negatives=("A knee that clicks.",),
):
    return {
        "pair_id": pair_id,
        "anchor": anchor,
        "positive": positive,
        "negatives": np.array(negatives, dtype=object),
    }


CLEAN = [
    row("clean"),
    row("no negatives", negatives=[]),
    row(
        "other arms",
        anchor="Weakness of the lower legs",
        positive="Reduced strength of the muscles of the lower legs.",
    ),
]


def leaked(*rows, threshold=0.8, fingerprints=None):
    return leaked_rows(
        pd.DataFrame([*CLEAN, *rows]),
        [held_out() if fingerprints is None else fingerprints],
        threshold,
    )


def test_clean_rows_are_no_leaks():
    assert leaked() == []


@pytest.mark.parametrize(
    "disguise", [str, str.upper, lambda text: f" {text.replace(' ', '  ')}!", NEAR.get]
)
@pytest.mark.parametrize(
    ("column", "text", "wrap"),
    [
        ("anchor", ANCHOR, str),
        ("positive", DOCUMENT, str),
        ("negatives", DOCUMENT, lambda text: ["A cough.", text]),
    ],
)
def test_a_planted_leak_is_found(column, text, wrap, disguise):
    assert leaked(row("planted", **{column: wrap(disguise(text))})) == ["planted"]


@pytest.mark.parametrize("text", [ANCHOR, DOCUMENT])
def test_equal_texts_count_whatever_their_side(text):
    rows = [row("a", anchor=text.lower()), row("b", positive=text), row("c", negatives=[text])]
    assert leaked(*rows) == ["a", "b", "c"]


def test_near_texts_count_whatever_they_are():
    rows = [row("a", positive=NEAR[ANCHOR]), row("b", anchor=NEAR[DOCUMENT])]
    assert leaked(*rows) == ["a", "b"]


def test_where_documents_are_shared_anchors_are_compared_with_anchors_alone():
    rows = [row("a", positive=ANCHOR), row("b", negatives=[NEAR[ANCHOR]]), row("c", anchor=ANCHOR)]
    assert leaked(*rows, fingerprints=held_out(documents=(), compared_with=ANCHORS)) == ["c"]


def test_a_copied_section_counts_though_the_texts_are_not_near():
    section = " ".join(f"word{index}" for index in range(50))
    quoting = f"{' '.join(f'other{index}' for index in range(90))} {section.upper()}! and more"
    assert similarity(section, quoting) < 0.5
    fingerprints = held_out(documents=(f"Before it. {section}, then the end.",))
    assert leaked(row("a", positive=quoting), fingerprints=fingerprints) == ["a"]
    shorter = quoting.replace("WORD0 ", "")
    assert leaked(row("a", positive=shorter), fingerprints=fingerprints) == []


def test_the_threshold_decides_what_is_near():
    score = similarity(ANCHOR, NEAR[ANCHOR])
    assert 0.8 < score < 0.95
    planted = row("planted", anchor=NEAR[ANCHOR])
    assert leaked(planted, threshold=score) == ["planted"]
    assert leaked(planted, threshold=0.95) == []


def test_each_row_of_a_leaked_text_is_returned_once_and_sorted():
    planted = [
        row("z", positive=DOCUMENT, negatives=[DOCUMENT]),
        row("a", negatives=[DOCUMENT, NEAR[DOCUMENT]]),
    ]
    assert leaked(*planted) == ["a", "z"]


def test_no_held_out_texts_and_no_rows_give_no_leaks():
    assert leaked(row("planted", anchor=ANCHOR), fingerprints=Fingerprints.empty()) == []
    empty = pd.DataFrame(columns=["pair_id", "anchor", "positive", "negatives"])
    assert leaked_rows(empty, [held_out()], 0.8) == []


SHORT = st.text("abc A,", min_size=1, max_size=7)
LONG = st.lists(st.sampled_from("ab"), min_size=8, max_size=12).map(" ".join)
ANY_TEXT = st.one_of(SHORT, LONG)


@examples(150)
@given(
    st.lists(st.tuples(ANY_TEXT, ANY_TEXT, st.lists(ANY_TEXT, max_size=2)), min_size=1, max_size=5),
    st.lists(ANY_TEXT, max_size=3),
    st.lists(ANY_TEXT, max_size=3),
    st.sampled_from([0.5, 0.8, 1.0]),
)
def test_leaks_are_those_of_comparing_all_with_all(rows, anchors, documents, threshold):
    def matches(text):
        equal = normal_form(text) in {normal_form(other) for other in [*anchors, *documents]}
        return equal or any(
            similarity(text, other) >= threshold for other in [*anchors, *documents]
        )

    expected = [
        str(at)
        for at, (anchor, positive, negatives) in enumerate(rows)
        if any(matches(text) for text in [anchor, positive, *negatives])
    ]
    triplets = pd.DataFrame([row(str(at), *texts) for at, texts in enumerate(rows)])

    # The table may come in parts, and a part may be empty.
    table = held_out(anchors, documents)
    parts = [table.iloc[:0], table.iloc[:1], table.iloc[1:]]
    assert leaked_rows(triplets, parts, threshold) == expected


def test_blocks_of_texts_change_no_fingerprint(monkeypatch):
    sentence = "Hold the button " + "for ten seconds and then " * 4
    texts = [sentence + "call us.", "Pay.", sentence + "wait.", "", "Reset it. " + sentence]
    rows = [HeldOutText("d" + hash_hex(text), "test", text, TEXTS) for text in texts]
    whole = fingerprint_rows(rows, NO_RUNS)
    assert [len(runs) > 0 for runs in whole["runs"]] == [True, False, True, False, True]

    monkeypatch.setattr(held_out_module, "_BLOCK_TEXTS", 2)
    in_blocks = fingerprint_rows(rows, NO_RUNS)
    for column in ("id", "normal_hash"):
        assert in_blocks[column].tolist() == whole[column].tolist()
    assert [runs.tolist() for runs in in_blocks["runs"]] == [
        runs.tolist() for runs in whole["runs"]
    ]
