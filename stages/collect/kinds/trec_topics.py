"""Topics of TREC: queries with a number and fields, in the old form and in XML.

    <top> <num> Number: 301 <title> International organized crime <desc> Description: ... </top>
    <topic number="1"> <query>coronavirus origin</query> <question>...</question> </topic>

The old form closes no fields, and begins some with their names (trec.nist.gov). It is no XML, so
both are read by their tags alone. No entity of a document type is ever resolved.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import NamedTuple

# A topic, with its attributes.
_TOPIC_START = re.compile(r"<(top|topic)(\s[^<>]*+)?>", re.IGNORECASE)
_TOPIC_END = re.compile(r"</(top|topic)\s*+>", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([A-Za-z][\w.-]*+)[^>]*+>")
_NUMBER = re.compile(r"""\b(?:number|num|id)\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
# What a field of the old form begins with.
_LABEL = re.compile(
    r"\s*(Number|Topic|Title|Description|Narrative|Domain|Concepts?|Summary)\s*:", re.IGNORECASE
)
_NUMBER_FIELDS = ("num", "number", "identifier", "id")
# The field that is the query where none is named. "" is the text outside of all fields.
_QUERY_FIELDS = ("title", "query", "text", "", "question", "desc", "description", "summary")


class Topic(NamedTuple):
    """A topic: its number, its fields, and the line on which it begins."""

    number: str
    fields: Mapping[str, str]
    line: int

    def query(self, field: str | None) -> str:
        """Return the text of a field; of the shortest form of the query if `field` is None."""
        if field is not None:
            return self.fields.get(field.casefold(), "")
        return next((self.fields[name] for name in _QUERY_FIELDS if self.fields.get(name)), "")


def read_topics(text: str) -> list[Topic]:
    """Return the topics of a file.

    >>> read_topics("<top><num> Number: 301 <title> Topic: organized  crime</top>")[0].fields
    {'num': '301', 'title': 'organized crime'}
    """
    topics: list[Topic] = []
    line = 1
    position = 0
    for start, body in _topic_bodies(text):
        fields = _fields(body)
        attribute = _NUMBER.search(start[2] or "")
        number = next((fields[name] for name in _NUMBER_FIELDS if name in fields), "")
        if attribute:
            number = " ".join(html.unescape(attribute[1]).split())
        line += text.count("\n", position, start.start())
        position = start.start()
        topics.append(Topic(number, fields, line))

    return topics


def _topic_bodies(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Yield the start tag of each closed topic, and what stands up to its end tag."""
    # Where the end tags of each name are. A search from each start tag would read on each time.
    ends_of_name: dict[str, list[tuple[int, int]]] = {"top": [], "topic": []}
    for end_tag in _TOPIC_END.finditer(text):
        ends_of_name[end_tag[1].lower()].append(end_tag.span())

    position = 0
    while start := _TOPIC_START.search(text, position, _end_of_tags(text)):
        ends = ends_of_name[start[1].lower()]
        index = bisect_left(ends, (start.end(), 0))
        if index < len(ends):
            yield start, text[start.end() : ends[index][0]]
            position = ends[index][1]
        else:
            position = start.end()


def _end_of_tags(text: str) -> int:
    """Return the index behind the last ">": no tag ends behind it."""
    return text.rfind(">") + 1


def _fields(body: str) -> dict[str, str]:
    """Return the fields of a topic. A field ends at its closing tag or at the next field."""
    text_of_field: dict[str, list[str]] = {}
    name = ""
    position = 0
    for tag in _TAG.finditer(body, 0, _end_of_tags(body)):
        text_of_field.setdefault(name, []).append(body[position : tag.start()])
        name = "" if tag[1] else tag[2].casefold()
        position = tag.end()
    text_of_field.setdefault(name, []).append(body[position:])

    fields: dict[str, str] = {}
    for field, texts in text_of_field.items():
        # A field that stands twice is a list of aspects: the first is the field.
        filled = [text for text in texts if text.strip()]
        if filled:
            label = _LABEL.match(filled[0])
            plain = filled[0][label.end() :] if label else filled[0]
            fields[field] = " ".join(html.unescape(plain).split())
    return fields
