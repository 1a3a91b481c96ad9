"""Variants say something new, and none of them repeats a held-out text."""

from collections import Counter

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from stages.augment.__main__ import make_outputs
from stages.augment.filters import (
    Rejection,
    reject_by_text,
    reject_groups,
    reject_judged_wrong,
    reject_over_share,
    without_judged_right,
    without_rejected,
)
from stages.augment.lexical_variants import generate_variants
from stages.lib.core.ids import hash_hex
from stages.lib.text.held_out import HeldOutHashes
from stages.lib.text.normal_form import normal_form
from tests.augment.rows import AUGMENTERS, fingerprints, pairs
from tests.properties import examples


def reasons(frame: pd.DataFrame, held_out: pd.DataFrame, threshold: float = 0.8) -> dict[str, str]:
    """Return the reason to reject each proposed anchor, or ""."""
    variants = generate_variants(frame, AUGMENTERS)
    hashes = HeldOutHashes([held_out])
    rejected = reject_by_text(variants, frame, hashes, near_threshold=threshold)
    return {
        variant.anchor: getattr(rejected.get(variant.pair_id), "reason", "") for variant in variants
    }


def test_a_variant_keeps_the_columns_of_its_parent():
    frame = pairs(("tumor", "a"))
    variants = generate_variants(frame, AUGMENTERS)
    outputs = make_outputs(frame, variants, {})
    parent, variant = outputs.pairs.to_dict("records")
    assert variant == {
        **parent,
        "pair_id": "p" + hash_hex(parent["pair_id"], "spelling", "tumour"),
        "anchor": "tumour",
        "source": "augment.spelling",
    }
    assert outputs.ledger[["action", "reason", "partner_id", "after"]].to_numpy().tolist() == [
        ["add", "spelling", parent["pair_id"], "tumour"]
    ]


def test_a_known_anchor_of_any_document_is_rejected():
    frame = pairs(("tumor", "a"), ("Tumour!", "a"), ("anemia", "a"), ("Anaemia", "b"))
    assert set(reasons(frame, fingerprints()).values()) == {"equal_to_known"}


def test_a_held_out_text_is_rejected():
    assert reasons(
        pairs(("tumor", "a"), ("anemia", "b")), fingerprints("The... tumour", "TUMOUR")
    ) == {
        "tumour": "held_out",
        "anaemia": "",
    }


def test_a_near_duplicate_of_a_held_out_text_is_rejected():
    frame = pairs(("large brain tumor", "a"))
    held_out = fingerprints("large brain tumours")
    # 16 and 17 character 3-grams, 16 of them shared.
    assert reasons(frame, held_out, threshold=16 / 17) == {"large brain tumour": "near_held_out"}
    assert reasons(frame, held_out, threshold=0.95) == {"large brain tumour": ""}


def test_a_variant_of_two_documents_is_rejected_for_both():
    assert reasons(pairs(("ECG", "a"), ("EKG", "b")), fingerprints()) == {
        "electrocardiogram": "contradiction"
    }


def test_a_variant_of_an_anchor_with_several_documents_has_all_of_them():
    frame = pairs(("brain tumor", "a"), ("Brain tumor", "b"), ("brain tumor.", "c"))
    variants = generate_variants(frame, AUGMENTERS)
    rejected = reject_by_text(variants, frame, HeldOutHashes([]), near_threshold=0.8)
    accepted = without_rejected(variants, rejected)
    assert {(variant.anchor.lower(), variant.doc_id) for variant in accepted} == {
        (accepted[0].anchor.lower(), "d" + hash_hex(document)) for document in ("a", "b", "c")
    }
    assert len({variant.anchor for variant in accepted}) == 1


def test_a_text_of_two_anchors_with_other_documents_is_rejected_for_all():
    frame = pairs(("ECG", "a"), ("ECG", "b"), ("EKG", "a"))
    assert reasons(frame, fingerprints()) == {"electrocardiogram": "contradiction"}


def test_a_slip_of_an_anchor_is_the_same_for_all_its_documents():
    frame = pairs(("brain tumor", "a"), ("brain tumor", "b"))
    slips = {"keyboard": lambda pair_id, anchor: [f"{anchor} {pair_id}"]}
    variants = generate_variants(frame, slips)
    assert len({variant.anchor for variant in variants}) == 1
    assert {variant.parent_id for variant in variants} == set(frame["pair_id"])


@examples(30)
@given(st.integers(0, 12), st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_the_share_takes_all_variants_of_an_anchor_or_none(limit, document_counts):
    frame = pairs(
        *(
            (f"tumor {number}", f"{number} {index}")
            for number, count in enumerate(document_counts)
            for index in range(count)
        )
    )
    variants = generate_variants(frame, AUGMENTERS)
    accepted = without_rejected(variants, reject_over_share(variants, limit))
    assert len(accepted) <= limit
    counts = pd.Series([variant.anchor for variant in accepted], dtype="str").value_counts()
    for anchor, count in counts.items():
        assert count == document_counts[int(anchor.split()[1])]


def test_a_meaning_that_is_lost_for_one_document_is_lost_for_all():
    frame = pairs(("brain tumor", "a"), ("brain tumor", "b"), ("lung tumor", "c"))
    variants = generate_variants(frame, AUGMENTERS)
    first = next(variant for variant in variants if variant.anchor == "brain tumour")
    rejected = reject_groups(variants, {first.pair_id: Rejection("rank", score=900.0)})
    assert {variant.anchor for variant in without_rejected(variants, rejected)} == {"lung tumour"}


def test_of_two_equal_variants_only_the_first_stays():
    frame = pairs(("ECG", "a"), ("EKG", "a"))
    variants = generate_variants(frame, AUGMENTERS)
    rejected = reject_by_text(variants, frame, HeldOutHashes([]), near_threshold=0.8)
    assert [variant.anchor for variant in variants] == ["electrocardiogram", "electrocardiogram"]
    assert [rejection.reason for rejection in rejected.values()] == ["equal_to_known"]


def test_each_method_has_its_own_cap_whatever_the_order():
    frame = pairs(("ECG tumor", "a"), ("ECG anemia", "b"), ("LDL color", "c"))
    variants = generate_variants(frame, AUGMENTERS)
    beyond = reject_over_share(variants, 1)
    kept_methods = [variant.method for variant in variants if variant.pair_id not in beyond]
    assert sorted(kept_methods) == ["abbreviations", "spelling"]
    assert reject_over_share(reversed(variants), 1) == beyond
    assert {rejection.reason for rejection in beyond.values()} == {"over_share"}


WORDS = st.sampled_from(
    ["ECG", "EKG", "LDL", "tumor", "tumour", "anemia", "electrocardiogram", "of", "the", "skin"]
)
ROWS = st.lists(
    st.tuples(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), st.sampled_from("abc")),
    unique=True,
)


@examples(100)
@given(ROWS, st.lists(WORDS, max_size=3), st.integers(0, 5), st.randoms(use_true_random=False))
def test_order_changes_nothing_and_each_variant_is_accounted(rows, held_out, limit, random):
    results = []
    for _ in range(2):
        random.shuffle(rows)
        frame = pairs(*rows)
        variants = generate_variants(frame, AUGMENTERS)
        hashes = HeldOutHashes([fingerprints(*sorted(set(held_out)))])
        rejected = reject_by_text(variants, frame, hashes, near_threshold=0.8)
        passed = without_rejected(variants, rejected)
        rejected |= reject_over_share(passed, limit)

        # This raises when the sums do not balance.
        outputs = make_outputs(frame, variants, rejected)
        rows_out = outputs.pairs
        in_order = rows_out.sort_values("pair_id", ignore_index=True)
        results.append((in_order, outputs.ledger, outputs.details))
        kept = {variant.pair_id for variant in passed} & set(rows_out["pair_id"])
        assert len(rows_out) - len(frame) == len(kept)
        for method in AUGMENTERS:
            groups = Counter(variant.group for variant in passed if variant.method == method)
            kept_groups = Counter(
                variant.group
                for variant in passed
                if variant.method == method and variant.pair_id in kept
            )
            # Groups stay whole, as many as fit.
            assert all(kept_groups[group] == groups[group] for group in kept_groups)
            assert kept_groups.total() <= limit
            sizes = [size for group, size in groups.items() if group not in kept_groups]
            assert not sizes or kept_groups.total() + max(sizes) > limit
        accepted = rows_out[rows_out["source"].str.startswith("augment.")]
        forms = accepted["anchor"].map(normal_form)
        assert not pd.DataFrame({"form": forms, "doc_id": accepted["doc_id"]}).duplicated().any()
        assert not set(forms) & {*map(normal_form, held_out), *frame["anchor"].map(normal_form)}
    pd.testing.assert_frame_equal(results[0][0], results[1][0])
    pd.testing.assert_frame_equal(results[0][1], results[1][1])
    assert results[0][2] == results[1][2]


# --- what people said of variants


def proposed(frame):
    return generate_variants(frame, AUGMENTERS)


def test_a_variant_that_a_person_judged_wrong_is_rejected_with_all_its_documents():
    frame = pairs(("tumor", "a"), ("tumor", "b"), ("anemia", "c"))
    variants = proposed(frame)
    first = variants[0]
    rejected = reject_judged_wrong(variants, {(first.parent_id, first.pair_id)})
    assert {variant.anchor for variant in without_rejected(variants, rejected)} == {"anaemia"}
    assert {row.reason for row in rejected.values()} == {"judged_wrong"}


def test_a_verdict_names_parent_and_variant():
    variants = proposed(pairs(("tumor", "a"), ("anemia", "c")))
    first, second = variants
    assert reject_judged_wrong(variants, {(second.parent_id, first.pair_id)}) == {}


def test_what_a_person_judged_right_outranks_the_scores():
    frame = pairs(("tumor", "a"), ("tumor", "b"), ("anemia", "c"))
    variants = proposed(frame)
    rejected = {variant.pair_id: Rejection("cosine") for variant in variants}
    first = variants[0]
    left = without_judged_right(variants, rejected, {(first.parent_id, first.pair_id)})
    assert {variant.anchor for variant in without_rejected(variants, left)} == {"tumour"}
