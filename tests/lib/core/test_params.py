"""A wrong parameter is refused by its name in params.yaml."""

from typing import ClassVar

import pytest
from pydantic import Field

from stages.lib.core.errors import UserError
from stages.lib.core.params import ModelParams, ParamsSection, RunParams, load_section


class Filter(ParamsSection):
    """What `loaded` reads."""

    section: ClassVar[str] = "filter"
    min_words: int = Field(default=3, ge=1, le=100)
    rate: float = Field(default=0.5, gt=0)
    lowercase: bool = False
    words: list[str] = []


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(project, text, model=Filter):
    (project / "params.yaml").write_text(text)
    return load_section(model)


def refusal(project, text, model=Filter):
    with pytest.raises(UserError) as caught:
        loaded(project, text, model)
    assert caught.value.remedy
    return caught.value.fact


def test_values_arrive_typed(project):
    values = loaded(
        project, "filter:\n  min_words: 5\n  rate: 1\n  lowercase: true\n  words:\n  - a\n"
    )
    assert values == Filter(min_words=5, rate=1.0, lowercase=True, words=["a"])


def test_other_sections_do_not_matter(project):
    assert loaded(project, "filter:\n  min_words: 5\nother:\n  min_words: many\n").min_words == 5


@pytest.mark.parametrize(
    ("written", "number"),
    [("2e-5", 2e-5), ("2.0e-5", 2e-5), ("3e-05", 3e-5), ("1E3", 1000.0), ("7", 7.0)],
)
def test_floats_are_read_as_dvc_writes_them(project, written, number):
    assert loaded(project, f"filter:\n  rate: {written}\n").rate == number


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("min_wrods: 5", "params.yaml: unknown key filter.min_wrods"),
        ("min_words: '5'", "params.yaml: filter.min_words = '5': input should be a valid integer"),
        (
            "min_words: true",
            "params.yaml: filter.min_words = 'True': input should be a valid integer",
        ),
        (
            "min_words: 5.0",
            "params.yaml: filter.min_words = '5.0': input should be a valid integer",
        ),
        ("min_words:", "params.yaml: filter.min_words = 'None': input should be a valid integer"),
        (
            "min_words: 0",
            "params.yaml: filter.min_words = '0': input should be greater than or equal to 1",
        ),
        (
            "min_words: 101",
            "params.yaml: filter.min_words = '101': input should be less than or equal to 100",
        ),
        ("rate: '2e-5'", "params.yaml: filter.rate = '2e-5': input should be a valid number"),
        ("rate: true", "params.yaml: filter.rate = 'True': input should be a valid number"),
        ("rate: .nan", "params.yaml: filter.rate = 'nan': input should be a finite number"),
        ("rate: .inf", "params.yaml: filter.rate = 'inf': input should be a finite number"),
        ("rate: 0.0", "params.yaml: filter.rate = '0.0': input should be greater than 0"),
        ("lowercase: 1", "params.yaml: filter.lowercase = '1': input should be a valid boolean"),
        (
            "lowercase: yes",
            "params.yaml: filter.lowercase = 'yes': input should be a valid boolean",
        ),  # YAML 1.2
        ("words: a", "params.yaml: filter.words = 'a': input should be a valid list"),
        ("words: [a, 1]", "params.yaml: filter.words.1 = '1': input should be a valid string"),
    ],
)
def test_a_wrong_value_is_refused_by_name(project, line, fact):
    assert refusal(project, f"filter:\n  {line}\n").startswith(fact)


def test_a_missing_key_is_named(project):
    fact = refusal(project, "run:\n  seed: 1\n", RunParams)
    assert fact == "params.yaml: run.threads is missing (line 1)"


def test_every_wrong_key_is_named_and_many_are_counted(project):
    fact = refusal(project, "filter:\n" + "".join(f"  key{at}: 1\n" for at in range(8)))
    assert fact.splitlines() == [
        f"params.yaml: unknown key filter.key{at} (line {at + 2})" for at in range(5)
    ] + ["and 3 more"]


@pytest.mark.parametrize(
    "text", ["other:\n  a: 1\n", "filter:\n", "filter: 5\n", "filter:\n- min_words\n"]
)
def test_a_missing_section_is_named(project, text):
    assert refusal(project, text) == "params.yaml: section 'filter' is missing or not a mapping"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("filter:\n  min_words: [5\nother: 1\n", "line "),
        ("filter:\n  rate: 1\n  rate: 2\n", "duplicate key"),
        ("filter:\n\tmin_words: 5\n", "line 2"),
    ],
)
def test_broken_yaml_is_named_with_its_line(project, text, told):
    fact = refusal(project, text)
    assert fact.startswith("params.yaml is not valid YAML: ")
    assert told in fact
    assert "\n" not in fact


def test_a_file_that_is_no_text_is_a_problem(project):
    (project / "params.yaml").write_bytes(b"filter:\n  words: \xff\n")
    with pytest.raises(UserError, match=r"params\.yaml is not valid YAML"):
        load_section(Filter)


@pytest.mark.parametrize("text", ["", "- a\n", "5\n"])
def test_a_file_without_sections_is_a_problem(project, text):
    assert refusal(project, text) == "params.yaml holds no sections"


def test_a_missing_file_is_a_problem():
    with pytest.raises(UserError, match=r"params\.yaml does not exist") as caught:
        load_section(Filter)
    assert caught.value.remedy == "run from the root of the project"


@pytest.mark.parametrize("sha", ["", "0" * 64])
def test_the_weights_may_be_pinned_or_not(project, sha):
    text = f"model:\n  base: b\n  weights_sha256: '{sha}'\n  anchor_prompt: ''\n  document_prompt: ''\n"
    assert loaded(project, text, ModelParams).weights_sha256 == sha


def test_a_half_hash_is_refused(project):
    text = (
        "model:\n  base: b\n  weights_sha256: 'abc'\n  anchor_prompt: ''\n  document_prompt: ''\n"
    )
    assert refusal(project, text, ModelParams).startswith(
        "params.yaml: model.weights_sha256 = 'abc'"
    )
