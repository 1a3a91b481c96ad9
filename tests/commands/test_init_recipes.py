"""init chooses the recipes that find something to pair in documents without questions."""

import json

import pytest

from stages.collect.records import DocumentRow
from stages.collect.stored_tables import StoredTable
from stages.commands.init.sizes import recipes_for
from tests.commands.test_init import clone as clone
from tests.commands.test_init import init, params

SHORT = [f"Where is card {n} of mine?" for n in range(40)]
# Two sentences that a person types at once, and texts that say more.
GREETED = [f"Hello there. {text}" for text in SHORT]
LONG = [f"Card {n} is here. It lies on the shelf." for n in range(40)]


def documents(texts, topics=1, title=""):
    return [
        DocumentRow(f"d{n:03}", "faq", title and f"{title} {n}", text, f"topic {n % topics}", "")
        for n, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("rows", "recipes"),
    [
        (documents(LONG), ["first_sentence"]),
        (documents(LONG, title="Card"), ["title", "first_sentence"]),
        (documents(SHORT, title="Card"), ["title"]),
        (documents(SHORT, topics=20), ["same_label"]),
        # Two labels cannot be divided into three splits, and forty hold one text each.
        (documents(SHORT, topics=2), ["first_sentence"]),
        (documents(SHORT, topics=40), ["first_sentence"]),
        (documents(GREETED, topics=20), ["same_label"]),
        (documents(GREETED), ["first_sentence"]),
        (documents([3 * text for text in LONG], topics=20), ["first_sentence"]),
    ],
)
def test_the_recipes_suit_the_documents(rows, recipes):
    assert recipes_for(rows) == recipes


@pytest.mark.parametrize("name", ["card {n}", "{n}"])
def test_classes_of_short_texts_are_paired_by_their_label(clone, tmp_path_factory, name):
    file = tmp_path_factory.mktemp("own") / "intents.csv"
    rows = [f"{text},{name.format(n=n % 20)}" for n, text in enumerate(SHORT)]
    file.write_text("\n".join(["text,label", *rows]), "utf-8")
    result = init(file, "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"]["sources"]["intents"]["columns"] == {
        "text": "text",
        "topic": "label",
    }
    assert params()["pair"]["recipes"] == ["same_label"]
    assert params()["validate"]["min_random_auc"] == 0.6
    assert params()["validate"]["min_bm25_auc"] == 0.0
    # A label is in one split as a whole: 20 labels, of which validation gets a fifth.
    assert "labels hold more of the texts" not in result.output
    assert "Validation and test have about 4 components each" in result.output
    assert "no verdict: more labels will help most" in result.output


def test_a_few_large_labels_are_divided_and_said_to_be(clone, tmp_path_factory):
    """Of 12 labels each holds a twelfth of the texts, and a component at most a twentieth."""
    file = tmp_path_factory.mktemp("own") / "intents.csv"
    rows = [f"Where is card {n} of mine?,card {n % 12}" for n in range(120)]
    file.write_text("\n".join(["text,label", *rows]), "utf-8")
    result = init(file, "--yes")
    assert result.exit_code == 0, result.output
    assert "12 of 12 labels hold more of the texts than one component may" in result.output
    assert "more labels will help" not in result.output, "their texts are divided"


def test_single_sentences_of_which_nothing_makes_pairs_are_named(clone, tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "texts.csv"
    file.write_text("\n".join(["text", *SHORT]), "utf-8")
    result = init(file, "--yes")
    assert "Most documents are single sentences without a title" in result.output


def test_a_thread_with_a_list_of_answers_is_a_question_with_its_documents(clone, tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "threads.jsonl"
    rows = [
        {
            "thread": {"id": f"t{n}", "title": f"How do I open door {n}?"},
            "answers": [
                {"text": f"Turn key {n} to the left.", "votes": 3},
                {"text": f"Push {n} hard."},
            ],
        }
        for n in range(30)
    ]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    result = init(file, "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"]["sources"]["threads"]["columns"] == {
        "anchor": "thread.title",
        "key": "thread.id",
        "positive": "answers.text",
    }
    assert "30 records: 60 documents and 60 pairs" in result.output


def test_no_column_of_texts_is_held_as_a_whole(clone, tmp_path_factory, monkeypatch):
    """A file of gigabytes must not come into memory, whatever is measured of it."""

    def refuse(*_):
        raise AssertionError("a whole table is read")

    monkeypatch.setattr(StoredTable, "__getitem__", refuse)
    monkeypatch.setattr(StoredTable, "frame", refuse)
    file = tmp_path_factory.mktemp("own") / "faq.csv"
    long = "word " * 20_000
    file.write_text(f"question,answer\nHow?,{long}\nWhy?,Because of it.\n,No question.\n", "utf-8")
    result = init(file, "--yes")
    assert result.exit_code == 0, result.output
    assert params()["clean"]["max_document_characters"] == 100_000


def listed(scores):
    """Return a thread of three answers with these scores for each of 30 questions, as JSONL."""
    texts = ("Turn key {n} to the left.", "Push door {n} hard.", "Door {n} has no key at all.")
    rows = [
        {
            "question": f"How do I open door {n}?",
            "answers": [
                {"text": text.format(n=n), "score": score}
                for text, score in zip(texts, scores, strict=True)
            ],
        }
        for n in range(30)
    ]
    return "\n".join(map(json.dumps, rows))


def test_scores_beside_listed_answers_are_read_in_their_order(clone, tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "threads.jsonl"
    file.write_text(listed([1.0, 0.6, 0.0]), "utf-8")
    result = init(file, "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"]["sources"]["threads"]["columns"] == {
        "anchor": "question",
        "positive": "answers.text",
        "score": "answers.score",
    }
    assert (
        "30 records: 90 documents and 90 pairs; 30 of them say that a document is no answer: hard "
        "negatives"
    ) in result.output


def test_votes_beside_listed_answers_are_on_no_scale(clone, tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "threads.jsonl"
    file.write_text(listed([151, 3, -2]), "utf-8")
    result = init(file, "--yes")
    assert result.exit_code == 0, result.output
    assert "score" not in params()["collect"]["sources"]["threads"]["columns"]
    assert "column 'answers.score' holds numbers from -2 to 151, which are no known scale" in (
        result.output
    )


def test_records_of_short_fields_are_documents_of_all_of_them(clone, tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "sites.csv"
    rows = [
        f"S{n:02},Blue {n} Ltd,{n} Mill Road,{'Leeds' if n % 2 else ''},+44 20 {n:04},{n % 3}"
        for n in range(30)
    ]
    file.write_text("\n".join(["ref,name,street,city,phone,beds", *rows]), "utf-8")
    result = init(file, "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"]["sources"]["sites"]["columns"] == {
        "text": "{street}, {city}",
        "title": "name",
        "key": "ref",
    }
    assert "text: 1 Mill Road, Leeds" in result.output
    assert "not read: 'phone', 'beds'" in result.output
    assert "30 records: 30 documents and 0 pairs" in result.output


def test_one_long_column_is_a_document_by_itself(clone, tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "notes.csv"
    rows = [f"Mill {n},Part {n} of the mill was mended in the year {n} by hand." for n in range(30)]
    file.write_text("\n".join(["place,remark", *rows]), "utf-8")
    result = init(file, "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"]["sources"]["notes"]["columns"]["text"] == "remark"
