"""A tag or an entity that a text speaks of stays, as code; a fragment of HTML is markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.markup import fragments
from stages.clean.rules import markup_rules, repair
from stages.clean.unicode import repair_encoding

RULES = markup_rules(lines=False)


def plain(text):
    return repair(text, RULES).text


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("why does <hr> need no end?", "<hr>"),
        ("How do I use <br> in React?", "<br>"),
        ("is <br> valid in XHTML", "<br>"),
        ("<center> is deprecated", "<center>"),
        ("What does <script> do", "<script>"),
        ("My <iframe> is blocked", "<iframe>"),
        ("the <p> tag is a block", "<p>"),
        ("A missing </div> breaks the page", "</div>"),
        ("What does <b></b> do?", "<b></b>"),
        ("how to remove <br>s from a string", "<br>"),
        ('the "<br>" in my text', "<br>"),
        ('How to style <input type="file"> in CSS?', '<input type="file">'),
        ("how do I make <b>this</b> work with <br> tags", "<br>"),
        ("Wozu braucht man <hr>?", "<hr>"),
        ("Pourquoi <br> ne fonctionne pas ?", "<br>"),
        ("¿Cómo cerrar un <li>?", "<li>"),
        ("зачем нужен <hr>?", "<hr>"),
        ("ما فائدة <hr>؟", "<hr>"),
        ("为什么<hr>标签不需要结束？", "<hr>"),
        ("如何使用<br>换行？", "<br>"),
        ("<br>とは何ですか？", "<br>"),
    ],
)
def test_a_tag_that_is_the_subject_stays_as_code(text, subject):
    right = text.replace(subject, f"`{subject}`").replace("<b>this</b>", "this")
    assert plain(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("difference between <div> and <span>", "difference between `<div>` and `<span>`"),
        ("<hr> vs <br>", "`<hr>` vs `<br>`"),
        ("CSS for <ul>, <ol> and <li>", "CSS for `<ul>`, `<ol>` and `<li>`"),
        ("Wrap it in <em> and </em> tags.", "Wrap it in `<em>` and `</em>` tags."),
        ("difference between &ensp; and &emsp;", "difference between `&ensp;` and `&emsp;`"),
        ("&lt;br&gt; in a table", "`<br>` in a table"),
        ("<div>と<span>の違いは？", "`<div>`と`<span>`の違いは？"),
    ],
)
def test_several_that_are_compared_stay(text, right):
    assert plain(text) == right


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("what is &shy; for?", "&shy;"),
        ("Use &nbsp; to add a space", "&nbsp;"),
        ("what does &amp; mean?", "&amp;"),
        ("use &lt; for less than", "&lt;"),
        ("replace & with &amp;", "&amp;"),
        ("&amp; vs & in URLs", "&amp;"),
        ("What is &#160; in HTML?", "&#160;"),
        ("The &copy; symbol is missing", "&copy;"),
        ("The &zwj; entity joins emoji", "&zwj;"),
        ("Why is &eacute; shown instead of é?", "&eacute;"),
        ("render &mdash; as a dash", "&mdash;"),
        ("&nbsp; appears in my text", "&nbsp;"),
        ("¿Para qué sirve &nbsp;?", "&nbsp;"),
        ("Was bedeutet &amp;?", "&amp;"),
        ("什么是&nbsp;？", "&nbsp;"),
        ("What does &amp;nbsp; mean?", "&nbsp;"),  # escaped once, spoken of all the same
    ],
)
def test_an_entity_that_is_the_subject_stays_as_code(text, subject):
    assert plain(text) == text.replace(subject, f"`{subject}`").replace("&amp;nbsp;", "`&nbsp;`")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Fever<br>rash", "Fever rash"),
        ("Fever <br> Rash and cough", "Fever Rash and cough"),
        ("symptoms: fever <br> cough <br> rash", "symptoms: fever cough rash"),
        ("What is the dose?<br/>", "What is the dose?"),
        ("<p>Is this ok?", "Is this ok?"),
        ("What is a <b>myocardial infarction</b>?", "What is a myocardial infarction?"),
        ("<span class='x'>why</span> does it rain?", "why does it rain?"),
        ("see <a href='x'>this</a>?", "see this?"),
        ("患者发热<br>怎么办", "患者发热 怎么办"),
        ("Fish &amp; chips", "Fish & chips"),
        ("Is A &amp; B the same?", "Is A & B the same?"),
        ("p is &lt; 0.05", "p is < 0.05"),
        ("10&nbsp;mg", "10 mg"),
        ("Hello &nbsp; world", "Hello world"),
        ("co&shy;operate", "cooperate"),
        ("caf&eacute; au lait?", "café au lait?"),
        ("Why &ndash; and how &ndash; it works", "Why – and how – it works"),
        ("Do you have the time? &nbsp;", "Do you have the time?"),
        ("&copy; 2020 Company", "© 2020 Company"),
        ("It&rsquo;s 5 o&#39;clock", "It\u2019s 5 o'clock"),
    ],
)
def test_a_fragment_is_markup(text, right):
    assert plain(text) == right


@pytest.mark.parametrize(
    "text",
    [
        "The word \u201cSj\u00c3\u00b6gren\u201d should read \u201cSj\u00f6gren\u201d",
        'Why does my page show "caf\u00c3\u00a9"?',
        "\u00e9 is shown as \u00c3\u00a9, why?",
        "\u300c\u00e3\u201a\u00ac\u300d\u3068\u306f\u4f55\u3067\u3059\u304b",
        "It shows \u00e2\u20ac\u2122 instead of \u2019",
        "Why do I see \u00c3\u00bc in my text?",
        "why does it print \u00c3\u00a9 in the log?",
        "The bytes C3 A9 show as \u00c3\u00a9",
        "\u00c3 is a Portuguese letter",
        "My page shows \u00c2 before \u00a3 signs",
        "what is \u201c\ufb01\u201d?",
        "the sign '\uff21' is wide",
        "\u201c\ufb01nal\u201d and final",
        "`caf\u00c3\u00a9` in code",
        "`a  b\u200bc` keeps its spaces",
        "`<p>` and `&nbsp;`",
        "`x<sup>2</sup>`",
    ],
)
def test_code_and_quotations_are_untouched(text):
    assert plain(text) == text


def test_damage_of_a_whole_text_is_repaired_in_its_quotations_too():
    text = "Sj\u00c3\u00b6gren wrote \u201ccaf\u00c3\u00a9\u201d"
    assert repair_encoding(text) == "Sj\u00f6gren wrote \u201ccaf\u00e9\u201d"


@pytest.mark.parametrize(
    ("damaged", "right"),
    [
        ("O que \u00c3\u00a9 isso?", "O que \u00e9 isso?"),
        ("Il va \u00c3 la gare", "Il va \u00e0 la gare"),
        ("He came \u00e2\u20ac\u201c late?", "He came \u2013 late?"),
        ("Why is the caf\u00c3\u00a9 closed?", "Why is the caf\u00e9 closed?"),
        ("Preis \u00c2\u00a35", "Preis \u00a35"),
    ],
)
def test_damage_that_nobody_speaks_of_is_repaired(damaged, right):
    assert plain(damaged) == right


WORDS = st.sampled_from(
    ["why", "does", "the", "use", "tag", "is", "Fever", "?", "and", "&", "<", "\n", "不"]
)
MARKS = st.sampled_from(
    ["<br>", "<b>", "</b>", "<hr>", "&amp;", "&nbsp;", "&shy;", "&lt;", '"', "`", "<a b='c'>"]
)


@given(st.lists(st.one_of(WORDS, MARKS), max_size=12).map(" ".join))
def test_cleaning_twice_is_cleaning_once(text):
    once = repair(text, RULES)
    assert once.settled
    assert repair(once.text, RULES).text == once.text


def _subjects_lost(cleaned):
    """Return the questions whose subject is gone: they read like questions without one."""
    questions = {
        "why does <hr> need no end?": "hr",
        "what is &shy; for?": "shy",
        "a <div> or a <p>?": "div",
    }
    return [text for text, name in questions.items() if name not in cleaned(text)]


def test_a_rule_that_deletes_subjects_is_caught(monkeypatch):
    assert _subjects_lost(plain) == []
    monkeypatch.setattr(fragments, "quote_spoken", lambda text: text)
    assert len(_subjects_lost(plain)) == 3
