"""Every function that takes a text reads the worst text in linear time, and breaks at none."""

import re
import types
from collections import deque

import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.yaml_text import YamlTextError
from tests.hostile.functions import AROUND, UNITS, text_functions
from tests.hostile.timing import cpu_seconds

pytestmark = pytest.mark.slow

# Functions that read files, git or the settings of the project by a name, or start other programs.
NOT_OF_TEXTS = (
    "augment.critical_words._lines",
    "collect.kinds.hpo.read_ontology",
    "collect.wheels.",
    "commands.compare.versions.",
    "commands.details.",
    "commands.docs.",
    "commands.init.formats._format_of",
    "commands.init.paths.",
    "commands.pipeline.",
    "commands.plots.specifications_of",
    "commands.push.readiness._read",
    "commands.run_at_hand.",
    "commands.wire.",
    "finetune.",
    "lib.core.model_folders.",
    "lib.core.ray_cluster.connect",
    "lib.core.terminal.say",
    "lib.text.document_text.has_title",
    "report.charts._system_colours",
)
# Private functions that callers give a checked form alone: a character, a number, a quoted text.
OF_CHECKED_TEXTS = {
    "clean.letter_forms._enclosed_letter",
    "clean.markup.html_tokens.attributes_of",
    "clean.markup.spoken_entities._is_symbol",
    "clean.private_data._is_card",
    "clean.private_data._is_cpf",
    "collect.json_rows._number",
    "collect.kinds.document_files.listing._text",
    "collect.kinds.obo_format._parse_synonym",
    "collect.kinds.obo_format._split_quoted",
    "commands.fetch.pins._load",
    "commands.forget.raw_rows._has_ascii_lines",
    "deduplicate.text_differences._is_no_letter",
    "deduplicate.text_differences._kind",
    "lib.reporting.charts._rendered",
    "lib.text.strict_form._is_free_sign",
    "lib.text.strict_form._kind",
}
# A function of this time is measured again with a text that is four times as long.
SECONDS = 0.25
# Linear functions take four times as long, quadratic ones sixteen times.
MOST_GROWTH = 8.0
LONGEST = 30.0


def functions():
    return {
        name: function
        for name, function in text_functions().items()
        if not name.startswith(NOT_OF_TEXTS)
    }


def call(function, text):
    """Call a function, to the last of what it yields."""
    try:
        result = function(text)
        if isinstance(result, types.GeneratorType):
            deque(result, maxlen=0)
    except (UserError, YamlTextError):
        pass


def text_of(size, unit, around):
    before, behind = around
    return before + unit * (size // len(unit)) + behind


def faults(name, function, size, texts):
    """Return what breaks the function, or makes it slow."""
    wrong = []
    for unit, around in texts:
        text = text_of(size, unit, around)
        try:
            seconds = cpu_seconds(lambda text=text: call(function, text), LONGEST)
        except Exception as error:
            if name not in OF_CHECKED_TEXTS:
                wrong.append((name, unit, around, type(error).__name__))
            continue

        # The second measurement of the same text sees no cold caches.
        if seconds < SECONDS:
            continue
        longer = text_of(4 * size, unit, around)
        seconds = cpu_seconds(lambda text=text: call(function, text), LONGEST)
        limit = MOST_GROWTH * max(seconds, SECONDS / 2)
        if cpu_seconds(lambda text=longer: call(function, text), limit) >= limit:
            wrong.append((name, unit, around, f"{seconds:.2f} s, then over {limit:.2f} s"))
    return wrong


def test_the_functions_are_collected():
    names = functions().keys()
    assert len(names) > 220
    assert text_functions().keys() >= OF_CHECKED_TEXTS
    assert {"lib.text.strict_form.strict_form", "clean.markup.markdown.strip_markdown"} <= names


def test_a_function_reads_some_of_the_worst_texts_in_linear_time():
    """Each function reads other units, so that all units are read."""
    wrong = []
    for index, (name, function) in enumerate(functions().items()):
        units = [UNITS[(index * 7 + step * 29) % len(UNITS)] for step in range(2)]
        texts = [(unit, AROUND[(index + at) % len(AROUND)]) for at, unit in enumerate(units)]
        wrong += faults(name, function, 5_000, texts)
    assert wrong == []


@pytest.mark.prove
@pytest.mark.timeout(7200)
def test_a_function_reads_all_of_the_worst_texts_in_linear_time():
    texts = [(unit, around) for unit in UNITS for around in AROUND]
    wrong = []
    for name, function in functions().items():
        wrong += faults(name, function, 8_000, texts)
    assert wrong == []


def first_letter(text):
    return text[0] if text.strip() else text[1_000_000]


@pytest.mark.parametrize("function", [first_letter])
def test_the_guard_notices_a_function_that_breaks(function):
    assert faults("here", function, 100, [(" ", ("", ""))]) != []


def test_the_guard_notices_a_function_that_is_slow(monkeypatch):
    monkeypatch.setattr("tests.hostile.test_functions_are_linear.SECONDS", 0.05)
    # Cubic, since a busy machine may measure less than the square of four as growth.
    slow = re.compile(r"\s+\s+$").search
    assert faults("here", slow, 700, [(" ", ("", "x"))]) != []
    assert faults("here", re.compile(r"\S\s").search, 10_000, [(" ", ("", "x"))]) == []
