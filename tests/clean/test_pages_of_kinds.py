"""Pages of every kind keep their content: posts with authors in order, items with their attributes."""

import pytest

from bench.faults.page_frames import Words, finished, frame
from bench.faults.page_samples import samples
from stages.clean.pages.extraction import main_text
from stages.clean.pages.kinds import claims_of
from stages.clean.pages.structure_text import structured_text, words_of

NAV = "<nav><ul><li><a href='/'>Home</a></li><li><a href='/n'>News</a></li></ul></nav>"
FOOTER = "<footer><p>© Tavern Row Media. All rights reserved.</p></footer>"
POSTS = [
    ("Orlin", "The pump hums but moves no water. The filter is clean."),
    ("blue.heron7", "Did you fill the housing first?"),
    ("Orlin", "No. I filled it now, and it works."),
]


def page(main, head="", body=""):
    return f"<!DOCTYPE html><html><head>{head}</head><body {body}>{NAV}{main}{FOOTER}</body></html>"


def thread(post, head="", body=""):
    posts = "".join(post(index, *each) for index, each in enumerate(POSTS))
    return page(f"<h1>Pump without water</h1>{posts}", head, body)


THREADS = {
    "phpbb": thread(
        lambda index, author, text: (
            f"<div class='post bg1' id='p{index}'><dl class='postprofile'><dt><a class='username' href='m'>{author}</a>"
            f"</dt><dd>Posts: 12</dd></dl><div class='postbody'><div class='content'>{text}</div></div></div>"
        ),
        body="id='phpbb'",
    ),
    "vbulletin": thread(
        lambda index, author, text: (
            f"<li class='postcontainer' id='post_{index}'><div class='userinfo'><a class='username' href='m'>{author}</a>"
            f"</div><div class='postbody'><div class='content'>{text}</div></div></li>"
        ),
        head="<meta name='generator' content='vBulletin 4'>",
    ),
    "discourse": thread(
        lambda index, author, text: (
            f"<div class='topic-body crawler-post'><span itemprop='author'><a href='/u/x'><span itemprop='name'>{author}"
            f"</span></a></span><div class='post' itemprop='text'><p>{text}</p></div></div>"
        ),
        head='<meta content="Discourse 3.2" name="generator">',
    ),
    "xenforo": thread(
        lambda index, author, text: (
            f"<article class='message message--post js-post'><div class='message-cell--user'><h4 class='message-name'>"
            f"{author}</h4></div><div class='message-content'><div class='bbWrapper'>{text}</div></div></article>"
        ),
        body="data-template='thread_view'",
    ),
    "answers": thread(
        lambda index, author, text: (
            f"<div class='{'answer' if index else 'question'}'><div class='js-vote-count'>14</div><div class='s-prose'>"
            f"{text}</div><div class='user-details'><a href='/users/1'>{author}</a></div></div>"
        ),
        head='<script type="application/ld+json">{"@context":"https://schema.org","@type":"QAPage"}</script>',
    ),
    "table": thread(
        lambda index, author, text: (
            f"<table><tr class='athing comtr'><td><a class='hnuser' href='user?id=x'>{author}</a><div class='commtext'>"
            f"{text}</div></td></tr></table>"
        ),
        body="class='thread'",
    ),
    "old tree": thread(
        lambda index, author, text: (
            f"<div class='thing comment'><p class='tagline'><a class='author' href='/user/x'>{author}</a></p><div class="
            f"'usertext-body'><div class='md'><p>{text}</p></div></div></div>"
        ),
        body="class='topic-page'",
    ),
    "mail": thread(
        lambda index, author, text: (
            f"<section class='email'><div class='email-author'><a href='/users/1/'>{author}</a></div><div class="
            f"'email-body'>{text}</div></section>"
        ),
        head="<meta name='generator' content='HyperKitty'>",
    ),
}


@pytest.mark.parametrize("engine", THREADS)
def test_a_thread_keeps_its_posts_with_authors_in_order(engine):
    assert main_text(THREADS[engine]).splitlines() == [
        "Pump without water",
        "Orlin",
        "The pump hums but moves no water. The filter is clean.",
        "blue.heron7",
        "Did you fill the housing first?",
        "Orlin",
        "No. I filled it now, and it works.",
    ]


def test_replies_inside_posts_are_posts_of_their_own():
    inner = "<div class='comment'><a class='author' href='/user/b'>bee</a><div class='md'>Inner words.</div></div>"
    html = page(
        "<h1>Title</h1><div class='comment'><a class='author' href='/user/a'>ann</a><div class='md'>Outer words.</div>"
        f"<div class='child'>{inner}</div></div>",
        body="class='thread'",
    )
    assert main_text(html).splitlines() == ["Title", "ann", "Outer words.", "bee", "Inner words."]


def test_items_keep_their_attributes():
    items = "".join(
        f"<li class='card'><h3><a href='/{index}'>Brick house {index}</a></h3><span>{index} beds</span><b>€{index}00</b>"
        f"</li>"
        for index in range(1, 5)
    )
    assert main_text(page(f"<main><h1>Houses</h1><ul>{items}</ul></main>")).splitlines() == [
        "Houses",
        *["- Brick house 1", "1 beds €100"],
        *["- Brick house 2", "2 beds €200"],
        *["- Brick house 3", "3 beds €300"],
        *["- Brick house 4", "4 beds €400"],
    ]


def test_short_titles_of_many_items_are_kept():
    items = "".join(
        f"<div class='a'><h3><a href='/{index}'>Nr{index}</a></h3><p>hello world again</p></div>"
        for index in range(150)
    )
    words = words_of(main_text(page(items)))
    assert [index for index in range(150) if words[f"nr{index}"] != 1] == []


def test_comments_below_an_article_are_no_content():
    comments = "".join(
        f"<li class='comment' id='comment-{index}'><b class='fn author'>Ann</b><p>Reader words number {index}.</p></li>"
        for index in range(30)
    )
    text = "The kettle boils a litre of water in three minutes. " * 6
    html = page(
        f"<article><h1>Kettles</h1><p>{text}</p></article><div id='comments'><ol>{comments}</ol></div>",
        head='<meta property="og:type" content="article">',
    )
    assert "Reader words" not in main_text(html)
    assert "three minutes" in main_text(html)


def test_related_products_are_no_content():
    related = "".join(
        f"<div><a href='/{index}'>Other thing {index}</a></div>" for index in range(4)
    )
    html = page(
        "<div class='product-page'><h1>Sturdy lantern</h1><p>$12.00</p><p>Width 20 cm</p></div>"
        f"<section class='related-products'><h2>You may also like</h2>{related}</section>",
        head='<meta property="og:type" content="product">',
    )
    assert main_text(html).splitlines() == ["Sturdy lantern", "$12.00", "Width 20 cm"]


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        ('<meta property="og:type" content="article"><body>', "article"),
        ('<meta content="product.item" property="og:type"><body>', "product"),
        ('<meta name=generator content="phpBB"><body>', "forum"),
        ("<meta name='generator' content='Sphinx 7'><body>", "documentation"),
        ('<link rel="canonical" href="https://a.example/threads/pump.12/"><body>', "forum"),
        ('<link rel="canonical" href="https://docs.a.example/pump"><body>', "documentation"),
        (
            '<script>{"@context":"https://schema.org","@type":"NewsArticle"}</script><body>',
            "article",
        ),
        ('<script>{"@context":"https://schema.org","@type":["Product"]}</script><body>', "product"),
        ('<body><div itemscope itemtype="http://schema.org/DiscussionForumPosting">', "forum"),
        ('<body class="question-page">', "forum"),
        ("<body class='home'>", ""),
        ('<body><p>We moved from "/threads/" to "phpBB".</p>', ""),
    ],
)
def test_what_a_page_says_of_itself(html, kind):
    assert claims_of(html).kind == kind


@pytest.mark.slow
def test_no_made_up_page_is_much_worse_than_with_trafilatura():
    import trafilatura

    worst = {}
    for sample in samples(1):
        gold = words_of(sample.gold)
        scores = []
        for text in (main_text(sample.html), trafilatura.extract(sample.html) or ""):
            words = words_of(text)
            scores.append(2 * (gold & words).total() / (gold.total() + words.total()))

        if scores[0] < scores[1] - 0.15 or scores[0] < 0.65:
            worst[sample.template] = scores

    assert worst == {}


@pytest.mark.slow
def test_the_kind_of_threads_and_products_is_recognised():
    import trafilatura

    wrong = [
        sample.template
        for sample in samples(1)
        if sample.kind in ("forum", "product", "documentation")
        and structured_text(sample.html, trafilatura.load_html(sample.html)).kind != sample.kind
    ]
    # A single message of an archive is read as an article.
    assert set(wrong) == {"mail archive"}


def test_the_gold_text_is_what_stands_between_the_marks():
    sample = finished("article", "x", frame(Words("1"), "<h1>⟦Tea &amp; <b>milk</b>⟧</h1>"))
    assert sample.gold.split() == ["Tea", "&", "milk"]
    assert "⟦" not in sample.html


@pytest.mark.parametrize(
    "text",
    [
        "返品について\n商品到着後7日以内にご連絡ください。\n未使用品に限ります。",
        "退货政策\n请在收到商品后七天内联系我们。\n运费由买家承担。",
        "การคืนสินค้า\nกรุณาติดต่อเราภายในเจ็ดวัน\nสินค้าต้องยังไม่ได้ใช้",
        "سياسة الإرجاع\nاتصل بنا خلال سبعة أيام من الاستلام.\nيجب أن تكون السلعة غير مستعملة.",
        "Returns\nCall us within seven days.\nThe item must be unused.",
        "Возврат\nПозвоните нам в течение семи дней.\nТовар должен быть новым.",
    ],
)
def test_a_short_page_has_no_navigation_in_any_script(text):
    title, *paragraphs = text.split("\n")
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    assert main_text(page(f"<main><h1>{title}</h1>{body}</main>")) == text
