"""Words of the main element of a page come out, or are counted and listed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean import rules
from stages.clean.pages import structure_text
from stages.clean.pages.extraction import main_text
from stages.clean.pages.loss import MOST_LISTED_CHARACTERS, PageLoss, page_loss
from stages.clean.steps import strip_markup_documents
from tests.clean.corpus import PARAMS, documents
from tests.properties import examples

PARAGRAPH = "<p>The kettle boils a litre of water in three minutes, and then it switches off.</p>"


@pytest.mark.parametrize(
    ("page", "text", "loss"),
    [
        ("<body><p>tea pot</p><p>salt</p>", "tea pot salt", PageLoss(3, 0, [])),
        ("<body><p>tea pot</p><p>salt</p>", "tea pot", PageLoss(3, 1, ["salt"])),
        ("<body><p>tea tea</p>", "tea", PageLoss(2, 1, [])),
        ("<body><nav>Home</nav><p>tea</p><footer>Imprint</footer>", "tea", PageLoss(1, 0, [])),
        ("<body><aside>Ads</aside><main>tea</main><p>more</p>", "tea", PageLoss(1, 0, [])),
        ("<body><main></main><p>tea</p>", "", PageLoss(1, 1, ["tea"])),
        ("<body><div role=main>tea</div><p>x</p>", "tea", PageLoss(1, 0, [])),
        ("<body><script>let a</script><style>b</style><p>tea</p>", "tea", PageLoss(1, 0, [])),
        ("<body><p hidden>no</p><p>tea</p>", "tea", PageLoss(1, 0, [])),
        ("<body><p>ﬁne Tea</p>", "fine tea", PageLoss(2, 0, [])),
        ("<body><p>Größe: 3</p><p>茶 壺</p>", "Größe 3", PageLoss(4, 2, ["茶 壺"])),
        ("<body><div class=share>Tweet</div><p>tea</p>", "tea", PageLoss(2, 1, ["Tweet"])),
        ("<body>\ud800tea", "tea", PageLoss(1, 0, [])),
        ("", "tea", PageLoss(0, 0, [])),
        ("<body></body>", "", PageLoss(0, 0, [])),
    ],
)
def test_loss_of_a_page(page, text, loss):
    assert page_loss(page, text) == loss


def test_the_listing_is_short():
    loss = page_loss("<body>" + "<p>salt and pepper</p>" * 200, "")
    assert loss.lost == 600
    assert len(loss.listing()) == MOST_LISTED_CHARACTERS
    assert loss.listing().startswith("salt and pepper | salt and pepper")


BLOCKS = st.lists(
    st.sampled_from(
        [
            "<p>{}</p>",
            "<div class='post'><a class='author' href='/u/a'>{}</a></div>",
            "<ul><li>{}</li></ul>",
            "<div class='share'>{}</div>",
            "<div class='comment'><b class='author'>Ann</b><div class='body'>{}</div></div>",
            "<table><tr><td>{}</td></tr></table>",
            "<section><h2>{}</h2></section>",
            "<pre>{}\n</pre>",
        ]
    ),
    min_size=1,
    max_size=12,
)


@examples(60)
@given(BLOCKS, st.booleans())
def test_words_of_the_main_element_are_conserved_or_counted(blocks, is_named):
    # Each block holds a word that stands nowhere else.
    words = [f"zq{index}word" for index in range(len(blocks))]
    content = "".join(block.format(word) for block, word in zip(blocks, words, strict=True))
    main = f"<main>{content}</main>" if is_named else content
    page = f"<!DOCTYPE html><html><body><nav>Home</nav>{main}</body></html>"
    text = main_text(page)

    missing = [word for word in words if word not in text]
    loss = page_loss(page, text)
    for word in missing:
        assert word in loss.listing()
    assert loss.lost >= len(missing)


def test_the_ledger_names_what_a_page_lost():
    page = f"<!DOCTYPE html><html><body><main><article>{PARAGRAPH * 8}</article><div class='share-bar'>"
    page += "<a href='t'>Tweet</a></div></main></body></html>"
    kept, ledger, _ = strip_markup_documents(documents(page), PARAMS)
    assert "kettle" in kept["text"][0]
    notes = ledger[ledger["reason"] == "page_loss"]
    assert notes[["action", "score", "after"]].to_numpy().tolist() == [["note", 1.0, "Tweet"]]


def test_a_page_without_loss_and_other_texts_have_no_note():
    page = f"<!DOCTYPE html><html><body><main>{PARAGRAPH}</main></body></html>"
    _, ledger, _ = strip_markup_documents(documents(page, "<p>No page.</p>"), PARAMS)
    assert "page_loss" not in set(ledger["reason"])


def test_an_extraction_that_loses_a_paragraph_is_caught(monkeypatch):
    # A wrong rule: only the first line comes out.
    monkeypatch.setattr(rules.extraction, "main_text", lambda text: main_text(text).split("\n")[0])
    page = (
        f"<!DOCTYPE html><html><body><main>{PARAGRAPH}<p>Descale it with vinegar once a month, and rinse it.</p></main>"
        "</body></html>"
    )
    _, ledger, _ = strip_markup_documents(documents(page), PARAMS)
    notes = ledger[ledger["reason"] == "page_loss"]
    assert notes[["score", "after"]].to_numpy().tolist() == [
        [10.0, "Descale it with vinegar once a month, and rinse it."]
    ]


def test_posts_that_count_as_furniture_are_caught(monkeypatch):
    # A wrong rule: every element with a class is furniture.
    monkeypatch.setattr(structure_text, "names_furniture", lambda classes: bool(classes))
    monkeypatch.setattr(structure_text, "is_well_read", lambda html, extracted: False)
    monkeypatch.setattr(structure_text, "most_furniture_share", lambda classes: 1.0)
    posts = "".join(
        f"<div class='entry-row'><h3><a href='/{index}'>House {index}</a></h3><p>Roof and walls {index}</p></div>"
        for index in range(8)
    )
    page = f"<!DOCTYPE html><html><body><main><h1>Houses</h1><div class='list'>{posts}</div></main></body></html>"
    tree = structure_text.structured_text(page, _lxml(page))
    assert page_loss(page, tree.text).lost == 48


def _lxml(page):
    import trafilatura

    return trafilatura.load_html(page)
