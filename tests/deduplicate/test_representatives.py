"""The best copy stays, every dropped one has a kept partner of its own, and official documents never go."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.deduplicate.representatives import (
    DuplicateEdge,
    crowd_edges,
    preference,
    removable_edges,
)
from stages.lib.core.ids import hash_hex
from stages.lib.text.normal_form import similarity
from stages.lib.text.strict_form import strict_form
from tests.deduplicate.rows import copies, d, documents, representatives
from tests.deduplicate.rows import settings as settings_of
from tests.properties import examples


def test_case_punctuation_and_spacing_do_not_part_copies():
    frame = documents(
        ("a", "faq", "Reset it, please!"),
        ("b", "faq", "reset  it please"),
        ("c", "faq", "Reset him"),
    )
    assert copies(frame) == {d("b"): d("a")}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Upper extremity hypokinesia", "Lower extremity hypokinesia"),
        ("CD4+ T cells", "CD4- T cells"),
        ("Significant (p < 0.05)", "Significant (p > 0.05)"),
        ("How to start with C++", "How to start with C#"),
        ("Keep it at -5 degrees", "Keep it at 5 degrees"),
    ],
)
def test_what_says_something_else_is_no_copy(left, right):
    assert copies(documents(("a", "faq", left), ("b", "faq", right))) == {}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (
            ("hpo", "reset it"),
            ("faq", "Reset it!!!", "title", "topic", "group"),
        ),  # authoritative before complete
        (("faq", "reset it", "title"), ("faq", "Reset it!!!")),  # complete before long
        (("faq", "reset it", "", "topic", "group"), ("faq", "Reset it!!!", "title")),
        (("faq", "Reset it!"), ("faq", "reset it")),  # the longer text
    ],
)
@pytest.mark.parametrize("names", ["ab", "ba"])
def test_the_best_copy_is_kept(better, worse, names):
    kept, dropped = names
    assert copies(documents((kept, *better), (dropped, *worse)), "hpo") == {d(dropped): d(kept)}


def test_of_equally_good_copies_the_smallest_hash_is_kept():
    names = ["a", "b", "c", "d", "e"]
    kept = min(names, key=lambda name: hash_hex(d(name)))
    dropped = copies(documents(*((name, "faq", "reset it") for name in names)))
    assert dropped == {d(name): d(kept) for name in names if name != kept}


def test_an_authoritative_source_keeps_equal_documents():
    frame = documents(
        ("a", "hpo", "Short stature."),
        ("b", "hpo", "short stature"),
        ("c", "faq", "Short, stature."),
    )
    assert copies(frame, "hpo") == {d("c"): d("a")}
    assert copies(frame) == {d("a"): d("c"), d("b"): d("c")}


def test_a_second_authoritative_source_keeps_its_documents_too():
    frame = documents(
        ("a", "hpo", "Short stature."),
        ("b", "orpha", "short stature"),
        ("c", "orpha", "Short stature"),
    )
    assert copies(frame, "hpo", "orpha") == {}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (
            ("faq", "reset it now"),
            ("faq", "Reset it,, now!!"),
        ),  # the cleaner text before the longer
        (("faq", "Reset it now"), ("faq", "RESET IT NOW!")),
        (("faq", "reset it"), ("web", "Reset it!")),  # the source that is named first
    ],
)
@pytest.mark.parametrize("names", ["ab", "ba"])
def test_clean_text_and_preferred_sources_win(better, worse, names):
    kept, dropped = names
    assert copies(documents((kept, *better), (dropped, *worse)), order=["faq", "web"]) == {
        d(dropped): d(kept)
    }


def test_a_chain_is_cut_into_stars():
    frame = documents(
        *((name, "faq", f"text number {name}{'x' * at}") for at, name in enumerate("edcba"))
    )
    edges = [("a", "b", 0.9), ("b", "c", 0.9), ("c", "d", 0.9), ("d", "e", 0.9)]
    # The longest text is taken first: a stays and takes b; c has no kept neighbour and stays, and so on.
    assert copies(frame, edges=edges) == {d("b"): d("a"), d("d"): d("c")}


@pytest.mark.parametrize("order", [1, -1])
def test_a_text_between_two_kept_ones_goes_to_the_better_not_to_the_nearer(order):
    frame = documents(
        ("a", "faq", "the longest of all texts"),
        ("b", "faq", "a longer text"),
        ("c", "faq", "text"),
    )
    edges = [("b", "c", 0.95), ("a", "c", 0.85)][::order]
    chosen = representatives(frame, edges=edges)
    assert {doc_id: tuple(target) for doc_id, target in chosen.items()} == {
        d("c"): (d("a"), "near_copy", 0.85)
    }


def test_the_copies_of_a_dropped_text_go_where_it_goes():
    frame = documents(
        ("a", "faq", "hold the long button"),
        ("b", "faq", "hold the button"),
        ("c", "faq", "Hold the button"),
    )
    chosen = representatives(frame, edges=[("a", "b", 0.85)])
    assert {doc_id: tuple(target) for doc_id, target in chosen.items()} == {
        d("b"): (d("a"), "near_copy", 0.85),
        d("c"): (d("a"), "near_copy", 0.85),
    }


def test_a_text_of_an_authoritative_source_never_goes():
    frame = documents(
        ("a", "hpo", "upper limb"), ("b", "hpo", "lower limb"), ("c", "faq", "Lower limb")
    )
    assert copies(frame, "hpo", edges=[("a", "b", 0.9)]) == {d("c"): d("b")}


TEXTS = st.sampled_from(
    ["Reset it", "reset it!", "RESET  it", "Call us", "call us.", "p < 0.05", "p > 0.05"]
)
DOCUMENTS = st.lists(
    st.tuples(st.sampled_from(["faq", "hpo", "orpha"]), TEXTS, st.sampled_from(["", "Title"])),
    min_size=1,
    max_size=8,
)


@examples(60)
@given(DOCUMENTS)
@example([("hpo", "Reset it", "Title"), ("orpha", "reset it!", ""), ("orpha", "RESET  it", "")])
def test_a_dropped_document_has_a_kept_partner_of_equal_text(rows):
    frame = documents(*((str(index), *row) for index, row in enumerate(rows)))
    kept = copies(frame, "hpo", "orpha")
    texts, sources = (
        dict(zip(frame["doc_id"], frame[column], strict=True)) for column in ("text", "source")
    )
    for gone, partner in kept.items():
        assert partner in texts and partner not in kept
        assert strict_form(texts[gone]) == strict_form(texts[partner])
        assert sources[gone] == "faq"  # the others are authoritative: all their documents stay
    standing = [
        (strict_form(texts[doc_id]), sources[doc_id]) for doc_id in texts if doc_id not in kept
    ]
    faq = [form for form, source in standing if source == "faq"]
    assert len(faq) == len(set(faq))
    assert not set(faq) & {form for form, source in standing if source != "faq"}


def test_the_copies_in_a_crowd_go_to_the_best_text_of_their_group():
    texts = {
        d("a"): "the first case of the long template that all of these texts have in common",
        d("b"): "the first case of the long template that all these texts have in common",
        d("c"): "the second case of the long template that all of these texts have in common",
    }
    crowds = dict.fromkeys(texts, 7)
    equal = {name: [name] for name in texts}
    ranks = preference(documents(*[(n, "s", texts[d(n)]) for n in "abc"]), [], [])

    def ends(near, threshold=0.5):
        settings = settings_of(near=near, near_threshold=threshold)
        edges = crowd_edges(crowds, equal, texts, ranks, settings)
        return {frozenset((edge.left, edge.right)) for edge in edges}

    # The second case is another content. Where that may go, the longest text is the best.
    assert ends("link") == set()
    assert ends("drop_empty_difference") == {frozenset((d("a"), d("b")))}
    assert ends("drop") == {frozenset((d("c"), d("a"))), frozenset((d("c"), d("b")))}

    # A text goes from the threshold on.
    score = similarity(texts[d("c")], texts[d("a")])
    assert score > similarity(texts[d("c")], texts[d("b")])
    assert ends("drop", score) == {frozenset((d("c"), d("a")))}
    assert ends("drop", score + 1e-9) == set()


def test_texts_of_one_form_are_wholly_similar_and_others_as_their_edge_says():
    """A and b have one coarse form, and so have c and e; the edge joins the forms."""
    names = ("a", "b", "c", "e")
    edges = removable_edges(
        [DuplicateEdge("a", "c", "near_copy", 0.9)],
        {"a": ["a", "b"], "c": ["c", "e"]},
        {name: [name] for name in names},
        texts=dict.fromkeys(names, ""),
        ranks={name: (False, 0, 0, 0, 0, name) for name in names},
        near="drop",
    )
    assert [(edge.left, edge.right, edge.similarity) for edge in edges] == [
        ("a", "b", 1.0),
        ("a", "c", 0.9),
        ("a", "e", 0.9),
        ("c", "e", 1.0),
    ]
