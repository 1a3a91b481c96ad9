"""init takes a search log with the documents that were clicked."""

import pytest

from stages.commands.init.recognition import guess_sources
from stages.commands.init.search_log import recognise_search_log
from stages.lib.core.errors import UserError
from tests.commands.test_init import clone, init, params  # noqa: F401  the fixture
from tests.commands.test_init_trainer import collected

PARTS = ["valve", "pump", "rotor", "bearing", "piston", "flange", "gasket", "nozzle"]
DOCUMENTS = "id,title,text\n" + "".join(
    f"d{index},The {part},A {part} is a part of the machine. It lasts.\n"
    for index, part in enumerate(PARTS)
)
LOG = "session_id,user_ip,search_query,clicked_id,clicks,impressions,position,time\n" + "".join(
    f"s{index},10.0.0.1,{part} price,d{index},{index},{20 + index},{index + 1},2026-01-0{index + 1}\n"
    for index, part in enumerate(PARTS)
)


@pytest.fixture
def folder(tmp_path_factory):
    """Return a folder with a log and the documents."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "docs.csv").write_text(DOCUMENTS, "utf-8")
    (folder / "log.csv").write_text(LOG, "utf-8")
    return folder


def test_a_log_and_its_documents_become_the_data(clone, folder):  # noqa: F811
    result = init(folder / "log.csv", folder / "docs.csv", "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"]["sources"]["log"] == {
        "reader": "search_log",
        "path": "data/raw/log.csv",
        "rows": "totals",
        "columns": {
            "query": "search_query",
            "document": "clicked_id",
            "clicks": "clicks",
            "impressions": "impressions",
            "position": "position",
            "time": "time",
        },
        "documents_of": "docs",
    }
    # Clicked documents are positives, and what people are is not read.
    assert params()["pair"]["positive_from"] == 0.047
    assert "not read: 'session_id', 'user_ip'" in result.output
    assert "10.0.0.1" not in result.output
    assert collected() == (8, 7)


# The log, what a row is, and its columns.
LOGS = [
    ("query,clicked_url,time\na,/x,2026-01-01\n", "clicks", {"query", "document", "time"}),
    ("q,doc_id,clicked\na,1,1\na,2,0\n", "impressions", {"query", "document", "clicks"}),
    ("q,doc_id,clicked\na,1,true\na,2,false\n", "impressions", {"query", "document", "clicks"}),
    ("q,doc_id,clicked\na,1,1\na,2,1\n", "clicks", {"query", "document"}),
    ("query,product_id,clicks\na,1,5\na,2,3\n", "totals", {"query", "document", "clicks"}),
    ("Suchbegriff;URL;Klicks;Clicks;Impressionen\na;/x;1;4;9\n", "totals", {"query", "document", "clicks", "impressions"}),
    ("query,clicked_id,position\na,1,top\n", "clicks", {"query", "document"}),
    ("query,clicked_id,timestamp\na,1,1700000000\n", "clicks", {"query", "document"}),
    ("query,article_id,position,timestamp\na,k1,1,2026-01-01\n", "clicks", {"query", "document", "position", "time"}),
    ("keyword,item_id,click_count,rank\na,1,2,1\n", "totals", {"query", "document", "clicks", "position"}),
]  # fmt: skip


@pytest.mark.parametrize(("content", "rows", "fields"), LOGS)
def test_what_a_row_is_follows_from_its_columns(tmp_path, content, rows, fields):
    (tmp_path / "log.csv").write_text(content, "utf-8")
    guess = recognise_search_log(str(tmp_path / "log.csv"), [])
    assert guess.log_rows == rows
    assert set(guess.columns) == fields


@pytest.mark.parametrize(
    "content",
    [
        "question,answer\nWho?,He.\n",
        "query,text\nWho?,He.\n",
        "query,doc_id,score\nWho?,1,0.5\n",
        "id,clicks\n1,5\n",
        "query,clicks\na,5\n",
        "",
        "query,clicked_id\n",
        "anchor,positive,negative\na,b,c\n",
    ],
)
def test_what_is_no_log_is_left_to_other_kinds(tmp_path, content):
    (tmp_path / "log.csv").write_text(content, "utf-8")
    assert recognise_search_log(str(tmp_path / "log.csv"), []) is None


def test_a_log_with_texts_has_its_own_documents(tmp_path):
    (tmp_path / "log.jsonl").write_text(
        '{"query": "a", "clicked_id": 7, "snippet": "Some text."}\n'
    )
    guess, rows = guess_sources([str(tmp_path / "log.jsonl")])[0].read({}, set())
    assert guess.columns == {"query": "query", "document": "clicked_id", "text": "snippet"}
    assert rows.documents["text"].tolist() == ["Some text."]


@pytest.mark.parametrize(
    ("header", "text", "title"),
    [
        ("search_term,doc_id,doc_text,shown,clicked", "doc_text", None),
        (
            "keyword,sku,product_name,product_description,clicks",
            "product_description",
            "product_name",
        ),
        ("Suchbegriff,id,Inhalt,Titel,clicks", "Inhalt", "Titel"),
        ("query,url,page_title,snippet,clicks", "snippet", "page_title"),
        ("query,user_name,id,answer,clicks", "answer", None),
        ("запрос,id,текст,clicks", "текст", None),
        ("查询,id,正文,clicks", "正文", None),
    ],
)
def test_the_texts_of_a_log_have_the_names_that_they_have_in_tables(tmp_path, header, text, title):
    values = {"clicks": "3", "clicked": "3", "shown": "9", "id": "d1", "doc_id": "d1", "sku": "A-1"}
    names = header.split(",")
    rows = [",".join(values.get(name, f"some words {row}") for name in names) for row in range(3)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")

    columns = recognise_search_log(str(path), []).columns
    assert columns["text"] == text
    assert columns.get("title") == title


def test_a_log_without_its_documents_says_what_to_name(tmp_path):
    (tmp_path / "log.csv").write_text("query,clicked_id\na,1\n", "utf-8")
    with pytest.raises(UserError) as error:
        guess_sources([str(tmp_path / "log.csv")])
    assert "no source holds the documents that its column 'clicked_id' names" in str(error.value)
    assert "name the file of the documents too" in str(error.value)


def test_a_person_corrects_a_column(tmp_path, monkeypatch):
    (tmp_path / "log.csv").write_text("query,clicked_id,snippet,body\na,1,x,y\n", "utf-8")
    guess = recognise_search_log(str(tmp_path / "log.csv"), [])
    confirmed = iter([False, True])
    monkeypatch.setattr("typer.confirm", lambda *_, **__: next(confirmed))
    answers = {"text": iter(["nothing", "body"]), "document": iter(["-"])}
    monkeypatch.setattr(
        "typer.prompt", lambda text, default: next(answers.get(text.strip(), iter([default])))
    )
    assert guess.ask().columns == {"query": "query", "text": "body"}


@pytest.mark.parametrize("column", ["clicked_article", "clickedKbId", "click_target"])
def test_what_was_clicked_has_many_names(folder, column):
    rows = [f"{part} price,s{n},d{n},2026-01-01" for n, part in enumerate(PARTS)]
    header = f"query,session_id,{column},ts"
    (folder / "export.csv").write_text("\n".join([header, *rows]), "utf-8")
    guess = recognise_search_log(str(folder / "export.csv"), [])
    assert guess is not None
    assert guess.columns == {"query": "query", "document": column, "time": "ts"}
    assert guess.log_rows == "clicks"


def test_codes_that_are_keys_of_another_file_lead_to_its_documents(folder):
    """No name says so, but each value is a key there."""
    rows = [f"How much is the {part}?,{n},d{n}" for n, part in enumerate(PARTS)]
    (folder / "asked.csv").write_text("\n".join(["question,nth,best", *rows]), "utf-8")
    asked, docs = guess_sources([str(folder / name) for name in ("asked.csv", "docs.csv")])
    assert asked.documents_of == docs.name
    assert asked.settings()["columns"]["document_key"] == "best"
