"""The parameters of the stage: what is accepted and what is an error."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from stages.lib.core.yaml_files import read_yaml
from stages.pair.interface import PairParams

PARAMS = read_yaml(Path("params.yaml"))["pair"]


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
def test_a_template_that_cannot_be_filled_in_is_an_error(template):
    with pytest.raises(ValidationError, match="document_text"):
        PairParams.model_validate({**PARAMS, "document_text": template})


@pytest.mark.parametrize(
    ("changed", "message"),
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
def test_parameters_without_a_meaning_are_errors(changed, message):
    with pytest.raises(ValidationError, match=message):
        PairParams.model_validate({**PARAMS, **changed})
