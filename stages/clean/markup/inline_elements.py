"""Elements within a line whose meaning is lost with their tags: they are spelled out first.

    10<sup>9</sup>                                  10^9
    <math><mfrac>...</mfrac></math>                 (a+b)/c
    <ruby>\u6f22<rt>\u304b\u3093</rt></ruby>                       \u6f22(\u304b\u3093)
    <abbr title="magnetic resonance">MR</abbr>      MR (magnetic resonance)
    <del>5</del><ins>10</ins> mg                    10 mg

What a browser does not show leaves too, with `hidden` or the style "display: none", unless
nothing else is there. The result is HTML again.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from html import escape, unescape

from stages.clean.markup.element_texts import SPELLERS, Element, without_tags
from stages.clean.markup.html_tokens import (
    CODE,
    VOID_ELEMENTS,
    Token,
    attributes_of,
    find_markup,
    is_inline,
)

# Most texts hold none of these.
_SPELLED = re.compile(
    r"<(?:su[bp]|ruby|abbr|acronym|del|s|strike|(?:\w{1,8}:)?math)[\s>]"
    r"|<script\s[^<>]*math/|<img\s[^<>]*(?:math|tex|\balt\s*=)",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"<\w[^<>]*(?:\bhidden\b|\bdisplay\s*:\s*none)", re.IGNORECASE)
_MATH_SCRIPT = re.compile(
    r"<script\b[^<>]*\bmath/(?:tex|asciimath)[^<>]*>(.*?)</script\s*>", re.IGNORECASE | re.DOTALL
)
_NOT_SHOWN = re.compile(r"\b(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE)
_MATH_IMAGE = re.compile(r"\b(?:mwe-math|tex|latex|math)", re.IGNORECASE)
# Letters that follow an abbreviation: "CSSs", "WHO's", "X-rayed".
_REST_OF_WORD = re.compile(r"(?:['\u2019-]?[^\W\d_]{1,30}){1,3}")
# How much text before an element is looked at.
_TAIL = 80
_LONGEST_TITLE = 200
# Elements in more others than this are left as they are.
_DEEPEST = 20


class _Frame:
    """An element that is open, with the HTML inside it so far.

    Attributes:
        name: its name; "" for the whole text.
        start: its start tag.
        parts: the HTML inside it.
        tail: the last plain text of the line before the present place.
        spells: whether its end tag replaces it; other elements only keep names in pairs.
    """

    def __init__(self, name: str, start: Token | None, spells: bool) -> None:
        self.name = name
        self.start = start
        self.parts: list[str] = []
        self.tail = ""
        self.spells = spells

    def add(self, html: str) -> None:
        """Append HTML without block tags."""
        self.parts.append(html)
        plain = unescape(without_tags(html[-4 * _TAIL :]))
        self.tail = (self.tail + plain)[-_TAIL:]


def spell_out(html: str, drops_hidden: bool = True) -> str:
    """Return `html` with its elements within a line spelled out; other HTML is unchanged.

    With `drops_hidden`, elements that a browser does not show are left out.
    """
    if not _SPELLED.search(html) and not (drops_hidden and _HIDDEN.search(html)):
        return html

    # Formulas that a script of the page would draw.
    html = _MATH_SCRIPT.sub(
        lambda match: f" {escape(' '.join(match[1].split()), quote=False)} ", html
    )
    speller = _Speller(html, drops_hidden)
    spelled = speller.spell()

    # Nothing but hidden text: it was to be shown by a script.
    if speller.has_hidden and not _has_words(spelled):
        return _Speller(html, drops_hidden=False).spell()

    return spelled


def _has_words(html: str) -> bool:
    return bool(re.search(r"\w", without_tags(html)))


class _Speller:
    """Goes through the tags of a text once."""

    def __init__(self, html: str, drops_hidden: bool) -> None:
        self.has_hidden = False
        self._html = html
        self._drops_hidden = drops_hidden
        self._frames = [_Frame("", None, spells=False)]
        self._open_names: Counter[str] = Counter()
        self._titles: set[str] = set()
        # An abbreviation and its title, while its word may go on.
        self._waiting: tuple[str, str] | None = None

    def spell(self) -> str:
        """Return the text with its elements spelled out."""
        position = 0
        for token in find_markup(self._html):
            if token.start < position:
                continue

            self._add_text(self._html[position : token.start])
            position = token.end
            if token.name == CODE:
                self._frames[-1].add(self._html[token.start : token.end])
            elif token.name[0] == "!":
                self._frames[-1].parts.append(self._html[token.start : token.end])
            elif token.closes:
                self._close(token)
            else:
                self._open(token)

        self._add_text(self._html[position:])
        self._flatten(0)
        return "".join(self._frames[0].parts)

    def _add_text(self, text: str) -> None:
        if not text:
            return
        if self._waiting:
            text = self._with_waiting_title(text)

        self._frames[-1].add(text)

    def _with_waiting_title(self, text: str) -> str:
        """Return the text behind an abbreviation with its title after the end of the word."""
        assert self._waiting is not None, "only a title that waits has a place"
        short, title = self._waiting
        self._waiting = None
        rest = _REST_OF_WORD.match(text)
        ending = rest[0] if rest else ""

        # "Mon" and "day" are the title.
        if unescape(short + ending).lower() == title.lower():
            return text

        return f"{ending} ({escape(title, quote=False)}){text[len(ending) :]}"

    def _open(self, token: Token) -> None:
        tag = self._html[token.start : token.end]
        spells = _base_name(token.name) in SPELLERS or self._is_hidden(tag, token.name)
        spells = spells and len(self._frames) < _DEEPEST
        is_inside = self._open_names[token.name] > 0
        if token.name in VOID_ELEMENTS or tag.endswith("/>") or not (spells or is_inside):
            self._add_tag(token)
            return

        frame = _Frame(token.name, token, spells)
        frame.tail = "" if spells else self._frames[-1].tail
        self._frames.append(frame)
        self._open_names[token.name] += 1

    def _add_tag(self, token: Token) -> None:
        frame = self._frames[-1]
        tag = self._html[token.start : token.end]
        if token.name == "img" and _MATH_IMAGE.search(tag):
            attributes = attributes_of(tag)
            formula = _without_display(attributes.get("alt", ""))
            if formula and _MATH_IMAGE.search(attributes.get("class", "")):
                # The picture of a formula that stands before it.
                is_repeated = "fallback" in attributes["class"] and bool(frame.tail.strip())
                frame.add("" if is_repeated else f" {escape(formula, quote=False)} ")
                return

        # The text that replaces a picture. Of a page, the extractor decides which pictures speak.
        alternative = attributes_of(tag).get("alt", "").strip() if token.name == "img" else ""
        if alternative and self._drops_hidden:
            before = " " if frame.tail[-1:].isalnum() else ""
            after = " " if self._html[token.end : token.end + 1].isalnum() else ""
            frame.add(f"{before}{escape(alternative, quote=False)}{after}")
            return

        frame.parts.append(tag)
        if not is_inline(token.name):
            frame.tail = ""

    def _close(self, token: Token) -> None:
        """Close the innermost element of this name; those inside it were never closed."""
        if not self._open_names[token.name]:
            self._add_tag(token)
            return

        index = len(self._frames) - 1
        while self._frames[index].name != token.name:
            index -= 1

        self._flatten(index)
        frame = self._frames.pop()
        self._open_names[token.name] -= 1
        parent = self._frames[-1]
        assert frame.start is not None, "only the whole text has no start tag"
        inner = "".join(frame.parts)
        start_tag = self._html[frame.start.start : frame.start.end]
        if not frame.spells:
            parent.parts += [start_tag, inner, self._html[token.start : token.end]]
            parent.tail = frame.tail if is_inline(frame.name) else ""
            return

        element = Element(
            attributes=attributes_of(start_tag),
            inner=inner,
            source=self._html[frame.start.start : token.end],
            before=parent.tail,
            after=_rest_of_line(self._html, token.end),
        )
        self._replace(parent, frame, element)

    def _replace(self, parent: _Frame, frame: _Frame, element: Element) -> None:
        """Append what stands for a closed element."""
        start_tag = self._html[frame.start.start : frame.start.end] if frame.start else ""
        name = _base_name(frame.name)
        if self._is_hidden(start_tag, frame.name) and "<math" not in element.source.lower():
            self.has_hidden = True
            return

        speller = SPELLERS.get(name)
        if speller is None:
            parent.parts += [start_tag, element.inner, f"</{frame.name}>"]
            parent.tail = frame.tail if is_inline(frame.name) else ""
        elif name in ("abbr", "acronym"):
            parent.add(self._with_title(element))
            if self._waiting and not _REST_OF_WORD.match(element.after):
                parent.add(self._with_waiting_title(""))
        else:
            parent.add(speller(element))

    def _with_title(self, element: Element) -> str:
        """Return an abbreviation with its title, where the text does not give it anyway."""
        title = " ".join(element.attributes.get("title", "").split())
        is_long_form = bool(re.search(r"[^\W\d_]{2}", title)) and len(title) <= _LONGEST_TITLE
        if (
            not is_long_form
            or title.lower() in self._titles
            or title.lower() == element.text.lower()
        ):
            return element.inner

        self._titles.add(title.lower())
        if title.lower() in self._small_text:
            return element.inner

        self._waiting = (element.text, title)
        return element.inner

    @cached_property
    def _small_text(self) -> str:
        """The words of the whole text, in small letters."""
        return " ".join(unescape(without_tags(self._html, " ")).lower().split())

    def _is_hidden(self, tag: str, name: str) -> bool:
        """Return True for a start tag whose element a browser does not show."""
        if not self._drops_hidden or name in ("html", "body", "input"):
            return False

        small = tag.lower()
        if "hidden" not in small and "none" not in small:
            return False

        attributes = attributes_of(tag)
        is_hidden = attributes.get("hidden", "until-found").lower() != "until-found"
        return is_hidden or bool(_NOT_SHOWN.search(attributes.get("style", "")))

    def _flatten(self, index: int) -> None:
        """Give up the elements above the frame `index`: they are never closed."""
        frame = self._frames[index]
        for unclosed in self._frames[index + 1 :]:
            assert unclosed.start is not None, "only the whole text has no start tag"
            frame.parts.append(self._html[unclosed.start.start : unclosed.start.end])
            frame.parts += unclosed.parts
            frame.tail = unclosed.tail
            self._open_names[unclosed.name] -= 1

        del self._frames[index + 1 :]


def _base_name(name: str) -> str:
    """Return the name of an element without its prefix."""
    return name.rpartition(":")[2]


def _rest_of_line(html: str, position: int) -> str:
    """Return the HTML from `position` up to the next block tag, of a bounded length."""
    rest = html[position : position + 4 * _TAIL]
    for tag in re.finditer(r"</?([a-zA-Z][\w:-]*+)[^<>]*+>", rest):
        if not is_inline(tag[1]):
            return rest[: tag.start()]

    return rest


def _without_display(formula: str) -> str:
    display = re.fullmatch(r"\{\\displaystyle (.*)\}", " ".join(formula.split()))
    return display[1].strip() if display else " ".join(formula.split())
