"""Words that speak of markup, and what stands around a tag or an entity in its sentence."""

from __future__ import annotations

import re

# A text with more tags or entities than this is a fragment.
MOST_SPOKEN = 8
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
QUESTION = re.compile(r"[?\u061f\uff1f\u037e][\"'\u201d\u2019)\s]*$")
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
    r"html|attributes?|strings?|glyphs?"
)
_ENTITY_NOUN = (
    r"entit(?:y|ies)|characters?|codes?|symbols?|signs?|references?|sequences?|escapes?|html|"
    r"entidad\w*|entit\u00e9s?|entit\u00e4t\w*|zeichen|c\u00f3digo\w*|spaces?|hyphens?"
)
NOUN = re.compile(rf"(?:{_TAG_NOUN}|{_ENTITY_NOUN})", re.IGNORECASE)
UNSPACED_NOUN = re.compile(
    "\u6807\u7b7e|\u6a19\u7c64|\u5143\u7d20|\u5b57\u7b26|\u5b9e\u4f53|\u30bf\u30b0|\u8981\u7d20|"
    "\u3068\u306f|\u5b9f\u4f53|\u6587\u5b57\u53c2\u7167|\ud0dc\uadf8|\ubb34\uc5c7|\ubb38\uc790|\uae30\ud638|\uc694\uc18c|\u4f7f\u7528|\u4ec0\u4e48\u662f|\u662f\u4ec0\u4e48"
)
_SPEAKING_BEFORE_LIST = (
    "what is are was does do did can could should would will why use uses used using write writes "
    "type types insert inserts add adds put puts remove removes removing replace replaces "
    "replacing wrap wraps like called named show shows display displays see get gets with without "
    "of between "
    "and or vs versus the a an as by into inside nested multiple empty single each every any "
    "escape decode encode self closing missing unclosed than when how where html "
    "seeing saw find finds found keep contains contain containing prints print printing outputs "
    "output returns produces stray literal "
    # German, Spanish, French, Italian, Portuguese and Russian. "\u00e9" is a word of its own.
    "ist sind bedeutet schreibe schreiben schreibt verwenden ersetzen durch statt zeigt "
    "es son significa escribir escribo usar uso poner mostrar muestra "
    "est sont signifie afficher affiche utiliser remplacer ins\u00e9rer taper \u00e9crire "
    "scrivere usare mostra escrever inserir substituir "
    "\u0442\u0430\u043a\u043e\u0435 \u043e\u0437\u043d\u0430\u0447\u0430\u0435\u0442 "
    "\u0437\u043d\u0430\u0447\u0438\u0442 \u043f\u0438\u0441\u0430\u0442\u044c "
    "\u0432\u0441\u0442\u0430\u0432\u0438\u0442\u044c \u043d\u0443\u0436\u0435\u043d "
    "\u043d\u0443\u0436\u043d\u0430"
)
SPEAKING_BEFORE = frozenset(_SPEAKING_BEFORE_LIST.split())
_SPEAKING_AFTER_LIST = (
    "mean means stand stands do does for in inside instead appear appears show shows showing need "
    "needs needed not render renders rendered when is are was and or vs versus with by work works "
    "escaped displayed as into to between within valid allowed deprecated obsolete optional "
    "required close closes break breaks used using should can must shown printed encoded decoded "
    "converted written turned before after rather at everywhere hides disappears looks prevents "
    "separates joins "
    "bedeutet steht wird anstatt statt significa sirve aparece signifie apparait "
    "\u043e\u0437\u043d\u0430\u0447\u0430\u0435\u0442 \u0437\u043d\u0430\u0447\u0438\u0442 "
    "\u0432\u043c\u0435\u0441\u0442\u043e"
)
SPEAKING_AFTER = frozenset(_SPEAKING_AFTER_LIST.split())
SPEAKING = SPEAKING_BEFORE | SPEAKING_AFTER
# What stands between a start tag and its end tag where both are spoken of.
BETWEEN_SPOKEN = re.compile(
    r"\s*+(?:and not|and|or|und nicht|und|oder|et|ou|y|o|e|to|vs\.?|versus|instead of|rather than|"
    r"statt|au lieu de|en vez de|\u0438\u043b\u0438|\u0432\u043c\u0435\u0441\u0442\u043e|"
    r"[/,&|\u2026\u2013-]|\.\.\.|\u548c|\u3068|\uc640)?\s*",
    re.IGNORECASE,
)


def joins_list(between: str) -> bool:
    """Return True for what joins the members of a list: "<ul>, <ol> and <li>"."""
    return bool(between.strip()) and bool(BETWEEN_SPOKEN.fullmatch(between.lstrip(" ,")))


def line_around(text: str, start: int, end: int) -> str:
    """Return the line of a span."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    return text[line_start : line_end if line_end >= 0 else len(text)]


def is_question(line: str) -> bool:
    """Return True for a question, with its mark or without."""
    return bool(QUESTION.search(line.rstrip()) or _ASKING.match(line))


def is_spoken_of(text: str, start: int, end: int) -> bool:
    """Return True if the words on one side speak of what stands between."""
    before = word_before(text, start)
    after = word_after(text, end)
    return before in SPEAKING_BEFORE or after in SPEAKING_AFTER or bool(NOUN.fullmatch(before))


def stands_alone(text: str, start: int, end: int) -> bool:
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


def is_unspaced(text: str, start: int, end: int) -> bool:
    """Return True if the span touches letters of a script without spaces."""
    return bool(_UNSPACED.match(text[start - 1 : start]) or _UNSPACED.match(text[end : end + 1]))


def is_quoted(text: str, start: int, end: int) -> bool:
    """Return True if quotation marks stand directly around the span."""
    before = text[start - 1 : start]
    after = text[end : end + 1]
    return bool(before and after) and before in _OPENING_QUOTES and after in _CLOSING_QUOTES


def names_markup(text: str, start: int, end: int) -> bool:
    """Return True if a word beside the span says what it is: "the <br> tag"."""
    before = word_before(text, start)
    after = word_after(text, end)
    is_after = bool(NOUN.fullmatch(after)) and text[end : end + 1] in (
        " ",
        "-",
        "",
        '"',
        "'",
        "\u201d",
    )
    is_before = bool(NOUN.fullmatch(before)) and before != "html"
    unspaced = UNSPACED_NOUN.match(text[end : end + 4]) or UNSPACED_NOUN.search(
        text[max(0, start - 3) : start]
    )

    return is_after or is_before or bool(unspaced)


def word_before(text: str, position: int) -> str:
    """Return the word before a place in small letters, or ""."""
    match = _WORD_BEFORE.search(text[max(0, position - 40) : position])
    return match[1].lower() if match else ""


def word_after(text: str, position: int) -> str:
    """Return the word behind a place in small letters, or ""."""
    match = _WORD_AFTER.match(text[position : position + 40])
    return match[1].lower() if match else ""
