"""An entity that is the subject of a sentence stays, as code; escaped text is decoded."""

import pytest

from stages.clean.markup import spoken_entities
from stages.clean.rules import markup_rules, repair

RULES = markup_rules(lines=False)


def plain(text):
    return repair(text, RULES).text


SUBJECTS = [
    ("what is &eacute; for?", "&eacute;"),
    ("why is &nbsp; shown?", "&nbsp;"),
    ("what is &#0; for?", "&#0;"),
    ("what is &#1; for?", "&#1;"),
    ("I see &#xFDD0; everywhere in my CSV", "&#xFDD0;"),
    ("Does &bull; work in email subject lines?", "&bull;"),
    ("My feed prints &#8217; in every headline", "&#8217;"),
    ("The RSS title contains &ldquo; and nobody decodes it", "&ldquo;"),
    ("I see &quot; everywhere in my CSV", "&quot;"),
    ("I keep seeing &amp; in URLs", "&amp;"),
    ("php prints &Eacute; instead of É", "&Eacute;"),
    ("Browsers show &euro; as a box", "&euro;"),
    ("The string &#128512; is an emoji", "&#128512;"),
    ("We saw &deg; in the output", "&deg;"),
    ("Use &minus; rather than a hyphen", "&minus;"),
    ("there is a stray &raquo; at the end", "&raquo;"),
    ("Which one is right, &alpha; or α?", "&alpha;"),
    ("&#xD; appears at line ends", "&#xD;"),
    ("&ZeroWidthSpace; hides a word, why?", "&ZeroWidthSpace;"),
    ("Was ist &szlig;?", "&szlig;"),
    ("Wie schreibe ich &uuml; in HTML?", "&uuml;"),
    ("¿Qué es &ntilde;?", "&ntilde;"),
    ("Comment afficher &eacute; ?", "&eacute;"),
    ("что такое &laquo;?", "&laquo;"),
    ("ما معنى &nbsp;؟", "&nbsp;"),
    ("什么是&copy;？", "&copy;"),
    ("&hearts;とは何ですか", "&hearts;"),
    ("&nbsp; 이란 무엇인가요?", "&nbsp;"),
]


@pytest.mark.parametrize(("text", "subject"), SUBJECTS)
def test_an_entity_that_is_spoken_of_stays_as_code(text, subject):
    assert plain(text) == text.replace(subject, f"`{subject}`")


def test_entities_that_are_compared_stay():
    assert plain("Why &lsquo; and not &apos;?") == "Why `&lsquo;` and not `&apos;`?"
    assert plain("Is it &times; or &#215;?") == "Is it `&times;` or `&#215;`?"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("caf&eacute; au lait", "café au lait"),
        ("R&eacute;sum&eacute; tips?", "Résumé tips?"),
        ("Das ist &Uuml;bung", "Das ist Übung"),
        # A letter that is a word: Portuguese, French, Italian.
        ("O que &eacute; isso?", "O que é isso?"),
        ("Il va &agrave; la gare", "Il va à la gare"),
        ("Come &egrave; fatto un vaso?", "Come è fatto un vaso?"),
        ("HTML &amp; CSS basics", "HTML & CSS basics"),
        ("Find &amp; show", "Find & show"),
        ("Input &rarr; Output &rarr; Display", "Input → Output → Display"),
        ("Home &raquo; Products &raquo; Pumps", "Home » Products » Pumps"),
        ("effects of &alpha; and &beta; particles", "effects of α and β particles"),
        ("the angle &alpha; is small", "the angle α is small"),
        ("20 &deg;C today, why?", "20 °C today, why?"),
        ("Is it 5 &euro; or 6 &euro;?", "Is it 5 € or 6 €?"),
        ("He said &ldquo;no&rdquo; twice", "He said “no” twice"),
        ("prints &ndash; in colour &ndash; cost", "prints – in colour – cost"),
        ("Do you ship &mdash; or not?", "Do you ship — or not?"),
        ("Really &hellip;?", "Really …?"),
        ("&check; Works with HTML", "✓ Works with HTML"),
        ("Why do I &hearts; NY?", "Why do I ♥ NY?"),
        ("what is &sect; 5 about?", "what is § 5 about?"),
        ("rock &#39;n&#39; roll", "rock 'n' roll"),
        ("if x &lt; 3 and y &gt; 2", "if x < 3 and y > 2"),
        ("<b>&eacute;</b> is a letter", "é is a letter"),
        ("1 &frac12; cups, is that much?", "1 ½ cups, is that much?"),
    ],
)
def test_escaped_text_is_decoded(text, right):
    assert plain(text) == right


def test_a_rule_that_decodes_all_is_caught(monkeypatch):
    monkeypatch.setattr(spoken_entities, "_is_spoken_entity", lambda *_: False)
    monkeypatch.setattr(spoken_entities, "names_markup", lambda *_: False)
    lost = [text for text, subject in SUBJECTS if subject not in plain(text)]
    assert lost == [text for text, _ in SUBJECTS]
