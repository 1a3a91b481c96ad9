"""The promises of the whole stage over generated corpora, and wrong rules that break each of them."""

import re

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stages.clean import pipeline, rules, unicode
from stages.clean.edits import Edit
from stages.clean.markup import fragments, markdown
from stages.clean.pages import extraction
from stages.clean.steps import ShardCleaner
from tests.clean.invariants import (
    INVARIANTS,
    WIDE,
    clean_corpus,
    collapsed,
    corpus_of,
    lost_words,
    unaccounted,
)
from tests.properties import examples

# Each test cleans a corpus several times, which takes seconds.
pytestmark = pytest.mark.prove

# What documents say: a template with a value, in several domains and scripts.
TEMPLATES = [
    "Oak table, {} cm wide, with two drawers.",
    "The dose of the drug is {} mg per day.",
    "Section {} of this contract ends on the last day of March.",
    "Error {}: the server refused the connection of the client.",
    "Der Drucker meldet Fehler {} nach dem Einschalten des Geräts.",
    "A válvula {} fica no lado esquerdo do motor.",
    "Насос {} стоит в подвале дома.",
    "第{}章　安全须知和操作说明。",
    "المضخة {} في الطابق السفلي من المنزل.",
    "मशीन {} की मरम्मत कल होगी।",
    "The ECG of patient {} was normal.",
    "The electrocardiogram (ECG) of patient {} was normal.",
    "The pumonary artery of patient {} is wide.",
    "The pulmonary artery of patient {} is wide.",
    "Model C++{} is not model C#{}.",
    "The IT team of office {} met the US team.",
    "it can run at -{} °C or at +{} °C",
]
WRAPPERS = [
    "{}",
    "<p>{}</p>",
    "<div><b>{}</b></div><ul><li>red</li><li>blue</li></ul>",
    "# Notes\n\n{}\n\n- red\n- blue\n",
    "{}\nColour: red\nWeight: 2 kg",
    "{}\nColour: blue\nWeight: 2 kg",
    "{}\nAll rights reserved by the makers of this page.",
    "{}\n\nDr. Jane Roe\nHead of the sales office",
    "&lt;p&gt;{}&lt;/p&gt;",
    "<table><tr><td>Name</td><td>{}</td></tr></table>",
    "<dl><dt>Answer</dt><dd>{}</dd></dl>",
    "  {}\u200b\u00a0 ",
    "**{}**\n\n> quoted words\n",
    "<!DOCTYPE html><html><head><title>x</title></head><body><nav>Home</nav><main><h1>Page</h1>"
    "<p>{}</p><p>It is kept in the cellar of the house, and it is dry there.</p></main></body></html>",
]
TITLES = ["", "Guide", "<b>Guide</b>", "Guide 2", "指南"]


@st.composite
def rows(draw):
    """Draw the titles and texts of a small corpus, in which much recurs."""
    templates = draw(st.lists(st.sampled_from(TEMPLATES), min_size=1, max_size=3))
    corpus = []
    for _ in range(draw(st.integers(2, 8))):
        value = draw(st.sampled_from(["3", "4", "12", "1²"]))
        said = draw(st.sampled_from(templates)).replace("{}", value)
        text = draw(st.sampled_from(WRAPPERS)).replace("{}", said)
        title = draw(st.sampled_from(TITLES))
        corpus.append(
            (title, draw(st.sampled_from([text, text, text, ""]) if title else st.just(text)))
        )
    return corpus


# Shrinking a corpus takes minutes, and the corpora are small.
@settings(examples(60, at_most=4), phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(rows())
def test_the_stage_keeps_all_its_promises(corpus):
    cleaned = clean_corpus(*corpus_of(corpus))
    for name, check in INVARIANTS.items():
        assert (name, check(cleaned)) == (name, [])


# Sound texts, on which a wrong rule shows.
SOUND = [
    ("", "Oak table, 20 cm wide, with two drawers."),
    ("", "Oak table, 40 cm wide, with two drawers."),
    ("", "<p>Colours of the chair</p><ul><li>red paint</li><li>blue paint</li></ul>"),
    ("", "The US team of the Berlin office met in March."),
    ("", "The us team of the berlin office met in March."),
    ("", "First line of the note.\nSecond line of the note."),
    ("", "# Heading\n\nA first paragraph on pumps.\n\nA second paragraph on valves."),
    ("", "Насос 5 стоит в подвале дома."),
    ("", "第三章　安全须知和操作说明。"),
]
POSTS = (
    "<!DOCTYPE html><html><body><main><h1>Pump is loud</h1>"
    + "".join(
        f"<div class='post'><span class='author'>{name}</span><p>{said}</p></div>"
        for name, said in (
            ("Ann", "The pump in our cellar is loud since Monday, what can I do about it?"),
            ("Bob", "Check the bearing first, it is the part that wears out before the others."),
            ("Eve", "Mine had air in the pipe, and a turn of the valve made it quiet again."),
        )
    )
    + "</main></body></html>"
)


def sabotage(monkeypatch, module, name, wrong):
    """Let `wrong` spoil what the function `name` returns."""
    right = getattr(module, name)
    monkeypatch.setattr(
        module, name, lambda text, *args, **kwargs: wrong(right(text, *args, **kwargs))
    )


def broken(rows_of_corpus=SOUND):
    """Return the names of the invariants that a corpus breaks."""
    cleaned = clean_corpus(*corpus_of(rows_of_corpus))
    return {name for name, check in INVARIANTS.items() if check(cleaned)}


def without_second_line(text):
    lines = text.split("\n")
    return "\n".join([*lines[:1], *lines[2:]])


def test_nothing_is_broken_without_sabotage():
    assert broken() == set()
    assert broken([("", POSTS)]) == set()


@pytest.mark.parametrize(
    ("module", "name", "wrong"),
    [
        (fragments, "strip_html", lambda text: re.sub(r"\d+ ?", "", text)),
        (fragments, "strip_html", lambda text: re.sub(r"\n- blue paint", "", text)),
        (
            markdown,
            "strip_markdown",
            lambda text: text.replace("A second paragraph on valves.", ""),
        ),
        (markdown, "strip_markdown", without_second_line),
        (unicode, "collapse_whitespace", str.lower),
        (unicode, "repair_encoding", lambda text: re.sub("[\u0400-\u04ff]", "", text)),
        (unicode, "remove_invisible", lambda text: text.replace("安全", "")),
    ],
    ids=["digits", "list item", "paragraph", "second line", "names", "Cyrillic", "Chinese"],
)
def test_a_rule_that_loses_words_is_caught(monkeypatch, module, name, wrong):
    sabotage(monkeypatch, module, name, wrong)
    assert "lost_words" in broken()


@pytest.mark.parametrize(
    ("texts", "wrong"),
    [
        (("Oak table, 20 cm wide", "Oak table, 40 cm wide"), lambda text: re.sub(r"\d", "", text)),
        (
            ("Take it before meals.", "Take it after meals."),
            lambda text: text.replace("before", "after"),
        ),
        (
            ("The valve is open.\nDo not touch it.", "The valve is open.\nCall us."),
            without_second_line,
        ),
        (("The US team met.", "The us team met."), str.lower),
        (("Use C++ here", "Use C# here"), lambda text: re.sub("[+#]", "", text)),
        (("第三章 安全须知", "第四章 安全须知"), lambda text: re.sub("[三四]", "", text)),
        (("Насос 5 стоит", "Насос 7 стоит"), lambda text: re.sub(r"\d", "", text)),
        (("Set it to -5", "Set it to 5"), lambda text: text.replace("-5", "5")),
    ],
)
def test_documents_that_a_wrong_rule_makes_equal_are_kept_apart(monkeypatch, texts, wrong):
    sabotage(monkeypatch, unicode, "remove_invisible", wrong)
    cleaned = clean_corpus(*corpus_of([("", text) for text in texts]))
    assert collapsed(cleaned) == []
    assert sorted(cleaned.cleaned["text"]) == sorted(texts)
    notes = cleaned.ledger[
        (cleaned.ledger["reason"] == "collision") & (cleaned.ledger["action"] == "note")
    ]
    assert set(notes["row_id"]) | set(notes["partner_id"]) == set(cleaned.documents["doc_id"])

    # And without the guard the invariant shows it.
    monkeypatch.setattr(pipeline, "resolve_collisions", lambda shards, *args, **kwargs: shards)
    cleaned = clean_corpus(*corpus_of([("", text) for text in texts]))
    assert len(collapsed(cleaned)) == 1


def test_a_wrong_meaning_does_not_make_two_documents_equal(monkeypatch):
    def wrong_expand(text, **_):
        spans = [match.span() for match in re.finditer("MS", text)]
        return [
            Edit("abbreviation", start, end, before="MS", after="mitral stenosis")
            for start, end in reversed(spans)
        ]

    monkeypatch.setattr(rules, "expand", wrong_expand)
    texts = ["<p>Drugs for MS in adults.</p>", "<p>Drugs for mitral stenosis in adults.</p>"]
    cleaned = clean_corpus(*corpus_of([("", text) for text in texts]))

    # The rules of markup were not at fault.
    expected = ["Drugs for MS in adults.", "Drugs for mitral stenosis in adults."]
    assert sorted(cleaned.cleaned["text"]) == expected


def test_posts_that_are_dropped_are_counted(monkeypatch):
    sabotage(
        monkeypatch,
        extraction,
        "main_text",
        lambda text: re.sub("Mine had.*", "", text, flags=re.S),
    )
    cleaned = clean_corpus(*corpus_of([("", POSTS)]))
    losses = cleaned.ledger[cleaned.ledger["reason"] == "page_loss"]
    assert losses["after"].str.contains("Mine had air in the pipe").tolist() == [True]

    # And without the count the invariant shows it.
    monkeypatch.setattr("stages.clean.pages.loss.PageLoss.listing", lambda _: "")
    assert "Mine" in lost_words(clean_corpus(*corpus_of([("", POSTS)])))


def test_an_edit_without_its_line_is_caught(monkeypatch):
    monkeypatch.setattr(ShardCleaner, "_add_edits", lambda *args, **kwargs: None)
    assert "not_restored" in broken()


def test_a_row_without_its_line_is_caught(monkeypatch):
    monkeypatch.setattr(ShardCleaner, "drop", lambda *args, **kwargs: None)
    short = WIDE.model_copy(update={"min_document_characters": 35})
    cleaned = clean_corpus(*corpus_of(SOUND), params=short)
    assert unaccounted(cleaned) != []


def test_a_rule_that_never_ends_is_caught(monkeypatch):
    def once_more(text):
        return [Edit("page", len(text), len(text), before="", after=" again")]

    monkeypatch.setattr("stages.clean.steps.page_rule", once_more)
    assert "changed_again" in broken()
