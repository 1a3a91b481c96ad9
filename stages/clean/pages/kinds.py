"""The kinds of pages: what a page says of itself, and what repeats in it.

A page says what it is by data of schema.org, by Open Graph, by the program that wrote it, and by
its address. If it says nothing, posts and items that fill the page show that it is a thread or a
listing. In doubt a page is an article.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stages.clean.pages.threads import Post, posts_of
from stages.clean.pages.tree import Node, main_element, repeated_signatures, signature

KINDS = (
    "article",
    "forum",
    "listing",
    "collection",
    "product",
    "documentation",
    "service",
)

_TYPE_LD = re.compile(r'"@type"\s*:\s*(?:\[\s*)?"(?:https?://schema\.org/)?([A-Za-z]+)"')
_TYPE_MICRODATA = re.compile(r"""itemtype\s*=\s*["']?https?://schema\.org/([A-Za-z]+)""")
_META = re.compile(r"<(?:meta|link)\b[^<>]*>", re.IGNORECASE)
_BODY = re.compile(r"<body\b[^<>]*", re.IGNORECASE)
_NAME = re.compile(r"""(?:name|property|rel)\s*=\s*["']?([\w:.-]+)""", re.IGNORECASE)
_CONTENT = re.compile(
    r"""(?:content|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE
)
_FORUM_ENGINES = re.compile(
    r"discourse|phpbb|vbulletin|xenforo|invision|mybb|simple machines|smf|flarum|nodebb|vanilla|"
    r"fluxbb|punbb|pipermail|mailman|hyperkitty|lemmy|woltlab|burning board|question2answer",
    re.IGNORECASE,
)
_FORUM_ADDRESS = re.compile(
    r"//(?:forums?|community|discuss|talk|bbs)\.|/(?:forums?|threads?|topics?|questions?|"
    r"discussions?|t|comments)/|viewtopic|showthread|/item\?id="
)
_FORUM_BODY = re.compile(
    r"phpbb|viewtopic|showthread|thread_view|\b(?:forum|thread|topic|question)(?:s|-page)?\b"
)
_DOC_ENGINES = re.compile(
    r"sphinx|mkdocs|docusaurus|gitbook|doxygen|javadoc|vuepress|vitepress|docfx|mediawiki|"
    r"antora|readme\.io|rustdoc|jekyll docs|asciidoctor|pdoc|typedoc|dokuwiki",
    re.IGNORECASE,
)
_DOC_ADDRESS = re.compile(
    r"//(?:docs?|developers?|wiki|devdocs|manual)\.|/(?:docs?|documentation|reference|api|manual|"
    r"guides?|handbook|man|wiki)/"
)
_DOC_CLASSES = frozenset(
    [
        "rst-content",
        "md-content",
        "theme-doc-markdown",
        "markdown-body",
        "devsite-article",
        "mw-parser-output",
        "td-content",
        "sphinxsidebar",
        "docmainwrapper",
        "docs-content",
        "wiki-content",
        "doc-content",
    ]
)
_FORUM_TYPES = frozenset(["DiscussionForumPosting", "QAPage"])
_ARTICLE_TYPES = frozenset(
    [
        "Article",
        "NewsArticle",
        "BlogPosting",
        "Report",
        "ReportageNewsArticle",
        "OpinionNewsArticle",
        "ScholarlyArticle",
        "Recipe",
        "AnalysisNewsArticle",
        "LiveBlogPosting",
    ]
)
_LISTING_TYPES = frozenset(["ItemList", "CollectionPage", "SearchResultsPage", "OfferCatalog"])
_DOC_TYPES = frozenset(["TechArticle", "APIReference"])
_SERVICE_TYPES = frozenset(
    ["Service", "SoftwareApplication", "ProfessionalService", "LocalBusiness", "FinancialService"]
)
PRICE = re.compile(
    r"(?:[$€£¥₹₽₩]|\b(?:USD|EUR|GBP|CHF|PLN|kr|zł|Rs)\b\.?)\s?[0-9]|"
    r"[0-9](?:[.,][0-9]{2})?\s?(?:[€£¥₽₩]|(?:USD|EUR|CHF|PLN|kr|zł|\u0440\u0443\u0431)\b)"
)
_CART = re.compile(
    r"[Aa]dd[- _][Tt]o[- _](?:[Cc]art|[Bb]ag|[Bb]asket)|[Bb]uy [Nn]ow|[Ii]n den Warenkorb|"
    r"[Aa]jouter au panier|[Aa]ñadir al carrito"
)
_SHOP = re.compile(r"product|shop|sku|goods|merch", re.IGNORECASE)
# A page is a thread or a listing if posts or items hold this share of its text.
LEAST_SHARE = 0.5
LEAST_ITEMS = 4
LEAST_ITEMS_SHARE = 0.65
MOST_ITEM_SIZE = 900


class Claims(NamedTuple):
    """What a page says of itself.

    Attributes:
        types: types of schema.org in JSON-LD and microdata, with repetitions.
        og_type: the type of Open Graph, such as "article".
        generator: the program that wrote the page.
        address: the address that the page gives for itself.
        body: the tag <body> with its attributes, in small letters.
    """

    types: list[str]
    og_type: str
    generator: str
    address: str
    body: str

    @property
    def kind(self) -> str:
        """The kind that the page says to be: one of KINDS, or ""."""
        types = frozenset(self.types)
        if types & _FORUM_TYPES or _FORUM_ENGINES.search(self.generator):
            return "forum"
        if _FORUM_ADDRESS.search(self.address) or _FORUM_BODY.search(self.body):
            return "forum"
        if types & _ARTICLE_TYPES or self.og_type == "article":
            return "article"
        if self.og_type.startswith("product") or types & {"Product", "ProductGroup"}:
            return "product"
        if types & _DOC_TYPES or _DOC_ENGINES.search(self.generator):
            return "documentation"
        if _DOC_ADDRESS.search(self.address):
            return "documentation"

        return ""


class Recognised(NamedTuple):
    """The kind of a page, with the posts of a thread.

    Attributes:
        kind: one of KINDS.
        main: the main element.
        posts: the posts if it is a thread, in order; else none.
        items: the signatures of repeated elements that fill the page.
    """

    kind: str
    main: Node
    posts: list[Post]
    items: frozenset[str]


def claims_of(html: str) -> Claims:
    """Return what the page `html` says of itself.

    >>> claims_of('<meta property="og:type" content="article">').og_type
    'article'
    """
    types: list[str] = []
    if "schema.org" in html:
        types = _TYPE_LD.findall(html) + _TYPE_MICRODATA.findall(html)

    # Metadata stand before the body, which is much longer.
    values: dict[str, str] = {}
    body = _BODY.search(html)
    for tag in _META.findall(html, 0, body.start() if body else len(html)):
        name = _NAME.search(tag)
        content = _CONTENT.search(tag)
        if name and content:
            values.setdefault(name[1].lower(), content[1] or content[2] or content[3] or "")

    return Claims(
        types=types,
        og_type=values.get("og:type", "").lower(),
        generator=values.get("generator", ""),
        address=(values.get("canonical") or values.get("og:url", "")).lower(),
        body=body[0].lower() if body else "",
    )


def recognise(html: str, root: Node) -> Recognised:
    """Return the kind of the page `html`, whose tree is `root`."""
    claims = claims_of(html)
    types = frozenset(claims.types)
    main = main_element(root)
    items = repeated_signatures(main)
    says_article = bool(types & _ARTICLE_TYPES) or claims.og_type == "article"

    # Threads.
    says_forum = claims.kind == "forum"
    posts = posts_of(root, items, says_forum=says_forum)
    share = sum(post.own_size for post in posts) / max(1, main.size)
    is_thread = share >= 0.2 if says_forum else len(posts) >= 2 and share >= LEAST_SHARE
    # Comments below an article are no thread, even if they are longer than it.
    if posts and is_thread and (says_forum or not says_article):
        return Recognised("forum", main, posts, items)

    # What the page says itself.
    if says_article:
        return Recognised("article", main, [], items)
    if claims.kind == "product":
        is_single = claims.types.count("Product") <= 2 and not types & _LISTING_TYPES
        return Recognised("product" if is_single else "collection", main, [], items)
    if _is_documentation(claims, root):
        return Recognised("documentation", main, [], items)

    # What repeats in the page.
    listed = _listed_items(main, items)
    if len(listed) >= LEAST_ITEMS or types & _LISTING_TYPES:
        priced = sum(bool(PRICE.search(node.text())) for node in listed)
        sells = bool(_SHOP.search(" ".join(items))) or "CollectionPage" in types
        kind = "collection" if sells and 2 * priced >= len(listed) else "listing"
        return Recognised(kind, main, [], items)
    if _CART.search(html) and PRICE.search(main.text()):
        return Recognised("product", main, [], items)
    if types & _SERVICE_TYPES or _has_sections(main, items):
        return Recognised("service", main, [], items)

    return Recognised("article", main, [], items)


def _is_documentation(claims: Claims, root: Node) -> bool:
    return claims.kind == "documentation" or any(
        not _DOC_CLASSES.isdisjoint(node.classes.split()) for node in root.nodes() if node.classes
    )


def _listed_items(main: Node, items: frozenset[str]) -> list[Node]:
    """Return the repeated elements that begin with a link or a heading, if they fill the page."""
    listed: list[Node] = []
    others = 0
    size = 0
    if not items:
        return listed

    for node in main.nodes():
        if signature(node) not in items or node.tag in ("p", "tr", "td", "span", "br"):
            continue
        if node.links and node.size <= MOST_ITEM_SIZE and _begins_as_item(node):
            listed.append(node)
            size += node.size
        else:
            others += 1

    is_filled = size >= LEAST_ITEMS_SHARE * main.size and len(listed) >= 2 * others
    return listed if is_filled else []


def _begins_as_item(node: Node) -> bool:
    """Return True if the first text of an item is a link or a heading, or the item is a link."""
    current = node
    while True:
        if current.tag in ("a", "h2", "h3", "h4", "h5"):
            return True

        first = next(
            (part for part in current.parts if isinstance(part, Node) or part.strip()), None
        )
        while isinstance(first, Node) and not first.size:
            index = current.parts.index(first)
            rest = current.parts[index + 1 :]
            first = next((part for part in rest if isinstance(part, Node) or part.strip()), None)

        if not isinstance(first, Node):
            return False

        current = first


def _has_sections(main: Node, items: frozenset[str]) -> bool:
    """Return True if the page consists of sections with headings and little text each."""
    sections: list[Node] = []
    for node in main.nodes():
        is_section = node.tag == "section" or (node.tag == "div" and signature(node) in items)
        if is_section and node.size >= 40 and _has_heading(node):
            sections.append(node)

    if len(sections) < 3 or any(node.size > 0.6 * main.size for node in sections):
        return False

    return sum(node.size for node in sections) >= LEAST_SHARE * main.size


def _has_heading(node: Node) -> bool:
    return any(inner.tag in ("h1", "h2", "h3", "h4") and inner.size for inner in node.nodes())
