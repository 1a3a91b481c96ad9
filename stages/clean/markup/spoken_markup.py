"""Markup that a text speaks of: "why does <hr> need no end?", "what is &shy; for?".

A tag is markup where the text is a fragment of HTML: elements with words inside, attributes,
comments, tags against words. A tag that stands alone between the words of a sentence is its
subject, and stays. So does an entity, if the words around it speak of it: "Fish &amp; chips" is
escaped text. Tags that break lines are a case between the two: "Fever <br> Rash" is a fragment.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html import unescape

from stages.clean.markup.html_tokens import Token

# A text with more tags or entities than this is a fragment.
MOST_SPOKEN = 8
# Tags that are often left open, to break a line.
_SEPARATOR_LIST = "br p hr wbr li dt dd td th tr"
_SEPARATORS = frozenset(_SEPARATOR_LIST.split())
_OPENING_QUOTES = "\"'\u201c\u2018\u201e\u00ab\u2039\u300c\u300e"
_CLOSING_QUOTES = "\"'\u201d\u2019\u201c\u00bb\u203a\u300d\u300f"
_BEFORE_ALONE = frozenset(_OPENING_QUOTES + "([{/|,:;\u00bf\uff08\u3001\uff0c")
_AFTER_ALONE = frozenset(
    _CLOSING_QUOTES + ")]}/|.,:;?!\u2026\u061f\uff09\uff1f\u3001\u3002\uff0c\uff01"
)
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_PLURAL = re.compile(r"(?:['\u2019]?s|-\w+)\b")
_WORD_BEFORE = re.compile(r"(?<![^\W_])([^\W_]++)[\s\"'\u201c\u2018\u201e\u00ab(\[/,:\u00bf]*$")
_WORD_AFTER = re.compile(r"(?:['\u2019]?s\b)?[\s\"'\u201d\u2019\u201c\u00bb)\]/]*([^\W_]+)")
_QUESTION = re.compile(r"[?\u061f\uff1f\u037e][\"'\u201d\u2019)\s]*$")
_ASKING = re.compile(
    r"\W*(?:what|why|how|when|which|where|who|does|do|did|is|are|was|can|could|should|would|"
    r"was ist|warum|wie|wozu|wann|welche\w*|qu[e\u00e9]|para qu[e\u00e9]|por qu[e\u00ea\u00e9]|"
    r"c[o\u00f3]mo|como|"
    r"pourquoi|comment|quel\w*|qu'est|perch\w+|cos'|"
    r"\u043a\u0430\u043a|"
    r"\u0437\u0430\u0447\u0435\u043c|\u043f\u043e\u0447\u0435\u043c\u0443|\u0447\u0442\u043e)\b",
    re.IGNORECASE,
)
# What a tag or an entity is called, in several languages.
_TAG_NOUN = (
    r"tags?|elements?|etiqueta\w*|elemento\w*|balises?|\u00e9l\u00e9ments?|\u0442\u0435\u0433\w*|markup|"
    r"html|attributes?"
)
_ENTITY_NOUN = (
    r"entit(?:y|ies)|characters?|codes?|symbols?|signs?|references?|sequences?|escapes?|html|"
    r"entidad\w*|entit\u00e9s?|entit\u00e4t\w*|zeichen|c\u00f3digo\w*|spaces?|hyphens?"
)
_NOUN = re.compile(rf"(?:{_TAG_NOUN}|{_ENTITY_NOUN})", re.IGNORECASE)
_UNSPACED_NOUN = re.compile(
    "\u6807\u7b7e|\u6a19\u7c64|\u5143\u7d20|\u5b57\u7b26|\u5b9e\u4f53|\u30bf\u30b0|\u8981\u7d20|"
    "\u3068\u306f|\u5b9f\u4f53|\u6587\u5b57\u53c2\u7167|\ud0dc\uadf8|\uc694\uc18c|\u4f7f\u7528|\u4ec0\u4e48\u662f|\u662f\u4ec0\u4e48"
)
_SPEAKING_BEFORE_LIST = (
    "what is are was does do did can could should would will why use uses used using write writes "
    "type types insert inserts add adds put puts remove removes removing replace replaces "
    "replacing wrap wraps like called named show shows display displays see get gets with without "
    "of between "
    "and or vs versus the a an as by into inside nested multiple empty single each every any "
    "escape decode encode self closing missing unclosed than when how where html"
)
_SPEAKING_BEFORE = frozenset(_SPEAKING_BEFORE_LIST.split())
_SPEAKING_AFTER_LIST = (
    "mean means stand stands do does for in inside instead appear appears show shows showing need "
    "needs needed not render renders rendered when is are was and or vs versus with by work works "
    "escaped displayed as into to between within valid allowed deprecated obsolete optional "
    "required close closes break breaks used using should can must shown printed encoded decoded "
    "converted written turned"
)
_SPEAKING_AFTER = frozenset(_SPEAKING_AFTER_LIST.split())
_SPEAKING = _SPEAKING_BEFORE | _SPEAKING_AFTER
_FIRM_BEFORE_LIST = (
    "use uses using insert add put remove replace does do is are an the write type between without "
    "with of why like"
)
_FIRM_BEFORE = frozenset(_FIRM_BEFORE_LIST.split())
_VERBS_BEFORE_LIST = "use using insert add put remove replace type write does escape render between"
_VERBS_BEFORE = frozenset(_VERBS_BEFORE_LIST.split())
_VERBS_AFTER_LIST = "mean means stand stands does vs versus instead appear appears shows"
_VERBS_AFTER = frozenset(_VERBS_AFTER_LIST.split())
# What stands between a start tag and its end tag where both are spoken of.
_BETWEEN_SPOKEN = re.compile(
    r"\s*+(?:and|or|und|oder|et|ou|y|o|e|to|vs\.?|[/,&|\u2026\u2013-]|\.\.\.|\u548c|\u3068|\uc640)?\s*",
    re.IGNORECASE,
)


def spoken_tags(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Return the tags of `tokens` that `text` speaks of, in order."""
    tags = [token for token in tokens if token.name[0] not in "!`"]
    if not tags or len(tags) > MOST_SPOKEN:
        return []

    closed = _closed_with_words(text, tags)
    is_fragment = _is_fragment(text, tokens, tags, closed=closed)
    spoken: list[Token] = []
    for tag in tags:
        if tag.name in closed or not _stands_alone(text, tag.start, tag.end):
            continue

        # In a fragment, only a tag that is called one, or is quoted, is spoken of.
        is_called = _is_called(text, tag.start, tag.end) or _is_quoted(text, tag.start, tag.end)
        is_listed = bool(spoken) and _is_listed(text[spoken[-1].end : tag.start])
        if is_called or (not is_fragment and (is_listed or _is_subject(text, tag))):
            spoken.append(tag)

    return spoken


def spoken_entities(
    text: str,
    entities: Sequence[tuple[int, int]],
    is_fragment: bool,
) -> list[tuple[int, int]]:
    """Return the spans of entities that `text` speaks of; `is_fragment` if it has other markup."""
    if len(entities) > MOST_SPOKEN:
        return []

    spoken: list[tuple[int, int]] = []
    for start, end in entities:
        if not _stands_alone(text, start, end):
            continue

        is_called = _is_called(text, start, end) and _speaks(text, start, end)
        is_next = bool(spoken) and _is_listed(text[spoken[-1][1] : start])
        if is_called or is_next or (not is_fragment and _is_spoken_entity(text, start, end)):
            spoken.append((start, end))

    return spoken


def _is_listed(between: str) -> bool:
    """Return True for what joins the members of a list: "<ul>, <ol> and <li>"."""
    return bool(between.strip()) and bool(_BETWEEN_SPOKEN.fullmatch(between.lstrip(" ,")))


def _is_spoken_entity(text: str, start: int, end: int) -> bool:
    """Return True if the words around an entity speak of it."""
    if _is_quoted(text, start, end):
        return True

    before = _word_before(text, start)
    after = _word_after(text, end)
    speaks_before = before in _SPEAKING_BEFORE
    speaks_after = after in _SPEAKING_AFTER
    asks = bool(_QUESTION.match(text[end:])) or bool(_UNSPACED_NOUN.search(text))
    character = unescape(text[start:end])
    category = unicodedata.category(character[0])

    # White space that nobody sees is left over in many texts, but not behind such words.
    if category in ("Zs", "Cf"):
        is_firm = before in _VERBS_BEFORE or after in _VERBS_AFTER
        return is_firm or asks or ((speaks_before or speaks_after) and _asks(text))

    # A visible one is more often text: "Fish &amp; chips", "p is &lt; 0.05".
    is_last = not after or bool(re.match(r"[\"')\s]*[.,;:?!\u061f\uff1f\u3002]", text[end:]))
    if category in ("Pe", "Pf", "Pi", "Pd", "Ps"):
        return before in _VERBS_BEFORE and speaks_after

    is_first = not text[:start].strip()
    return (
        (asks and character in "&<>")
        or ((speaks_before or is_first) and speaks_after)
        or (speaks_before and is_last)
    )


def _is_subject(text: str, tag: Token) -> bool:
    """Return True if a tag that stands alone is the subject of the sentence around it."""
    line_start = text.rfind("\n", 0, tag.start) + 1
    line_end = text.find("\n", tag.end)
    line = text[line_start : line_end if line_end >= 0 else len(text)]
    other_words = re.findall(r"\w+", re.sub("<[^<>]*>", " ", line))
    if not other_words:
        return False

    before = _word_before(text, tag.start)
    after = _word_after(text, tag.end)
    speaks = before in _SPEAKING_BEFORE or after in _SPEAKING_AFTER
    next_char = text[tag.end :].lstrip()[:1]
    if "=" in text[tag.start : tag.end]:
        return _asks(line) and after != "" and next_char.islower()
    if all(word.lower() in _SPEAKING for word in other_words):
        return True
    if tag.name not in _SEPARATORS:
        return True
    if _is_unspaced(text, tag.start, tag.end):
        return bool(_UNSPACED_NOUN.search(line))
    if _asks(line):
        return True

    # Behind a tag that breaks a line, a new sentence begins.
    is_break = next_char.isupper() or not text[line_start : tag.start].strip()
    return speaks and not is_break and (before in _FIRM_BEFORE or bool(_NOUN.fullmatch(after)))


def _asks(line: str) -> bool:
    """Return True for a question, with its mark or without."""
    return bool(_QUESTION.search(line.rstrip()) or _ASKING.match(line))


def _is_fragment(
    text: str,
    tokens: Sequence[Token],
    tags: Sequence[Token],
    closed: frozenset[str],
) -> bool:
    """Return True if the tags show a fragment of HTML."""
    if closed or any(token.name[0] == "!" for token in tokens):
        return True

    has_attributes = [tag for tag in tags if "=" in text[tag.start : tag.end]]
    if has_attributes and len(tags) > 1:
        return True

    # A tag against a word, unless it breaks a line there.
    glued = [tag for tag in tags if not _stands_alone(text, tag.start, tag.end)]
    return any(tag.name not in _SEPARATORS or tag.closes for tag in glued)


def _closed_with_words(text: str, tags: Sequence[Token]) -> frozenset[str]:
    """Return the names of elements that hold words, and of empty ones without a reason."""
    opened: dict[str, Token] = {}
    names: set[str] = set()
    for tag in tags:
        if not tag.closes:
            opened[tag.name] = tag
        elif tag.name in opened:
            start = opened.pop(tag.name)
            between = text[start.end : tag.start]
            is_empty = not between.strip()
            if not _BETWEEN_SPOKEN.fullmatch(between) or (
                is_empty and not _speaks(text, start.start, tag.end)
            ):
                names.add(tag.name)

    return frozenset(names)


def _speaks(text: str, start: int, end: int) -> bool:
    """Return True if the words on one side speak of what stands between."""
    before = _word_before(text, start)
    after = _word_after(text, end)
    return before in _SPEAKING_BEFORE or after in _SPEAKING_AFTER or bool(_NOUN.fullmatch(before))


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Return True if no word touches the span; Chinese and Japanese have no spaces."""
    before = text[start - 1 : start]
    after = text[end : end + 1]
    is_free_before = (
        not before
        or before.isspace()
        or before in _BEFORE_ALONE
        or before == ">"
        or bool(_UNSPACED.match(before))
    )
    is_free_after = (
        not after
        or after.isspace()
        or after in _AFTER_ALONE
        or after == "<"
        or bool(_UNSPACED.match(after))
        or bool(_PLURAL.match(text[end : end + 20]))
    )
    return is_free_before and is_free_after


def _is_unspaced(text: str, start: int, end: int) -> bool:
    """Return True if the span touches letters of a script without spaces."""
    return bool(_UNSPACED.match(text[start - 1 : start]) or _UNSPACED.match(text[end : end + 1]))


def _is_quoted(text: str, start: int, end: int) -> bool:
    """Return True if quotation marks stand directly around the span."""
    before = text[start - 1 : start]
    after = text[end : end + 1]
    return bool(before and after) and before in _OPENING_QUOTES and after in _CLOSING_QUOTES


def _is_called(text: str, start: int, end: int) -> bool:
    """Return True if a word beside the span says what it is: "the <br> tag"."""
    before = _word_before(text, start)
    after = _word_after(text, end)
    is_after = bool(_NOUN.fullmatch(after)) and text[end : end + 1] in (
        " ",
        "-",
        "",
        '"',
        "'",
        "\u201d",
    )
    is_before = bool(_NOUN.fullmatch(before)) and before != "html"
    unspaced = _UNSPACED_NOUN.match(text[end : end + 4]) or _UNSPACED_NOUN.search(
        text[max(0, start - 3) : start]
    )

    return is_after or is_before or bool(unspaced)


def _word_before(text: str, position: int) -> str:
    match = _WORD_BEFORE.search(text[max(0, position - 40) : position])
    return match[1].lower() if match else ""


def _word_after(text: str, position: int) -> str:
    match = _WORD_AFTER.match(text[position : position + 40])
    return match[1].lower() if match else ""
