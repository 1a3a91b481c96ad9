"""Documents read as the template says, and what was asked can be cut out of them."""

from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from stages.clean.passages import passages
from stages.lib.errors import Problem
from stages.lib.params import read_yaml
from stages.pair.params import PairParams
from stages.pair.render import cut_passages, render, render_passages, sources, without
from tests.pair.rows import count, d, documents, read

PARAMS = read_yaml(Path("params.yaml"))["pair"]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{text}", "Hold {it}."),
        ("{title}: {text}", "Reset: Hold {it}."),
        ("{topic}\n{title}\n{text}", "devices\nReset\nHold {it}."),
        (" {{{text}}} ", "{Hold {it}.}"),
    ],
)
def test_documents_are_rendered_by_the_template(template, text):
    frame = documents(("a", "Reset", "Hold {it}.", "devices"))
    rendered = render(frame, template)
    assert list(rendered["text"]) == [text]
    pd.testing.assert_frame_equal(rendered.drop(columns="text"), frame.drop(columns="text"))


def test_what_is_missing_leaves_no_space_at_the_ends():
    assert list(render(documents(("a", "", "Hold it.")), "{title} {text} {topic}")["text"]) == [
        "Hold it."
    ]


@pytest.mark.parametrize(
    "template",
    [
        *["", "text", "{title}", "{{text}}"],  # no text
        *[
            "{text} {group}",
            "{text} {}",
            "{text} {0}",
            "{text.x}",
            "{text[0]}",
        ],  # nothing of the kind
        *["{text", "text}", "{text} }"],  # broken braces
        *[
            "{text!r}",
            "{text!z}",
            "{text:d}",
            "{text:>9}",
            "{text:{title}}",
        ],  # only filled in, not converted
    ],
)
def test_a_template_that_cannot_be_filled_in_is_refused(template):
    with pytest.raises(ValidationError, match="document_text"):
        PairParams.model_validate({**PARAMS, "document_text": template})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"recipes": []}, "recipes"),
        ({"recipes": ["given", "given"]}, "twice"),
        ({"recipes": ["paraphrase"]}, "recipes"),
        ({"recipes": ["generated"]}, "generated.model"),
        ({"positive_from": 0.0}, "positive_from"),
        ({"shape": "auto"}, "shape"),
        ({"generated": {**PARAMS["generated"], "prompt": "Ask."}}, "prompt"),
        ({"generated": {**PARAMS["generated"], "prompt": "{text} {topic}"}}, "prompt"),
    ],
)
def test_what_cannot_be_meant_is_refused(changed, told):
    with pytest.raises(ValidationError, match=told):
        PairParams.model_validate({**PARAMS, **changed})


@pytest.mark.parametrize(
    ("cuts", "left"),
    [
        ([], "bcdef"),
        ([(2, 4)], "bef"),
        ([(0, 3)], "def"),
        ([(4, 9)], "bcd"),
        ([(3, 4), (1, 3)], "ef"),
        ([(0, 9)], ""),
    ],
)
def test_what_was_asked_is_cut_out_of_a_stretch(cuts, left):
    assert without("abcdefghi", (1, 6), cuts) == left


def test_passages_lose_what_was_cut_wherever_it_stands_and_go_when_nothing_is_left():
    text = "One two three. Four five six. Seven eight nine."
    frame = documents(("a", "Count", text), ("b", "", "Other."))
    stretches = passages(frame, 6, 3, count)
    found = sources(frame, stretches)
    taken = cut_passages(found, {d("a"): [(0, 15), (15, 30)]})
    assert taken == {f"{d('a')}-0000": "", f"{d('a')}-0001": "Seven eight nine."}
    rendered = render_passages(stretches, frame, "{title}: {text}", taken)
    assert sorted(rendered["text"]) == [": Other.", "Count: Seven eight nine."]


def test_passages_of_other_documents_are_a_problem():
    with pytest.raises(Problem, match="does not stand in its text"):
        sources(documents(("a", "", "One.")), passages(documents(("a", "", "Two.")), None, 0, None))
    assert [source.passages for source in read(("a", "", "Go. Go. Go."), words=1)] == [
        ((0, 3), (4, 7), (8, 11))
    ]
