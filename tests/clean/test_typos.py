"""Tables of typos: what people and fingers misspell, and what only looks misspelt."""

from collections import Counter

import pytest

from stages.clean.edits import apply
from stages.clean.spelling import speller
from stages.clean.spelling.correction import correct_text
from stages.clean.spelling.prose import prose_words
from stages.clean.spelling.speller import Speller, correct_vocabulary

# A corpus of health questions, software and shops, as the number of texts with each word.
COUNTS = {
    "diarrhea": 40,
    "symptoms": 60,
    "which": 300,
    "their": 200,
    "separate": 30,
    "receive": 50,
    "necessary": 45,
    "definitely": 20,
    "calendar": 30,
    "prescription": 40,
    "pneumonia": 25,
    "cholesterol": 30,
    "accommodate": 10,
    "adhesion": 400,
    "domain": 300,
    "sharing": 300,
    "reload": 200,
    "download": 90,
    "environment": 60,
    "medicine": 80,
    "committed": 40,
    "available": 90,
    "government": 30,
    "leukocyte": 50,
}

TYPOS = [
    # People: doubled and single letters, other vowels, ie and ei.
    ("I still have diarhea after lunch.", "I still have diarrhea after lunch."),
    ("Where do I recieve the parcel?", "Where do I receive the parcel?"),
    ("Are seperate bills possible?", "Are separate bills possible?"),
    ("I definately had it.", "I definately had it."),  # as good as a word on the web, so it stays
    ("Is a perscription needed?", "Is a prescription needed?"),
    ("They lost thier keys.", "They lost their keys."),
    ("Is it neccesary to fast?", "Is it neccesary to fast?"),  # two edits: unclear, so it stays
    ("Is it neccessary to fast?", "Is it necessary to fast?"),
    ("Sync the callendar again.", "Sync the calendar again."),
    ("My cholestrol is high.", "My cholesterol is high."),
    ("We can accomodate ten guests.", "We can accommodate ten guests."),
    ("I commited the change.", "I committed the change."),
    ("Is it availible in blue?", "Is it available in blue?"),
    ("The goverment pays for it.", "The government pays for it."),
    # Fingers: neighbour keys, letters left out, swapped and doubled.
    ("What are the symptpms of flu?", "What are the symptoms of flu?"),
    ("The donwload never ends.", "The download never ends."),
    ("Set an enviroment variable first.", "Set an environment variable first."),
    ("Take the medicinee at noon.", "Take the medicine at noon."),
    ("Pneumnia is an infection.", "Pneumonia is an infection."),
]

SOUND = [
    # American, British and Oxford spelling, in general text and in medicine.
    "The color, colour, behavior, behaviour, center and centre of tumors and tumours.",
    "We analyze, analyse, organize, organise, catalogue and catalog the aging and ageing.",
    "Haematemesis, hematemesis, oedema, edema, oesophageal, esophageal, foetal, fetal, diarrhoea.",
    "A traveller, a traveler, fulfil, fulfill, skilful, skillful, jewellery, jewelry, aluminium.",
    "Leucocyte and leukocyte, sulphur and sulfur, programme and program, grey and gray.",
    # Words whose neighbours mean something else.
    "The humors of the eye, and the adhesin and the adhesins of the bacteria.",
    "A statin, a laminin and keratin; a hydrolase, a hydrolyse and a hydrolysis.",
    "Sharding of tables, preloading of modules, a mutex, a hashable tuple, async calls.",
    "A demesne, a reify, a casque and a lumen.",
    # Brands, products and programs.
    "ask metformin, lisinopril and prilosec of the nurse.",
    "use kubectl, nginx, numpy, redis and webpack on ubuntu.",
    # Names, and their possessives.
    "See Schwarz's theorem, Sjogren's syndrome and Maskell's report by Vishal and Sumit.",
    "Geoffry Grother and Riccardo wrote it. Tuomas Helio checked it.",
    "Numer. Math. and Comput. Phys. are journals.",
    # Latin and Greek of the sciences.
    "The dilatator pupillae, the vena cava, the processus vaginalis, the tunica externa.",
    # Contractions, joined words, and parameters of programs.
    "It doesn't, couldn't, wasn't; noone came; nnodes and xvalues are counts.",
]


def corrected(text, counts=COUNTS):
    word_counts = Counter(counts) + Counter(word.text.lower() for word in prose_words(text))
    return apply(text, correct_text(text, correct_vocabulary(word_counts, frozenset()).get))


@pytest.mark.parametrize(("typo", "right"), TYPOS)
def test_what_people_and_fingers_misspell_is_corrected(typo, right):
    assert corrected(typo) == right


@pytest.mark.parametrize("text", SOUND)
def test_sound_words_stay(text):
    assert corrected(text) == text


@pytest.mark.parametrize(
    ("word", "counts"),
    [
        ("adhesim", {"adhesim": 3, "adhesims": 2}),  # inflected, in several texts
        ("downlode", {"downlode": 9}),  # in too many texts for a typo of "download"
    ],
)
def test_a_word_that_the_corpus_uses_like_its_own_stays(word, counts):
    assert Speller({**COUNTS, **counts}, frozenset()).correct(word) is None


def test_foreign_sentences_of_an_english_text_stay():
    text = (
        "The seperate bill was late. O paciente apresenta dor seperate e febre persistente desde "
        "ontem. We recieve it now."
    )
    assert corrected(text) == text.replace("The seperate", "The separate").replace(
        "recieve", "receive"
    )


def test_without_the_word_lists_sound_words_would_be_changed(monkeypatch):
    """Sabotage: the tables notice a rule that knows no list."""
    lists = speller.word_lists()
    monkeypatch.setattr(speller, "word_lists", lambda: lists._replace(known=frozenset()))
    monkeypatch.setattr(speller.Speller, "_is_related", lambda *_: False)
    assert any(corrected(text) != text for text in SOUND)
