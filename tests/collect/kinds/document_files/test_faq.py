"""Questions and their answers are taken out of pages; everything else stays, and no word is lost."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.kinds.document_files import reading
from stages.collect.kinds.document_files.faq import take_answers
from stages.collect.kinds.document_files.outcome import Page
from stages.collect.kinds.document_files.page_tree import PageTree
from stages.collect.kinds.document_files.reading import entries_of_page

FAQ_DATA = (
    '<script type="application/ld+json">{{"@context":"https://schema.org","@graph":[{{"@type":["WebPage",'
    '"FAQPage"],"mainEntity":[{{"@type":"Question","name":"{}","acceptedAnswer":{{"@type":"Answer","text":'
    '"{}"}}}}]}}]}}</script>'
)


def plain(html):
    return " ".join(re.sub(r"<script.*?</script>|<[^<>]*>", " ", html, flags=re.DOTALL).split())


def answers(html):
    """Return (question, section, answer) of each question, the page's question, and the rest."""
    tree = PageTree(html)
    taken = take_answers(tree)
    triples = [(answer.question, answer.section, plain(answer.html)) for answer in taken.answers]
    return triples, taken.page_question, plain(tree.rest())


@pytest.mark.parametrize(
    ("html", "expected", "rest"),
    [
        # Headings, each with all that follows up to the next one.
        (
            "<h1>FAQ</h1><h2>Shipping</h2><h3>How long?</h3><p>Two days.</p><p>Or three.</p>"
            "<h3>Do you ship abroad?</h3><ul><li>Yes.</li></ul><h2>Contact</h2><p>Mail us.</p>",
            [
                ("How long?", "Shipping", "Two days. Or three."),
                ("Do you ship abroad?", "Shipping", "Yes."),
            ],
            "FAQ Shipping Contact Mail us.",
        ),
        # Accordions: the button is in the heading, and each item has a wrapper.
        (
            "<main><h1>Help</h1><div><h2><button>How do I pay?</button></h2><div>By card.</div></div>"
            "<div><h2><button>Is it safe?</button></h2><div>Yes.</div></div><p>Call us.</p></main>",
            [("How do I pay?", "", "By card."), ("Is it safe?", "", "Yes.")],
            "Help Call us.",
        ),
        # The question has a wrapper of its own, and the answer stands beside it.
        (
            "<section><div class=q><h3>What is it?</h3><span>+</span></div><div class=a>A lamp.</div>"
            "<div class=q><h3>Who made it?</h3></div><div class=a>We did.</div></section>",
            [("What is it?", "", "A lamp."), ("Who made it?", "", "We did.")],
            "+",
        ),
        (
            "<p>Intro</p><details><summary>How <b>bright</b> is it?</summary>800 lm<p>At most.</p></details>"
            "<details><summary>Show log</summary>ok</details>",
            [("How bright is it?", "", "800 lm At most.")],
            "Intro Show log ok",
        ),
        (
            "<dl><dt>Was ist das?</dt><dd>Eine Lampe.</dd><dd>Sie ist gut.</dd><dt>Wer macht das?</dt><dd>Wir.</dd>"
            "</dl><dl><dt>Watt</dt><dd>Eine Einheit.</dd></dl>",
            [("Was ist das?", "", "Eine Lampe. Sie ist gut."), ("Wer macht das?", "", "Wir.")],
            "Watt Eine Einheit.",
        ),
        (
            "<p><strong>Q: How big is it?</strong></p><p>Ten.</p><p><b>Q: Why so big?</b></p><p>Because.</p>",
            [("How big is it?", "", "Ten."), ("Why so big?", "", "Because.")],
            "",
        ),
        (
            "<p><b>How big is it?</b> Ten.</p><p>Or so.</p><p>Is <b>this it?</b> No.</p><ul><li><b>Why is it</b>?</li><li>"
            "<strong>Who made it?</strong> We.</li></ul>",
            [("How big is it?", "", "Ten."), ("Who made it?", "", "We.")],
            "Or so. Is this it? No. Why is it ?",
        ),
        # Questions that schema.org marks need no mark.
        (
            "<div itemscope itemtype='https://schema.org/FAQPage'><div itemprop=mainEntity itemscope "
            "itemtype='https://schema.org/Question'><span itemprop=name>Delivery times</span><div "
            "itemprop=acceptedAnswer itemscope itemtype='https://schema.org/Answer'><div itemprop=text>Two "
            "<i>days</i>.</div></div></div></div>",
            [("Delivery times", "", "Two days .")],
            "",
        ),
        (
            FAQ_DATA.format("Delivery times", "<p>Two days.</p>")
            + "<h1>Shop</h1><ul><li><a href=#>Delivery times</a><div>Two days.</div></li></ul>",
            [("Delivery times", "", "Two days.")],
            "Shop",
        ),
        # A declared answer that the page does not show comes from the data.
        (
            FAQ_DATA.format("Is it red?", "No, blue.") + "<h1>Shop</h1><p>Welcome.</p>",
            [("Is it red?", "", "No, blue.")],
            "Shop Welcome.",
        ),
        (
            FAQ_DATA.format("What&#039;s <b>new</b>?", "All &lt;i&gt;of&lt;/i&gt; it.")
            + "<div><div>What's new?</div><div>All of it.</div></div>",
            [("What's new?", "", "All of it.")],
            "",
        ),
        (
            "<h2>คืนสินค้าได้ไหม</h2><p>ได้</p><h2>ส่งฟรีหรือไม่</h2><p>ใช่</p>",
            [("คืนสินค้าได้ไหม", "", "ได้"), ("ส่งฟรีหรือไม่", "", "ใช่")],
            "",
        ),
        # Threads are no set answers.
        (
            "<div itemscope itemtype='https://schema.org/QAPage'><div itemscope "
            "itemtype='https://schema.org/Question'><span itemprop=name>Slow disk</span><div "
            "itemprop=acceptedAnswer><p itemprop=text>Buy one.</p></div></div></div>",
            [],
            "Slow disk Buy one.",
        ),
        # In an article only clear questions count.
        (
            "<h1>Trade</h1><p>Intro.</p><h2>What is a tariff?</h2><p>A tax.</p><h2>Costs</h2><p>High.</p>"
            "<h2>Ready for trade?</h2><p>Go.</p><h2>And now?</h2><p>Wait.</p><h2>How we did it</h2><p>So.</p>"
            "<h2>Prices</h2><p>Low.</p>",
            [("What is a tariff?", "", "A tax.")],
            "Trade Intro. Costs High. Ready for trade? Go. And now? Wait. How we did it So. Prices Low.",
        ),
        # Where most headings ask, a mark or a word is enough.
        (
            "<h2>How to return</h2><p>Send it.</p><h2>Refund after a month?</h2><p>No.</p><h2>Terms</h2><p>Long.</p>",
            [("How to return", "", "Send it."), ("Refund after a month?", "", "No.")],
            "Terms Long.",
        ),
        # Sections of an answer belong to it.
        (
            "<h2>How do I pay?</h2><p>Two ways.</p><h3>Card</h3><p>Enter it.</p><h2>Is it free?</h2><p>Yes.</p>",
            [("How do I pay?", "", "Two ways. Card Enter it."), ("Is it free?", "", "Yes.")],
            "",
        ),
        # Navigation and footers ask nothing, and end answers.
        (
            "<nav><h3>Where are you?</h3><p>Home</p></nav><h2>Who are you?</h2><p>We.</p><h2>Is it new?</h2><p>Yes.</p><footer><h3>How to find "
            "us?</h3><p>Map</p></footer>",
            [("Who are you?", "", "We."), ("Is it new?", "", "Yes.")],
            "Where are you? Home How to find us? Map",
        ),
        # A heading without an answer is no question.
        (
            "<h2>Why?</h2><h2>What is it?</h2><h2>Who are we?</h2><p>People.</p>",
            [("Who are we?", "", "People.")],
            "Why? What is it?",
        ),
        (
            "<h2>What is it?</h2><p><a href=x>More</a></p><h2>Who are we?</h2><p>People.</p>",
            [("Who are we?", "", "People.")],
            "What is it? More",
        ),
        (
            "<h1>常见问题</h1><h2>如何退货？</h2><p>请联系客服。</p><h2>运费多少</h2><p>十元。</p>",
            [("如何退货？", "", "请联系客服。"), ("运费多少", "", "十元。")],
            "常见问题",
        ),
        (
            "<h2>كيف أعيد المنتج؟</h2><p>خلال شهر.</p><h2>متى يصل؟</h2><p>غداً.</p>",
            [("كيف أعيد المنتج؟", "", "خلال شهر."), ("متى يصل؟", "", "غداً.")],
            "",
        ),
        ("<div role=heading aria-level=3>Is it new?</div><p>Yes.</p><h3>Who sells it?</h3><p>We.</p>",
            [("Is it new?", "", "Yes."), ("Who sells it?", "", "We.")], ""),
    ],
)  # fmt: skip
def test_questions_get_their_answers_and_the_rest_stays(html, expected, rest):
    triples, page_question, left = answers(html)
    assert triples == expected
    assert page_question == ""
    assert left == rest


@pytest.mark.parametrize(
    ("html", "question"),
    [
        ("<h1>How do I reset it?</h1><p>Hold it.</p><h2>Steps</h2><p>Ten.</p>", "How do I reset it?"),
        ("<h1>How to reset the lamp</h1><p>Hold it.</p>", "How to reset the lamp"),
        ("<h1>返品できますか？</h1><p>はい。</p>", "返品できますか？"),
        ("<h1>How to reset it</h1><p>Hold it.</p><h2>Before</h2><p>x</p><h2>After</h2><p>y</p>", ""),
        ("<h1>What can we help you with?</h1><p>Search.</p>", ""),
        ("<h1>How does it work?</h1><h2>Is it new?</h2><p>Yes.</p><h2>Who sells it?</h2><p>We.</p>", ""),
        ("<h1>What's new</h1><p>Much.</p>", ""),
        ("<h1>How do I reset it?</h1><footer>Imprint</footer>", ""),
    ],
)  # fmt: skip
def test_a_title_that_asks_leads_to_the_whole_page(html, question):
    assert answers(html)[1] == question


def test_the_question_of_a_page_is_not_its_title_too():
    page = Page(
        "<title>How do I reset it? | Shop</title><h1>How do I reset it?</h1><p>Hold it.</p>"
    )
    (entry,) = entries_of_page(page, "reset.html", faq=True)
    assert (entry.part, entry.title, entry.question) == ("", "", "How do I reset it?")
    assert plain(entry.text).endswith("Hold it.")


def test_a_question_is_not_the_title_of_its_answer():
    page = Page("<h2>Is it new?</h2><p>Yes.</p><h2>Who sells it?</h2><p>We.</p>")
    entries = entries_of_page(page, "shop-faq.html", faq=True)
    assert [entry.title for entry in entries] == ["shop faq", "shop faq"]


def test_keys_of_answers_hold_their_questions_and_not_their_places():
    page = "<h2>Is it new?</h2><p>Yes.</p>{}<h2>IS it  new?</h2><p>Still.</p><h2>运费多少？</h2><p>十元。</p>"
    extra = "<h2>Who sells it?</h2><p>We.</p>"
    parts = [entry.part for entry in entries_of_page(Page(page.format("")), "a.html", faq=True)]
    assert parts == ["#is-it-new", "#is-it-new-2", "#运费多少"]
    more = [entry.part for entry in entries_of_page(Page(page.format(extra)), "a.html", faq=True)]
    assert more == ["#is-it-new", "#who-sells-it", "#is-it-new-2", "#运费多少"]


def test_without_faq_a_page_stays_as_it_is():
    html = "<h1>FAQ</h1><h2>Is it new?</h2><p>Yes.</p>"
    (entry,) = entries_of_page(Page(html), "a.html", faq=False)
    assert (entry.text, entry.title, entry.question) == (html, "FAQ", "")


def test_a_page_without_questions_is_the_same_bytes():
    html = "<!DOCTYPE html>\n<html><body ><P>A<br/>b &amp c <h2>Costs</h2></body>"
    assert entries_of_page(Page(html), "a.html", faq=True)[0].text == html


def test_broken_and_deep_data_of_schema_org_are_no_questions():
    for data in ("{", "[" * 100_000, '{"@type":"FAQPage","mainEntity":7}', '"FAQPage"', "null"):
        html = f'<script type="application/ld+json">{data}</script><p>Text</p>'
        assert answers(html)[0] == []


# ---- no word is lost

KINDS = st.sampled_from(
    ["p", "h1", "h2", "h3", "ask2", "ask3", "details", "other", "dl", "bold", "list"]
)


def block(kind, number, is_wrapped):
    """Return a block of a page whose words no other block has."""
    word = f"w{number}x"
    html = {
        "p": f"<p>{word} text</p>",
        "h1": f"<h1>{word} head</h1>",
        "h2": f"<h2>{word} head</h2>",
        "h3": f"<h3>{word} head</h3>",
        "ask2": f"<h2>How {word} it?</h2>",
        "ask3": f"<h3>3. What {word} it?</h3>",
        "details": f"<details><summary>Why {word} it?</summary>a{word}<p>b{word}</p></details>",
        "other": f"<details><summary>Show {word}</summary>a{word}</details>",
        "dl": f"<dl><dt>Who {word} it?</dt><dd>a{word}</dd><dt>{word}</dt></dl>",
        "bold": f"<p><b>Can {word} it?</b></p>",
        "list": f"<ul><li>{word}</li><li>a{word}</li></ul>",
    }[kind]
    return f"<div class=x>{html}</div>" if is_wrapped else html


def lost_and_new(html):
    """Return the words of a page that no document holds, and words that no page holds."""
    entries = entries_of_page(Page(html), "a.html", faq=True)
    words = Counter(re.findall(r"[a-z]*w\d+x", html))
    kept = Counter()
    for entry in entries:
        kept.update(re.findall(r"[a-z]*w\d+x", f"{entry.text} {entry.question}"))
    # Headings alone may be the titles of answers, and no document.
    titles = set(re.findall(r"w\d+x", " ".join(entry.title for entry in entries)))
    lost = [word for word in words - kept if word not in titles]
    return lost, list(kept - words)


@given(st.lists(st.tuples(KINDS, st.booleans()), min_size=1, max_size=14), st.booleans())
def test_no_word_of_a_page_is_lost_or_doubled(blocks, is_page):
    html = "".join(block(kind, number, wrap) for number, (kind, wrap) in enumerate(blocks))
    html = f"<!doctype html><html><body><main>{html}</main></body></html>" if is_page else html
    assert lost_and_new(html) == ([], [])


def test_the_property_notices_an_answer_that_is_dropped(monkeypatch):
    def drop_last(tree):
        taken = take_answers(tree)
        return taken._replace(answers=taken.answers[:-1])

    html = (
        block("ask2", 1, False)
        + block("p", 2, False)
        + block("ask2", 3, False)
        + block("p", 4, False)
    )
    assert lost_and_new(html) == ([], [])
    monkeypatch.setattr(reading, "take_answers", drop_last)
    assert lost_and_new(html)[0] == ["w3x", "w4x"]
