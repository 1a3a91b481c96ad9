"""Variants say the same in other letters, and none of them reaches into the exam."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.augment.__main__ import augment, training_pairs
from stages.augment.refusals import beyond_share, refuse
from stages.augment.variants import propose, swap_abbreviations, swap_spelling
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.splits import Splits
from stages.lib.errors import Problem
from stages.lib.glossary import Abbreviations
from stages.lib.text import hash_hex, hash_shingles, normal_form, shingles

ABBREVIATIONS = Abbreviations(
    {"ECG": "electrocardiogram", "EKG": "electrocardiogram", "LDL": "low-density lipoprotein"},
    {"MS": ["mitral stenosis", "multiple sclerosis"]},
)
BRITISH = {"anemia": "anaemia", "tumor": "tumour", "color": "colour"}
MAKERS = {
    "abbreviations": lambda _, anchor: swap_abbreviations(anchor, ABBREVIATIONS),
    "spelling": lambda _, anchor: swap_spelling(anchor, BRITISH),
}


def pairs(*rows: tuple[str, str]) -> pd.DataFrame:
    """Make pairs of (anchor, name of the document)."""
    made = [
        ("p" + hash_hex(anchor, name), anchor, "d" + hash_hex(name), "exact", 0.5, "hpo")
        for anchor, name in rows
    ]
    return pd.DataFrame(made, columns=list(Pairs.empty().columns)).astype(
        Pairs.empty().dtypes.to_dict()
    )


def fingerprints(*texts: str) -> pd.DataFrame:
    made = [
        ("p" + hash_hex(text), "test", hash_hex(normal_form(text)), hash_shingles(shingles(text)))
        for text in texts
    ]
    return (
        pd.DataFrame(made, columns=list(Fingerprints.empty().columns))
        if made
        else Fingerprints.empty()
    )


def reasons(frame: pd.DataFrame, held_out: pd.DataFrame, threshold: float = 0.8) -> dict[str, str]:
    """Return what became of each proposed anchor: the reason of its refusal, or nothing."""
    variants = propose(frame, MAKERS)
    refused = refuse(variants, frame, held_out, threshold)
    return {
        variant.anchor: getattr(refused.get(variant.pair_id), "reason", "") for variant in variants
    }


@pytest.mark.parametrize(
    ("anchor", "variants"),
    [
        ("Abnormal ECG", ["Abnormal electrocardiogram"]),
        ("Electrocardiogram abnormal", ["ECG abnormal"]),  # the first short form of the file
        (
            "electrocardiogram (EKG) trace",
            ["EKG trace", "electrocardiogram trace"],
        ),  # as `clean` writes it
        ("ECG and LDL", ["electrocardiogram and low-density lipoprotein"]),
        ("electrocardiogram (LDL)", []),  # not its own short form
        ("MS and multiple sclerosis", []),  # ambiguous
        ("ecg, ECGs, G-ECG, ECG/EEG, electrocardiograms", []),  # other words
    ],
)
def test_abbreviations_are_swapped_in_both_directions(anchor, variants):
    assert swap_abbreviations(anchor, ABBREVIATIONS) == variants


def test_a_long_form_that_is_ambiguous_elsewhere_is_not_abbreviated():
    glossary = Abbreviations({"MuS": "multiple sclerosis"}, ABBREVIATIONS.ambiguous)
    assert swap_abbreviations("multiple sclerosis", glossary) == []


@pytest.mark.parametrize(
    ("anchor", "variants"),
    [
        ("Brain tumor with anemia", ["Brain tumour with anaemia"]),
        ("Tumour; ANAEMIA", ["Tumor; ANEMIA"]),  # back, capitals kept
        ("tumor colour", ["tumor color", "tumour colour"]),  # a mixture becomes either
        ("Tumoral TuMor", []),  # another word, a case we cannot repeat
    ],
)
def test_spelling_is_swapped_in_both_directions(anchor, variants):
    assert swap_spelling(anchor, BRITISH) == variants


def test_a_variant_keeps_what_its_parent_says():
    frame = pairs(("tumor", "a"))
    variants = propose(frame, MAKERS)
    rows, ledger, _ = augment(frame, variants, {})
    parent, variant = rows.to_dict("records")
    assert variant == {
        **parent,
        "pair_id": "p" + hash_hex(parent["pair_id"], "spelling", "tumour"),
        "anchor": "tumour",
        "source": "augment.spelling",
    }
    assert ledger[["action", "reason", "partner_id", "after"]].to_numpy().tolist() == [
        ["add", "spelling", parent["pair_id"], "tumour"]
    ]


def test_what_an_anchor_says_already_is_refused_whatever_its_document():
    frame = pairs(("tumor", "a"), ("Tumour!", "a"), ("anemia", "a"), ("Anaemia", "b"))
    assert set(reasons(frame, fingerprints()).values()) == {"equal_to_known"}


def test_what_equals_a_held_out_text_is_refused():
    assert reasons(
        pairs(("tumor", "a"), ("anemia", "b")), fingerprints("The... tumour", "TUMOUR")
    ) == {
        "tumour": "held_out",
        "anaemia": "",
    }


def test_what_nearly_equals_a_held_out_text_is_refused_from_the_threshold_on():
    frame, held_out = pairs(("large brain tumor", "a")), fingerprints("large brain tumours")
    # 16 and 17 character 3-grams, 16 of them shared.
    assert reasons(frame, held_out, threshold=16 / 17) == {"large brain tumour": "near_held_out"}
    assert reasons(frame, held_out, threshold=0.95) == {"large brain tumour": ""}


def test_a_variant_that_would_point_to_two_documents_is_refused_for_both():
    assert reasons(pairs(("ECG", "a"), ("EKG", "b")), fingerprints()) == {
        "electrocardiogram": "contradiction"
    }


def test_one_of_two_variants_that_say_the_same_stays():
    frame = pairs(("ECG", "a"), ("EKG", "a"))
    variants = propose(frame, MAKERS)
    refused = refuse(variants, frame, fingerprints(), 0.8)
    assert [variant.anchor for variant in variants] == ["electrocardiogram", "electrocardiogram"]
    assert [refusal.reason for refusal in refused.values()] == ["equal_to_known"]


def test_each_method_is_capped_by_itself_and_what_stays_does_not_depend_on_order():
    frame = pairs(("ECG tumor", "a"), ("ECG anemia", "b"), ("LDL color", "c"))
    variants = propose(frame, MAKERS)
    beyond = beyond_share(variants, 1)
    stayed = [variant.method for variant in variants if variant.pair_id not in beyond]
    assert sorted(stayed) == ["abbreviations", "spelling"]
    assert beyond_share(reversed(variants), 1) == beyond
    assert {refusal.reason for refusal in beyond.values()} == {"over_share"}


def test_a_pair_without_a_split_stops_the_stage():
    frame = pairs(("tumor", "a"))
    with pytest.raises(Problem, match=f"pair {frame['pair_id'][0]} .* has no split"):
        training_pairs(frame, Splits.empty())


WORDS = st.sampled_from(
    ["ECG", "EKG", "LDL", "tumor", "tumour", "anemia", "electrocardiogram", "of", "the", "skin"]
)
ROWS = st.lists(
    st.tuples(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), st.sampled_from("abc")),
    unique=True,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.lists(WORDS, max_size=3), st.integers(0, 5), st.randoms(use_true_random=False))
def test_order_changes_nothing_and_every_variant_stays_or_has_its_reason(
    rows, held_out, limit, random
):
    results = []
    for _ in range(2):
        random.shuffle(rows)
        frame = pairs(*rows)
        variants = propose(frame, MAKERS)
        refused = refuse(variants, frame, fingerprints(*sorted(set(held_out))), 0.8)
        fit = [variant for variant in variants if variant.pair_id not in refused]
        refused |= beyond_share(fit, limit)
        out, ledger, metrics = augment(
            frame, variants, refused
        )  # raises when the sums do not balance
        results.append((out.sort_values("pair_id", ignore_index=True), ledger, metrics))
        methods = [variant.method for variant in fit]
        assert len(out) - len(frame) == sum(min(limit, methods.count(method)) for method in MAKERS)
        accepted = out[out["source"].str.startswith("augment.")]
        forms = accepted["anchor"].map(normal_form)
        assert forms.is_unique
        assert not set(forms) & {*map(normal_form, held_out), *frame["anchor"].map(normal_form)}
    pd.testing.assert_frame_equal(results[0][0], results[1][0])
    pd.testing.assert_frame_equal(results[0][1], results[1][1])
    assert results[0][2] == results[1][2]
