"""Made-up pages of seven kinds, with the text that must come out: articles, listings, products, documentation ..."""

from __future__ import annotations

import json
from collections.abc import Callable

from bench.faults.page_frames import ADJECTIVES, PLACES, Sample, Words, finished, frame
from bench.faults.page_threads import threads


def samples(pages: int = 3) -> list[Sample]:
    """Return at least ten times `pages` pages of each of seven kinds."""
    made = threads(pages)
    for kind, templates in TEMPLATES.items():
        # As many pages of each kind as of threads, or more.
        each = -(-12 * pages // len(templates))
        for name, template in templates.items():
            for index in range(each):
                made.append(finished(kind, name, template(Words(f"{name}-{index}"))))
    return made


def _comments(words: Words, low: int, high: int) -> str:
    listed = "".join(
        f'<li class="comment even depth-1" id="comment-{index}"><article class="comment-body"><footer class="comment-meta">'
        f'<div class="comment-author vcard"><b class="fn">{words.name()}</b></div><time>{words.date()}</time></footer><div '
        f'class="comment-content"><p>{words.text(1, 3)}</p></div></article></li>'
        for index in range(words.draw.randint(low, high))
    )
    return f'<div id="comments" class="comments-area"><h2>Comments</h2><ol class="comment-list">{listed}</ol></div>'


def _blog(words: Words) -> str:
    title = words.title()
    main = (
        f'<article class="post hentry"><header class="entry-header"><h1 class="entry-title">⟦{title}⟧</h1><div class='
        f'"entry-meta">By <a href="a">{words.name()}</a> on {words.date()}</div></header><div class="entry-content">⟦'
        f"{words.paragraphs(3, 6)}<h2>{words.title()}</h2>{words.paragraphs(2, 4)}<ul><li>{words.sentence()}</li><li>"
        f"{words.sentence()}</li></ul>⟧</div></article>{_comments(words, 2, 6)}"
    )
    head = (
        '<meta property="og:type" content="article"><meta name="generator" content="WordPress 6.4">'
    )
    return frame(words, main, title=title, head=head)


def _short_blog(words: Words) -> str:
    """Return a short article with more comments than text: the comments are no content."""
    title = words.title()
    main = (
        f'<article class="post"><h1>⟦{title}⟧</h1><div class="entry-content">⟦{words.paragraphs(2, 2)}⟧</div></article>'
        f"{_comments(words, 8, 14)}"
    )
    return frame(words, main, title=title, head='<meta property="og:type" content="article">')


def _news(words: Words) -> str:
    title = words.title()
    head = '<script type="application/ld+json">{"@context":"https://schema.org","@type":"NewsArticle"}</script>'
    main = (
        f'<div class="article-wrap"><h1>⟦{title}⟧</h1><p class="lead">⟦{words.text(1, 2)}⟧</p><div class="article__body">⟦'
        f'{words.paragraphs(3, 5)}⟧<div class="ad-slot advertisement">Advertisement</div>⟦{words.paragraphs(2, 4)}⟧</div>'
        f'<div class="related-articles"><h3>Related articles</h3><ul><li><a href="1">{words.title()}</a></li><li><a href='
        f'"2">{words.title()}</a></li></ul></div></div>'
    )
    return frame(words, main, title=title, head=head)


def _plain(words: Words) -> str:
    title = words.title()
    return frame(words, f"<h1>⟦{title}⟧</h1>⟦{words.paragraphs(5, 9)}⟧", title=title)


def _jobs(words: Words) -> str:
    items = "".join(
        f'<li class="job-listing"><a class="job-title" href="/job/{index}">⟦{words.thing()} engineer⟧</a><span class='
        f'"company">⟦{words.name()} works⟧</span><span class="location">⟦{words.draw.choice(PLACES)}⟧</span><span class='
        f'"salary">⟦{words.price()} a day⟧</span><p class="summary">⟦{words.sentence()}⟧</p></li>'
        for index in range(words.draw.randint(6, 18))
    )
    main = (
        f'<h1>⟦{words.title()}⟧</h1><div class="filters"><label>Full time</label><label>Remote</label></div><ul class='
        f'"results">{items}</ul><div class="pagination"><a href="2">2</a> <a href="3">3</a> <a href="n">Next</a></div>'
    )
    return frame(words, main)


def _houses(words: Words) -> str:
    items = "".join(
        f'<article class="listing-card"><a href="/h/{index}"><h3>⟦{words.draw.choice(ADJECTIVES)} house in '
        f'{words.draw.choice(PLACES)}⟧</h3></a><div class="card-price">⟦{words.price()}⟧</div><ul class="card-facts"><li>⟦'
        f"{words.draw.randint(1, 6)} beds⟧</li><li>⟦{words.draw.randint(30, 250)} m²⟧</li><li>⟦built "
        f"{words.draw.randint(1890, 2020)}⟧</li></ul><p>⟦{words.sentence()}⟧</p></article>"
        for index in range(words.draw.randint(6, 20))
    )
    return frame(words, f'<h1>⟦{words.title()}⟧</h1><div class="grid">{items}</div>')


def _headlines(words: Words) -> str:
    items = "".join(
        f'<div class="teaser-item"><h2 class="teaser-title"><a href="/n/{index}">⟦{words.title()}⟧</a></h2><p class="teaser-'
        f'text">⟦{words.sentence()}⟧</p><span class="teaser-date">⟦{words.date()}⟧</span></div>'
        for index in range(words.draw.randint(8, 20))
    )
    return frame(words, f'<h1>⟦{words.title()}⟧</h1><section class="news-list">{items}</section>')


def _classifieds(words: Words) -> str:
    """Return a page whose items are called ads: here they are the content."""
    items = "".join(
        f'<li class="ad-listitem"><div class="ad-item"><h2><a href="/s/{index}">⟦{words.thing()}⟧</a></h2><p class="ad-'
        f'price">⟦{words.price()}⟧</p><p class="ad-text">⟦{words.sentence()}⟧</p><span>⟦{words.draw.choice(PLACES)}⟧</span>'
        f"</div></li>"
        for index in range(words.draw.randint(6, 15))
    )
    return frame(words, f'<h1>⟦{words.title()}⟧</h1><ul id="srchrslt-adtable">{items}</ul>')


def _events(words: Words) -> str:
    rows = "".join(
        f'<tr><td>⟦{words.date()}⟧</td><td><a href="/e/{index}">⟦{words.title()}⟧</a></td><td>⟦{words.draw.choice(PLACES)}⟧'
        f"</td></tr>"
        for index in range(words.draw.randint(10, 25))
    )
    main = f'<h1>⟦{words.title()}⟧</h1><table class="events"><tr><th>⟦Date⟧</th><th>⟦Event⟧</th><th>⟦Place⟧</th></tr>{rows}</table>'
    return frame(words, main)


def _shop_grid(words: Words) -> str:
    items = "".join(
        f'<div class="product-card"><a href="/p/{index}"><img src="x.jpg" alt=""><span class="product-card__title">⟦'
        f'{words.thing()}⟧</span></a><span class="price">⟦{words.price()}⟧</span><span class="size">⟦{index + 10} cm⟧</span>'
        f"<button>Add to cart</button></div>"
        for index in range(words.draw.randint(9, 30))
    )
    main = (
        f'<h1>⟦{words.title()}⟧</h1><div class="collection-description"><p>⟦{words.text(1, 3)}⟧</p></div><div class="sort-'
        f'options">Sort by price</div><div class="product-grid">{items}</div>'
    )
    return frame(words, main)


def _shop_list(words: Words) -> str:
    names = [words.thing() for _ in range(words.draw.randint(6, 16))]
    items = "".join(
        f'<li class="grid__item"><h3><a href="/p/{index}">⟦{name}⟧</a></h3><p>⟦{words.sentence()}⟧</p><p class="money">⟦'
        f"{words.price()}⟧</p></li>"
        for index, name in enumerate(names)
    )
    data = {"@context": "https://schema.org", "@type": "CollectionPage", "name": "Things"}
    head = f'<script type="application/ld+json">{json.dumps(data)}</script>'
    return frame(words, f'<h1>⟦{words.title()}⟧</h1><ul class="grid">{items}</ul>', head=head)


def _cards(words: Words) -> str:
    """Return cards that are links, as in galleries of recipes, courses and templates."""
    items = "".join(
        f'<a class="card" href="/c/{index}"><div class="card-body"><h3>⟦{words.thing()}⟧</h3><p>⟦{words.sentence()}⟧</p>'
        f'<span class="badge">⟦{words.draw.randint(5, 90)} min⟧</span></div></a>'
        for index in range(words.draw.randint(6, 18))
    )
    return frame(
        words,
        f'<h1>⟦{words.title()}⟧</h1><p>⟦{words.sentence()}⟧</p><div class="cards">{items}</div>',
    )


def _product(words: Words) -> str:
    name = words.thing()
    rows = "".join(
        f"<tr><th>⟦{key}⟧</th><td>⟦{words.draw.randint(2, 90)} {unit}⟧</td></tr>"
        for key, unit in [
            ("Width", "cm"),
            ("Height", "cm"),
            ("Weight", "kg"),
            ("Warranty", "months"),
            ("Pieces", ""),
        ]
    )
    data = {"@context": "https://schema.org", "@type": "Product", "name": name}
    main = (
        f'<div class="product-detail"><div class="gallery"></div><h1 class="product-title">⟦{name}⟧</h1><div class="price">⟦'
        f'{words.price()}⟧</div><button>Add to cart</button><div class="product-description">⟦{words.paragraphs(1, 3)}⟧'
        f'</div><table class="specs">{rows}</table></div>{_also(words)}'
    )
    return frame(
        words, main, head=f'<script type="application/ld+json">{json.dumps(data)}</script>'
    )


def _also(words: Words) -> str:
    cards = "".join(
        f'<div class="product-item"><a href="/p/{index}">{words.thing()}</a> <span class="price">{words.price()}</span></div>'
        for index in range(4)
    )
    return f'<section class="related-products"><h2>You may also like</h2>{cards}</section>'


def _product_tabs(words: Words) -> str:
    features = "".join(f"<li>⟦{words.sentence()}⟧</li>" for _ in range(words.draw.randint(3, 7)))
    main = (
        f'<div itemscope itemtype="https://schema.org/Product" class="pdp"><h1 itemprop="name">⟦{words.thing()}⟧</h1><p '
        f'class="sku">⟦Item {words.draw.randint(1000, 9999)}⟧</p><span itemprop="price">⟦{words.price()}⟧</span><ul class='
        f'"bullets">{features}</ul><div class="tabs"><div class="tab-panel"><h3>⟦Details⟧</h3><p itemprop="description">⟦'
        f'{words.text(2, 4)}⟧</p></div><div class="tab-panel"><h3>⟦Delivery⟧</h3><p>⟦{words.text(1, 2)}⟧</p></div></div>'
        f"</div>{_also(words)}"
    )
    return frame(words, main)


def _product_short(words: Words) -> str:
    facts = "".join(
        f'<dl class="attribute"><dt>⟦{key}⟧</dt><dd>⟦{words.draw.choice(ADJECTIVES)}⟧</dd></dl>'
        for key in ("Colour", "Surface", "Shape", "Style")
    )
    main = (
        f'<div class="product-page"><div class="product-info"><h1>⟦{words.thing()}⟧</h1><p class="price-now">⟦'
        f"{words.price()}⟧</p><p>⟦{words.sentence()}⟧</p>{facts}</div></div>{_also(words)}"
    )
    return frame(words, main, head='<meta property="og:type" content="product">')


def _sphinx(words: Words) -> str:
    toc = "".join(
        f'<li class="toctree-l1"><a href="{index}">{words.thing()}</a></li>' for index in range(12)
    )
    main = (
        f'<div class="document"><div class="documentwrapper"><div class="bodywrapper"><div class="body" role="main"><section>'
        f"<h1>⟦{words.title()}⟧</h1>⟦{words.paragraphs(1, 3)}⟧<dl class='py function'><dt class='sig'>⟦<code>load</code>"
        f"(path, retries=3)⟧</dt><dd>⟦<p>{words.text(1, 2)}</p>⟧</dd></dl><pre>⟦load('a.txt')\nload('b.txt', 5)⟧</pre><h2>⟦"
        f"{words.thing()}⟧</h2>⟦{words.paragraphs(1, 2)}⟧</section></div></div></div><div class='sphinxsidebar' role='"
        f"navigation'><ul>{toc}</ul></div></div>"
    )
    return frame(words, main, style="divs", head='<meta name="generator" content="Sphinx 7.2">')


def _docs_site(words: Words) -> str:
    toc = "".join(
        f'<a class="menu__link" href="{index}">{words.thing()}</a>' for index in range(15)
    )
    rows = "".join(
        f"<tr><td>⟦<code>{key}</code>⟧</td><td>⟦{words.draw.randint(1, 99)}⟧</td><td>⟦{words.sentence()}⟧</td></tr>"
        for key in ("timeout", "retries", "cache_dir", "verbose")
    )
    main = (
        f'<div class="docs-wrapper"><div class="theme-doc-sidebar-container sidebar">{toc}</div><div class="docMainContainer">'
        f'<article><div class="theme-doc-markdown markdown"><h1>⟦{words.title()}⟧</h1>⟦{words.paragraphs(1, 2)}⟧<table><tr>'
        f"<th>⟦Key⟧</th><th>⟦Default⟧</th><th>⟦Meaning⟧</th></tr>{rows}</table><h2>⟦{words.thing()}⟧</h2>⟦"
        f"{words.paragraphs(1, 3)}⟧</div></article><div class='edit-page'><a href='e'>Edit this page</a></div></div></div>"
    )
    return frame(words, main, style="divs", head='<meta name="generator" content="Docusaurus v3">')


def _wiki(words: Words) -> str:
    main = (
        f'<div id="content" class="mw-body"><h1 id="firstHeading">⟦{words.title()}⟧</h1><div id="mw-content-text"><div class='
        f'"mw-parser-output">⟦{words.paragraphs(2, 3)}⟧<h2>⟦{words.thing()}⟧</h2>⟦<ul><li>{words.sentence()}</li><li>'
        f"{words.sentence()}</li></ul>{words.paragraphs(1, 3)}⟧</div></div></div>"
    )
    return frame(words, main, head='<meta name="generator" content="MediaWiki 1.41">')


def _landing(words: Words) -> str:
    features = "".join(
        f'<div class="feature"><h3>⟦{words.thing()}⟧</h3><p>⟦{words.sentence()}⟧</p></div>'
        for _ in range(6)
    )
    answers = "".join(
        f'<div class="faq-item"><h4>⟦Why {words.draw.choice(ADJECTIVES)}?⟧</h4><p>⟦{words.sentence()}⟧</p></div>'
        for _ in range(4)
    )
    main = (
        f'<section class="hero"><h1>⟦{words.title()}⟧</h1><p>⟦{words.sentence()}⟧</p><a class="btn" href="b">Book a call</a>'
        f'</section><section class="features"><h2>⟦What we do⟧</h2>{features}</section><section class="quotes"><h2>⟦What '
        f'people say⟧</h2><blockquote>⟦{words.text(1, 2)}⟧</blockquote></section><section class="pricing"><h2>⟦Prices⟧</h2>'
        f'<p>⟦From {words.price()} a month⟧</p></section><section class="faq"><h2>⟦Questions⟧</h2>{answers}</section>'
    )
    return frame(words, main, style="html5", head='<meta property="og:type" content="website">')


def _builder(words: Words) -> str:
    """Return a page of a site builder: widgets in sections in columns."""
    parts = "".join(
        f'<section class="elementor-section"><div class="elementor-container"><div class="elementor-column"><div class='
        f'"elementor-widget elementor-widget-heading"><h2>⟦{words.thing()}⟧</h2></div><div class="elementor-widget elementor-'
        f'widget-text-editor"><p>⟦{words.text(1, 2)}⟧</p></div></div></div></section>'
        for _ in range(words.draw.randint(4, 8))
    )
    return frame(
        words, f'<div class="elementor"><h1>⟦{words.title()}⟧</h1>{parts}</div>', style="divs"
    )


def _local_service(words: Words) -> str:
    steps = "".join(f"<li>⟦{words.sentence()}⟧</li>" for _ in range(4))
    main = (
        f'<div class="page-section intro"><h1>⟦{words.title()}⟧</h1><p>⟦{words.text(2, 3)}⟧</p></div><div class="page-section">'
        f"<h2>⟦How it works⟧</h2><ol>{steps}</ol></div><div class='page-section'><h2>⟦Our area⟧</h2><p>⟦{words.text(1, 2)}⟧"
        f"</p></div>"
    )
    return frame(words, main)


TEMPLATES: dict[str, dict[str, Callable[[Words], str]]] = {
    "article": {"blog": _blog, "short blog": _short_blog, "news": _news, "plain": _plain},
    "listing": {
        "jobs": _jobs,
        "houses": _houses,
        "headlines": _headlines,
        "classifieds": _classifieds,
        "events": _events,
        "cards": _cards,
    },
    "collection": {"shop grid": _shop_grid, "shop list": _shop_list},
    "product": {
        "product": _product,
        "product tabs": _product_tabs,
        "product short": _product_short,
    },
    "documentation": {"sphinx": _sphinx, "docs site": _docs_site, "wiki": _wiki},
    "service": {"landing": _landing, "builder": _builder, "local service": _local_service},
}
