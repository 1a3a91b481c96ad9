"""Questions that a page declares as data of schema.org: a FAQPage in JSON-LD or in microdata.

A QAPage is a thread of a forum, which cleaning reads post by post. Its answers are no set answers.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from stages.collect.kinds.document_files.page_tree import PageTree

_MOST_ITEMS = 100_000
_WORD = re.compile(r"\w+")
_TAG = re.compile(r"<[^<>]*>")
_TYPE = re.compile(r"https?://schema\.org/(\w+)")


class DeclaredQuestion(NamedTuple):
    """A question of JSON-LD, and its answer in HTML."""

    text: str
    answer: str


class MarkedQuestion(NamedTuple):
    """A question of microdata: the places of its element and of the elements of its answer."""

    place: int
    answer: tuple[int, ...]


def plain_words(text: str) -> str:
    """Return the words of a text in small letters, to compare two writings of it.

    >>> plain_words("What is <b>it</b>?") == plain_words("What is  it?")
    False
    >>> plain_words("How? ") == plain_words("how")
    True
    """
    return " ".join(_WORD.findall(text.casefold()))


def declared_questions(tree: PageTree) -> list[DeclaredQuestion]:
    """Return the questions of each FAQPage in the JSON-LD of the page, each question once."""
    questions: list[DeclaredQuestion] = []
    for index in tree.elements("script"):
        node = tree.nodes[index]
        kind = (node.attributes.get("type") or "").strip().lower()
        if kind.partition(";")[0] != "application/ld+json":
            continue
        try:
            data = json.loads(node.text(deep=True), strict=False)
        except (ValueError, RecursionError):
            continue
        for page in _objects(data, "FAQPage"):
            questions += _questions_of(page)

    once = {plain_words(question.text): question for question in reversed(questions)}
    return list(reversed(once.values()))


def marked_questions(tree: PageTree) -> list[MarkedQuestion]:
    """Return the questions of microdata, if the page declares a FAQPage and no thread."""
    types: dict[int, str] = {}
    for index, node in enumerate(tree.nodes):
        if node.is_element_node and "itemtype" in node.attributes:
            match = _TYPE.match((node.attributes["itemtype"] or "").strip())
            if match:
                types[index] = match[1]
    if "FAQPage" not in types.values() or "QAPage" in types.values():
        return []

    questions: list[MarkedQuestion] = []
    for index in (place for place, kind in types.items() if kind == "Question"):
        names = list(_properties(tree, index, "name"))
        answers = list(_properties(tree, index, "acceptedAnswer"))
        if names and answers:
            texts = list(_properties(tree, answers[0], "text")) or answers[:1]
            questions.append(MarkedQuestion(names[0], tuple(texts[:1])))
    return questions


def _properties(tree: PageTree, index: int, name: str) -> Iterator[int]:
    for place in range(index + 1, tree.end(index)):
        node = tree.nodes[place]
        if node.is_element_node and (node.attributes.get("itemprop") or "") == name:
            yield place


def _objects(data: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a type, at any depth, in the order of the text."""
    waiting = [data]
    seen = 0
    while waiting and seen < _MOST_ITEMS:
        seen += 1
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(reversed(value))
        elif isinstance(value, dict):
            if kind in _as_list(value.get("@type")):
                yield value
            waiting.extend(reversed(list(value.values())))


def _questions_of(page: dict[str, Any]) -> Iterator[DeclaredQuestion]:
    for entity in _as_list(page.get("mainEntity")):
        if not isinstance(entity, dict) or "Question" not in _as_list(entity.get("@type")):
            continue
        name = entity.get("name")
        answers = [answer for answer in _as_list(entity.get("acceptedAnswer")) if answer]
        text = answers[0].get("text") if answers and isinstance(answers[0], dict) else None
        if isinstance(name, str) and isinstance(text, str) and plain_words(name) and text.strip():
            # Some programs escape the HTML of an answer once more.
            is_escaped = "<" not in text and "&lt;" in text
            answer = html.unescape(text) if is_escaped else text
            yield DeclaredQuestion(" ".join(html.unescape(_TAG.sub(" ", name)).split()), answer)


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
