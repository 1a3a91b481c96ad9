"""The guess which column holds which field: tables of several domains and languages, and the right mapping."""

import csv
import io

import pytest

from stages.commands.init.columns import guess_columns

CASES = {
    "German FAQ": (
        "id;Frage;Antwort;Kategorie\n1;Wie geht das?;So geht das.;Konto\n"
        "2;Was kostet es?;Das kostet nichts.;Preis\n3;Wo ist es?;Es liegt hier.;Konto",
        {"key": "id", "anchor": "Frage", "text": "Antwort", "topic": "Kategorie"},
    ),
    "commands, their tasks and how to do them": (
        "verb;goal;steps\ncreate-bucket;Make a bucket to store files in;Open the console and press the button.\n"
        "delete-bucket;Remove a bucket that is empty;Choose the bucket in the list, then press the key.",
        {"key": "verb", "anchor": "goal", "text": "steps"},
    ),
    "notes and who wrote them": (
        "clinician;entry\nAnna Berg;The patient came in with a cough and left without it.\n"
        "Tom Rask;The wound heals well and needs no further care for now.\n"
        "Anna Berg;The fever is gone since noon, and the appetite is back.",
        {"text": "entry"},
    ),
    "help pages": (
        "title;body\nReturns;You can return it within days.\nShipping;We ship each day of the week.",
        {"title": "title", "text": "body"},
    ),
    "similar sentences": (
        "sentence1;sentence2;score\nA man runs.;A person is running.;4.8\nA cat sits.;The dog barks.;0.2",
        {"anchor": "sentence1", "text": "sentence2", "score": "score"},
    ),
    "reading test": (
        "question;context;answer\nWho wrote it?;The long book was written by Ann in May.;Ann\n"
        "When?;It was the year 1999 when all of it happened.;1999",
        {"anchor": "question", "text": "context"},
    ),
    "catalogue": (
        "sku;name;description;category;price\nA-1;Lamp;A lamp for the desk.;Home;3.5\n"
        "A-2;Saw;A saw for hard wood.;Tools;7\nA-3;Axe;An axe for soft wood.;Tools;9",
        {"key": "sku", "title": "name", "text": "description", "topic": "category"},
    ),
    "products without a description": (
        "sku;product_title;product_category;price\n"
        + "".join(
            f"{n:04};Lamp {n} of brass;Home and living > {'Desk' if n % 2 else 'Floor'} lamps;{n}\n"
            for n in range(60)
        ),
        {"key": "sku", "text": "product_title", "topic": "product_category"},
    ),
    "graded search": (
        "query;document;relevance\nred shoes;Red leather shoes for men;2\n"
        "red shoes;Blue jeans for all;0\nlamp;Desk lamp dimmable here;1",
        {"anchor": "query", "text": "document", "grade": "relevance"},
    ),
    "French FAQ": (
        "Identifiant;Question;Réponse;Date\n1;Où est-ce ?;Ici, à gauche.;2024-01-02\n"
        "2;Quand ?;Demain matin tôt.;2024-02-03",
        {"key": "Identifiant", "anchor": "Question", "text": "Réponse", "time": "Date"},
    ),
    "Spanish FAQ": (
        "pregunta;respuesta;tema\n¿Cómo cambio la clave?;Abra la página de ajustes.;cuenta\n"
        "¿Dónde está?;En la planta baja.;tienda\n¿Cuándo abre?;Abre cada día a las nueve.;tienda",
        {"anchor": "pregunta", "text": "respuesta", "topic": "tema"},
    ),
    "Russian FAQ": (
        "вопрос;ответ\nКак изменить пароль?;Откройте настройки и выберите.\nГде счёт?;В разделе платежей внизу.",
        {"anchor": "вопрос", "text": "ответ"},
    ),
    "Chinese FAQ": (
        "问题;答案;类别\n如何修改密码？;打开设置并选择修改密码。;账户\n发票在哪里？;在付款页面的底部。;付款\n"
        "退货？;三十天之内。;账户",
        {"anchor": "问题", "text": "答案", "topic": "类别"},
    ),
    "Arabic FAQ": (
        "سؤال;جواب\nكيف أغير كلمة المرور؟;افتح الإعدادات واختر.\nأين الفاتورة؟;في أسفل الصفحة هنا.",
        {"anchor": "سؤال", "text": "جواب"},
    ),
    "names that say nothing": (
        "col1;col2\nWhat is this?;It is a thing of some use.\nWhy is that?;Because of the reason here.",
        {"anchor": "col1", "text": "col2"},
    ),
    "one column": ("text\nOne text that is long.\nAnother text there.", {"text": "text"}),
    "glossary": (
        "term;definition\nArrhythmia;An irregular beat of the heart.\nDyspnea;A shortness of breath felt.",
        {"anchor": "term", "text": "definition"},
    ),
    "crawled pages": (
        "url;heading;text;lang\nhttp://a/1;Intro;Some words that follow here.;en\n"
        "http://a/2;More;Other words that follow there.;en",
        {"key": "url", "title": "heading", "text": "text"},
    ),
    "duplicate questions": (
        "qid1;question1;question2;is_duplicate\n1;How do I cook?;What is cooking?;0\n2;Who am I?;Who is it that I am?;1",
        {"key": "qid1", "anchor": "question1", "text": "question2", "score": "is_duplicate"},
    ),
    "instructions with a split": (
        "instruction;output;split\nWrite a poem;Roses are red and so on.;train\nSum it;It is four as always.;test",
        {"anchor": "instruction", "text": "output", "split": "split"},
    ),
    "support tickets": (
        "ticket_id;subject;message;resolution;created_at\n7;Login;I cannot log in at all;Reset the password now.;"
        "2024-01-01T10:00:00\n8;Bill;The bill is wrong;We sent a new bill today.;2024-01-02T10:00:00",
        {"key": "ticket_id", "title": "subject", "anchor": "message", "text": "resolution", "time": "created_at"},
    ),
    "clauses": (
        "clause_id;clause;contract\nc1;The party shall pay within thirty days.;K1\nc2;Either party may end this.;K1\n"
        "c3;The law of Spain applies.;K2",
        {"key": "clause_id", "text": "clause", "group": "contract"},
    ),
    "classes are no scores": (
        "index;premise;hypothesis;label\n0;A man eats food.;The man is eating now.;1\n1;A boy runs.;A girl sits down.;0\n"
        "2;It rains.;It is dry.;2",
        {"key": "index", "anchor": "premise", "text": "hypothesis"},
    ),
    "votes are no scores": (
        "question;answer;score\nHow?;By the book as ever.;412\nWhy?;For the good of all.;-3",
        {"anchor": "question", "text": "answer"},
    ),
    "records with a column that is mostly empty": (
        "Id;Site name;Address;Executive Director\n"
        "1;Oak School;27 Oak Street;Dan Valliere of the North and the South and West\n"
        "2;Elm School;224 North Central Road;\n3;Ash School;9 East Avenue here;",
        {"key": "Id", "title": "Site name", "text": "Address"},
    ),
    "a verdict in words": (
        "index;question;sentence;label\n0;Who wrote it?;The book was written by Ann.;entailment\n"
        "1;When was it?;It rains in May and in June.;not_entailment",
        {"key": "index", "anchor": "question", "text": "sentence", "score": "label"},
    ),
    "classes of short texts": (
        "text;label\nWhere is my card?;11\nMy card is not there;11\nHow do I pay?;3\nCan I pay here?;3",
        {"text": "text", "topic": "label"},
    ),
    "error codes that are asked for": (
        "term;definition\nE_404;The page that you asked for is gone.\nE_500;The server broke on the way.",
        {"anchor": "term", "text": "definition"},
    ),
    "an id that stands twice": (
        "id;question;answer\n1;How?;By the book as ever.\n1;Why?;For the good of all.",
        {"anchor": "question", "text": "answer"},
    ),
}  # fmt: skip


def table(text):
    header, *rows = csv.reader(io.StringIO(text), delimiter=";")
    return {column: [row[index] for row in rows] for index, column in enumerate(header)}


@pytest.mark.parametrize("name", list(CASES))
def test_each_column_is_taken_for_what_it_is(name):
    text, expected = CASES[name]
    assert dict(guess_columns(table(text)).columns) == expected


def test_numbers_alone_hold_no_text():
    assert "text" not in guess_columns(table("a;b\n1;2\n3;4")).columns


@pytest.mark.parametrize(
    ("low", "high", "scale"),
    [("0.1", "0.9", None), ("1", "4.5", [1.0, 5.0]), ("0.5", "9", [0.0, 10.0]), ("-0.4", "0.9", [-1.0, 1.0]),
     ("3", "97", [0.0, 100.0])],
)  # fmt: skip
def test_a_score_has_the_scale_that_people_score_on(low, high, scale):
    guess = guess_columns(
        table(f"query;text;similarity\na cat;It is a cat at home;{low}\na dog;It is a dog;{high}")
    )
    assert guess.settings.get("score_range") == scale


def test_dates_that_are_not_iso_are_noted_and_not_read():
    guess = guess_columns(
        table("question;answer;date\nHow?;By the book.;02.01.2025\nWhy?;For all of us.;03.01.2025")
    )
    assert "time" not in guess.columns
    assert guess.notes == [
        "column 'date' holds no ISO dates (such as '02.01.2025'), so it is not read"
    ]


def test_a_guess_without_a_name_is_uncertain():
    guess = guess_columns(table(CASES["names that say nothing"][0]))
    assert list(guess.uncertain) == ["text"]


def test_the_words_of_a_verdict_are_scores():
    guess = guess_columns(table(CASES["a verdict in words"][0]))
    assert guess.settings == {"score_names": {"entailment": 1.0, "not_entailment": 0.0}}


def test_ids_alone_are_no_documents():
    text = "query;doc\nred shoes;d1_0\nblue jeans;d1_1\nlamp;d2_0"
    assert guess_columns(table(text)).columns == {"text": "query"}
    assert "text" not in guess_columns(table("doc;page\nd1_0;p-1\nd1_1;p-2")).columns


def test_a_label_of_unknown_words_is_noted():
    text = "question;answer;label\nHow?;By the book as ever.;gold\nWhy?;For the good of all.;gold\nWho?;It was me.;tin"
    guess = guess_columns(table(text))
    assert guess.columns["topic"] == "label"
    assert guess.notes == [
        "column 'label' is taken for the subject of the texts. If it says whether a question and a "
        "text belong together, map it to 'score', and its words by score_names"
    ]


def test_a_few_values_in_many_rows_are_no_questions_and_no_titles():
    rows = [f"{n};list_{n % 2}.csv;Shop;Row {n} holds some words." for n in range(60)]
    guess = guess_columns(table("\n".join(["nr;source;name;text", *rows])))
    assert guess.columns == {"text": "text", "key": "nr"}
