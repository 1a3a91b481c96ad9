"""Questions and answers of a page: headings, `details`, definition lists and data of schema.org.

An answer is what follows its question among the elements beside it, up to the next heading of the
same or a higher level, or the next question. What belongs to no question stays on the page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.collect.kinds.document_files.headings import BOLD_LEVEL, Heading, list_headings
from stages.collect.kinds.document_files.page_tree import PageTree
from stages.collect.kinds.document_files.questions import (
    has_mark,
    has_question_word,
    is_clear_question,
    may_be_question,
    without_label,
)
from stages.collect.kinds.document_files.schema_questions import (
    DeclaredQuestion,
    declared_questions,
    marked_questions,
    plain_words,
)

_WORD = re.compile(r"\w+")
# Below these a question is about the whole page, and no element around it belongs to it alone.
_FRAMES = frozenset(["body", "html", "-document", "main", "article", "dl", "details"])
SUMMARY_LEVEL = 8
TERM_LEVEL = 9
# Elements whose whole text may be a question of JSON-LD: the buttons of accordions and the like.
_BUTTONS = frozenset(["button", "a", "div", "span", "li", "p", "td", "strong", "b", "label"])
_MOST_NODES_OF_BUTTON = 12
# A link below a question leads to the answer; so few words of links are none.
_LEAST_LINK_WORDS = 4
_LEAST_TITLE_WORDS = 3
# The share of the words of a declared answer that the page must hold beside the question.
_SAME_ANSWER = 0.8


class Answer(NamedTuple):
    """A question with its answer.

    Attributes:
        question: the question, without its number.
        section: the heading above it that is no question; "" for none but the title.
        html: the answer.
    """

    question: str
    section: str
    html: str


class Answers(NamedTuple):
    """What the questions of a page are.

    Attributes:
        answers: the questions with answers of their own, in the order of the page.
        page_question: the question that the rest of the page answers; "" for none.
    """

    answers: list[Answer]
    page_question: str


class _Item(NamedTuple):
    """A question on the page: its element, its text, its level, and its answer's elements."""

    place: int
    text: str
    level: int
    answer: tuple[int, ...]


def take_answers(tree: PageTree) -> Answers:
    """Return the questions of the page, and take them with their answers out of the tree."""
    headings = list_headings(tree)
    declared = {plain_words(question.text): question for question in declared_questions(tree)}
    finder = _Finder(tree, headings, declared)
    items = finder.items()
    title = _page_question(tree, headings, items)
    answers = [
        Answer(without_label(item.text), section, _html_of(tree, item.answer))
        for item, section in zip(items, finder.sections(items), strict=True)
    ]

    # Declared questions that the page does not show have their answers from the data.
    known = {plain_words(item.text) for item in items}
    if title is not None:
        known.add(plain_words(title.text))
    answers += [
        Answer(without_label(question.text), "", f"<div>{question.answer}</div>")
        for words, question in declared.items()
        if words not in known
    ]

    # What belongs to a question leaves the page.
    for item in items:
        for index in (item.place, *item.answer):
            tree.remove(index)
    if title is not None:
        tree.remove(title.place)

    return Answers(answers, without_label(title.text) if title is not None else "")


def _html_of(tree: PageTree, places: Sequence[int]) -> str:
    return f"<div>{''.join(tree.html(place) for place in places)}</div>"


def _page_question(
    tree: PageTree, headings: Sequence[Heading], items: Sequence[_Item]
) -> Heading | None:
    """Return the title of the page if it is a question that the rest of the page answers."""
    title = _title_heading(headings)
    if title is None or not may_be_question(without_label(title.text)):
        return None
    if any(title.place in (item.place, *item.answer) for item in items):
        return None

    # Without a mark, the other headings must ask too.
    asking = [heading for heading in headings if may_be_question(without_label(heading.text))]
    is_asking = has_mark(title.text) and has_question_word(title.text)
    if not is_asking:
        is_long = len(title.text.split()) >= _LEAST_TITLE_WORDS
        if 2 * len(asking) <= len(headings) or not (is_long or has_mark(title.text)):
            return None

    # The rest must say something beside headings.
    taken = [place for item in items for place in (item.place, *item.answer)]
    others = [heading.place for heading in headings]
    furniture = [index for index in range(len(tree.nodes)) if not tree.is_content(index)]
    text = tree.text(tree.body(), without=frozenset([*taken, *others, *furniture]))
    return title if _WORD.search(text) else None


def _title_heading(headings: Sequence[Heading]) -> Heading | None:
    """Return the heading above all others, if there is one."""
    highest = min((heading.level for heading in headings), default=7)
    titles = [heading for heading in headings if heading.level == highest]
    return titles[0] if len(titles) == 1 and highest <= 6 else None


class _Finder:
    """Finds the questions of a page, each with the elements of its answer."""

    def __init__(
        self,
        tree: PageTree,
        headings: Sequence[Heading],
        declared: Mapping[str, DeclaredQuestion],
    ) -> None:
        self._tree = tree
        self._headings = headings
        self._title = _title_heading(headings)
        self._declared = declared
        self._marked = marked_questions(tree)
        self._questions = self._details() + self._definitions() + self._asking_headings()
        self._is_taken = bytearray(len(tree.nodes))
        self._stops_of_level = {level: self._stops(level) for level in range(1, TERM_LEVEL + 1)}

    def items(self) -> list[_Item]:
        """Return the questions in the order of the page. No two share an element."""
        items: list[_Item] = []
        for question in self._marked:
            text = self._tree.text(question.place)
            self._add(items, _Item(question.place, text, BOLD_LEVEL, question.answer))
        for index, level in self._questions:
            self._add(items, self._item(index, level, self._stops_of_level[level]))

        # Of declared questions elsewhere the answer must be the declared one.
        buttons = self._buttons({plain_words(item.text) for item in items})
        stops = sorted([*self._stops_of_level[BOLD_LEVEL], *buttons])
        for index in buttons:
            item = self._item(index, BOLD_LEVEL, stops)
            answer = " ".join(self._tree.text(place) for place in item.answer)
            if _is_same_answer(answer, self._declared[plain_words(item.text)]):
                self._add(items, item)

        return sorted(items)

    def sections(self, items: Sequence[_Item]) -> list[str]:
        """Return for each question the heading above it that is no question.

        It is "" for the title of the page or none.
        """
        sections: list[str] = []
        headings = [heading for heading in self._headings if not self._is_taken[heading.place]]
        last_of_level: dict[int, Heading] = {}
        position = 0
        for item in items:
            while position < len(headings) and headings[position].place < item.place:
                last_of_level[headings[position].level] = headings[position]
                position += 1
            above = [heading for level, heading in last_of_level.items() if level < item.level]
            nearest = max(above, default=None)
            is_section = nearest is not None and nearest != self._title
            sections.append(without_label(nearest.text) if nearest and is_section else "")
        return sections

    def _add(self, items: list[_Item], item: _Item) -> None:
        """Take a question that has an answer, if no other one has taken a part of it."""
        places = (item.place, *item.answer)
        spans = [(place, self._tree.end(place)) for place in places]
        is_free = not any(1 in self._is_taken[start:end] for start, end in spans)
        if is_free and item.text and self._is_answer(item.answer):
            items.append(item)
            for start, end in spans:
                self._is_taken[start:end] = b"\1" * (end - start)

    def _is_answer(self, places: Sequence[int]) -> bool:
        """Return whether elements say something: a word outside of links, or several in them."""
        if any(self._tree.count_words(place, outside_links=True) for place in places):
            return True
        return sum(self._tree.count_words(place) for place in places) >= _LEAST_LINK_WORDS

    def _asking_headings(self) -> list[tuple[int, int]]:
        """Return place and level of the headings that are questions, but the title of the page."""
        inner = [heading for heading in self._headings if heading != self._title]
        real = [heading for heading in inner if heading.level < BOLD_LEVEL]
        asking = self._asking([heading.text for heading in real])
        chosen = [heading for heading in real if heading.text in asking]

        # A bold line is a heading only if it asks.
        bold = [heading for heading in inner if heading.level == BOLD_LEVEL]
        bold = [heading for heading in bold if may_be_question(without_label(heading.text))]
        if len(bold) == 1 and not is_clear_question(without_label(bold[0].text)):
            bold = []
        return [(heading.place, heading.level) for heading in sorted([*chosen, *bold])]

    def _details(self) -> list[tuple[int, int]]:
        summaries = {
            index: self._tree.text(index)
            for index in self._tree.elements("summary")
            if self._tree.is_content(index)
        }
        asking = self._asking(list(summaries.values()))
        return [(index, SUMMARY_LEVEL) for index, text in summaries.items() if text in asking]

    def _definitions(self) -> list[tuple[int, int]]:
        """Return the terms that are questions, list by list."""
        terms: list[tuple[int, int]] = []
        all_terms = [place for place in self._tree.elements("dt") if self._tree.is_content(place)]
        for index in self._tree.elements("dl"):
            inside = [place for place in all_terms if index < place < self._tree.end(index)]
            texts = {place: self._tree.text(place) for place in inside}
            asking = self._asking(list(texts.values()))
            terms += [(place, TERM_LEVEL) for place, text in texts.items() if text in asking]
        return list(dict.fromkeys(terms))

    def _asking(self, texts: Sequence[str]) -> set[str]:
        """Return the texts that are questions: all that may be where most may be, or clear ones."""
        labels = {text: without_label(text) for text in texts}
        may_be = [text for text in texts if may_be_question(labels[text])]
        is_list = 2 * len(may_be) > len(texts)
        asking = {text for text in may_be if is_list or is_clear_question(labels[text])}
        return asking | {text for text in texts if plain_words(text) in self._declared}

    def _buttons(self, known: set[str]) -> list[int]:
        """Return the elements whose whole text is a declared question that is not known yet."""
        missing = set(self._declared) - known
        if not missing:
            return []

        places: list[int] = []
        for index, node in enumerate(self._tree.nodes):
            is_small = self._tree.end(index) - index <= _MOST_NODES_OF_BUTTON
            if node.tag in _BUTTONS and is_small and self._tree.is_content(index):
                words = plain_words(self._tree.text(index))
                if words in missing:
                    places.append(index)
                    missing.remove(words)
        return places

    def _item(self, index: int, level: int, stops: Sequence[int]) -> _Item:
        return _Item(index, self._tree.text(index), level, self._answer_of(index, level, stops))

    def _answer_of(self, index: int, level: int, stops: Sequence[int]) -> tuple[int, ...]:
        """Return the elements of the answer: those that follow the question, or what wraps it."""
        place = index
        while True:
            answer = self._following(place, stops)
            if self._is_answer(answer):
                return answer

            # A question that is wrapped alone has its answer beside the wrapper.
            parent = self._tree.parent(place)
            if parent < 0 or level == SUMMARY_LEVEL or self._tree.nodes[parent].tag in _FRAMES:
                return ()
            if self._tree.count_inside(parent, stops) > 1:
                return ()
            place = parent

    def _following(self, index: int, stops: Sequence[int]) -> tuple[int, ...]:
        places: list[int] = []
        for place in self._tree.following(index):
            if self._tree.count_inside(place, stops):
                break
            if self._tree.is_content(place):
                places.append(place)
            elif self._tree.has_words(place):
                break

        # White space at the end belongs to the page.
        while places and not self._tree.has_words(places[-1]):
            if not self._tree.nodes[places[-1]].is_text_node:
                break
            places.pop()
        return tuple(places)

    def _stops(self, level: int) -> list[int]:
        """Return the places at which an answer of a question of this level ends.

        They are the headings of its level and above, and all questions, its own included.
        """
        if level == SUMMARY_LEVEL:
            return []
        stops = {heading.place for heading in self._headings if heading.level <= level}
        stops.update(place for place, _ in self._questions)
        stops.update(question.place for question in self._marked)
        stops.update(self._tree.elements("dt"))
        return sorted(stops)


def _is_same_answer(answer: str, declared: DeclaredQuestion) -> bool:
    """Return whether the text of elements holds most words of a declared answer."""
    words = Counter(plain_words(re.sub(r"<[^<>]*>", " ", declared.answer)).split())
    shared = words & Counter(plain_words(answer).split())
    return shared.total() >= _SAME_ANSWER * words.total()
