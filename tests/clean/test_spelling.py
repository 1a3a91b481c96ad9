"""Typos: what is corrected, what never is, and that the corrected corpus has nothing left to correct."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.edits import apply
from stages.clean.spelling.correction import correct_text
from stages.clean.spelling.prose import Language, language_of, prose_words
from stages.clean.spelling.speller import Speller, correct_vocabulary
from tests.properties import examples

COUNTS = {
    "leukocytes": 40,
    "pulmonary": 300,
    "abnormality": 900,
    "hypertelorism": 30,
    "ascites": 25,
    "patients": 80,
}


def corrected(text, counts=COUNTS, excluded=frozenset()):
    word_counts = Counter(counts) + Counter(word.text.lower() for word in prose_words(text))
    return apply(text, correct_text(text, correct_vocabulary(word_counts, excluded).get))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Loss of leuklocytes in patients.", "Loss of leukocytes in patients."),
        ("A pumonary finding.", "A pulmonary finding."),
        ("An abnormaltiy (mild) of bone.", "An abnormality (mild) of bone."),
        ("Abnormalitty of bone.", "Abnormality of bone."),
    ],
)
def test_an_unknown_word_becomes_the_word_one_slip_away(wrong, right):
    assert corrected(wrong) == right


@pytest.mark.parametrize(
    "text",
    [
        "Loss of leukocytes in pulmonary tissue.",
        "Seen by Mary Pumonary in Boston.",  # a capital within a sentence makes a name
        "The flag --pumonary, the file pumonary.py, `pumonary`, PUMONARY and pumonary_x.",
        "http://example.org/pumonary and pumonary@example.org",
        "We analyse and analyze the colour and color of tumours and tumors.",
        "The keratinocyte and an uncataloguedness of nonleukocytes.",
        "PUMONARY HP:0000003 CD4+ pumonary2",
    ],
)
def test_known_words_names_derivations_and_code_stay(text):
    assert corrected(text) == text


def test_a_recurring_word_stays_unless_another_is_far_commoner():
    assert corrected("pumonary", {"pulmonary": 300, "pumonary": 20}) == "pumonary"
    assert (
        corrected("A pumonary finding.", {"pulmonary": 3000, "pumonary": 2})
        == "A pulmonary finding."
    )


def test_two_candidates_of_like_weight_decide_nothing():
    assert corrected("The haft", {"haft": 0}) == "The haft"
    assert Speller({"caresses": 20, "caressed": 20}, frozenset()).correct("caressef") is None


def test_an_excluded_term_is_not_corrected():
    assert corrected("pumonary", excluded=frozenset(["pumonary"])) == "pumonary"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Os pacientes apresentam febre alta persistente", "foreign"),
        ("The patients present with persistent high fever", "english"),
        ("Der Patient hat seit gestern hohes Fieber und starke Schmerzen in der Brust", "foreign"),
        ("leuklocytes", "short"),
        ("dor de barriga", "short"),
        ("how do I reset it", "english"),
        ("redis pvc resize", "short"),
        ("Les symptômes disparaissent en quelques jours sans traitement", "foreign"),
        ("El paciente refiere dolor en el pecho desde ayer por la tarde", "foreign"),
        ("", "short"),
    ],
)
def test_the_word_list_decides_the_language_then_the_letters(text, expected):
    words = [word.text for word in prose_words(text)]
    assert language_of(text, words) is Language(expected)


SENTENCES = st.lists(
    st.sampled_from(
        [
            "leuklocytes",
            "leukocytes",
            "pumonary",
            "pulmonary",
            "abnormaltiy",
            "the",
            "xqzvb",
            "fever",
        ]
    ),
    max_size=12,
).map(" ".join)


@examples(40)
@given(st.lists(SENTENCES, max_size=6))
def test_the_corrected_corpus_has_nothing_left_to_correct(texts):
    def count(corpus):
        return Counter(COUNTS) + Counter(
            word for text in corpus for word in {word.text for word in prose_words(text)}
        )

    corrections = correct_vocabulary(count(texts), frozenset())
    cleaned = [apply(text, correct_text(text, corrections.get)) for text in texts]
    assert not set(corrections) & set(corrections.values())
    assert all(not correct_text(text, corrections.get) for text in cleaned)
    corrections_after = correct_vocabulary(count(cleaned), frozenset())
    assert all(not correct_text(text, corrections_after.get) for text in cleaned)
