"""Every regular expression of the project reads its worst text in linear time.

A pattern that takes quadratic time needs 0.14 s for 10 kB of its worst text, and hours for 1 MB.
The slowest linear ones, with classes of thousands of characters, need 0.03 s and 3 s.
"""

import re
import time
from collections import deque

import pytest

from tests.hostile import patterns
from tests.hostile.patterns import ANCHORED, Use, imported_patterns, worst_texts, written_patterns
from tests.hostile.timing import cpu_seconds

pytestmark = pytest.mark.slow

# Characters, and the most CPU seconds: three times those of the slowest linear pattern.
TEN_KB = (10_000, 0.1)
HUNDRED_KB = (100_000, 1.0)
ONE_MB = (1_000_000, 10.0)
# Patterns that read no more of a text than so many characters, and what holds them to it.
BOUNDED = {
    # superscript and subscript pass the end of the line: _FORMULA_REACH
    "clean.markup.formulas._CHEMICAL": 100,
    # Corrector passes the end of the text before a word: _SENTENCE_START_REACH
    "clean.spelling.correction._SENTENCE_START": 8,
    # may_be_question drops longer ones first: _LONGEST
    "collect.kinds.document_files.questions._courtesy": 300,
    # _HEADING takes no longer heading
    "pair.sections._MARKUP": 500,
    "pair.sections._TAG": 500,
}
# Patterns that are searched as far as the last mark that ends a comment: read as a function.
IN_FUNCTIONS = {
    "clean.markup.element_texts._TAG_OR_COMMENT",
    "clean.markup.mathml._TAG",
    "collect.kinds.document_files.markdown_page._MDX_COMMENT",
    "collect.kinds.trec_topics._TAG",
}
# Patterns that are built at run time, inside a function: reviewed by reading.
BUILT = {
    "augment/lexical_variants.py",
    "clean/letter_forms.py",
    "clean/markup/html_tokens.py",
    "clean/markup/markdown.py",
    "collect/kinds/document_files/questions.py",
    "commands/docs/glossary.py",
}


def all_patterns():
    constant, _ = written_patterns()
    return [use for use in [*imported_patterns(), *constant] if use.place not in IN_FUNCTIONS]


def read(use: Use, text: str):
    if use.methods and use.methods <= ANCHORED:
        for method in use.methods:
            getattr(use.pattern, method)(text)
    else:
        deque(use.pattern.finditer(text), maxlen=0)


def slowest(use: Use, size: int, limit: float, *, few=False):
    """Return (CPU seconds, text) of the slowest text; the first one that reaches the limit."""
    worst = (0.0, "")
    for text in worst_texts(use.pattern, size, few=few):
        seconds = cpu_seconds(lambda text=text: read(use, text), limit)
        worst = max(worst, (seconds, text))
        if seconds >= limit:
            break
    return worst


def slow_patterns(uses, size, limit, *, few=False):
    slow = []
    for use in uses:
        seconds, text = slowest(use, min(size, BOUNDED.get(use.place, size)), limit, few=few)
        if seconds >= limit:
            slow.append((use.place, use.pattern.pattern[:80], text[:30]))
    return slow


def test_the_patterns_are_collected():
    uses = all_patterns()
    assert len(uses) > 350
    places = {use.place for use in uses}
    assert BOUNDED.keys() <= places
    assert "clean.spelling.prose._SENTENCE_END" in places
    assert {use.place for use in imported_patterns()} >= IN_FUNCTIONS


def test_no_other_function_builds_a_pattern():
    _, built = written_patterns()
    inside = {place.partition(":")[0] for place, is_inside in built if is_inside}
    assert inside == BUILT


def test_a_pattern_reads_10_kb_of_its_worst_texts_in_linear_time():
    assert slow_patterns(all_patterns(), *TEN_KB, few=True) == []


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_a_pattern_reads_100_kb_and_1_mb_of_every_worst_text_in_linear_time():
    uses = all_patterns()
    assert slow_patterns(uses, *TEN_KB) == []
    assert slow_patterns(uses, *HUNDRED_KB) == []
    assert slow_patterns(uses, *ONE_MB, few=True) == []


@pytest.mark.parametrize(
    ("pattern", "methods"),
    [
        (r"\s+$", {"search"}),
        (r"[.!?]+\s+", {"finditer"}),
        (r"(a+)+b", {"fullmatch"}),
        (r"\[[^\]]*\]", {"sub"}),
        (r"<!--.*?-->", {"sub"}),
        (r"(\d+)%", {"findall"}),
        (r"\w+[_^]\w+", {"fullmatch"}),
        (r"<a[^>]*\bhref=\S*#", {"search"}),
        (r"\s*(?:and)?\s*x", {"match"}),
    ],
)
def test_the_guard_notices_a_slow_pattern(pattern, methods):
    use = Use("here", re.compile(pattern, re.DOTALL), frozenset(methods))
    assert slow_patterns([use], 20_000, 0.08) != []


def test_a_busy_machine_makes_no_pattern_slow():
    tries = iter([0.2, 0.2, 0.0])

    def call():
        end = time.process_time() + next(tries)
        while time.process_time() < end:
            pass

    assert cpu_seconds(call, 0.1) < 0.1
    assert list(tries) == []


def test_the_collector_notices_a_new_pattern(monkeypatch):
    import stages.clean.spelling.prose as module

    monkeypatch.setattr(module, "_NEW", re.compile(r"\s+$"), raising=False)
    patterns.imported_patterns.cache_clear()
    try:
        assert "clean.spelling.prose._NEW" in {use.place for use in imported_patterns()}
    finally:
        patterns.imported_patterns.cache_clear()
